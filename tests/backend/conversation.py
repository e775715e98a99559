"""A batch with a row for every table, and parameters with which every question has something to say about it."""

from __future__ import annotations

from datetime import timedelta

from agent_memory.backend._archive import Batch
from agent_memory.backend._history import Answer, Parameter, Question, Value
from agent_memory.backend._rows import DeadLetter, EventRow, FactRow, Rows
from tests.backend.rows import BEGUN, CLOSED, batch, turn

_PERIOD: dict[str, Parameter] = {'since': '1970-01-01', 'until': '9999-01-01'}
_PERSON: dict[str, Parameter] = {'contact': 'ana', 'limit': 99}
PARAMETERS: dict[Question, dict[str, Parameter]] = {
    'sessions': _PERSON,
    'messages': _PERSON | {'session': 'ana:1'},
    'transcript': _PERSON,
    'funnel': _PERIOD,
    'qualification': _PERIOD,
    'scores': _PERIOD,
    'response_times': _PERIOD,
    'fields': _PERIOD,
    'leads': _PERIOD | {'score': 10, 'limit': 99},
    'sources': _PERIOD,
    'archiving': {},
    'erasures': {},
    'audit': _PERSON | {'after': 0},
    'audit_unchained': {},
    'requests': _PERSON,
    'consents': _PERSON,
    'person_turns': _PERSON,
    'person_facts': _PERSON,
    'person_events': _PERSON,
    'person_letters': _PERSON,
}
_WRITTEN: dict[Question, tuple[str, ...]] = {
    'archiving': ('updated_at', 'schema'),
    'audit': ('stamp', 'prev', 'hash'),
    'person_letters': ('time',),
}
"""The columns that tell of the writing itself."""


def conversation() -> Batch:
    """Ana agrees, asks to be forgotten, qualifies and is closed; Bia goes on; one message was given up."""
    ana = [turn(1), turn(2, state='collecting_profile'), turn(3, state='car_details')]
    ana[0] = ana[0]._replace(turns=(ana[0].turns[0]._replace(source='ad:7', asked='city,urgency'),))
    agreed = '{"action": "given", "given": true, "purpose": "service", "version": "1", "sha256": "aa", "channel": "c"}'
    ana[1] = ana[1]._replace(facts=(_fact(2, 'city', '"Recife"'),), events=(_event(2, 'consent', agreed),))
    ana[2] = ana[2]._replace(
        facts=(_fact(3, 'city', '"Olinda"'), _fact(3, 'budget_max', '50000')),
        events=(_event(3, 'qualified', '{}'), _event(3, 'request', '{"request": "erasure"}')),
    )
    letter = DeadLetter('5-0', 0, 'ana', 'dead', 'given up', b'\x00\xff')
    closed = CLOSED._replace(version=3, turn=3, state='car_details', score=72)
    return batch(*ana, Rows(sessions=(closed,), dead_letters=(letter,)), turn(1, session='bia:1'))


def told(question: Question, answer: Answer) -> list[dict[str, Value]]:
    """Return the rows of an answer, without what tells when it was written."""
    rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    return [{name: value for name, value in row.items() if name not in _WRITTEN.get(question, ())} for row in rows]


def _fact(version: int, field: str, new: str) -> FactRow:
    return FactRow('ana:1', 'ana', version, field, None, new, None, 'user', BEGUN + timedelta(minutes=version))


def _event(version: int, kind: str, data: str) -> EventRow:
    return EventRow('ana:1', 'ana', version, kind, None, data, BEGUN + timedelta(minutes=version))
