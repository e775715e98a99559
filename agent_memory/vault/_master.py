"""What wraps data keys: the `KeyProvider` protocol, and master keys from a file or the environment."""

from __future__ import annotations

import hashlib
import os
import secrets
import string
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agent_memory.errors import KeyUnavailable, SetupError

_ID_BYTES, _NONCE_BYTES, _KEY_BYTES = 4, 12, 32


class KeyProvider(Protocol):
    """Wraps the data keys of contacts with a key that never leaves it, such as one in a key management service."""

    async def wrap(self, key: bytes, *, contact_id: str) -> bytes:
        """Return `key` so that only `unwrap` for the same contact returns it."""
        ...

    async def unwrap(self, wrapped: bytes, *, contact_id: str) -> bytes:
        """Return a wrapped key.

        Raises:
            KeyUnavailable: It was wrapped with another master key or for another contact, or the service is away.
        """
        ...

    def is_current(self, wrapped: bytes) -> bool:
        """Return whether a key is wrapped as `wrap` would wrap it now; what is not is wrapped again by a rotation."""
        ...


class MasterKeys:
    """Master keys of 32 bytes: the first wraps, all of them unwrap.

    Args:
        keys: In hex or bytes, the current one first; older ones until a rotation is done.
    """

    def __init__(self, keys: Iterable[bytes | str]) -> None:
        self._path: Path | None = None
        self._read: int | None = None
        self._take(keys)

    def __repr__(self) -> str:
        return f'MasterKeys({", ".join(id_.hex() for id_ in self._keys)})'

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Return the keys of a file, one a line; it is made on first use with a random key and mode 0600.

        Raises:
            SetupError: It can be read by others, holds no key, or cannot be read or made.
        """
        with suppress(FileExistsError):
            write_new(path, secrets.token_hex(_KEY_BYTES) + '\n')
        text, read = _private(path)
        keys = cls(text.split())
        keys._path, keys._read = path, read
        return keys

    async def wrap(self, key: bytes, *, contact_id: str) -> bytes:
        self._reread()
        nonce = os.urandom(_NONCE_BYTES)
        head = self._current + nonce
        return head + self._keys[self._current].encrypt(nonce, key, _bound(contact_id))

    async def unwrap(self, wrapped: bytes, *, contact_id: str) -> bytes:
        id_, nonce = wrapped[:_ID_BYTES], wrapped[_ID_BYTES : _ID_BYTES + _NONCE_BYTES]
        if id_ not in self._keys:
            self._reread()
        master = self._keys.get(id_)
        if master is None:
            raise KeyUnavailable(
                f'a data key was wrapped with master key {id_.hex()}, which is not given; restore that master key'
            )
        try:
            return master.decrypt(nonce, wrapped[_ID_BYTES + _NONCE_BYTES :], _bound(contact_id))
        except (InvalidTag, ValueError) as error:
            raise KeyUnavailable('a data key in the key store was changed, or belongs to another contact') from error

    def is_current(self, wrapped: bytes) -> bool:
        return wrapped[:_ID_BYTES] == self._current

    def _take(self, keys: Iterable[bytes | str]) -> None:
        self._keys = {_id(key): AESGCM(key) for key in map(_bytes, keys)}
        if not self._keys:
            raise SetupError('there is no master key; give 32 bytes in hex, such as `openssl rand -hex 32` makes')
        self._current = next(iter(self._keys))

    def _reread(self) -> None:
        """Follow a rotation that another process does in the file."""
        if self._path is not None and self._path.exists() and self._path.stat().st_mtime_ns != self._read:
            text, self._read = _private(self._path)
            self._take(text.split())


def add_master_key(path: Path) -> None:
    """Put a new master key before those of a file. Running processes take it up by themselves.

    Raises:
        SetupError: The file cannot be read or written.
    """
    _replace(path, f'{secrets.token_hex(_KEY_BYTES)}\n{_private(path)[0]}')


def retire_master_keys(path: Path) -> int:
    """Remove all master keys of a file but the first, and return how many that were.

    Raises:
        SetupError: The file cannot be read or written.
    """
    current, *older = _private(path)[0].split()
    _replace(path, f'{current}\n')
    return len(older)


def _replace(path: Path, text: str) -> None:
    new = path.with_name(f'{path.name}.new')
    new.unlink(missing_ok=True)
    write_new(new, text)
    os.replace(new, path)


def _private(path: Path) -> tuple[str, int]:
    """Return what is in a file that its owner alone may read, and when it was written."""
    try:
        status = path.stat()
        if os.name == 'posix' and status.st_mode & 0o077:
            raise SetupError(f'{path}: others than its owner can read this master key; run `chmod 600 {path}`')
        return path.read_text(), status.st_mtime_ns
    except OSError as error:
        raise SetupError(f'{path}: the master key cannot be read ({error.strerror})') from error


def write_new(path: Path, text: str) -> None:
    """Write a file of mode 0600 that appears whole or not at all.

    Raises:
        FileExistsError: There is one already.
        SetupError: It cannot be written.
    """
    if path.exists():
        raise FileExistsError(path)
    half = path.with_name(f'{path.name}.{secrets.token_hex(4)}')
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'w') as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(half, path)  # fails when another process was first
        finally:
            half.unlink()
    except FileExistsError:
        raise
    except OSError as error:
        raise SetupError(f'{path} cannot be written ({error.strerror}); choose another data directory') from error


def _bound(contact_id: str) -> bytes:
    return b'data key\0' + contact_id.encode()


def _id(key: bytes) -> bytes:
    return hashlib.blake2b(key, digest_size=_ID_BYTES, person=b'master key').digest()


def _bytes(key: bytes | str) -> bytes:
    if isinstance(key, str) and len(key) == 2 * _KEY_BYTES and set(key) <= set(string.hexdigits):
        return bytes.fromhex(key)
    if isinstance(key, bytes) and len(key) == _KEY_BYTES:
        return key
    raise SetupError('a master key is 32 bytes in hex, such as `openssl rand -hex 32` makes')
