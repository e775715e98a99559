"""What an extractor reads: the words of one turn, what the agent asked, what is known, and the day."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import zip_longest
from typing import Protocol, TypeVar

from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._people import FOR_THEM
from agent_memory.agents.portuguese._question import Topic
from agent_memory.agents.portuguese._text import END, Words, read_words
from agent_memory.agents.portuguese._vehicles import Mention, find_vehicles
from agent_memory.lead import UserProfileData


class Named(Protocol):
    """Something named in words `start` up to, not including, `end`."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


NamedT = TypeVar('NamedT', bound=Named)


@dataclass(frozen=True)
class Scene:
    """One turn in its context."""

    words: Words
    topics: frozenset[Topic]
    profile: UserProfileData
    today: date

    def asks(self, *topics: Topic) -> bool:
        """Return whether the agent asked about one of `topics`."""
        return not self.topics.isdisjoint(topics)

    def saying(self, messages: Sequence[str]) -> Scene:
        """Return the scene with other words."""
        return replace(self, words=read_words(messages))

    @cached_property
    def vehicles(self) -> list[Mention]:
        """The brands and models named, in order."""
        return find_vehicles(self.words, expected=self.asks('car', 'brands', 'trade_in', 'refused'))

    @cached_property
    def of_vehicles(self) -> frozenset[int]:
        """The places of the words that name a brand or model."""
        return frozenset(i for mention in self.vehicles for i in range(mention.start, mention.end))

    @cached_property
    def for_another(self) -> bool:
        """Whether the car is for somebody else."""
        return FOR_THEM.within(self.words) is not None

    @cached_property
    def lives_there(self) -> bool:
        """Whether a place that is said for another reason is a home all the same: "vou pra Gramado, moro lá"."""
        there = _LIVES_THERE.within(self.words)
        return there == 'own' or (there is not None and self.for_another)

    @cached_property
    def corrections(self) -> list[int]:
        """Where the words turn against what was said before them; a `*` opens the fix of a typo."""
        words = self.words
        places = [hit.start for hit in _CORRECTION.find(words)]
        places += [i for i in words.places.get('*', ()) if i == 0 or words[i - 1].text == END]
        places += [i for i in words.places.get('nao', ()) if _is_a_message(words, i)]
        return sorted(places)

    def corrected_between(self, end: int, start: int) -> bool:
        """Return whether a correction stands between two places."""
        i = bisect_left(self.corrections, end)
        return i < len(self.corrections) and self.corrections[i] <= start

    def last_said(self, named: Sequence[NamedT]) -> list[NamedT]:
        """Leave out what is corrected at once: of "um civic, digo, corolla" only the Corolla stays."""
        return [
            one
            for one, following in zip_longest(named, named[1:])
            if following is None
            or following.start - one.end > _AT_ONCE
            or not self.corrected_between(one.end, following.start - 1)
        ]

    def replaces(self, start: int) -> bool:
        """Return whether a name at `start` takes the place of those before it: a correction, and no "também"."""
        return self.corrected_between(0, start - 1) and not _TOO.within(self.words)

    def says_before(self, lexicon: Lexicon[bool], start: int) -> bool:
        """Return whether a phrase of `lexicon` begins before `start`; it is looked for once a turn."""
        if lexicon not in self._first_said:
            self._first_said[lexicon] = next((hit.start for hit in lexicon.find(self.words)), len(self.words))
        return self._first_said[lexicon] < start

    @cached_property
    def _first_said(self) -> dict[Lexicon[bool], int]:
        return {}

    @cached_property
    def bare(self) -> bool:
        """Whether the turn is a short answer."""
        return sum(word.text != END for word in self.words) <= 8


def _is_a_message(words: Words, at: int) -> bool:
    """Return whether a word is a message of its own amid a burst: "quero um sedan", "não", "melhor um suv"."""
    return 0 < at < len(words) - 2 and words[at - 1].text == END and words[at + 1].text == END


_LIVES_THERE = Lexicon(
    {
        'own': 'moro/vivo/resido/moramos la/ai/nela/perto/proximo/aqui | sou/somos daqui/dai',
        'theirs': 'ele/ela/eles/elas mora/vive/moram/vivem la/ai | mora/vive/moram la',
    }
)
_AT_ONCE = 5
_TOO = Lexicon(
    {True: 'tambem | incluir | inclui | adicionar | mais uma | alem | aceito | pode ser | acrescenta* | also'}
)
_CORRECTION = Lexicon(
    {
        True: 'na verdade | mudei de ideia/ideias/opiniao | mudei | pensando bem/melhor | mas agora | agora '
        'consigo/posso/da | alias | minto | digo | quer dizer | ou melhor '
        '| melhor dizendo | corrigindo | correcao | errei | me enganei | me confundi | enganei | ops | opa nao | '
        'oops | desculpa | perdao | revi '
        '| brincadeira | zoeira | actually | i mean | perdon | mejor dicho | em vez de | ao inves de | no lugar | '
        'trocar/troca/troque/troco para/por | substitui por | '
        'muda para | mudar para | repensando | reconsiderando | nao pera | pera | retifico | errado | na real | '
        'esquece | quis dizer | sorry'
    }
)
