"""Where the data keys of contacts live, apart from the data: a store that really forgets.

It keeps wrapped keys and never sees one that opens anything. What it destroys must be gone from its files too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class WrappedKey:
    """The data key of one contact, as the master key wrapped it."""

    id: str
    """Names the key: 8 hex digits of its hash. What was sealed with it says so."""
    wrapped: bytes


@dataclass(frozen=True)
class Erased:
    """A key that was destroyed, and so what it sealed is nobody's any more."""

    contact_id: str
    key_id: str
    """Empty when the contact had no key."""
    at: datetime


@runtime_checkable
class KeyStore(Protocol):
    """Keeps one wrapped data key a contact. Safe for several processes; each call has the same effect when sent twice."""

    async def fingerprint(self) -> str:
        """Return what tells this key store from others; made with it, random."""
        ...

    async def get(self, contact_id: str) -> WrappedKey | None:
        """Return a contact's key, or `None` when it has none."""
        ...

    async def create(self, contact_id: str, key: WrappedKey) -> WrappedKey:
        """Keep `key` unless the contact has one, and return the one that it has now, durably."""
        ...

    async def destroy(self, contact_id: str, *, at: datetime) -> WrappedKey | None:
        """Forget a contact's key for good, note that it was erased, and return what the key was."""
        ...

    async def erased(self, contact_id: str | None = None) -> list[Erased]:
        """Return what was destroyed: of one contact, or of all."""
        ...

    async def contacts(self, *, after: str = '', limit: int = 500) -> list[tuple[str, WrappedKey]]:
        """Return keys in the order of their contacts, from behind `after`."""
        ...

    async def rewrap(self, contact_id: str, old: WrappedKey, new: WrappedKey) -> bool:
        """Replace a wrapping by another one of the same key; False when the key is not `old` any more."""
        ...

    async def count(self) -> int:
        """Return how many contacts have a key."""
        ...

    async def close(self) -> None:
        """Release files and connections."""
        ...
