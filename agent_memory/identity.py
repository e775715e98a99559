"""Who is who without saying it: keyed hashes for contacts and for the channel's message ids."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from functools import cached_property

from agent_memory.session import CONTACT_ID, normal_contact

_DIGEST_BYTES = 16
"""128 bits: no two of a billion contacts share an id, and nobody without the secret can try numbers."""


@dataclass(frozen=True)
class Identity:
    """Turns phone numbers, user ids and message ids into opaque ids.

    Both are personal data: a WhatsApp message id holds the phone number in base64. A plain hash of a phone number can
    be found by trying all numbers, so the hash is keyed.
    """

    secret: bytes = field(repr=False)

    @cached_property
    def _key(self) -> bytes:
        # BLAKE2b takes keys of up to 64 bytes; a secret may be longer.
        return hashlib.blake2b(self.secret).digest()

    def contact_id(self, contact: str) -> str:
        """Return the opaque id of a phone number or business-scoped user id: 22 characters, URL-safe.

        `contact:<id>` names a contact by this id.

        Raises:
            InvalidContact: It is none of these.
        """
        normal = normal_contact(contact)
        known = CONTACT_ID.fullmatch(normal) if normal.startswith('contact:') else None
        return known[1] if known else self._digest(b'contact', normal)

    def alias(self, kind: str, name: str) -> str:
        """Return the opaque name of something that a contact is known by: 22 characters, URL-safe."""
        return self._digest(b'alias', f'{kind}\0{name}')

    def alias_of(self, contact: str) -> str | None:
        """Return the alias that a phone number or user id is known by; `None` for a contact id.

        Raises:
            InvalidContact: It is none of these.
        """
        normal = normal_contact(contact)
        if normal.startswith('contact:'):
            return None
        return self.alias('phone', normal[1:]) if normal.startswith('+') else self.alias('user', normal)

    def message_id(self, contact_id: str, message_id: str) -> str:
        """Return the opaque id of one message of a contact: 16 characters (96 bits), URL-safe."""
        return self._digest(b'message', f'{contact_id}\0{message_id}')[:16]

    def text_digest(self, text: str) -> str:
        """Return what tells two texts apart without telling them: 11 characters."""
        return self._digest(b'text', text)[:11]

    def _digest(self, purpose: bytes, text: str) -> str:
        digest = hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES, key=self._key, person=purpose).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b'=').decode()
