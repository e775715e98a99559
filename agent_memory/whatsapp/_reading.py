"""Reads values out of JSON that somebody else wrote: each function takes anything and never raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

_NOTHING: Mapping[str, Any] = {}
_YEAR_2100 = 4_102_444_800


def mapping(value: object) -> Mapping[str, Any]:
    """Return `value` if it is an object, else an empty one."""
    return cast('Mapping[str, Any]', value) if isinstance(value, dict) else _NOTHING


def items(value: object) -> list[Any]:
    """Return `value` if it is an array, else an empty one."""
    return cast('list[Any]', value) if isinstance(value, list) else []


def text(value: object) -> str | None:
    """Return a non-empty string that can be stored, else `None`. WhatsApp sends `""` where it has nothing to say.

    NUL, which databases refuse, and lone surrogates, which are no text, are left out.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**30 else None
    if not isinstance(value, str):
        return None
    clean = value.replace('\0', '')
    if not clean.isascii():
        clean = clean.encode('utf-8', 'ignore').decode()
    return clean or None


def number(value: object) -> float | None:
    """Return a finite number, given as one or as a string, else `None`."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) < 1e15 else None


def seconds(value: object) -> int | None:
    """Return a time in whole seconds since 1970, else `None`."""
    found = number(value)
    return int(found) if found is not None and 0 < found < _YEAR_2100 else None
