"""The receipt of an erasure: what was removed where, signed so that anybody with the public key can check it."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, ValidationError

from agent_memory.errors import InvalidInput, SetupError
from agent_memory.vault import write_new

SIGNER_FILE = 'receipt.key'


class Receipt(BaseModel):
    """What an erasure did. It names the contact by the opaque id only."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True)

    kind: Literal['erasure'] = 'erasure'
    id: str
    contact_ids: tuple[str, ...]
    """Keyed hashes: who has the secret and the phone number can tell that it is this person, nobody else can."""
    erased_at: datetime
    """What was sent until then stays out."""
    completed_at: datetime
    keys: int
    """Data keys that were destroyed."""
    store: dict[str, int]
    """What was removed from the store of open conversations."""
    store_file_rewritten: bool
    """Whether the server's file was written anew. Without it what is left there is sealed with the destroyed key."""
    history: dict[str, int] | None
    """Rows that were removed from the history, whose file was written anew; `None` when it is kept elsewhere, where it
    is done by the process that keeps it."""
    exports: int
    """Exported files that were removed."""
    remains: tuple[str, ...] = (
        'a tombstone: the keyed hash and the time',
        'entries of the audit and of the request ledger: the keyed hash, kinds, times and counts',
        'names of the contact as keyed hashes for 8 days, so that late redeliveries find the tombstone',
    )
    public_key: str = ''
    signature: str = ''

    def _signed(self) -> bytes:
        told = self.model_dump(mode='json', exclude={'signature'})
        return json.dumps(told, sort_keys=True, separators=(',', ':'), ensure_ascii=False).encode()


class Signer:
    """Signs receipts with Ed25519."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def from_file(cls, path: Path) -> Signer:
        """Return the signer of a data directory, made on first use with mode 0600.

        Raises:
            SetupError: The file cannot be made or holds no key.
        """
        with suppress(FileExistsError):
            write_new(path, _text(Ed25519PrivateKey.generate().private_bytes_raw()) + '\n')
        try:
            return cls(Ed25519PrivateKey.from_private_bytes(base64.b64decode(path.read_text())))
        except (ValueError, OSError) as error:
            raise SetupError(f'{path} does not hold the key that receipts are signed with; move it away') from error

    @property
    def public_key(self) -> str:
        """What receipts are checked with, in base64. Publish it."""
        return _text(self._key.public_key().public_bytes_raw())

    def sign(self, receipt: Receipt) -> Receipt:
        """Return the receipt with its signature."""
        named = receipt.model_copy(update={'public_key': self.public_key})
        return named.model_copy(update={'signature': _text(self._key.sign(named._signed()))})  # pyright: ignore[reportPrivateUsage]


def verify_receipt(text: str, *, public_key: str | None = None) -> Receipt:
    """Return a receipt whose signature holds.

    Args:
        text: The receipt as JSON.
        public_key: Whose signature it must be; without one the receipt's own, which proves only that it is whole.

    Raises:
        InvalidInput: It is no receipt, was changed, or was signed by somebody else.
    """
    try:
        receipt = Receipt.model_validate_json(text)
    except ValidationError as error:
        raise InvalidInput('this is no receipt of an erasure') from error
    if public_key not in (None, receipt.public_key):
        raise InvalidInput(f'this receipt was signed with key {receipt.public_key}, not {public_key}')
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(receipt.public_key))
        key.verify(base64.b64decode(receipt.signature), receipt._signed())  # pyright: ignore[reportPrivateUsage]
    except (InvalidSignature, ValueError) as error:
        raise InvalidInput('this receipt was changed after it was signed') from error
    return receipt


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
