"""Phrases to look for, written as they are said, matched over words in one pass without backtracking over the text.

A phrase is words; each word may be `a/b` (either), `stem*` (prefix), `word?` (may be missing); `..` is a gap of up to
three words. Phrases are separated by `|`. The longest phrase at a place wins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from agent_memory.agents.portuguese._text import SENTENCE_ENDS, STEM, Word, Words

ValueT = TypeVar('ValueT')
_GAP = 3
_GAP_ENDS = SENTENCE_ENDS | {','}
_MANY = 12
"""Places from which it pays to leave out the phrases that cannot be there."""


@dataclass(frozen=True, slots=True)
class Hit(Generic[ValueT]):
    """A phrase found in words `start` up to, not including, `end`."""

    value: ValueT
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Step:
    words: frozenset[str]
    stems: tuple[str, ...]
    optional: bool = False
    gap: bool = False

    def accepts(self, text: str) -> bool:
        return text in self.words or (bool(self.stems) and text.startswith(self.stems))

    def possible(self, words: Words) -> bool:
        """Return whether some word of the turn may fit."""
        return self.optional or self.gap or bool(self.stems) or not self.words.isdisjoint(words.places)


class Lexicon(Generic[ValueT]):
    """What phrases mean: a value for each group of phrases."""

    def __init__(self, phrases: Mapping[ValueT, str]) -> None:
        self._by_word: dict[str, list[tuple[tuple[_Step, ...], ValueT]]] = defaultdict(list)
        self._by_stem: dict[str, list[tuple[tuple[_Step, ...], ValueT]]] = defaultdict(list)
        for value, text in phrases.items():
            for phrase in text.split('|'):
                self._add(_steps(phrase), value)

    def _add(self, steps: tuple[_Step, ...], value: ValueT) -> None:
        first = steps[0]
        if first.optional:
            self._add(steps[1:], value)
        for word in first.words:
            self._by_word[word].append((steps, value))
        for stem in first.stems:
            self._by_stem[stem[:STEM]].append((steps, value))

    def find(self, words: Sequence[Word]) -> list[Hit[ValueT]]:
        """Return the phrases found, leftmost and longest, without overlaps."""
        hits: list[Hit[ValueT]] = []
        starts = self._starts(words)
        lexicon = self._possible(words) if isinstance(words, Words) and len(starts) > _MANY else self
        end = 0
        for i in starts:
            if i >= end and (hit := lexicon.at(words, i)):
                hits.append(hit)
                end = hit.end
        return hits

    def _possible(self, words: Words) -> Lexicon[ValueT]:
        """Return the lexicon without the phrases that need a word that is not there."""
        possible: Lexicon[ValueT] = Lexicon({})
        for mine, theirs in ((self._by_word, possible._by_word), (self._by_stem, possible._by_stem)):
            for key in mine.keys() & (words.places.keys() | words.stems.keys()):
                theirs[key] = [phrase for phrase in mine[key] if all(step.possible(words) for step in phrase[0])]
        return possible

    def at(self, words: Sequence[Word], start: int) -> Hit[ValueT] | None:
        """Return the longest phrase that begins at `start`."""
        text = words[start].text
        best: Hit[ValueT] | None = None
        for steps, value in (*self._by_word.get(text, ()), *self._by_stem.get(text[:STEM], ())):
            if steps[0].accepts(text):
                end = _match(words, start + 1, steps, 1)
                if end is not None and (best is None or end > best.end):
                    best = Hit(value, start, end)
        return best

    def within(self, words: Sequence[Word]) -> ValueT | None:
        """Return the value of the first phrase found, if any."""
        for i in self._starts(words):
            if hit := self.at(words, i):
                return hit.value
        return None

    def _starts(self, words: Sequence[Word]) -> Sequence[int]:
        """Return, in order, the places where a phrase may begin."""
        if not isinstance(words, Words):
            return range(len(words))
        places = {i for word in self._by_word.keys() & words.places.keys() for i in words.places[word]}
        places.update(i for stem in self._by_stem.keys() & words.stems.keys() for i in words.stems[stem])
        return sorted(places)


def _steps(phrase: str) -> tuple[_Step, ...]:
    steps: list[_Step] = []
    for word in phrase.split():
        if word == '..':
            steps.append(_Step(frozenset(), (), gap=True))
            continue
        optional = word.endswith('?') and word != '?'
        options = word.removesuffix('?').split('/') if optional else word.split('/')
        stems = tuple(option[:-1] for option in options if option.endswith('*'))
        steps.append(_Step(frozenset(option for option in options if not option.endswith('*')), stems, optional))
    if not steps or steps[0].gap or any(len(stem) < STEM for stem in steps[0].stems):
        raise ValueError(f'{phrase!r}: a phrase begins with a whole word or a stem of at least {STEM} letters')
    return tuple(steps)


def _match(words: Sequence[Word], i: int, steps: tuple[_Step, ...], step: int) -> int | None:
    """Return where `steps[step:]` ends when it begins at word `i`."""
    if step == len(steps):
        return i
    current = steps[step]
    if current.gap:
        for skipped in range(_GAP + 1):
            if (end := _match(words, i + skipped, steps, step + 1)) is not None:
                return end
            if i + skipped >= len(words) or words[i + skipped].text in _GAP_ENDS:
                return None
        return None
    if i < len(words) and current.accepts(words[i].text):
        end = _match(words, i + 1, steps, step + 1)
        if end is not None:
            return end
    return _match(words, i, steps, step + 1) if current.optional else None
