"""Outbox entries become archive rows, and rows become past sessions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent_memory.backend._archive import Entry, EntryKind
from agent_memory.backend._rows import MessageRow, Rows
from agent_memory.codec import Codec, unpack_json
from agent_memory.errors import SessionCorrupt
from agent_memory.history import past_session, rows_of
from agent_memory.lead import CAR_LEAD
from agent_memory.profile import Change, Profile
from agent_memory.session import ConversationMessage, Domain, StateMachine
from agent_memory.turn import Event, TurnRecord, UserMessage

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STARTED_MS = 1772366400000
CODEC = Codec(CAR_LEAD)


def entry(kind: EntryKind, body: bytes, *, note: str = '') -> Entry:
    return Entry('5-1', kind, 'c0ntact', STARTED_MS, 3, 'commit', body, note, partition=7)


async def read(found: Entry, codec: Codec[Any] = CODEC) -> Rows:
    rows = await rows_of(codec)(found)
    assert isinstance(rows, Rows)
    return rows


async def test_a_turn_becomes_rows_of_every_kind() -> None:
    profile = CAR_LEAD.profile().patch([Change(field='city', value='São Paulo')], message='m1', at=NOON)
    record = TurnRecord(
        turn=3,
        at=NOON + timedelta(seconds=2),
        messages=[UserMessage(id='m1', text='oi', at=NOON), UserMessage(id='m2', text='sou de SP', at=NOON)],
        reply='olá',
        said=[ConversationMessage(role='system', content='aviso', at=NOON)],
        state='collecting_profile',
        score=18,
        facts=list(profile.facts),
        events=[Event(kind='state', at=NOON, message='m1', data={'before': 'greeting'})],
        model='rules',
        usage={'requests': 1},
        cost='0.01',
        duration_ms=1500,
    )
    body = CODEC.write_turn(record)

    rows = await read(entry('turn', body))

    [turn] = rows.turns
    assert (turn.session_id, turn.contact_id, turn.started_at) == (f'c0ntact:{STARTED_MS}', 'c0ntact', NOON)
    assert (turn.version, turn.turn, turn.commit_id, turn.state) == (3, 3, 'commit', 'collecting_profile')
    assert (turn.at, turn.sent_at) == (record.at, NOON)
    assert (turn.score, turn.completeness, turn.model, turn.cost) == (18, None, 'rules', '0.01')
    assert (json.loads(turn.usage), turn.duration_ms) == ({'requests': 1}, 1500)
    assert turn.record == unpack_json(body).decode()
    assert [(line.id, line.role, line.content) for line in rows.messages] == [
        (f'c0ntact:{STARTED_MS}:3:0', 'user', 'oi'),
        (f'c0ntact:{STARTED_MS}:3:1', 'user', 'sou de SP'),
        (f'c0ntact:{STARTED_MS}:3:2', 'assistant', 'olá'),
        (f'c0ntact:{STARTED_MS}:3:3', 'system', 'aviso'),
    ]
    [fact] = rows.facts
    assert (fact.field, fact.old, fact.new, fact.message, fact.author) == ('city', None, '"São Paulo"', 'm1', 'user')
    [event] = rows.events
    assert (event.kind, event.message, json.loads(event.data)) == ('state', 'm1', {'before': 'greeting'})
    assert rows.sessions == rows.dead_letters == ()


async def test_a_silent_turn_leaves_no_reply() -> None:
    rows = await read(entry('turn', CODEC.write_turn(TurnRecord(turn=3, at=NOON, state='human_handoff'))))

    assert (rows.messages, rows.turns[0].sent_at) == ((), None)


async def test_a_closed_session_keeps_profile_score_and_reason() -> None:
    session = CAR_LEAD.open_session('c0ntact', at=NOON)
    session.profile = session.profile.patch([Change(field='budget_max', value=60_000)]).profile
    session.memory.summary = 'quer um carro'
    session.increment_turn(at=NOON + timedelta(minutes=1))

    [row] = (await read(entry('close', CODEC.write_session(session), note='expired'))).sessions

    assert (row.session_id, row.version, row.turn, row.reason) == (session.session_id, 3, 1, 'expired')
    assert (json.loads(row.profile), row.summary) == ({'budget_max': 60_000}, 'quer um carro')
    assert (row.score, row.completeness, row.state) == (30, 0, 'greeting')
    assert (row.created_at, row.updated_at) == (NOON, NOON + timedelta(minutes=1))


async def test_a_domain_without_scores_archives_none() -> None:
    class Guest(Profile):
        city: str | None = None

    codec = Codec(Domain(Guest, StateMachine('open', {'open': frozenset()})))
    session = codec.domain.open_session('c0ntact', at=NOON)

    [row] = (await read(entry('close', codec.write_session(session)), codec)).sessions

    assert (row.score, row.completeness) == (None, None)


async def test_a_message_that_was_given_up_keeps_its_body_and_error() -> None:
    [letter] = (await read(entry('dead', b'any bytes', note='ModelError'))).dead_letters

    assert (letter.entry_id, letter.partition, letter.contact_id) == ('5-1', 7, 'c0ntact')
    assert (letter.kind, letter.error, letter.body) == ('dead', 'ModelError', b'any bytes')


async def test_an_entry_that_cannot_be_read_says_so() -> None:
    for kind in ('turn', 'close'):
        with pytest.raises(SessionCorrupt):
            await read(entry(kind, b'\x01damaged'))


async def test_a_past_session_has_its_transcript() -> None:
    session = CAR_LEAD.open_session('c0ntact', at=NOON)
    [row] = (await read(entry('close', CODEC.write_session(session), note='expired'))).sessions
    line = MessageRow('1', row.session_id, 'c0ntact', 'user', 'oi', NOON)

    past = past_session(row, [line])

    assert (past.session_id, past.state, past.reason, past.profile) == (session.session_id, 'greeting', 'expired', {})
    assert past.messages == (ConversationMessage(role='user', content='oi', at=NOON),)
