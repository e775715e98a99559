"""How sessions got where they are: kept from batch to batch, so that a question reads one row a session."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from agent_memory.backend._archive import EventRow, Rows, SessionRow, TurnRow

OPEN = 'open'
"""The reason of a session that has not ended."""


@dataclass(frozen=True)
class Progress:
    """What a batch makes of the sessions that it touches."""

    opened: tuple[SessionRow, ...]
    """Sessions that go on, as the batch leaves them."""
    closed: tuple[SessionRow, ...]
    """Sessions that it ends, with how they got there."""


def touched(rows: Iterable[Rows]) -> list[str]:
    """Return the ids of the sessions that a batch changes."""
    return list(dict.fromkeys(row.session_id for entry in rows for row in (*entry.turns, *entry.sessions)))


def progress(known: Mapping[str, SessionRow], rows: Iterable[Rows]) -> Progress:
    """Return the sessions after a batch. `known` are those among them that were open before it."""
    opened, closed = dict(known), list[SessionRow]()
    for entry in rows:
        for turn in entry.turns:
            before = opened.get(turn.session_id) or _begun(turn)
            opened[turn.session_id] = _after(before, turn, entry)
        for session in entry.sessions:
            before = opened.pop(session.session_id, None)
            closed.append(_ended(session, before) if before else replace(session, reached=session.state))
    return Progress(tuple(opened.values()), tuple(closed))


def _begun(turn: TurnRow) -> SessionRow:
    return SessionRow(
        session_id=turn.session_id,
        contact_id=turn.contact_id,
        started_at=turn.started_at,
        version=turn.version,
        state=turn.state,
        turn=turn.turn,
        profile='{}',
        summary='',
        score=turn.score,
        completeness=turn.completeness,
        created_at=turn.started_at,
        updated_at=turn.at,
        reason=OPEN,
    )


def _after(before: SessionRow, turn: TurnRow, entry: Rows) -> SessionRow:
    said = before.said + sum(line.role == 'user' for line in entry.messages)
    won = before.qualified_at or next((event.at for event in entry.events if event.kind == 'qualified'), None)
    return replace(
        before,
        version=turn.version,
        state=turn.state,
        turn=turn.turn,
        score=turn.score,
        completeness=turn.completeness,
        updated_at=turn.at,
        reached=_joined(before.reached, [*_passed(entry.events), turn.state]),
        source=before.source or turn.source,
        said=said,
        qualified_at=won,
        said_to_qualify=said if won and before.said_to_qualify is None else before.said_to_qualify,
    )


def _ended(session: SessionRow, before: SessionRow) -> SessionRow:
    return replace(
        session,
        reached=_joined(before.reached, [session.state]),
        source=before.source,
        said=before.said,
        qualified_at=before.qualified_at,
        said_to_qualify=before.said_to_qualify,
    )


def _passed(events: Iterable[EventRow]) -> list[str]:
    """Return the states that a turn went through, in order."""
    return [str(json.loads(event.data)['after']) for event in events if event.kind == 'state']


def _joined(reached: str, states: Iterable[str]) -> str:
    return ','.join(dict.fromkeys([*filter(None, reached.split(',')), *states]))
