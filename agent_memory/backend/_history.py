"""Questions that a business asks of its history, as functions over anything that can answer them.

Each question is one SQL file in `sql/questions`. A reader takes its name and parameters, never SQL: so the same
question is answered in the process that holds the file or through it, and nobody can ask it to change anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Literal, Protocol

Question = Literal[
    'sessions',
    'messages',
    'transcript',
    'funnel',
    'qualification',
    'scores',
    'response_times',
    'fields',
    'leads',
    'sources',
    'archiving',
    'erasures',
    'audit',
    'audit_unchained',
    'requests',
    'consents',
    'person_turns',
    'person_facts',
    'person_events',
    'person_letters',
]
Parameter = str | int | float
Value = str | int | float | bool | datetime | None


@dataclass(frozen=True)
class Answer:
    """A table. Times are in UTC."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    def only(self, columns: Sequence[str]) -> Answer:
        """Return these columns of it, in this order."""
        places = [self.columns.index(name) for name in columns]
        return Answer(tuple(columns), tuple(tuple(row[place] for place in places) for row in self.rows))


class HistoryReader(Protocol):
    """Answers questions, whichever process holds the history."""

    async def ask(self, question: Question, **parameters: Parameter) -> Answer:
        """Return the answer.

        Raises:
            ArchiveUnavailable: The history cannot be read, or the question took longer than the reader allows.
        """
        ...


@dataclass(frozen=True)
class Period:
    """Sessions that started at `since` or later and before `until`."""

    since: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    until: datetime = datetime(9999, 1, 1, tzinfo=UTC)

    @property
    def parameters(self) -> dict[str, Parameter]:
        return {'since': _naive(self.since), 'until': _naive(self.until)}


ALWAYS = Period()


async def transcript(reader: HistoryReader, contact_id: str, *, limit: int = 200) -> Answer:
    """Return the newest `limit` messages of a contact over all sessions, oldest first: session, time, role, content."""
    newest = await reader.ask('transcript', contact=contact_id, limit=limit)
    return Answer(newest.columns, newest.rows[::-1])


async def funnel(reader: HistoryReader, period: Period = ALWAYS) -> Answer:
    """Return for each state how many sessions reached it, how many ended there, and their share (0 to 1)."""
    return await reader.ask('funnel', **period.parameters)


async def qualification(reader: HistoryReader, period: Period = ALWAYS) -> Answer:
    """Return one row: sessions, those qualified, their share, and what it took: minutes and messages of the person."""
    return await reader.ask('qualification', **period.parameters)


async def scores(reader: HistoryReader, period: Period = ALWAYS) -> Answer:
    """Return how many sessions stand in each band of ten points: lower bound, sessions, share."""
    return await reader.ask('scores', **period.parameters)


async def response_times(reader: HistoryReader, period: Period = ALWAYS) -> Answer:
    """Return for each day (UTC) the turns and their seconds from the message's own time to the commit of its reply."""
    return await reader.ask('response_times', **period.parameters)


async def fields(reader: HistoryReader, period: Period = ALWAYS) -> Answer:
    """Return for each profile field how often it was asked for, and how many sessions filled it or left it empty."""
    return await reader.ask('fields', **period.parameters)


async def sources(reader: HistoryReader, period: Period = ALWAYS) -> Answer:
    """Return where leads come from: sessions by the advertisement that led there, and what became of them."""
    return await reader.ask('sources', **period.parameters)


async def leads(reader: HistoryReader, period: Period = ALWAYS, *, score: float = 60, limit: int = 1000) -> Answer:
    """Return the sessions that stand at `score` or more, the best first."""
    return await reader.ask('leads', score=score, limit=limit, **period.parameters)


def sql_of(question: Question) -> str:
    """Return the statement that answers `question`."""
    return files('agent_memory.backend').joinpath('sql', 'questions', f'{question}.sql').read_text('utf-8')


def _naive(time: datetime) -> str:
    return time.astimezone(UTC).replace(tzinfo=None).isoformat()
