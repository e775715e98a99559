"""Brands and models named in a turn."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from rapidfuzz import fuzz, process

from agent_memory.agents.portuguese._data import read_rows, word_set
from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._text import SENTENCE_ENDS, Word, Words, keys, longest_by_first

_CLOSE = 88
_FUZZY_FROM = 5
_SENTENCE = 12
"""Words on each side that are looked at for the subject of a sentence."""


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
# Words within one letter of a brand or model that are not one: those of pyspellchecker's Portuguese list, by frequency.
_NOT_TYPOS = word_set(
    'vista volta polos forte fonte fiado fixa conta ponto punta tempo campo marca marcas seria serie prima '
    'primas pista estrada carta corta corte ronda idade ideia clima classe pode podem fortes fique motor motos '
    'montar preta preto prata minha minas passa passat passo passar spring spine sonho astro vetor santo santa '
    'grande virtude prismas master mestre logar lugar jogam manha marcha marco jeito cronograma comando compra '
    'compro compras trocar troca tracao verso versao aceita aceito faixa faixas volto voltar salario linha '
    'linhas posso pesso cruz cruza arcos viagem viajem vivo viver celtas cerca polpa fraco preciso dose doses '
    'kombis grand veloz captar strada estradas etapas etapa tesla telas toros touro tourada outra outro outros '
    'outras horta hora horas tiago sentar centro sentra dentro renda renovar carro carros cares conto contos '
    'certo certa rango range '
    'amaro astral basalto camarao captura caravana careta cativa celere civica civico cobalto '
    'comas compasso coopera copas coroa cruzei cruzem cruzes equino ferrar festa fiorde '
    'fordes fusao impureza infinita infinitivo infinito lance montanha noivos paleio palido palito '
    'parti renegada renegado rondar rondas senta sentira serdes sereis series serves tempera '
    'timida titanio versar virus '
)


def find_vehicles(words: Words) -> list[Mention]:
    """Return the brands and models named, in order, the longest name at each place."""
    return list(_mentions(words))


def _mentions(words: Words) -> Iterator[Mention]:
    i = 0
    while i < len(words):
        mention = _at(words, i)
        if mention is None:
            i += 1
            continue
        yield mention
        i = mention.end


def _at(words: Words, start: int) -> Mention | None:
    names, longest = _names()
    for size in range(min(longest.get(words[start].text, 0), len(words) - start), 0, -1):
        key = ' '.join(word.text for word in words[start : start + size])
        vehicle = names.get(key)
        if vehicle and _is_car(words, Mention(vehicle, start, start + size)):
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
        return not _FOOTBALL.within(_sentence(words, mention.start))
    beside = {before, words[mention.start - 2].text if mention.start > 1 else '', after.text if after else ''}
    if beside & _brand_words(mention.vehicle.brand):
        return True
    if guard == 'number':
        return before in _ARTICLES and not (after and after.text in {'mil', 'k', 'reais', 'km', 'conto', 'contos', 'x'})
    numbered = after is not None and after.number is not None
    return guard == 'evidence' and (before in _CAR_SIGNS or numbered)


def _sentence(words: Words, at: int) -> Sequence[Word]:
    start = at
    while start and at - start < _SENTENCE and words[start - 1].text not in SENTENCE_ENDS:
        start -= 1
    end = at
    while end < len(words) and end - at < _SENTENCE and words[end].text not in SENTENCE_ENDS:
        end += 1
    return words[start:end]


@lru_cache(maxsize=4096)
def _small(text: str) -> Vehicle | None:
    """Return the vehicle that is called by a pet name: "golzinho", "celtinha", "uninho"."""
    match = _PET_NAME.fullmatch(text)
    if match is None:
        return None
    names = _names()[0]
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
