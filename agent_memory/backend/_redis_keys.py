"""`RedisKeys`: data keys in a Redis of their own, for workers on several machines."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import anyio
import redis.exceptions

from agent_memory.backend._connect import connect, disconnect
from agent_memory.backend._key_store import Erased, WrappedKey
from agent_memory.backend._wire import Client
from agent_memory.errors import KeyUnavailable

# Each is one step, so that two workers cannot come between.
_CREATE = """
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 1 then redis.call('ZADD', KEYS[2], 0, ARGV[1]) end
return redis.call('HGET', KEYS[1], ARGV[1])
"""
_DESTROY = """
local key = redis.call('HGET', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HSETNX', KEYS[3], ARGV[1] .. ':' .. string.sub(key or '', 1, 8), ARGV[2])
return key
"""
_REWRAP = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""
_REWRITE_S = 60
"""How long a server may take to write its files anew."""


@dataclass
class RedisKeys:
    """Keeps wrapped data keys in the Redis of `client`, which must not be the one that keeps the sessions.

    It must be durable (`appendonly yes`, `appendfsync always`): a lost key loses what it sealed. To destroy a key has
    the server write its append-only file and its snapshot anew, without it; replicas and copies follow their own rules.
    """

    client: Client
    prefix: str = 'amk'

    @classmethod
    def from_url(cls, url: str, *, prefix: str = 'amk') -> Self:
        """Return the key store at a Redis URL.

        Raises:
            SetupError: The URL has another scheme or lacks a part.
        """
        return cls(connect(url), prefix)

    async def fingerprint(self) -> str:
        async def found(client: Any) -> bytes:
            await client.hsetnx(self._name('meta'), 'fingerprint', secrets.token_hex(16))
            return await client.hget(self._name('meta'), 'fingerprint')

        return (await self._attempt(found)).decode()

    async def get(self, contact_id: str) -> WrappedKey | None:
        found = await self._attempt(lambda client: client.hget(self._name('keys'), contact_id))
        return _key(found) if found else None

    async def create(self, contact_id: str, key: WrappedKey) -> WrappedKey:
        names = (self._name('keys'), self._name('contacts'))
        return _key(await self._attempt(lambda client: client.eval(_CREATE, 2, *names, contact_id, _written(key))))

    async def destroy(self, contact_id: str, *, at: datetime) -> WrappedKey | None:
        names = (self._name('keys'), self._name('contacts'), self._name('erased'))
        time = at.astimezone(UTC).isoformat()
        found = await self._attempt(lambda client: client.eval(_DESTROY, 3, *names, contact_id, time))
        await self._attempt(_written_anew)
        return _key(found) if found else None

    async def erased(self, contact_id: str | None = None) -> list[Erased]:
        found: dict[bytes, bytes] = await self._attempt(lambda client: client.hgetall(self._name('erased')))
        gone: list[Erased] = []
        for name, at in found.items():
            contact, _, key_id = name.decode().rpartition(':')
            if contact_id in (None, contact):
                gone.append(Erased(contact, key_id, datetime.fromisoformat(at.decode())))
        return sorted(gone, key=lambda one: one.at)

    async def contacts(self, *, after: str = '', limit: int = 500) -> list[tuple[str, WrappedKey]]:
        async def found(client: Any) -> list[tuple[bytes, bytes | None]]:
            least = f'({after}' if after else '-'
            names = await client.zrangebylex(self._name('contacts'), least, '+', start=0, num=limit)
            return list(zip(names, await client.hmget(self._name('keys'), names), strict=True)) if names else []

        return [(contact.decode(), _key(key)) for contact, key in await self._attempt(found) if key]

    async def count(self) -> int:
        return await self._attempt(lambda client: client.hlen(self._name('keys')))

    async def rewrap(self, contact_id: str, old: WrappedKey, new: WrappedKey) -> bool:
        words = (contact_id, _written(old), _written(new))
        return bool(await self._attempt(lambda client: client.eval(_REWRAP, 1, self._name('keys'), *words)))

    async def close(self) -> None:
        await disconnect(self.client)

    def _name(self, what: str) -> str:
        return f'{self.prefix}:{{k}}:{what}'

    async def _attempt(self, call: Callable[[Any], Awaitable[Any]]) -> Any:
        try:
            with anyio.fail_after(_REWRITE_S + 10):
                return await call(self.client)
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            raise KeyUnavailable(f'the key store does not answer ({type(error).__name__})') from error


async def _written_anew(client: Any) -> None:
    """Have the server write its files without what was deleted, and wait until it has."""
    state: dict[str, Any] = await client.info('persistence')
    if state['aof_enabled']:
        await client.bgrewriteaof()
        await _until(client, lambda now: not (now['aof_rewrite_in_progress'] or now['aof_rewrite_scheduled']))
    if (await client.config_get('save')).get('save'):
        await client.bgsave(schedule=True)
        await _until(client, lambda now: not now['rdb_bgsave_in_progress'])


async def _until(client: Any, done: Callable[[dict[str, Any]], bool]) -> None:
    while not done(await client.info('persistence')):  # noqa: ASYNC110 - the server tells no event
        await anyio.sleep(0.05)


def _written(key: WrappedKey) -> bytes:
    return key.id.encode() + key.wrapped


def _key(found: bytes) -> WrappedKey:
    return WrappedKey(found[:8].decode(), found[8:])
