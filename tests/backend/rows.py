"""Rows of a small conversation, as the manager would make them of outbox entries."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from agent_memory.backend._archive import Batch, Entry, Unread
from agent_memory.backend._packing import pack
from agent_memory.backend._rows import MessageRow, Rows, SessionRow, TurnRow

BEGUN = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

TURN = TurnRow(
    session_id='ana:1',
    contact_id='ana',
    started_at=BEGUN,
    version=1,
    turn=1,
    commit_id='c1',
    at=BEGUN,
    sent_at=None,
    state='greeting',
    score=12.5,
    completeness=0.25,
    model='rules',
    usage='{"requests": 1}',
    cost='0.000123',
    duration_ms=7,
    record='{"reply": "oi"}',
)
CLOSED = SessionRow(
    session_id='ana:1',
    contact_id='ana',
    started_at=BEGUN,
    version=2,
    state='completed',
    turn=2,
    profile='{"city": "Recife"}',
    summary='quer um carro',
    score=80,
    completeness=1,
    created_at=BEGUN,
    updated_at=BEGUN + timedelta(minutes=5),
    reason='expired',
)


def turn(version: int, *, session: str = 'ana:1', state: str = 'greeting') -> Rows:
    """Return one turn: what the person said and the reply."""
    contact = session.partition(':')[0]
    at = BEGUN + timedelta(minutes=version)
    sent_at = at - timedelta(seconds=3)
    row = TURN._replace(
        session_id=session, contact_id=contact, version=version, turn=version, at=at, sent_at=sent_at, state=state
    )
    said = MessageRow(f'{version}.0', session, contact, 'user', f'pergunta {version}', at)
    reply = MessageRow(f'{version}.1', session, contact, 'assistant', f'resposta {version}', at)
    return Rows(turns=(row,), messages=(said, reply))


def batch(*rows: Rows, after: str = '0-0', offset: str = '1-0', partition: int = 0) -> Batch:
    return Batch(partition, after, offset, pack(rows))


def made(entry: Entry, _: None = None) -> Rows:
    """Return the rows of a body such as `{"n": 3}`; `{"n": 3, "record": "no JSON"}` makes one that the archive refuses."""
    body = json.loads(entry.body)
    session = f'{entry.contact_id}:{entry.started_ms}'
    if entry.kind == 'close':
        return Rows(sessions=(CLOSED._replace(session_id=session, contact_id=entry.contact_id, reason=entry.note),))
    rows = turn(entry.version, session=session)
    return rows._replace(turns=(rows.turns[0]._replace(turn=body['n'], record=body.get('record', '{}')),))


async def decode(entry: Entry) -> Unread:
    return Unread(made, entry, None)
