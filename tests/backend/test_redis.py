"""The contracts of a store on a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from agent_memory.backend._protocol import Policy
from agent_memory.backend._redis import RedisStore
from agent_memory.testing import SessionStoreContract, SweepContract


@pytest.fixture
async def new_store(redis_url: str) -> AsyncIterator[Callable[[Policy], RedisStore]]:
    stores: list[RedisStore] = []

    def new(policy: Policy) -> RedisStore:
        stores.append(RedisStore.from_url(redis_url, policy=policy))
        return stores[-1]

    yield new
    for store in stores:
        await store.aclose()


class TestRedisStore(SessionStoreContract, SweepContract):
    pass
