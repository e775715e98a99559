"""What the outbox hands over and an archive keeps: entries, rows and the two protocols.

An archive knows rows, not profiles or agents; the manager turns entries into rows. Rows are named tuples, which are made
in a third of the time of dataclasses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Protocol, runtime_checkable

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


class SessionRow(NamedTuple):
    """`archived_sessions`: one closed session."""

    session_id: str
    contact_id: str
    started_at: datetime
    version: int
    state: str
    turn: int
    profile: str
    """JSON."""
    summary: str
    score: float | None
    completeness: float | None
    created_at: datetime
    updated_at: datetime
    reason: str
    """Why it ended: expired, restart, closed by hand; `open` while it goes on."""
    # What follows is filled in by the archive, from the turns of the session.
    reached: str = ''
    """The states that it reached, in the order of first reaching them, with commas between."""
    source: str | None = None
    """What led the person here, such as `ad:120210`; the first of its turns that tells."""
    said: int = 0
    """Messages of the person."""
    qualified_at: datetime | None = None
    said_to_qualify: int | None = None
    """Messages of the person up to the turn in which they qualified."""


class TurnRow(NamedTuple):
    """`turns`: one committed turn."""

    session_id: str
    contact_id: str
    started_at: datetime
    version: int
    turn: int
    commit_id: str
    at: datetime
    sent_at: datetime | None
    """When the first message that it answers was sent."""
    state: str
    score: float | None
    completeness: float | None
    model: str | None
    usage: str
    """JSON."""
    cost: str | None
    duration_ms: int | None
    record: str
    """The whole turn record, JSON, so that nothing is lost that has no column yet."""
    source: str | None = None
    """What led the person to this message, such as `ad:120210`."""
    asked: str | None = None
    """The profile fields that the reply asks for, with commas between."""


class MessageRow(NamedTuple):
    """`message_history`: one line of a conversation. `id` is unique and grows within a session."""

    id: str
    session_id: str
    contact_id: str
    role: str
    content: str
    at: datetime


class FactRow(NamedTuple):
    """`facts`: one profile change, or at version 0 what a session knew when it began. Values are JSON."""

    session_id: str
    contact_id: str
    version: int
    field: str
    old: str | None
    new: str | None
    message: str | None
    author: str
    at: datetime


class EventRow(NamedTuple):
    """`events`: state changes, qualified, handoff, consent and the like. `data` is JSON."""

    session_id: str
    contact_id: str
    version: int
    kind: str
    message: str | None
    data: str
    at: datetime


class DeadLetter(NamedTuple):
    """`dead_letters`: a message that was given up, or an outbox entry that cannot be read."""

    entry_id: str
    partition: int
    contact_id: str
    kind: str
    error: str
    body: bytes


class Rows(NamedTuple):
    """What one outbox entry becomes in the archive."""

    sessions: tuple[SessionRow, ...] = ()
    turns: tuple[TurnRow, ...] = ()
    messages: tuple[MessageRow, ...] = ()
    facts: tuple[FactRow, ...] = ()
    events: tuple[EventRow, ...] = ()
    dead_letters: tuple[DeadLetter, ...] = ()


@dataclass(frozen=True)
class Batch:
    """Rows of one partition, and the offset that the archive stores in the same transaction."""

    partition: int
    after: str
    """The offset that the batch was read from. Another stored one means that somebody else archived meanwhile."""
    offset: str
    """The id of the last entry in the batch."""
    rows: Sequence[Rows] = field(default_factory=tuple)


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
