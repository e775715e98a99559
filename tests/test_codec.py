"""Bytes at rest: what is written is read, by this version and by the next, and what is damaged says so.

`tests/data/blobs` holds bytes as earlier versions wrote them. Add to it when a model changes; never write it again.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from agent_memory.codec import Codec, StoredReply, pack, unpack, unpack_json
from agent_memory.errors import SessionCorrupt
from agent_memory.lead import CAR_LEAD, UserProfileData
from agent_memory.profile import Change
from agent_memory.session import Consent, Inbound, SessionData
from agent_memory.turn import Event, TurnRecord, UserMessage

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BLOBS = Path(__file__).parent / 'data' / 'blobs'
CODEC = Codec(CAR_LEAD)


def blob(name: str) -> bytes:
    return (BLOBS / f'{name}.bin').read_bytes()


def session() -> SessionData[UserProfileData]:
    """The session in `session.bin`."""
    opened = CAR_LEAD.open_session('c0ntact', at=NOON)
    changes = [
        Change(field='budget_max', value=60_000),
        Change(field='brands', value=['Fiat']),
        Change(field='main_use', value='family'),
    ]
    opened.profile = opened.profile.patch(changes, message='m1', at=NOON).profile.count_turn()
    opened.increment_turn(at=NOON + timedelta(minutes=1))
    opened.give_consent(at=NOON)
    opened.state, opened.handoff_from, opened.requests = 'human_handoff', 'collecting_profile', ['person']
    opened.memory.summary = 'Procura um carro de família.'
    opened.qualified_at = NOON
    opened.recommendations = [{'id': 7}]
    return opened


def record() -> TurnRecord:
    """The record in `turn.bin`."""
    patched = UserProfileData().patch([Change(field='city', value='Campinas')], message='m1', at=NOON)
    moved = Event(kind='state', at=NOON, message='m1', data={'before': 'greeting', 'after': 'collecting_profile'})
    return TurnRecord(
        turn=1,
        at=NOON,
        messages=[UserMessage(id='m1', text='até 60 mil', at=NOON)],
        reply='Anotado!',
        state='collecting_profile',
        score=30,
        completeness=0,
        facts=list(patched.facts),
        events=[moved],
        model='rules-pt-br',
        usage={'requests': 2},
    )


def test_a_session_document_holds_everything_but_the_messages() -> None:
    written = session()
    written.add_message('user', 'oi', at=NOON)

    read = CODEC.read_session(CODEC.write_session(written))

    assert read == session()
    assert len(written.memory.messages) == 1


def test_a_turn_record_survives() -> None:
    assert CODEC.read_turn(CODEC.write_turn(record())) == record()


@given(
    text=st.text(min_size=1), turn=st.integers(0), output=st.recursive(st.none() | st.text() | st.integers(), st.lists)
)
def test_any_reply_survives(text: str, turn: int, output: None) -> None:
    reply = StoredReply(text=text, turn=turn, output=output)

    assert unpack(StoredReply, pack(reply)) == reply


def test_a_turn_of_two_short_messages_is_small() -> None:
    assert len(CODEC.write_turn(record())) < 250


def test_bytes_at_rest_are_read_as_they_were_written() -> None:
    inbound = Inbound(contact='+5511912345678', message_id='wamid.1', text='até 60 mil', sent_at=NOON)

    assert CODEC.read_session(blob('session')) == session()
    assert CODEC.read_turn(blob('turn')) == record()
    assert unpack(StoredReply, blob('reply')) == StoredReply(text='Anotado!', turn=1, run_id='r1')
    assert unpack(Inbound, blob('inbound')) == inbound


def test_a_document_of_fewer_fields_takes_the_defaults() -> None:
    read = CODEC.read_session(blob('session_fewer_fields'))

    assert read.profile == UserProfileData(budget_max=60_000, interactions=1)
    assert (read.turn, read.ttl, read.consent, read.requests) == (1, timedelta(hours=24), Consent(), [])


def test_fields_that_this_version_does_not_have_are_left_out() -> None:
    read = CODEC.read_session(blob('session_more_fields'))

    known = read.profile.model_copy(update={'provenance': session().profile.provenance})
    assert read.model_copy(update={'profile': known}) == session()
    assert CODEC.read_turn(blob('turn_more_fields')) == record()


@pytest.mark.parametrize('data', [b'', b'\x02{}', b'{}'])
def test_an_unknown_format_is_named(data: bytes) -> None:
    with pytest.raises(SessionCorrupt, match=r'have format (none|02|7b); this version reads 00 and 01'):
        unpack_json(data)


@given(cut=st.integers(1, len(blob('session')) - 1))
def test_bytes_that_are_cut_short_are_never_half_read(cut: int) -> None:
    with pytest.raises(SessionCorrupt, match=r'cut short|damaged'):
        unpack_json(blob('session')[:cut])


@given(place=st.integers(1, len(blob('session')) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_never_changes_what_is_read(place: int, bit: int) -> None:
    damaged = bytearray(blob('session'))
    damaged[place] ^= 1 << bit

    # The last byte before the checksum is padded with bits that mean nothing.
    with suppress(SessionCorrupt):
        assert CODEC.read_session(bytes(damaged)) == session()


def test_bytes_of_another_model_say_where_they_do_not_fit_and_nothing_else() -> None:
    class Odd(BaseModel):
        contact_id: int = 5
        state: str = 'Rua A, 91234-5678'
        turn: str = 'ligue 91234-5678'

    with pytest.raises(SessionCorrupt, match=r'do not fit SessionData.*started_at.*turn') as corrupt:
        CODEC.read_session(pack(Odd(contact_id=6, state='Rua B, 91234-5678', turn='x 91234-5678')))

    assert '91234' not in f'{corrupt.value} {corrupt.value.__cause__}'
