"""What the reader makes of each shape that Meta sends."""

# pyright: reportPrivateUsage=false
# Its readers never raise, so one is broken to show what the others do then.

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory.whatsapp import _events
from agent_memory.whatsapp._contents import (
    Choice,
    Content,
    Location,
    Media,
    Order,
    Reaction,
    SharedContacts,
    Text,
    Unknown,
    Unsupported,
    spoken,
)
from agent_memory.whatsapp._events import Aliases, GraphProblem, InboundEvent, parse
from tests.whatsapp.payloads import ANA, PHONE_NUMBER_ID, change, messages, post, status, text, typed

SHARED = Path(__file__).parents[3] / 'shared' / 'data' / 'whatsapp'


def one(body: bytes) -> InboundEvent:
    (event,) = parse(body)
    return event


def test_a_text_is_read_with_who_sent_it_where_and_when() -> None:
    event = one(messages(text('Você tem Onix até 60 mil? 🚗')))
    assert (event.kind, event.part, event.field) == ('message', 'messages', 'messages')
    assert event.content == Text('Você tem Onix até 60 mil? 🚗')
    assert (event.wamid, event.sent_at, event.phone_number_id) == ('wamid.1', 1764000000, PHONE_NUMBER_ID)
    assert event.waba_id == '102290129340398'
    assert event.sender == Aliases('5511987650001', 'BR.1350208655302741918', None, 'ana.c', 'Ana')


@pytest.mark.parametrize(
    ('item', 'expected', 'said'),
    [
        (
            typed('image', {'id': '7', 'mime_type': 'image/jpeg', 'sha256': 'c2hh', 'caption': 'olha'}),
            Media('image', '7', 'image/jpeg', 'c2hh', 'olha'),
            '[image] olha',
        ),
        (
            typed('audio', {'id': '8', 'mime_type': 'audio/ogg; codecs=opus', 'sha256': 's', 'voice': True}),
            Media('audio', '8', 'audio/ogg; codecs=opus', 's', voice=True),
            '[voice message]',
        ),
        (
            typed('document', {'id': '9', 'filename': 'cnh.pdf'}),
            Media('document', '9', None, None, filename='cnh.pdf'),
            '[cnh.pdf]',
        ),
        (typed('sticker', {'id': '1'}), Media('sticker', '1', None, None), '[sticker]'),
        (
            typed('location', {'latitude': -23.55, 'longitude': '-46.63', 'name': 'Loja'}),
            Location(-23.55, -46.63, 'Loja'),
            '[location -23.55000,-46.63000] Loja',
        ),
        (
            typed('contacts', [{'vcard': 'BEGIN:VCARD', 'phones': [{'phone': '+551130000000'}]}]),
            SharedContacts((), ('+551130000000',)),
            '[contact] +551130000000',
        ),
        (
            typed('order', {'catalog_id': '1', 'text': '', 'product_items': [{}, {}]}),
            Order(2, None),
            '[order of 2 items]',
        ),
        (
            typed('interactive', {'type': 'button_reply', 'button_reply': {'id': 'yes', 'title': 'Aceito'}}),
            Choice('yes', 'Aceito'),
            'Aceito',
        ),
        (
            typed('interactive', {'type': 'list_reply', 'list_reply': {'id': 'suv', 'title': 'SUV'}}),
            Choice('suv', 'SUV'),
            'SUV',
        ),
        (
            typed('interactive', {'type': 'nfm_reply', 'nfm_reply': {'name': 'flow', 'body': 'Sent'}}),
            Choice('flow', 'Sent'),
            'Sent',
        ),
        (
            typed('interactive', {'type': 'call_permission_reply', 'call_permission_reply': {'response': 'accept'}}),
            Choice('call_permission_reply', 'accept'),
            'accept',
        ),
        (typed('interactive', {'type': 'dance_reply'}), Unknown('interactive dance_reply'), None),
        (typed('button', {'payload': 'p', 'text': 'Ver mais'}), Choice('p', 'Ver mais'), 'Ver mais'),
        (typed('unsupported', {'type': 'poll'}), Unsupported('poll'), '[poll that cannot be read]'),
        (typed('hologram', {'id': '1'}), Unknown('hologram'), '[hologram message]'),
        (typed('text', {}), Unknown('text'), '[text message]'),
    ],
)
def test_each_content_is_read_and_can_be_said(item: dict[str, Any], expected: Content, said: str | None) -> None:
    event = one(messages(item))
    assert event.kind == 'message'
    assert event.content == expected
    assert spoken(expected)
    assert said is None or spoken(expected) == said


@pytest.mark.parametrize('reaction', [{'message_id': 'wamid.O'}, {'message_id': 'wamid.O', 'emoji': ''}])
def test_a_reaction_that_was_taken_back_has_no_emoji(reaction: dict[str, str]) -> None:
    event = one(messages(typed('reaction', reaction)))
    assert (event.kind, event.content) == ('reaction', Reaction('wamid.O', None))


