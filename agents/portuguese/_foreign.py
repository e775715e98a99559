"""Turns in Spanish or English, read word for word as the Portuguese that the extractors know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from agent_memory.agents.portuguese._data import read_rows, word_set
from agent_memory.agents.portuguese._spelled import LANGUAGE_OF

_PORTUGUESE = word_set(
    'nao n um uma ou e eu voce vc vcs voces ate quero queria preciso procuro busco meu minha com do da em no na nas nos ao mais '
    'sou estou tou muito mto pra pro pras tem tenho isso sim ja so mas por de os as mil agora hoje pode posso moro aqui la uns '
    'carro ainda sem que para mes semana tb q oi ola bom boa gostaria vou ta eh essa esse seu sua foi ser nem'
)
"""Words by which a turn is known as Portuguese, where they are no part of a phrase of the other language."""


@dataclass(frozen=True, slots=True)
class _Glossary:
    phrases: dict[tuple[str, ...], tuple[str, bool]]
    """The Portuguese of a phrase, and whether it tells the language; one that is good Portuguese does not."""
    longest: dict[str, int]
    """For each first word the length in words of the longest phrase."""


@cache
def _glossary(language: str) -> _Glossary:
    phrases: dict[tuple[str, ...], tuple[str, bool]] = {}
    for row in read_rows(f'{language}.csv'):
        phrases[tuple(row['phrase'].split())] = row['portuguese'], not row['shared']
    longest: dict[str, int] = {}
    for words in phrases:
        longest[words[0]] = max(longest.get(words[0], 0), len(words))
    return _Glossary(phrases, longest)


def foreign_phrases(texts: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return where phrases of another language stand, up to not including the end, and what they are in Portuguese.

    Nothing in a Portuguese turn. `texts` are folded words; English numbers in words stay as they are.
    """
    best: tuple[int, list[tuple[int, int, str]]] = (0, [])
    for language in ('spanish', 'english'):
        best = max(best, _read_as(_glossary(language), texts), key=lambda reading: reading[0])
    return best[1]


def _read_as(glossary: _Glossary, texts: Sequence[str]) -> tuple[int, list[tuple[int, int, str]]]:
    """Return by how many words a turn is of a language rather than Portuguese, and its phrases."""
    margin = 0
    found: list[tuple[int, int, str]] = []
    i = 0
    while i < len(texts):
        end = _phrase_end(glossary, texts, i)
        if end > i and not _joins_numbers(texts, i):
            portuguese, tells = glossary.phrases[tuple(texts[i:end])]
            margin += (end - i) * tells
            found.append((i, end, portuguese))
        elif texts[i] in _PORTUGUESE:
            margin -= 1
        i = max(end, i + 1)
    return margin, found


def _phrase_end(glossary: _Glossary, texts: Sequence[str], at: int) -> int:
    """Return where the longest phrase at a place ends; the place itself when there is none."""
    for size in range(glossary.longest.get(texts[at], 0), 0, -1):
        if tuple(texts[at : at + size]) in glossary.phrases:
            return min(at + size, len(texts))
    return at


def _joins_numbers(texts: Sequence[str], at: int) -> bool:
    """Return whether an "and" belongs to a number: "one hundred and ten thousand"."""
    return texts[at] == 'and' and 0 < at < len(texts) - 1 and {texts[at - 1], texts[at + 1]} <= LANGUAGE_OF.keys()
