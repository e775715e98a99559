"""What a store is created with and every worker must agree on: partitions, key layout and the secret of the ids."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from redis.asyncio import RedisCluster

from agent_memory.backend._keys import Keys
from agent_memory.backend._scripts import Scripts
from agent_memory.errors import SetupError

SCHEMA = 1
"""The layout of the keys. A store of another layout is refused."""

_CLUSTER_PARTITIONS = 64


@dataclass(frozen=True)
class Agreement:
    """What all workers of a store share."""

    keys: Keys
    secret: bytes | None
    """`None` when the store was created with a secret that this worker was not given."""


async def agree(scripts: Scripts, prefix: str, *, partitions: int | None, secret: bytes | None) -> Agreement:
    """Create the store if it is new, and check that this worker fits it.

    Raises:
        SetupError: The store was created with another secret, partition count or key layout.
    """
    client: Any = scripts.client
    meta = f'{prefix}:meta'

    async def put(name: str, value: Any) -> None:
        # Who comes first creates the store; everybody else finds what the first one wrote.
        await scripts.attempt(lambda: client.hsetnx(meta, name, value))

    await put('partitions', partitions or (_CLUSTER_PARTITIONS if isinstance(client, RedisCluster) else 1))
    await put('schema', SCHEMA)
    found: dict[Any, Any] = await scripts.attempt(lambda: client.hgetall(meta))
    if b'secret' not in found and b'fingerprint' not in found:
        await put(
            'secret' if secret is None else 'fingerprint',
            secrets.token_hex(32) if secret is None else fingerprint(secret),
        )
        found = await scripts.attempt(lambda: client.hgetall(meta))
    return Agreement(Keys(prefix, _partitions(found, partitions)), _secret(found, secret))


async def agree_on_keys(scripts: Scripts, prefix: str, own: str) -> None:
    """Note the key store `own`, or check that it is the one that was noted first.

    Raises:
        SetupError: Another one was.
    """
    client: Any = scripts.client
    meta = f'{prefix}:meta'
    if not await scripts.attempt(lambda: client.hsetnx(meta, 'keys', own)):
        known: bytes = await scripts.attempt(lambda: client.hget(meta, 'keys'))
        if known.decode() != own:
            raise SetupError(
                'what this store holds is sealed with the keys of another key store; all its workers need the same one: '
                'the same data directory on one machine, or AGENT_MEMORY_KEYS_URL for several'
            )


def fingerprint(secret: bytes) -> str:
    """Return what tells two secrets apart without telling them."""
    return hashlib.blake2b(secret, digest_size=16, person=b'agent_memory').hexdigest()


def _partitions(found: dict[Any, Any], wanted: int | None) -> int:
    if b'schema' not in found:
        raise SetupError('the Redis client decodes responses; make it with decode_responses=False')
    if int(found[b'schema']) != SCHEMA:
        raise SetupError(f'this store has key layout {int(found[b"schema"])}, this version reads {SCHEMA}')
    partitions = int(found[b'partitions'])
    if wanted not in (None, partitions):
        raise SetupError(f'this store was created with {partitions} partitions, not {wanted}')
    return partitions


def _secret(found: dict[Any, Any], secret: bytes | None) -> bytes | None:
    own: bytes | None = found.get(b'secret')
    if secret is None:
        return bytes.fromhex(own.decode()) if own else None
    known = fingerprint(bytes.fromhex(own.decode())) if own else found[b'fingerprint'].decode()
    if known != fingerprint(secret):
        raise SetupError('this store was created with another secret; its contacts would not be found with this one')
    return secret