def test_every_item_of_a_batch_is_an_event_in_its_place() -> None:
    body = post(
        change(
            contacts=[ANA], messages=[text('oi', 'wamid.1'), text('tudo bem?', 'wamid.2')], statuses=[status('read')]
        ),
        change(statuses=[status('sent'), status('delivered')]),
        change('brand_new_field', whatever=1),
    )
    events = parse(body, received_at=5)
    assert [event.kind for event in events] == ['message', 'message', 'status', 'status', 'status', 'ignored']
    assert [event.seq for event in events] == list(range(6))
    assert {event.received_at for event in events} == {5}


def test_a_broken_item_takes_no_other_down() -> None:
    events = parse(messages(text('oi'), {'type': ['no', 'type']}, text('ainda aqui', 'wamid.3')))
    assert [event.kind for event in events] == ['message', 'invalid', 'message']


def test_an_empty_phone_number_is_none_and_the_user_id_stands_alone() -> None:
    contact = {'wa_id': '', 'user_id': 'BR.13', 'profile': {'name': '', 'username': 'ana.carros'}}
    event = one(messages(text('oi') | {'from': '', 'from_user_id': 'BR.13'}, contacts=[contact]))
    assert event.kind == 'message'
    assert event.sender == Aliases(None, 'BR.13', None, 'ana.carros', None)


def test_a_user_id_in_the_place_of_the_phone_number_stays_a_user_id() -> None:
    item = {'id': 'wamid.1', 'type': 'text', 'text': {'body': 'oi'}, 'from': 'BR.1350'}
    assert one(messages(item, contacts=[])).sender == Aliases(None, 'BR.1350')


def test_contacts_are_matched_by_id_and_not_by_place() -> None:
    other = {'wa_id': '5521999990000', 'profile': {'name': 'Bia'}}
    assert one(messages(text('oi'), contacts=[other, ANA])).sender.name == 'Ana'
    assert one(messages(text('oi'), contacts=[other])).sender.name is None


def test_a_message_of_nobody_is_invalid() -> None:
    item = text('oi')
    del item['from'], item['from_user_id']
    assert one(messages(item, contacts=[ANA])).kind == 'invalid'


@pytest.mark.parametrize(
    ('wa_id', 'key'),
    [
        ('5511987650001', '551187650001'),
        ('551187650001', '551187650001'),
        ('551130000000', None),
        ('16505551234', None),
        (None, None),
    ],
)
def test_the_ninth_digit_does_not_tell_two_brazilian_mobiles_apart(wa_id: str | None, key: str | None) -> None:
    assert Aliases(wa_id=wa_id).br_match_key == key


def test_a_failed_status_says_why_and_needs_no_contact() -> None:
    problem = {'code': 131047, 'title': 'Re-engagement message', 'error_data': {'details': 'more than 24 hours'}}
    item = status('failed', errors=[problem], biz_opaque_callback_data='t:1')
    event = one(post(change(statuses=[item])))
    assert event.delivery is not None
    assert (event.delivery.state, event.delivery.opaque) == ('failed', 't:1')
    assert event.delivery.problems == (GraphProblem(131047, 'Re-engagement message', 'more than 24 hours'),)
    assert event.sender.wa_id == ANA['wa_id']


