"""How sessions got where they are: kept from batch to batch, so that a question reads one row a session."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from agent_memory.backend._rows import Rows, SessionRow, TurnRow

OPEN = 'open'
"""The reason of a session that has not ended."""


@dataclass(frozen=True)
class Progress:
    """What a batch makes of the sessions that it touches."""

    opened: tuple[SessionRow, ...]
    """Sessions that go on, as the batch leaves them."""
    closed: tuple[SessionRow, ...]
    """Sessions that it ends, with how they got there."""


class Walk:
    """Follows the sessions of a batch, entry by entry, as if nothing had been before it."""

    def __init__(self) -> None:
        self._going: dict[str, _Course] = {}
        self._ended: list[SessionRow] = []

    def take(self, entry: Rows) -> None:
        """Add what one entry became."""
        for turn in entry.turns:
            self._of(turn.session_id).take(turn, entry)
        for session in entry.sessions:
            course = self._of(session.session_id)
            del self._going[session.session_id]
            self._ended.append(course.ended(session))

    def sessions(self) -> tuple[SessionRow, ...]:
        """Return each session as it is left, those that ended first."""
        return (*self._ended, *(row for course in self._going.values() if (row := course.row())))

    def _of(self, session_id: str) -> _Course:
        course = self._going.get(session_id)
        if course is None:
            course = self._going[session_id] = _Course()
        return course


def progress(known: Mapping[str, SessionRow], walked: Iterable[SessionRow]) -> Progress:
    """Return the sessions after a batch of which a `Walk` made `walked`. `known` are those that were open before it."""
    opened = dict(known)
    closed: list[SessionRow] = []
    for session in walked:
        before = opened.pop(session.session_id, None)
        row = _joined(before, session) if before else session
        if row.reason == OPEN:
            opened[row.session_id] = row
        else:
            closed.append(row)
    return Progress(tuple(opened.values()), tuple(closed))


@dataclass
class _Course:
    """One session while the turns of a batch change it."""

    reached: dict[str, None] = field(default_factory=dict[str, None])
    """Its states as first reached, as keys."""
    source: str | None = None
    said: int = 0
    qualified_at: datetime | None = None
    said_to_qualify: int | None = None
    last: TurnRow | None = None

    def take(self, turn: TurnRow, entry: Rows) -> None:
        """Add one turn, with what was said and what happened in it."""
        self.last = turn
        self.source = self.source or turn.source
        for line in entry.messages:
            self.said += line.role == 'user'
        for event in entry.events:
            if event.kind == 'state':
                self.reached[str(json.loads(event.data)['after'])] = None
            elif event.kind == 'qualified':
                self.qualified_at = self.qualified_at or event.at
        self.reached[turn.state] = None
        if self.qualified_at and self.said_to_qualify is None:
            self.said_to_qualify = self.said

    def row(self) -> SessionRow | None:
        """Return it as its last turn left it."""
        return self._walked(_left_by(self.last)) if self.last else None

    def ended(self, session: SessionRow) -> SessionRow:
        """Return the row of its end, with how it got there."""
        self.reached[session.state] = None
        return self._walked(session)

    def _walked(self, row: SessionRow) -> SessionRow:
        return row._replace(
            reached=','.join(self.reached),
            source=self.source,
            said=self.said,
            qualified_at=self.qualified_at,
            said_to_qualify=self.said_to_qualify,
        )


def _joined(before: SessionRow, after: SessionRow) -> SessionRow:
    """Return a session as a batch left it, with how it got there before."""
    reached = dict.fromkeys(filter(None, (*before.reached.split(','), *after.reached.split(','))))
    to_qualify = before.said_to_qualify
    if to_qualify is None and after.said_to_qualify is not None:
        to_qualify = before.said + after.said_to_qualify
    return after._replace(
        reached=','.join(reached),
        source=before.source or after.source,
        said=before.said + after.said,
        qualified_at=before.qualified_at or after.qualified_at,
        said_to_qualify=to_qualify,
    )


def _left_by(turn: TurnRow) -> SessionRow:
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
