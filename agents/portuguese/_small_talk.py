"""The social noise around what a turn says: greetings and names to call somebody before it, laughs and thanks behind."""

from __future__ import annotations

from collections.abc import Iterator

from agent_memory.agents.portuguese._data import word_set
from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._text import END, Word, Words

_OPENINGS = Lexicon(
    {
        True: 'oi/oie/oii/oiee/ola/opa/hey/hello/hi/hola/salve/alo/eae/eai/iae | bom dia | boa tarde/noite | e ai , | bom/bem/entao/olha/olhe/ah/ai , '
        '| tudo bem/bom/certo/joia com? voce/voces? ? | e voce ? | como voce/voces esta/estao ? | beleza ? | como vai ? | buenos dias | buenas | good morning/afternoon/evening '
        '| mano/mana/cara/vei/veio/brother/bro/parca/parceiro/bicho/rapaz/moco/moca/querido/querida/amigo/amiga/gente/pessoal/mestre/fera/'
        'campeao/guria/guri/senhor/senhora/tche/uai/oxe/oxente/eita/ixe/vixe/bah/puts/putz/poxa/aff/po/hum/hmm/hm/ahn/ah/ih/xi ,? '
        '| irmao/chefe/patrao/tio/tia/meu/velho/amor/bem/doutor/doutora/so/menina/menino/man/jovem/flor/anjo/consagrado/nobre/chefia/patroa , | meu '
        'querido/bem/lindo/rei/anjo/consagrado ,? | minha querida/linda/flor/rainha/princesa/lindeza ,? | seu/dona moco/moca ,? | '
        'meu/minha amigo/amiga/povo/chapa/nobre/jovem/truta/parceiro/brother/mano/bom/caro/joia/santa/filho/filha ,/eu/!'
    }
)
_VOCATIVES = Lexicon(
    {
        True: 'meu amigo/querido/bem/povo/chapa/lindo/rei/anjo/nobre/consagrado/jovem/truta/parceiro/brother/mano/patrao/chefe | minha '
        'amiga/querida/linda/flor/rainha/joia/nobre/jovem/princesa | '
        'amigo/amiga/querido/querida/moco/moca/mano/mana/cara/parca/chefe/patrao/campeao/doutor/doutora/mestre'
    }
)
_CLOSINGS = Lexicon(
    {
        True: 'obrigado/agradecido/agradeco/thanks/gracias | muito obrigado | por favor | please | ne/viu/hein/ta/esta/ok/beleza/certo/entendeu/sabe ? '
        '| ne/viu/hein | desde ja | abraco/abracos/abs | mano/cara/vei/moco/moca/tche/uai/gente'
    }
)
_LAUGHS = ('kk', 'haha', 'hehe', 'hahah', 'rsr', 'ahah', 'hauh', 'huehue')
_JOINTS = word_set(', . ! - …')
_BEFORE_A_NOUN = word_set(
    'quero queria prefiro preciso com a o as os um uma para de do da e no na em meu minha outro outra por'
)
_ANSWERS = word_set('👍 ✅ 👌 👎 ❌ 👋 🤝 🙅')
_LONGEST = 4
"""Words of the longest closing."""


def without_small_talk(words: Words) -> Words:
    """Return the words of a turn without what says nothing; all of them when nothing else is left."""
    kept = [word for message in _messages(words) for word in _stripped(message)]
    return Words(kept) if kept else words


def _messages(words: Words) -> Iterator[Words]:
    start = 0
    for end in words.places.get(END, ()):
        yield Words(words[start:end])
        start = end + 1


def _stripped(message: Words) -> list[Word]:
    start, end = 0, len(message)
    while start < end and (after := _opening(message, start)) > start:
        start = after
    while end > start and (before := _closing(message, start, end)) < end:
        end = before
    return [*_without_vocatives(message[start:end]), Word(END, '')] if end > start else []


def _without_vocatives(words: tuple[Word, ...]) -> Iterator[Word]:
    """Yield the words without what calls the other between two commas: "do Piauí, meu amigo, lá no sul"."""
    i = 0
    while i < len(words):
        hit = _VOCATIVES.at(words, i + 1) if words[i].text == ',' and i + 1 < len(words) else None
        if hit and (hit.end == len(words) or words[hit.end].text in _JOINTS):
            i = hit.end
        else:
            yield words[i]
            i += 1


def _opening(message: Words, start: int) -> int:
    """Return where the opening at a place ends; the place itself when there is none."""
    if message[start].text in _JOINTS or _is_decoration(message[start]):
        return start + 1
    hit = _OPENINGS.at(message, start)
    return hit.end if hit else start


def _closing(message: Words, start: int, end: int) -> int:
    """Return where the closing before a place begins; the place itself when there is none."""
    last = message[end - 1]
    if last.text == ',' or _is_decoration(last) or last.raw.lower().startswith(_LAUGHS):
        return end - 1
    for at in range(max(start + 1, end - _LONGEST), end):
        hit = _CLOSINGS.at(message[:end], at)
        if hit and hit.end == end and message[at - 1].text not in _BEFORE_A_NOUN:
            return at
    return end


def _is_decoration(word: Word) -> bool:
    """Return whether a word is an emoji that answers nothing, and no sign such as `*` that means something."""
    return not word.text[0].isalnum() and ord(word.text[0]) > 0x2190 and word.text not in _ANSWERS
