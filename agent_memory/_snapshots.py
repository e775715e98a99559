"""Sessions at one version, with their window of turns: read from the store once, then kept while they are true."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic

from agent_memory.backend._protocol import Grant, Held, Stored
from agent_memory.codec import Codec
from agent_memory.profile import ProfileT
from agent_memory.session import SessionData
from agent_memory.turn import TurnRecord


@dataclass(eq=False)
class PastTurn:
    """One committed turn of the window."""

    record: TurnRecord
    parsed: Any = None
    """The framework's messages of this turn, kept so that nothing is validated twice."""


@dataclass(frozen=True)
class Snapshot(Generic[ProfileT]):
    """A session at one version, with its window of turns. Never changed: a commit makes the next one."""

    version: int
    session: SessionData[ProfileT]
    turns: tuple[PastTurn, ...]


class SnapshotCache(Generic[ProfileT]):
    """The newest snapshots that this worker has seen, by contact; the store says whether they are still true."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._snapshots: OrderedDict[str, Snapshot[ProfileT]] = OrderedDict()

    def get(self, contact_id: str) -> Snapshot[ProfileT] | None:
        return self._snapshots.get(contact_id)

    def put(self, contact_id: str, snapshot: Snapshot[ProfileT]) -> None:
        self._snapshots[contact_id] = snapshot
        self._snapshots.move_to_end(contact_id)
        if len(self._snapshots) > self._size:
            self._snapshots.popitem(last=False)

    def drop(self, contact_id: str) -> None:
        self._snapshots.pop(contact_id, None)


def stamped(session: SessionData[ProfileT], version: int) -> SessionData[ProfileT]:
    """Return the session marked with the version that it was read or written at."""
    copy = session.model_copy()
    copy._version = version  # pyright: ignore[reportPrivateUsage] - the mark is the package's, not the caller's
    return copy


def version_of(session: SessionData[Any]) -> int:
    """Return the version that the session was read or written at."""
    return session._version  # pyright: ignore[reportPrivateUsage] - see `stamped`


def remember(session: SessionData[Any], record: TurnRecord, window: int, version: int) -> None:
    """Put the record's messages into the memory of a session that nobody else holds; the last `window` turns stay."""
    messages = [*session.memory.messages, *record.lines()][-2 * window :]
    # Not the memory itself: the session that this one was made from has the same.
    session.memory = session.memory.model_copy(update={'messages': messages})
    session._version = version  # pyright: ignore[reportPrivateUsage] - see `stamped`


def read_snapshot(
    codec: Codec[ProfileT], grant: Grant, cached: Snapshot[ProfileT] | None, window: int
) -> Snapshot[ProfileT]:
    """Return the session that a grant is for, parsing only what this worker does not hold yet."""
    if grant.version == 0:
        previous = codec.read_session(grant.previous) if grant.previous else None
        started = datetime.fromtimestamp(grant.started_ms / 1000, UTC)
        return Snapshot(0, codec.domain.open_session(grant.contact_id, at=started, previous=previous), ())
    if grant.document is None and cached is not None:
        return cached
    records = codec.read_turns(grant.turns, started_ms=grant.started_ms, version=grant.version)
    fresh = tuple(PastTurn(record) for record in records)
    kept = cached.turns if cached and held(cached).started_ms == grant.started_ms else ()
    turns = (*kept, *fresh)[-window:] if kept else fresh
    session = codec.read_session(grant.document or b'', started_ms=grant.started_ms, version=grant.version)
    lines = [line for turn in turns for line in turn.record.lines()]
    session.memory.messages = lines
    return Snapshot(grant.version, stamped(session, grant.version), turns)


def unleased(contact_id: str, stored: Stored, now: datetime) -> Grant:
    """Return what the store holds of a contact as a grant that allows nothing but to read it."""
    return Grant(
        contact_id=contact_id,
        token='',
        fence=0,
        started_ms=stored.started_ms or int(now.timestamp() * 1000),
        version=stored.version,
        attempt=0,
        document=stored.document,
        previous=stored.previous,
        turns=stored.turns,
        messages=(),
        lease=timedelta(0),
    )


def held(snapshot: Snapshot[Any]) -> Held:
    """Return what the store needs to know of a snapshot that this worker holds."""
    return Held(started_ms=round(snapshot.session.started_at.timestamp() * 1000), version=snapshot.version)
