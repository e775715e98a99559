"""`Box`: seals and opens what is kept of one contact, with that contact's own key.

A sealed blob is `02`, one letter for its kind, its place with two bytes of length before it, the id of the key, a random
nonce, and the AES-256-GCM ciphertext. All of it and the contact are authenticated: a blob that was changed, or moved to
another contact, kind or place, does not open. Binary places say which session and version; mailbox bodies and replies
name their messages.
"""

from __future__ import annotations

import base64
import hashlib
import os
from binascii import b2a_base64
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agent_memory.errors import SealBroken

SEALED = b'\x02'
"""The first byte of a sealed blob."""
TEXT = 'am2:'
"""How a sealed text begins."""

Kind = Literal[b'S', b'T', b'R', b'M', b'A']
"""Session document, turn record, reply, mailbox body, channel address."""

_KEY_BYTES, _ID_BYTES, _NONCE_BYTES = 32, 4, 12
_HEAD = 4
"""Format, kind and the length of the place."""


def new_key() -> bytes:
    """Return a random data key."""
    return os.urandom(_KEY_BYTES)


def key_id(key: bytes) -> str:
    """Return the name of a data key, which tells nothing about it."""
    return hashlib.blake2b(key, digest_size=_ID_BYTES, person=b'data key').hexdigest()


def sealed_with(blob: bytes) -> str | None:
    """Return the id of the key that a blob was sealed with, or `None` when it is not sealed."""
    if blob[:1] != SEALED:
        return None
    start = _HEAD + int.from_bytes(blob[2:4])
    return blob[start : start + _ID_BYTES].hex()


def text_sealed_with(text: str) -> str | None:
    """Return the id of the key that a cell was sealed with, or `None` when it is not sealed."""
    start = text.find(TEXT)
    if start < 0:
        return None
    # Four bytes are six letters of base64.
    return base64.b64decode(text[start + len(TEXT) :][:8])[:_ID_BYTES].hex()


class Box:
    """Seals and opens with the key of `contact_id`."""

    __slots__ = ('_aes', '_bound_to', '_contact', '_key', '_key_id', 'contact_id', 'key_id')

    def __init__(self, contact_id: str, key: bytes) -> None:
        self.contact_id = contact_id
        self.key_id = key_id(key)
        self._key = key
        self._aes = AESGCM(key)
        self._contact = contact_id.encode()
        self._bound_to = b'\0'.join((TEXT.encode(), self._contact, b''))
        self._key_id = bytes.fromhex(self.key_id)

    def __repr__(self) -> str:
        return f'Box({self.contact_id!r}, key {self.key_id})'

    def __reduce__(self) -> tuple[type[Box], tuple[str, bytes]]:
        # With its key: a process that this program starts reads with it.
        return Box, (self.contact_id, self._key)

    def seal(self, kind: Kind, place: bytes, data: bytes) -> bytes:
        """Return `data` sealed for one place."""
        head = b''.join((SEALED, kind, len(place).to_bytes(2), place, self._key_id))
        nonce = os.urandom(_NONCE_BYTES)
        return head + nonce + self._aes.encrypt(nonce, data, head + self._contact)

    def open(self, kind: Kind, blob: bytes) -> tuple[bytes, bytes]:
        """Return the place that a blob was sealed for and its data. The caller checks that it is the place.

        Raises:
            SealBroken: It was changed, is of another contact or kind, or was sealed with another key.
        """
        start = _HEAD + int.from_bytes(blob[2:4])
        cut = start + _ID_BYTES
        if blob[:2] != SEALED + kind or len(blob) < cut + _NONCE_BYTES:
            raise SealBroken('sealed bytes were changed, or moved here from another place')
        if blob[start:cut] != self._key_id:
            raise SealBroken(_other_key(blob[start:cut], self.key_id))
        return blob[_HEAD:start], self._opened(blob[:cut], blob[cut:])

    def seal_text(self, place: str, text: str) -> str:
        """Return `text` sealed as text, for a place that whoever opens it has to name."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._aes.encrypt(nonce, text.encode(errors='surrogatepass'), self._bound(place))
        return TEXT + b2a_base64(self._key_id + nonce + sealed, newline=False).decode()

    def open_text(self, place: str, text: str) -> str:
        """Return a text that was sealed for `place`.

        Raises:
            SealBroken: It was changed, is of another contact or place, or was sealed with another key.
        """
        blob = _decoded(text)
        if blob[:_ID_BYTES] != self._key_id:
            raise SealBroken(_other_key(blob[:_ID_BYTES], self.key_id))
        nonce, sealed = blob[_ID_BYTES : _ID_BYTES + _NONCE_BYTES], blob[_ID_BYTES + _NONCE_BYTES :]
        return self._decrypted(nonce, sealed, self._bound(place)).decode(errors='surrogatepass')

    def _opened(self, head: bytes, rest: bytes) -> bytes:
        return self._decrypted(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], head + self._contact)

    def _bound(self, place: str) -> bytes:
        return self._bound_to + place.encode()

    def _decrypted(self, nonce: bytes, sealed: bytes, bound: bytes) -> bytes:
        try:
            return self._aes.decrypt(nonce, sealed, bound)
        except (InvalidTag, ValueError) as error:
            raise SealBroken('sealed bytes were changed, or moved here from another place') from error


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.removeprefix(TEXT), validate=True)
    except ValueError as error:
        raise SealBroken('a sealed text was changed') from error


def _other_key(found: bytes, own: str) -> str:
    return (
        f'sealed with key {found.hex()}, and the key of this contact is {own}: it was moved here from another contact, '
        'or its key was destroyed'
    )
