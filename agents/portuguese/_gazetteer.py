"""Brazilian municipalities and states by the names people use for them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import cache

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from agent_memory.agents.portuguese._data import read_data, read_rows
from agent_memory.agents.portuguese._text import fold, longest_by_first

_CLOSE = 88
_FUZZY_FROM = 5

STATES = {
    'acre': 'AC', 'alagoas': 'AL', 'amazonas': 'AM', 'amapa': 'AP', 'bahia': 'BA', 'ceara': 'CE', 'distrito federal': 'DF',
    'espirito santo': 'ES', 'goias': 'GO', 'maranhao': 'MA', 'minas gerais': 'MG', 'minas': 'MG', 'mato grosso do sul': 'MS',
    'mato grosso': 'MT', 'para': 'PA', 'paraiba': 'PB', 'pernambuco': 'PE', 'piaui': 'PI', 'parana': 'PR', 'rio de janeiro': 'RJ',
    'rio grande do norte': 'RN', 'rondonia': 'RO', 'roraima': 'RR', 'rio grande do sul': 'RS', 'santa catarina': 'SC',
    'sergipe': 'SE', 'sao paulo': 'SP', 'tocantins': 'TO',
}  # fmt: skip
UFS = frozenset(STATES.values())
_OF_STATE = {
    'paulista': 'SP', 'mineiro': 'MG', 'fluminense': 'RJ', 'paranaense': 'PR', 'gaucho': 'RS', 'catarinense': 'SC', 'baiano': 'BA',
    'pernambucano': 'PE', 'cearense': 'CE', 'goiano': 'GO', 'capixaba': 'ES', 'paraense': 'PA', 'alagoano': 'AL', 'sergipano': 'SE',
    'potiguar': 'RN', 'paraibano': 'PB', 'maranhense': 'MA', 'piauiense': 'PI', 'tocantinense': 'TO', 'mato grossense': 'MT',
    'sul mato grossense': 'MS',
}  # fmt: skip
PEOPLE_OF = {
    form: state
    for adjective, state in _OF_STATE.items()
    for form in (adjective, adjective.removesuffix('o') + 'a' * adjective.endswith('o'))
}
"""What is said of somebody or something from a state, in both genders."""
REGIONS = {
    **{
        f'{part} {adjective}': state
        for adjective, state in _OF_STATE.items()
        for part in ('interior', 'litoral', 'norte', 'sul', 'leste', 'oeste', 'noroeste', 'nordeste', 'sudoeste', 'sudeste', 'sertao', 'agreste')
    },
    **{
        f'{around} {capital}': state
        for around in ('grande', 'regiao metropolitana de', 'regiao metropolitana do')
        for capital, state in (
            ('sao paulo', 'SP'), ('sp', 'SP'), ('rio', 'RJ'), ('rio de janeiro', 'RJ'), ('belo horizonte', 'MG'), ('bh', 'MG'), ('vitoria', 'ES'),
            ('curitiba', 'PR'), ('florianopolis', 'SC'), ('floripa', 'SC'), ('porto alegre', 'RS'), ('poa', 'RS'), ('recife', 'PE'),
            ('salvador', 'BA'), ('fortaleza', 'CE'), ('natal', 'RN'), ('goiania', 'GO'), ('belem', 'PA'), ('sao luis', 'MA'), ('manaus', 'AM'),
        )
    },
    'abc': 'SP', 'abcd': 'SP', 'abc paulista': 'SP', 'grande abc': 'SP', 'baixada santista': 'SP', 'vale do paraiba': 'SP',
    'baixada fluminense': 'RJ', 'regiao dos lagos': 'RJ', 'regiao serrana': 'RJ', 'triangulo mineiro': 'MG',
    'vale do aco': 'MG', 'zona da mata mineira': 'MG', 'serra gaucha': 'RS', 'fronteira gaucha': 'RS',
    'serra catarinense': 'SC', 'vale do itajai': 'SC', 'reconcavo baiano': 'BA', 'chapada diamantina': 'BA', 'entorno do df': 'GO',
    'cariri': 'CE', 'serido': 'RN',
}  # fmt: skip
"""Parts of states that people say they are from, with the state."""


@dataclass(frozen=True, slots=True)
class Place:
    """A municipality by name, with the states that have one."""

    city: str
    states: tuple[str, ...]
    """Every state with a municipality of this name; a single one for a capital, which wins over its namesakes."""
    everyday: bool = False
    """Whether the name is an everyday word too."""
    capital: bool = False
    """Whether it is a state capital, or a nickname that means one place."""

    @property
    def state(self) -> str | None:
        """The state, when the name alone tells."""
        return self.states[0] if len(self.states) == 1 or self.capital else None


@cache
def places() -> tuple[dict[str, Place], dict[str, int]]:
    """Return the places by folded name, and for each first word the length in words of the longest name."""
    everyday = frozenset(read_data('everyday_places.txt').splitlines())
    states_of: dict[str, list[str]] = {}
    official: dict[str, str] = {}
    for state, cities in _by_state().items():
        for key, city in zip(_keys(cities), cities, strict=True):
            if key not in STATES or city == cities[0]:  # Paraná (RN): said alone, the state is meant
                states_of.setdefault(key, []).append(state)
                official.setdefault(key, city)
    capitals = {key: state for state, cities in _by_state().items() for key in _keys(cities[:1])}
    found: dict[str, Place] = {}
    for key, states in states_of.items():
        capital = capitals.get(key)
        states.sort(key=lambda state: state != capital)  # used at once
        found[key] = Place(official[key], tuple(states), key in everyday, capital is not None)
    for key in [key for key in found if ' d ' in key]:
        for spoken in (' do ', ' d'):
            found.setdefault(key.replace(' d ', spoken), found[key])
    _add_short_names(found)
    _add_other_joints(found)
    for row in read_rows('nicknames.csv'):
        if row['name'] not in found or not row['weak']:
            found[row['name']] = Place(row['city'], (row['state'],), bool(row['weak']), True)
    return found, longest_by_first(found)


def place_of(city: str | None) -> Place | None:
    """Return the place of an official name."""
    return places()[0].get(fold(city).replace('-', ' ')) if city else None


def _add_other_joints(found: dict[str, Place]) -> None:
    """Add names with another preposition than the official one: "Santana do Parnaíba"."""
    for key in [key for key in found if _JOINED.search(key)]:
        for joint in (' de ', ' do ', ' da '):
            found.setdefault(_JOINED.sub(joint, key), found[key])


def _add_short_names(found: dict[str, Place]) -> None:
    """Add what people leave off the end of a long name, where one place only is meant: "Águas Lindas" de Goiás."""
    shorter: dict[str, list[Place]] = {}
    for key, place in found.items():
        head = _TAIL.split(key)[0]
        if head != key and ' ' in head:
            shorter.setdefault(head, []).append(place)
    for head, meant in shorter.items():
        if len(meant) == 1 and head not in found and len(meant[0].states) == 1 and not head.endswith(' d'):
            found[head] = replace(meant[0], everyday=False)


_JOINED = re.compile(r' (?:de|do|da) ')
_TAIL = re.compile(r' (?:de|do|da|dos|das) ')


def _keys(cities: list[str]) -> list[str]:
    """Return the names as the reader splits them; all at once, because there are thousands."""
    return fold('\n'.join(cities)).replace('-', ' ').replace("'", ' ').split('\n')


def closest(name: str) -> Place | None:
    """Return the place whose name is one slip away from `name`."""
    if len(name) < _FUZZY_FROM or name in _common_words():
        return None
    names = _names().get(name[0], ())
    found = process.extract(name, names, scorer=fuzz.ratio, score_cutoff=80, limit=5)
    known = places()[0]
    near = [
        (known[other].capital, score, other)
        for other, score, _ in found
        if score >= _CLOSE or OSA.distance(name, other) == 1
    ]
    return known[max(near, key=lambda item: item[1] + 10 * item[0])[2]] if near else None


@cache
def _common_words() -> frozenset[str]:
    """Return everyday words that are one slip away from a place and mean themselves: "pista" is no Piatã."""
    return frozenset(read_data('common_words.txt').splitlines())


@cache
def capital_of(state: str) -> str:
    """Return the name of the capital of a state."""
    return _by_state()[state][0]


@cache
def _by_state() -> dict[str, list[str]]:
    return json.loads(read_data('municipalities.json'))


@cache
def _names() -> dict[str, list[str]]:
    by_first: dict[str, list[str]] = {}
    for name in places()[0]:
        if len(name) >= _FUZZY_FROM:
            by_first.setdefault(name[0], []).append(name)
    return by_first