def test_an_item_whose_reading_fails_names_its_fault_and_takes_no_other_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(item: Any, contacts: Any) -> InboundEvent:
        return InboundEvent(kind='status', part='statuses', sent_at=1 // len(item.get('pricing', {})))

    monkeypatch.setitem(_events._PARTS, 'statuses', broken)
    read = status('read', pricing={'category': 'service'})
    events = parse(
        post(change(messages=[text('oi')], statuses=[status('sent'), read]), change(messages=[text('e aí?')]))
    )
    assert [(event.kind, event.part, event.fault) for event in events] == [
        ('message', 'messages', None),
        ('invalid', 'statuses', 'ZeroDivisionError'),
        ('status', 'statuses', None),
        ('message', 'messages', None),
    ]
    assert events[1].raw['id'] == 'wamid.OUT'


def test_groups_are_ignored() -> None:
    group = status('read', recipient_id='120363@g.us', recipient_type='group', recipient_participant_user_id='BR.1')
    events = parse(post(change(statuses=[group], messages=[text('oi', group_id='120363@g.us')])))
    assert [(event.kind, event.group_id) for event in events] == [('ignored', '120363@g.us')] * 2


@pytest.mark.parametrize('field', ['history', 'standby', 'calls'])
def test_threads_that_are_not_ours_are_ignored(field: str) -> None:
    assert one(post(change(field, messages=[text('oi')]))).kind == 'ignored'


def test_a_changed_number_names_old_and_new_ids() -> None:
    system = {'type': 'user_changed_number', 'wa_id': '5511911112222', 'user_id': 'BR.2', 'body': 'changed'}
    event = one(post(change(messages=[typed('system', system)])))
    assert event.kind == 'identity_change'
    assert (event.sender.wa_id, event.sender.bsuid) == ('5511987650001', 'BR.1350208655302741918')
    assert event.becomes == Aliases('5511911112222', 'BR.2')


def test_a_changed_user_id_is_followed_from_the_one_that_is_named_as_the_old_one() -> None:
    system = {'type': 'user_changed_user_id', 'previous_user_id': 'BR.1', 'user_id': 'BR.2', 'body': 'changed'}
    item = typed('system', system) | {'from': '', 'from_user_id': 'BR.2'}
    event = one(post(change(messages=[item])))
    assert (event.kind, event.sender.bsuid) == ('identity_change', 'BR.1')
    assert event.becomes == Aliases(bsuid='BR.2')


def test_an_edit_carries_its_new_words_and_a_deletion_none() -> None:
    changed = {'original_message_id': 'wamid.0', 'message': {'type': 'text', 'text': {'body': 'quero SUV'}}}
    edit, revoke = parse(messages(typed('edit', changed), typed('revoke', {'original_message_id': 'wamid.0'})))
    assert (edit.kind, edit.original, edit.content) == ('edit', 'wamid.0', Text('quero SUV'))
    assert (revoke.kind, revoke.original, revoke.content) == ('revoke', 'wamid.0', None)


def test_an_echo_names_the_customer_it_went_to() -> None:
    echo = {'from': '551130000000', 'to': '', 'to_user_id': ANA['user_id'], 'id': 'wamid.E', 'type': 'text'}
    event = one(post(change('smb_message_echoes', contacts=[ANA], message_echoes=[{**echo, 'text': {'body': 'Oi'}}])))
    assert event.kind == 'echo'
    assert (event.sender.bsuid, event.sender.wa_id) == (ANA['user_id'], ANA['wa_id'])


def test_a_message_keeps_its_advertisement_and_its_context() -> None:
    item = text('oi', context={'id': 'wamid.0', 'frequently_forwarded': True}, referral={'source_id': 'ad1'})
    event = one(messages(item))
    assert (event.reply_to, event.forwarded, event.referral) == ('wamid.0', True, {'source_id': 'ad1'})


def test_nul_and_lone_surrogates_are_left_out_of_a_text() -> None:
    body = messages(text('X')).replace(b'"X"', rb'"a\u0000b\ud83d c"')
    assert one(body).content == Text('ab c')


@pytest.mark.parametrize('body', [b'', b'\xff', b'[]', b'null', b'{"entry": 1}', b'[' * 100_000, b'{"a":'])
def test_a_body_that_is_no_webhook_is_no_error(body: bytes) -> None:
    assert {event.kind for event in parse(body)} <= {'invalid'}


def test_an_event_is_named_without_naming_the_person() -> None:
    first, again = parse(messages(text('oi'), text('oi')))
    assert first.event_key(b'pepper') == again.event_key(b'pepper') != first.event_key(b'other pepper')
    sent, read = parse(post(change(statuses=[status('sent'), status('read')])))
    assert sent.event_key(b'pepper') != read.event_key(b'pepper')


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_SEEDS = [
    json.loads(messages(text('oi', context={'id': 'x'}), typed('contacts', [{'phones': [{'phone': '1'}]}]))),
    json.loads(messages(typed('interactive', {'type': 'list_reply', 'list_reply': {'id': '1', 'title': 'a'}}))),
    json.loads(messages(typed('edit', {'message': {'type': 'location', 'location': {'latitude': 1, 'longitude': 2}}}))),
    json.loads(post(change(statuses=[status('failed', errors=[{'code': 1, 'error_data': {}}], pricing={})]))),
    json.loads(post(change('x', message_echoes=[text('oi')], errors=[{}], user_actions=[{}]))),
]


@given(seed=st.sampled_from(_SEEDS), data=st.data())
def test_mutated_json_never_raises(seed: Any, data: st.DataObject) -> None:
    mutated = _mutated(seed, data)
    for event in parse(json.dumps(mutated).encode()):
        assert event.content is None or spoken(event.content).encode()
        assert event.sender.br_match_key is None or event.sender.wa_id
        assert event.event_key(b'pepper')


def _mutated(value: Any, data: st.DataObject) -> Any:
    """Return a copy of `value` with one place on a random path replaced by any JSON."""
    if not isinstance(value, (dict, list)) or not value or data.draw(st.integers(0, 9)) == 0:
        return data.draw(_JSON)
    copy = cast('dict[Any, Any]', value.copy())
    place = data.draw(st.sampled_from(list(copy) if isinstance(value, dict) else list(range(len(copy)))))
    copy[place] = _mutated(copy[place], data)
    return copy


@pytest.mark.skipif(not SHARED.exists(), reason='the collected payloads are not part of the repository')
def test_collected_payloads_give_the_events_that_their_manifest_counts() -> None:
    names = {'messages': 'messages', 'statuses': 'statuses', 'message_echoes': 'echoes', 'change': 'other'}
    wrong: list[str] = []
    seen = 0
    for item in json.loads((SHARED / 'manifest.json').read_text())['items']:
        if item['file'].startswith(('inbound/', 'captured/')):
            found = Counter(names.get(event.part, event.part) for event in parse((SHARED / item['file']).read_bytes()))
            seen += found.total()
            if found != Counter({name: count for name, count in item['expect'].items() if count}):
                wrong.append(f'{item["file"]}: {dict(found)}')
    assert not wrong
    assert seen > 90
