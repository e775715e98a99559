"""What an erasure finds and leaves, in the store and in the history, and the two protocols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Tombstone:
    """That a contact was erased: what they sent until then stays out. The contact id is a keyed hash."""

    contact_id: str
    at: datetime
    keys: tuple[str, ...] = ()
    """The ids of keys that were destroyed with it, where that is known."""


@dataclass(frozen=True)
class HotTraces:
    """What the store holds, or held, of a contact."""

    sessions: int = 0
    turns: int = 0
    waiting: int = 0
    """Messages without an answer."""
    owed: int = 0
    """Replies that the channel has not sent yet."""
    replies: int = 0
    """Stored answers and their delivery."""
    addresses: int = 0
    outbox: int = 0
    """Records on their way to the history."""
    aliases: int = 0


@dataclass(frozen=True)
class Erasing:
    """What a history is asked to do to contacts."""

    stones: tuple[Tombstone, ...]
    dry: bool = False
    """Whether to count only."""


class StoreErasure(Protocol):
    """The part of a store that erases contacts. Each call has the same effect when sent twice."""

    async def names(self, contact_id: str) -> tuple[str, ...]:
        """Return every contact id of the person."""
        ...

    async def traces(self, contact_id: str) -> HotTraces:
        """Return what the store holds of a contact, and change nothing."""
        ...

    async def erase(self, contact_id: str, *, key_id: str, at: datetime | None = None) -> tuple[HotTraces, Tombstone]:
        """Remove a contact and leave a tombstone."""
        ...

    async def tombstones(self) -> list[Tombstone]:
        """Return who was erased."""
        ...

    async def rewrite_file(self) -> bool:
        """Have the server write its file anew, without what was removed; False when it may not be asked."""
        ...


@runtime_checkable
class Erasable(Protocol):
    """A store that can erase contacts."""

    @property
    def erasure(self) -> StoreErasure: ...


@runtime_checkable
class ErasableArchive(Protocol):
    """A history that can erase contacts."""

    async def traces(self, stones: Sequence[Tombstone]) -> dict[str, int]:
        """Return the rows of each table that `erase` would remove."""
        ...

    async def erase(self, stones: Sequence[Tombstone]) -> dict[str, int]:
        """Remove all rows of these contacts' sessions until their erasure, from the bytes of the file too.

        What is still on its way here is left out when it comes. Returns the rows of each table that were removed.

        Raises:
            ArchiveUnavailable: The history cannot be written. Erase again.
        """
        ...

    async def tombstones(self) -> list[Tombstone]:
        """Return who was erased here."""
        ...
