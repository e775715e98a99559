from __future__ import annotations

import json

import pytest

from agent_memory.whatsapp._signature import is_signed, sign
from tests.whatsapp.payloads import messages, text

BODY = messages(text('Você quer o Citroën?'))
SECRETS = [b'new secret', b'old secret']


def test_meta_signs_the_bytes_as_they_came() -> None:
    # The header of a body that was signed with `openssl dgst -sha256 -hmac`.
    assert sign(b'{"a":"\\u00e1"}', b'secret') == (
        'sha256=b08f184506424a543dfa337ec54591a965e6f2ea5587574a10f6bed351c305de'
    )


@pytest.mark.parametrize('secret', SECRETS)
def test_a_body_may_be_signed_with_any_of_the_secrets(secret: bytes) -> None:
    assert is_signed(BODY, sign(BODY, secret), SECRETS)


@pytest.mark.parametrize('header', [None, '', 'sha256=', 'sha256=é', 'sha1=' + 'a' * 40, sign(BODY, b'not a secret')])
def test_a_missing_or_wrong_signature_is_refused(header: str | None) -> None:
    assert not is_signed(BODY, header, SECRETS)


def test_one_bit_more_is_refused() -> None:
    changed = BODY[:-1] + bytes([BODY[-1] ^ 1])
    assert not is_signed(changed, sign(BODY, SECRETS[0]), SECRETS)


@pytest.mark.parametrize('separators', [None, (',', ':')])
def test_json_written_again_is_refused(separators: tuple[str, str] | None) -> None:
    again = json.dumps(json.loads(BODY), ensure_ascii=False, separators=separators).encode()
    assert not is_signed(again, sign(BODY, SECRETS[0]), SECRETS)
