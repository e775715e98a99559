"""The rows of the history, one type a table, and what one outbox entry becomes.

They are named tuples, which are made in a third of the time of dataclasses.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


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
