"""The ledger inside the history: who did what with whose data, as a chain of hashes, and what people asked for.

A row of the chain names the hash of the row before it, so that whoever edits, removes or reorders one breaks every later
one. Removing the newest rows breaks nothing by itself: that is noticed by the anchor, a copy of the chain's head that is
kept elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from pydantic import JsonValue

from agent_memory.errors import InvalidInput

if TYPE_CHECKING:
    import duckdb

    from agent_memory.backend._rows import EventRow

RequestKind = Literal['access', 'correction', 'deletion', 'portability', 'revocation', 'review']
Step = Literal['opened', 'done', 'refused', 'withdrawn']

DUE = timedelta(days=15)
"""How long the business may take (LGPD, art. 19, II, for access; taken for every kind, as no other term is fixed)."""
START = '0' * 64
"""What the first row of a chain names as the row before."""

_CLEAR = ('given', 'action', 'purpose', 'version', 'sha256', 'channel', 'request', 'withdrawn')
"""The keys of an event's data that say nothing of the person."""
_ACTORS = {'consent': 'contact', 'request': 'contact', 'handoff': 'agent', 'handback': 'operator'}
"""Who did what a committed turn tells of: a conversation is only ever given back by a person of the business."""
FOLLOWED = frozenset(_ACTORS)
"""The kinds of events that are noted."""
_KINDS: dict[str, RequestKind] = {
    'erasure': 'deletion',
    'opt_out': 'revocation',
    'access': 'access',
    'correction': 'correction',
    'portability': 'portability',
    'review': 'review',
}
"""What a request that the chat understood is in the ledger. A wish to talk to a person is none."""


@dataclass(frozen=True)
class AuditNote:
    """What is to be noted: counts and names of fields, never a value of a person."""

    action: str
    actor: str
    """Who: `os:<user>` for a command, `token:<name>`, `contact`, `agent` or `system`."""
    contact_id: str | None = None
    data: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])


@dataclass(frozen=True)
class RequestStep:
    """One step of a request. Without a `number` it opens one, or joins the open one of the same kind."""

    contact_id: str
    kind: RequestKind
    step: Step
    actor: str
    message: str | None = None
    number: int | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Head:
    """The newest row of a chain."""

    seq: int = 0
    hash: str = START


@dataclass(frozen=True)
class AuditRow:
    """One row of the chain."""

    seq: int
    prev: str
    action: str
    actor: str
    contact_id: str | None
    data: str
    """JSON, as it was hashed."""
    stamp: str
    """UTC, ISO 8601 with microseconds."""
    hash: str

    def digest(self) -> str:
        """Return the hash that this row must have."""
        told = [self.seq, self.prev, self.action, self.actor, self.contact_id, self.data, self.stamp]
        return hashlib.sha256(json.dumps(told, ensure_ascii=False, separators=(',', ':')).encode()).hexdigest()


@runtime_checkable
class Ledger(Protocol):
    """An archive that keeps a ledger."""

    async def enter(self, notes: Sequence[AuditNote] = (), steps: Sequence[RequestStep] = ()) -> Head:
        """Write notes and steps, all or none, and return the new head of the chain.

        Raises:
            ArchiveUnavailable: Nothing was written. What was to be noted must not happen.
            InvalidInput: A step names a request that is not open.
        """
        ...


class Anchor(Protocol):
    """Keeps a copy of the head where whoever can write the history cannot."""

    async def read(self) -> Head | None: ...

    async def write(self, head: Head) -> None: ...


@runtime_checkable
class Anchored(Protocol):
    """A store that keeps such a copy."""

    @property
    def anchor(self) -> Anchor: ...


# What follows runs inside a transaction of the archive's writer.


def record(connection: duckdb.DuckDBPyConnection, notes: Iterable[AuditNote], *, after: Head | None = None) -> Head:
    """Append notes to the chain, after its head unless that is about to be removed, and return the new head."""
    last = after or head_of(connection)
    for note in notes:
        stamp = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')
        data = json.dumps(note.data, ensure_ascii=False, separators=(',', ':'))
        row = AuditRow(last.seq + 1, last.hash, note.action, note.actor, note.contact_id, data, stamp, '')
        last = Head(row.seq, row.digest())
        connection.execute(
            'INSERT INTO audit (seq, prev, action, actor, contact_id, data, time, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
            [row.seq, row.prev, row.action, row.actor, row.contact_id, row.data, row.stamp, last.hash],
        )
    return last


