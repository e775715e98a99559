"""Brazilian municipalities and states by the names people use for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from agent_memory.agents.portuguese._data import read_data, read_rows
from agent_memory.agents.portuguese._text import keys, longest_by_first

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


@dataclass(frozen=True, slots=True)
class Place:
    """A municipality by name, with the states that have one."""

    city: str
    states: tuple[str, ...]
    """Every state with a municipality of this name; a single one for a capital, which wins over its namesakes."""
    everyday: bool = False
    """Whether the name is an everyday word too."""

    @property
    def state(self) -> str | None:
        """The state, when the name alone tells."""
        return self.states[0] if len(self.states) == 1 or self.capital else None

    capital: bool = False


@cache
def places() -> tuple[dict[str, Place], dict[str, int]]:
    """Return the places by folded name, and for each first word the length in words of the longest name."""
    by_state = _by_state()
    everyday = frozenset(read_data('everyday_places.txt').splitlines())
    capitals = {cities[0]: state for state, cities in by_state.items()}
    found: dict[str, Place] = {}
    states_of: dict[str, list[str]] = {}
    official: dict[str, str] = {}
    for state, cities in by_state.items():
        for city in cities:
            key = ' '.join(keys(city))
            if key in STATES and city not in capitals:
                continue  # Paraná (RN), Tocantins (MG): said alone, the state is meant
            official.setdefault(key, city)
            states_of.setdefault(key, []).append(state)
    for key, states in states_of.items():
        city = official[key]
        capital = capitals.get(city)
        ordered = tuple(sorted(states, key=lambda state: state != capital))
        found[key] = Place(city, ordered, key in everyday, capital is not None)
    for key in list(found):
        if ' d ' in key:
            found.setdefault(key.replace(' d ', ' do '), found[key])
            found.setdefault(key.replace(' d ', ' d'), found[key])
    for row in read_rows('nicknames.csv'):
        if row['name'] not in found or not row['weak']:
            found[row['name']] = Place(row['city'], (row['state'],), bool(row['weak']), True)
    return found, longest_by_first(found)


def closest(name: str) -> Place | None:
    """Return the place whose name is one slip away from `name`."""
    if len(name) < _FUZZY_FROM:
        return None
    names = _names()
    found = process.extract(name, names, scorer=fuzz.ratio, score_cutoff=80, limit=5)
    known = places()[0]
    near = [
        (known[other].capital, score, other)
        for other, score, _ in found
        if score >= _CLOSE or OSA.distance(name, other) == 1
    ]
    return known[max(near, key=lambda item: item[1] + 3 * item[0])[2]] if near else None


@cache
def capital_of(state: str) -> str:
    """Return the name of the capital of a state."""
    return _by_state()[state][0]


@cache
def _by_state() -> dict[str, list[str]]:
    return json.loads(read_data('municipalities.json'))


@cache
def _names() -> list[str]:
    return [name for name in places()[0] if len(name) >= _FUZZY_FROM]
