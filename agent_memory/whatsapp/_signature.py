"""Whether Meta sent a body: HMAC-SHA256 over its raw bytes."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

HEADER = 'X-Hub-Signature-256'
_PREFIX = b'sha256='


def sign(body: bytes, secret: bytes) -> str:
    """Return the header that Meta sends with `body`."""
    return 'sha256=' + hmac.digest(secret, body, hashlib.sha256).hex()


def is_signed(body: bytes, header: str | None, secrets: Iterable[bytes]) -> bool:
    """Return whether `header` signs exactly these bytes with one of the app secrets.

    Several secrets let an app rotate its own. The bytes must be those that came: JSON written again signs differently.
    """
    given = (header or '').encode('utf-8', 'replace')
    if not given.startswith(_PREFIX):
        return False
    return any(hmac.compare_digest(given, sign(body, secret).encode()) for secret in secrets)
