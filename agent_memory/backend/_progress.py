"""How sessions got where they are: kept from batch to batch, so that a question reads one row a session."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from agent_memory.backend._archive import Rows, SessionRow, TurnRow

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
    opened = {session_id: _Course.of(row) for session_id, row in known.items()}
    closed: list[SessionRow] = []
    for entry in rows:
        for turn in entry.turns:
            course = opened.get(turn.session_id)
            if course is None:
                course = opened[turn.session_id] = _Course.of(_begun(turn))
            course.take(turn, entry)
        for session in entry.sessions:
            course = opened.pop(session.session_id, None)
            closed.append(course.ended(session) if course else session._replace(reached=session.state))
    return Progress(tuple(course.row() for course in opened.values()), tuple(closed))


@dataclass
class _Course:
    """One session while the turns of a batch change it."""

    before: SessionRow
    reached: dict[str, None]
    """Its states as first reached, as keys."""
    source: str | None
    said: int
    qualified_at: datetime | None
    said_to_qualify: int | None
    last: TurnRow | None = None

    @classmethod
    def of(cls, row: SessionRow) -> _Course:
        reached = dict.fromkeys(filter(None, row.reached.split(',')))
        return cls(row, reached, row.source, row.said, row.qualified_at, row.said_to_qualify)

    def take(self, turn: TurnRow, entry: Rows) -> None:
        """Add one turn, with what was said and what happened in it."""
        self.last = turn
        self.source = self.source or turn.source
        self.said += sum(line.role == 'user' for line in entry.messages)
        for event in entry.events:
            if event.kind == 'state':
                self.reached[str(json.loads(event.data)['after'])] = None
            elif event.kind == 'qualified':
                self.qualified_at = self.qualified_at or event.at
        self.reached[turn.state] = None
        if self.qualified_at and self.said_to_qualify is None:
            self.said_to_qualify = self.said

    def row(self) -> SessionRow:
        """Return it as its last turn left it."""
        if self.last is None:
            return self.before
        return self._walked(self.before)._replace(
            version=self.last.version,
            state=self.last.state,
            turn=self.last.turn,
            score=self.last.score,
            completeness=self.last.completeness,
            updated_at=self.last.at,
        )

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