def take(connection: duckdb.DuckDBPyConnection, steps: Iterable[RequestStep]) -> None:
    """Write steps of requests.

    Raises:
        InvalidInput: A step names a request that is not open.
    """
    for step in steps:
        at = (step.at or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
        number, due = _place(connection, step, at)
        if number is not None:
            connection.execute(
                'INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
                [number, step.contact_id, step.kind, step.step, step.actor, step.message, due, at],
            )


def follow(connection: duckdb.DuckDBPyConnection, events: Iterable[EventRow]) -> None:
    """Note what committed turns did: consents, hand-overs and requests. The events are of the kinds in `FOLLOWED`."""
    notes: list[AuditNote] = []
    steps: list[RequestStep] = []
    for event in events:
        data = _clear(event.data)
        notes.append(AuditNote(event.kind, _ACTORS[event.kind], event.contact_id, data))
        steps += _asked(event, data)
    if notes:
        record(connection, notes)
        take(connection, steps)


def cut_of(connection: duckdb.DuckDBPyConnection, before: Iterable[datetime]) -> dict[str, JsonValue]:
    """Return where the chain begins when the rows from before a time are gone: noted in it, so that this is no tampering."""
    data: dict[str, JsonValue] = {}
    for time in before:
        naive = time.astimezone(UTC).replace(tzinfo=None)
        found = connection.execute(
            'SELECT seq, hash FROM audit WHERE time < ? AND seq IS NOT NULL ORDER BY seq DESC LIMIT 1', [naive]
        ).fetchone()
        if found:
            data |= {'cut_seq': int(found[0]), 'cut_hash': str(found[1])}
    return data


def _asked(event: EventRow, data: dict[str, JsonValue]) -> list[RequestStep]:
    kind = _KINDS.get(str(data.get('request')))
    if event.kind == 'consent' and data.get('action') == 'revoked':
        kind = 'revocation'
    if kind is None:
        return []
    asked = RequestStep(event.contact_id, kind, 'opened', 'contact', event.message, at=event.at)
    if data.get('withdrawn'):
        return [RequestStep(event.contact_id, kind, 'withdrawn', 'contact', event.message, at=event.at)]
    if kind == 'revocation':
        # Obeyed with the commit that this event comes from: nothing is left to do.
        done = RequestStep(event.contact_id, kind, 'done', 'system', at=event.at)
        return [asked, done]
    return [asked]


def _clear(data: str) -> dict[str, JsonValue]:
    told: dict[str, Any] = json.loads(data)
    return {name: told[name] for name in _CLEAR if told.get(name) is not None}


def head_of(connection: duckdb.DuckDBPyConnection) -> Head:
    """Return the newest row of the chain."""
    found = connection.execute('SELECT seq, hash FROM audit WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1').fetchone()
    return Head(int(found[0]), str(found[1])) if found else _adopted(connection)


def _adopted(connection: duckdb.DuckDBPyConnection) -> Head:
    """Begin the chain with what an earlier version wrote without one, and return its head."""
    last = Head()
    query = "SELECT rowid, action, actor, contact_id, data::VARCHAR, strftime(time, '%Y-%m-%dT%H:%M:%S.%f') FROM audit"
    for place, *told in connection.execute(f'{query} ORDER BY time, rowid').fetchall():
        row = AuditRow(last.seq + 1, last.hash, *told, hash='')
        last = Head(row.seq, row.digest())
        connection.execute(
            'UPDATE audit SET seq = ?, prev = ?, hash = ? WHERE rowid = ?', [row.seq, row.prev, last.hash, place]
        )
    return last


def _place(
    connection: duckdb.DuckDBPyConnection, step: RequestStep, at: datetime
) -> tuple[int | None, datetime | None]:
    """Return the number and due date that a step belongs to; no number when there is nothing to write."""
    wanted = [step.contact_id, step.kind]
    open_ones = connection.execute(
        """SELECT number, min(due) FROM requests WHERE contact_id = ? AND kind = ?
        GROUP BY number HAVING arg_max(step, rowid) = 'opened' ORDER BY number""",
        wanted,
    ).fetchall()
    if step.step == 'opened':
        if open_ones:
            return None, None
        [(last,)] = connection.execute('SELECT coalesce(max(number), 0) FROM requests').fetchall()
        return int(last) + 1, at + DUE
    chosen = [one for one in open_ones if step.number in (None, one[0])]
    if not chosen:
        if step.number is not None:
            raise InvalidInput(f'request {step.number} is not open')
        return None, None
    return int(chosen[-1][0]), chosen[-1][1]
