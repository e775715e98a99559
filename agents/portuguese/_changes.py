"""Changes of single fields and of lists, as `UserProfileData.patch` takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import JsonValue

from agent_memory.lead import UserProfileData
from agent_memory.profile import Change


def stated(profile: UserProfileData, field: str, value: JsonValue) -> Change:
    """Return the change that a statement of `value` makes."""
    known = profile.known().get(field)
    return Change(field=field, value=value, op='remember' if known in (None, value) else 'correct')


def added(field: str, items: Sequence[str]) -> list[Change]:
    """Return the change that adds `items` to a list, if there are any."""
    return [Change(field=field, value=unique(items))] if items else []


def replaced(field: str, items: Sequence[str]) -> list[Change]:
    """Return the change that makes `items` the whole list."""
    return [Change(field=field, value=unique(items), op='correct')] if items else []


def dropped(profile: UserProfileData, field: str, items: Iterable[str] | None = None) -> list[Change]:
    """Return the change that takes `items` off a list, or empties the field; nothing when nothing would change."""
    known = profile.known().get(field)
    if known is None:
        return []
    if items is None:
        held = known if isinstance(known, list) else None
        return [Change(field=field, value=held, op='forget')]
    gone: list[JsonValue] = [item for item in items if isinstance(known, list) and item in known]
    return [Change(field=field, value=gone, op='forget')] if gone else []


def unique(items: Iterable[str]) -> list[JsonValue]:
    """Return the items once each, in order."""
    return list(dict.fromkeys(items))
