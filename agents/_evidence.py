"""What a car lead's words support: a model may only record what they state, or at least suggest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, cast

from rapidfuzz import fuzz

from agent_memory.agents.portuguese import understand
from agent_memory.agents.portuguese._amounts import find_amounts
from agent_memory.agents.portuguese._gazetteer import Place, places
from agent_memory.agents.portuguese._place import state_at
from agent_memory.agents.portuguese._text import Words, fold, read_words
from agent_memory.agents.portuguese._vehicles import find_vehicles
from agent_memory.lead import UserProfileData
from agent_memory.profile import Author, Change
from agent_memory.tools import Exchange

_CLOSE = 88
"""Similarity, 0 to 100, from which a misspelt name counts as written."""
_NEWEST = 20
"""Texts that are looked at."""
_GREETING = re.compile(r'\b(oi+|ola|opa|bom|boa|dia|tarde|noite|tudo|bem|obrigad[oa]|ok|certo|alo|hello|hola)\b')


def _now() -> date:
    return datetime.now(UTC).date()


def lead_evidence(change: Change, said: Sequence[Exchange], *, today: Callable[[], date] = _now) -> Author | None:
    """Return whose word a value of the car lead's profile is; `today` is what "next month" is counted from.

    Amounts, places, brands, names and the car in exchange must have been written. What a car is for, what matters, its
    shape, the urgency and the payment may be guessed from what was written, and a guess never replaces a statement.
    """
    newest = said[-_NEWEST:]
    if any((change.field, item) in _understood(one, today()) for one in newest for item in _items(change.value)):
        return 'user'
    words = [read_words([one.text]) for one in newest]
    if written := _WRITTEN.get(change.field):
        held = any(written(read, change.value) for read in words)
        return 'user' if held or (written is _amount_written and _is_changed_amount(change.value, said)) else None
    return 'model' if newest and _says_something(newest[-1].text) else None


@lru_cache(maxsize=512)
def _understood(one: Exchange, today: date) -> frozenset[tuple[str, Any]]:
    """Return every field and value that the rules read in one text of that day."""
    heard = understand([one.text], asked=one.asked, profile=UserProfileData(), today=today)
    return frozenset((change.field, item) for change in heard.changes for item in _items(change.value))


def _items(value: Any) -> Iterable[Any]:
    return cast('list[Any]', value) if isinstance(value, list) else [value]


def _is_changed_amount(amount: Any, said: Sequence[Exchange]) -> bool:
    """Return whether the last text changes an amount that was written before: "60 mil", then "mais 10" or "diminui 5"."""
    earlier = {one for exchange in said[:-1] for one in _amounts(read_words([exchange.text]))}
    changes = _amounts(read_words([said[-1].text])) if said else ()
    return any(not earlier.isdisjoint((amount - change, amount + change)) for change in changes)


def _amount_written(words: Words, amount: Any) -> bool:
    return amount in _amounts(words)


def _amounts(words: Words) -> set[float]:
    numbers = {word.number for word in words if word.number is not None}
    amounts = {one.value for one in find_amounts(words, frozenset())}
    # "60" is how people say sixty thousand when a car is the subject.
    return amounts | {number * scale for number in numbers for scale in (1, 1_000, 1_000_000)}


def _city_written(words: Words, city: Any) -> bool:
    return any(fold(place.city) == fold(city) for place in _places(words)) or _named(words, city)


def _state_written(words: Words, state: Any) -> bool:
    if any(state in place.states for place in _places(words) if not place.everyday):
        return True
    return any(state_at(words, at)[0] == state for at in range(len(words)))


def _brand_written(words: Words, brand: Any) -> bool:
    return any(fold(one.vehicle.brand) == fold(brand) for one in find_vehicles(words)) or _named(words, brand)


def _named(words: Words, name: Any) -> bool:
    text = ' '.join(word.text for word in words)
    wanted = fold(str(name))
    if all(re.search(rf'\b{re.escape(part)}\b', text) for part in wanted.split()):
        return True
    return len(wanted) >= 4 and len(text) >= len(wanted) and fuzz.partial_ratio(wanted, text) >= _CLOSE


def _partly_named(words: Words, name: Any) -> bool:
    known = {word.text for word in words}
    return any(part in known for part in fold(str(name)).split() if len(part) > 1)


_WRITTEN: dict[str, Callable[[Words, Any], bool]] = {
    'budget_min': _amount_written,
    'budget_max': _amount_written,
    'city': _city_written,
    'state': _state_written,
    'brands': _brand_written,
    'excluded_brands': _brand_written,
    'name': _named,
    'trade_in': _partly_named,
}


def _places(words: Words) -> Iterable[Place]:
    known, longest = places()
    for start in range(len(words)):
        for size in range(1, min(longest.get(words[start].text, 0), len(words) - start) + 1):
            if place := known.get(' '.join(word.text for word in words[start : start + size])):
                yield place


def _says_something(text: str) -> bool:
    """Return whether a text is more than a greeting."""
    return any(len(word) >= 4 for word in re.findall(r'[^\W\d]+', _GREETING.sub(' ', fold(text))))
