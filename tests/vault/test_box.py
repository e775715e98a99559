"""A box opens what it sealed, where it was sealed for, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory.codec import Codec, StoredReply
from agent_memory.errors import KeyUnavailable, SealBroken, SessionCorrupt
from agent_memory.lead import CAR_LEAD
from agent_memory.session import Inbound
from agent_memory.vault import Box, Cells, sealed_with
from tests.test_codec import CODEC, record, session

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
ANA = Codec(CAR_LEAD, Box('ana', KEY))
STARTED = 1_772_366_400_000


def test_what_is_sealed_is_read_as_it_was_written() -> None:
    inbound = Inbound(contact='+5511912345678', message_id='wamid.1', text='até 60 mil')
    reply = StoredReply(text='Anotado!', turn=1)

    assert ANA.read_session(ANA.write_session(session(), started_ms=STARTED, version=3)) == session()
    assert ANA.read_turn(ANA.write_turn(record(), started_ms=STARTED, version=3)) == record()
    assert ANA.read_reply(ANA.write_reply(reply, ['m1', 'm2']), 'm1') == reply
    assert ANA.read_inbound(ANA.write_inbound(inbound, 'm1'), 'm1') == inbound
    assert ANA.read_address(ANA.write_address(b'+5511912345678')) == b'+5511912345678'


def test_nothing_that_was_said_is_in_the_sealed_bytes() -> None:
    inbound = Inbound(contact='+5511912345678', message_id='wamid.1', text='até 60 mil')

    sealed = ANA.write_inbound(inbound, 'm1') + ANA.write_turn(record()) + ANA.write_address(b'+5511912345678')

    assert not [word for word in (b'5511912345678', b'wamid', b'60 mil', b'messages') if word in sealed]


def test_two_seals_of_the_same_thing_differ() -> None:
    assert ANA.write_turn(record()) != ANA.write_turn(record())


def test_a_document_does_not_open_as_another_version_session_or_kind() -> None:
    document = ANA.write_session(session(), started_ms=STARTED, version=3)

    for started, version in ((STARTED, 2), (STARTED + 1, 3)):
        with pytest.raises(SealBroken, match='another session or version'):
            ANA.read_session(document, started_ms=started, version=version)
    with pytest.raises(SealBroken, match='moved here from another place'):
        ANA.read_turn(document)


def test_turns_that_were_left_out_reordered_or_repeated_are_noticed() -> None:
    blobs = [ANA.write_turn(record(), started_ms=STARTED, version=number) for number in (4, 5, 6)]

    assert len(ANA.read_turns(blobs, started_ms=STARTED, version=6)) == 3
    assert len(ANA.read_turns(blobs, started_ms=STARTED, version=5)) == 3  # one was committed between two reads
    for wrong in ([blobs[0], blobs[2]], [blobs[1], blobs[0], blobs[2]], [blobs[2], blobs[2]], blobs[:2]):
        with pytest.raises(SealBroken, match='not those that were written'):
            ANA.read_turns(wrong, started_ms=STARTED, version=6)


def test_a_reply_and_a_body_open_for_their_own_messages_only() -> None:
    reply = ANA.write_reply(StoredReply(text='olá', turn=1), ['m1', 'm2'])
    body = ANA.write_inbound(Inbound(contact='+5511912345678', message_id='wamid.1', text='oi'), 'm1')

    with pytest.raises(SealBroken, match='reply to another message'):
        ANA.read_reply(reply, 'm3')
    with pytest.raises(SealBroken, match='body of another message'):
        ANA.read_inbound(body, 'm2')


@pytest.mark.parametrize(
    ('box', 'said'),
    [
        (Box('rui', KEY), 'were changed, or moved here from another place'),
        (Box('ana', OTHER_KEY), 'moved here from another contact, or its key was destroyed'),
    ],
)
def test_nothing_opens_for_another_contact_or_with_another_key(box: Box, said: str) -> None:
    other = Codec(CAR_LEAD, box)

    with pytest.raises(SealBroken, match=said):
        other.read_session(ANA.write_session(session()))
    with pytest.raises(SealBroken, match=said):
        box.open_text('content:1', Box('ana', KEY).seal_text('content:1', 'oi'))


def test_what_is_sealed_needs_a_key() -> None:
    with pytest.raises(KeyUnavailable, match='its contact has no key'):
        CODEC.read_session(ANA.write_session(session()))


@given(place=st.integers(0, 200), bit=st.integers(0, 7))
def test_a_flipped_bit_opens_nothing(place: int, bit: int) -> None:
    blob = bytearray(ANA.write_turn(record(), started_ms=STARTED, version=3))
    blob[place % len(blob)] ^= 1 << bit

    with pytest.raises(SessionCorrupt):
        ANA.read_turn(bytes(blob), started_ms=STARTED, version=3)


def test_bytes_from_before_sealing_are_read_and_sealed_when_they_are_written_again() -> None:
    old = (Path(__file__).parent.parent / 'data' / 'blobs' / 'session.bin').read_bytes()

    read = ANA.read_session(old, started_ms=STARTED, version=3)

    assert read == session()
    assert sealed_with(old) is None
    assert sealed_with(ANA.write_session(read)) == Box('ana', KEY).key_id


@given(text=st.text())
def test_any_text_survives_a_sealed_cell(text: str) -> None:
    cells = Cells(Box('ana', KEY))

    assert cells.open_text('content:1', cells.text('content:1', text)) == text
    assert cells.open_value('old:1', cells.value('old:1', {'city': text}) or '') == {'city': text}


def test_a_cell_does_not_open_in_another_row() -> None:
    cells = Cells(Box('ana', KEY))

    with pytest.raises(SealBroken, match='moved here from another place'):
        cells.open_text('content:2', cells.text('content:1', 'oi'))
    with pytest.raises(SealBroken, match='was changed'):
        cells.open_text('content:1', 'am2:no base64')


def test_an_event_shows_what_is_counted_and_nothing_else() -> None:
    cells = Cells(Box('ana', KEY))

    cell = cells.event('data:1', {'given': True, 'text': 'Posso guardar seus dados, Ana?'})

    assert '"given": true' in cell
    assert 'Ana' not in cell
    assert cells.open_event('data:1', cell) == {'given': True, 'text': 'Posso guardar seus dados, Ana?'}


def test_a_key_is_in_no_repr() -> None:
    box = Box('ana', KEY)

    assert KEY.hex() not in repr(box) + repr(ANA)
    assert 'bytes' not in repr(ANA)
