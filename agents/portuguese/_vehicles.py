"""Brands and models named in a turn."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from rapidfuzz import fuzz, process

from agent_memory.agents.portuguese._data import read_data, read_rows, word_set
from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._text import Word, Words, keys, longest_by_first, sentence_around

_CLOSE = 88
_FUZZY_FROM = 5
_PLURAL_FROM = 4
_BARE = 3
"""Words of an answer that is hardly more than a name."""


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A brand, or one of its models."""

    brand: str
    model: str | None = None
    guard: str = ''
    """What must stand beside the name for it to be a car, as the data's README says."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A vehicle named in words `start` up to, not including, `end`."""

    vehicle: Vehicle
    start: int
    end: int


_FOOTBALL = Lexicon(
    {True: 'gols | quem fez | fez .. gol | fizeram | marcou | gol do/da/de/contra/no/na | foi gol | jogo'}
)
_CAR_SIGNS = frozenset({'um', 'uma', 'meu', 'minha', 'uns', 'carro', 'modelo', 'ou', 'comprar', 'numa', 'num'})
_ARTICLES = _CAR_SIGNS | {'o', 'do', 'no', 'tem'}
# Words and places within one letter of a brand or model that are not one.
_NOT_TYPOS = word_set(read_data('not_vehicles.txt'))


def find_vehicles(words: Words, *, expected: bool = False) -> list[Mention]:
    """Return the brands and models named, in order, the longest name at each place.

    Args:
        words: What is said.
        expected: Whether a car was asked for, so that a name needs no sign of one beside it where little else is said.
    """
    bare = expected and sum(word.text.isalnum() for word in words) <= _BARE
    return list(_mentions(words, bare=bare))


def _mentions(words: Words, *, bare: bool) -> Iterator[Mention]:
    i = 0
    while i < len(words):
        mention = _at(words, i, bare=bare)
        if mention is None:
            i += 1
            continue
        yield mention
        i = mention.end


def _at(words: Words, start: int, *, bare: bool) -> Mention | None:
    names, longest = _names()
    for size in range(min(longest.get(words[start].text, 0), len(words) - start), 0, -1):
        key = ' '.join(word.text for word in words[start : start + size])
        vehicle = names.get(key)
        bares = bare and vehicle is not None and vehicle.guard in ('evidence', 'number')
        if vehicle and (bares or _is_car(words, Mention(vehicle, start, start + size))):
            return Mention(vehicle, start, start + size)
    vehicle = _small(words[start].text) or _misspelt(words[start].text)
    return Mention(vehicle, start, start + 1) if vehicle else None


def _is_car(words: Words, mention: Mention) -> bool:
    guard = mention.vehicle.guard
    if not guard or mention.end - mention.start > 1:
        return True
    before = words[mention.start - 1].text if mention.start else ''
    after = words[mention.end] if mention.end < len(words) else None
    if guard == 'goal':
        return not _FOOTBALL.within(sentence_around(words, mention.start))
    beside = {before, words[mention.start - 2].text if mention.start > 1 else '', after.text if after else ''}
    if beside & _brand_words(mention.vehicle.brand):
        return True
    if guard == 'number':
        return (before in _ARTICLES or _is_listed(words, mention)) and not (
            after and after.text in {'mil', 'k', 'reais', 'km', 'conto', 'contos', 'x'}
        )
    return guard == 'evidence' and (before in _CAR_SIGNS or _is_numbered(after) or _is_listed(words, mention))


def _is_numbered(after: Word | None) -> bool:
    return after is not None and after.number is not None


def _is_listed(words: Words, mention: Mention) -> bool:
    """Return whether a name stands beside another car in a list: "city ou virtus", "entre o virtus e o city"."""
    behind = words[mention.end : mention.end + 3]
    ahead = words[max(0, mention.start - 3) : mention.start]
    return _names_a_car(behind) or _names_a_car(ahead[::-1])


def _names_a_car(nearby: Sequence[Word]) -> bool:
    """Return whether a car, an article aside, follows the word that joins it to another."""
    texts = [word.text for word in nearby]
    if len(texts) < 2 or texts[0] not in _JOINS | _ARTICLES:
        return False
    joined = texts[0] in _JOINS or texts[1] in _JOINS
    vehicle = _names()[0].get(next(text for text in (*texts, '') if text not in _JOINS | _ARTICLES))
    return joined and vehicle is not None and vehicle.guard in ('', 'goal')


_JOINS = frozenset({'ou', 'e', ',', '/', 'or'})


@lru_cache(maxsize=4096)
def _small(text: str) -> Vehicle | None:
    """Return the vehicle that is called by a pet name, "golzinho", "celtinha", "uninho", or in the plural, "Hondas"."""
    names = _names()[0]
    one = names.get(text.removesuffix('s')) if len(text) > _PLURAL_FROM and text not in _NOT_TYPOS else None
    if one and not one.guard:
        return one
    match = _PET_NAME.fullmatch(text)
    if match is None:
        return None
    bases = (match[1], match[1] + 'o', match[1] + 'a', match[1] + 'e')
    found = next((names[base] for base in bases if len(base) > 2 and base in names), None)
    return found if found and found.model and found.guard in ('', 'goal') else None


_PET_NAME = re.compile(r'(.{2,}?)(?:z?inh[oa]|zin|zao)s?')


@lru_cache(maxsize=4096)
def _misspelt(text: str) -> Vehicle | None:
    if len(text) < _FUZZY_FROM or not text.isalpha() or text in _NOT_TYPOS:
        return None
    by_first = _fuzzy_names().get(text[0])
    found = by_first and process.extractOne(text, by_first, scorer=fuzz.ratio, score_cutoff=_CLOSE)
    return _names()[0][found[0]] if found else None


@cache
def _names() -> tuple[dict[str, Vehicle], dict[str, int]]:
    """Return every way to write a vehicle, and for each first word the length in words of the longest."""
    names: dict[str, Vehicle] = {}
    for row in read_rows('brands.csv'):
        for name in (row['brand'], *row['also'].split('|')):
            names.setdefault(
                ' '.join(keys(name)), Vehicle(row['brand'], guard=row['word'] if name == row['brand'] else '')
            )
    for row in read_rows('vehicles.csv'):
        vehicle = Vehicle(row['brand'], row['model'], row['word'])
        for name in (row['model'], *row['also'].split('|')):
            split = keys(name)
            names.setdefault(' '.join(split), vehicle)
            if len(split) > 1 and '-' in name:
                names.setdefault(''.join(split), vehicle)
    names.pop('', None)
    return names, longest_by_first(names)


@cache
def _fuzzy_names() -> dict[str, list[str]]:
    by_first: dict[str, list[str]] = {}
    for name, vehicle in _names()[0].items():
        if len(name) >= _FUZZY_FROM and name.isalpha() and not vehicle.guard:
            by_first.setdefault(name[0], []).append(name)
    return by_first


@cache
def _brand_words(brand: str) -> frozenset[str]:
    return frozenset(name for name, vehicle in _names()[0].items() if vehicle.brand == brand and vehicle.model is None)
