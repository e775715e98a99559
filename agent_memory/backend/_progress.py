"""How sessions got where they are: kept from batch to batch, so that a question reads one row a session."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from agent_memory.backend._rows import Rows, SessionRow, TurnRow

_OPEN = 'open'
"""The reason of a session that has not ended."""


@dataclass(frozen=True)
class Progress:
    """What a batch makes of the sessions that it touches: by itself, or with what was before it."""

    opened: tuple[SessionRow, ...]
    """Sessions that go on, as it leaves them."""
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
            course = self._going.get(turn.session_id)
            if course is None:
                course = self._going[turn.session_id] = _Course(turn)
            course.take(turn, entry)
        for session in entry.sessions:
            course = self._going.pop(session.session_id, None)
            self._ended.append(course.ended(session) if course else session._replace(reached=session.state))

    def progress(self) -> Progress:
        """Return what became of them."""
        return Progress(tuple(map(_Course.row, self._going.values())), tuple(self._ended))


def progress(known: Mapping[str, SessionRow], alone: Progress) -> Progress:
    """Return the sessions after a batch that `alone` makes this of them. `known` are those that were open before it."""
    opened = dict(known)
    # What ends and goes on in one batch ended first: it has begun again.
    closed = [_joined(opened.pop(row.session_id, None), row) for row in alone.closed]
    for row in alone.opened:
        opened[row.session_id] = _joined(opened.get(row.session_id), row)
    return Progress(tuple(opened.values()), tuple(closed))


@dataclass
class _Course:
    """One session while the turns of a batch change it."""

    last: TurnRow
    reached: dict[str, None] = field(default_factory=dict[str, None])
    """Its states as first reached, as keys."""
    source: str | None = None
    said: int = 0
    qualified_at: datetime | None = None
    said_to_qualify: int | None = None

    def take(self, turn: TurnRow, entry: Rows) -> None:
        """Add one turn, with what was said and what happened in it."""
        self.last = turn
        self.source = self.source or turn.source
        for line in entry.messages:
            self.said += line.role == 'user'
        for event in entry.events:
            if event.kind == 'state':
                after = json.loads(event.data).get('after', turn.state)
                self.reached[str(after)] = None
            elif event.kind == 'qualified':
                self.qualified_at = self.qualified_at or event.at
        self.reached[turn.state] = None
        if self.qualified_at and self.said_to_qualify is None:
            self.said_to_qualify = self.said

    def row(self) -> SessionRow:
        """Return it as its last turn left it."""
        return self._walked(_left_by(self.last))

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


def _joined(before: SessionRow | None, after: SessionRow) -> SessionRow:
    """Return a session as a batch left it, with how it got there before."""
    if before is None:
        return after
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
        reason=_OPEN,
    )
