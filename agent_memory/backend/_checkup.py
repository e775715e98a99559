"""What an operator has to know of the Redis below a store: version, durability, eviction, clock."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from redis.exceptions import NoPermissionError, RedisError

from agent_memory.backend._redis import RedisStore
from agent_memory.errors import StoreUnavailable


@dataclass(frozen=True)
class ServerHealth:
    """One server, or the one of a Cluster or Sentinel group that is worst off. `None` is what nobody may see."""

    version: str | None
    """Such as `valkey 9.1.0`."""
    appends: bool | None
    """Whether writes go to an append-only file."""
    eviction: str | None
    """What the server does when its memory is full; only `noeviction` loses nothing."""
    used_bytes: int | None
    limit_bytes: int | None
    """0 for no limit."""
    skew: timedelta
    """How far its clock is ahead of ours, give or take a round trip."""
    partitions: int
    dead_letters: int
    """Messages that were given up since the store was created."""


async def look_at(store: RedisStore) -> ServerHealth:
    """Return how the server of an open store is.

    Raises:
        StoreUnavailable: It does not answer.
    """
    client: Any = store.client
    try:
        infos = await _infos(client)
        before = time.time()
        seconds, micros = await client.time()
        skew = seconds + micros / 1e6 - (before + time.time()) / 2
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f'Redis does not answer ({type(error).__name__})') from error
    first = infos[0] if infos else {}
    policies = [info['maxmemory_policy'] for info in infos]
    return ServerHealth(
        version=f'{first.get("server_name", "redis")} {first.get("valkey_version") or first["redis_version"]}'
        if first
        else None,
        appends=all(bool(info['aof_enabled']) for info in infos) if infos else None,
        eviction=next((policy for policy in policies if policy != 'noeviction'), 'noeviction') if infos else None,
        used_bytes=max((info['used_memory'] for info in infos), default=None),
        limit_bytes=min((info['maxmemory'] for info in infos), default=None),
        skew=timedelta(seconds=skew),
        partitions=await store.outbox.partitions(),
        dead_letters=await store.dead_letters(),
    )


async def _infos(client: Any) -> list[dict[str, Any]]:
    """Return what each server says of itself; nothing when this user may not ask."""
    try:
        found: dict[str, Any] = await client.info()
    except NoPermissionError:
        return []
    # A Cluster answers by node.
    return [found] if 'redis_version' in found else [cast('dict[str, Any]', info) for info in found.values()]
