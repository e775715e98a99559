"""Opaque ids: the same for the same person, nothing to read in them, nothing to find by trying."""

from __future__ import annotations

import re

import pytest

from agent_memory.errors import InvalidContact
from agent_memory.identity import Identity

SECRET = b'0123456789abcdef'
IDENTITY = Identity(SECRET)
PHONE = '+5511912345678'


def test_one_person_has_one_id_however_the_number_is_written() -> None:
    ids = {IDENTITY.contact_id(written) for written in (PHONE, '5511912345678', '(11) 91234-5678', f' {PHONE} ')}

    assert len(ids) == 1


def test_ids_are_short_opaque_and_safe_in_keys() -> None:
    contact = IDENTITY.contact_id(PHONE)

    for opaque in (contact, IDENTITY.contact_id('BR.1350abc')):
        assert re.fullmatch(r'[A-Za-z0-9_-]{22}', opaque)
    assert re.fullmatch(r'[A-Za-z0-9_-]{16}', IDENTITY.message_id(contact, 'wamid.HBgNNTUxMTk='))
    assert re.fullmatch(r'[A-Za-z0-9_-]{11}', IDENTITY.text_digest('oi'))


def test_ids_do_not_change_between_versions() -> None:
    # Contacts at rest are found by these; another value loses every session.
    contact = IDENTITY.contact_id(PHONE)
    assert contact == 'aPEz4LvB3e8MUzjRthNSlQ'
    assert IDENTITY.message_id(contact, 'wamid.1') == '6gsxF2KBIAI-JJDM'


def test_people_secrets_messages_and_texts_are_told_apart() -> None:
    contact, other = IDENTITY.contact_id(PHONE), IDENTITY.contact_id('+5511912345679')

    assert contact != other
    assert contact != Identity(b'another secret..').contact_id(PHONE)
    assert IDENTITY.message_id(contact, 'wamid.1') != IDENTITY.message_id(other, 'wamid.1')
    assert IDENTITY.message_id(contact, 'wamid.1') != IDENTITY.message_id(contact, 'wamid.2')
    assert IDENTITY.text_digest('oi') != IDENTITY.text_digest('Oi')


def test_the_secret_does_not_show() -> None:
    assert '0123456789' not in repr(IDENTITY)


def test_what_is_no_contact_has_no_id() -> None:
    with pytest.raises(InvalidContact):
        IDENTITY.contact_id('ana')
