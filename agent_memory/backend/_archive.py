"""What the outbox hands over and an archive keeps: entries, rows and the two protocols.

An archive knows rows, not profiles or agents; the manager turns entries into rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from agent_memory.backend._packing import Packed
from agent_memory.backend._rows import EventRow, MessageRow, Rows, SessionRow

EntryKind = Literal['turn', 'close', 'dead']


class Entry(NamedTuple):
    """One record of the outbox."""

    id: str
    """The stream id; grows within a partition."""
    kind: EntryKind
    contact_id: str
    started_ms: int
    version: int
    commit_id: str
    body: bytes
    """`turn`: the turn record. `close`: the session document. `dead`: the message body."""
    note: str = ''
    """`close`: the reason. `dead`: the error."""
    partition: int = 0


@runtime_checkable
class Outbox(Protocol):
    """What commits leave for the archive, one stream a partition."""

    async def partitions(self) -> int: ...

    async def read(self, partition: int, *, after: str, count: int, block: timedelta) -> list[Entry]:
        """Return up to `count` entries after the id `after`, waiting up to `block` for the first."""
        ...

    async def trim(self, partition: int, *, upto: str) -> None:
        """Forget all entries up to and including the id `upto`."""
        ...

    async def backlog(self, partition: int) -> int:
        """Return how many entries the partition holds."""
        ...


class Unread(NamedTuple):
    """An entry and the key that opens it, so that its rows can be made anywhere, such as in another process."""

    make: Callable[[Entry, Any], Rows]
    """Makes the rows of an entry with its key, or raises what is wrong with it. Another process is told its name."""
    entry: Entry
    key: Any


@dataclass(frozen=True)
class Batch:
    """Rows of one partition, and the offset that the archive stores in the same transaction."""

    partition: int
    after: str
    """The offset that the batch was read from. Another stored one means that somebody else archived meanwhile."""
    offset: str
    """The id of the last entry in the batch."""
    packed: Packed
    """The rows."""


class EventQueue(Protocol):
    """Events of the history that somebody outside is told, each noted once it was."""

    async def undelivered(self, kind: str, *, within: timedelta, limit: int) -> list[EventRow]:
        """Return events of `kind` that happened `within` this time and were not delivered, oldest first.

        Raises:
            ArchiveUnavailable: The history cannot be read.
        """
        ...

    async def delivered(self, event: EventRow) -> None:
        """Note that `event` was delivered.

        Raises:
            ArchiveUnavailable: The history cannot be written.
        """
        ...


@runtime_checkable
class Archive(Protocol):
    """Keeps the history. One process writes; it writes each batch and its offset in one transaction."""

    async def offset(self, partition: int) -> str:
        """Return the id of the last archived entry of `partition`, or `0-0`."""
        ...

    async def append(self, batch: Batch) -> None:
        """Write the batch and its offset, all or nothing. A batch that is already there is not written again.

        Raises:
            ArchiveUnavailable: The file cannot be written, or its offset is neither `after` nor past the batch.
            ArchiveRefused: A row breaks a type or a rule of its table. Trying again changes nothing.
        """
        ...

    async def sessions(self, contact_id: str, *, limit: int) -> list[SessionRow]:
        """Return a contact's sessions, newest first; an open one has the reason `open`."""
        ...

    async def messages(self, session_id: str, *, limit: int) -> list[MessageRow]:
        """Return the newest `limit` messages of a session, oldest first."""
        ...

    async def close(self) -> None:
        """Release the file."""
        ...
