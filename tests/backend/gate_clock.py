"""A store whose clock a test holds."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio

from agent_memory.backend._protocol import Begun, Message, Policy
from agent_memory.backend._redis import RedisStore
from agent_memory.testing._given import CONTACT
from tests.servers import admin_url, until


class Clock:
    """Milliseconds, moved by the test."""

    def __init__(self) -> None:
        self.ms = 1_772_452_800_000

    def __call__(self) -> int:
        return self.ms

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.ms / 1000, UTC)

    def pass_by(self, time: timedelta) -> None:
        self.ms += round(time.total_seconds() * 1000)


@asynccontextmanager
async def store_at(url: str, clock: Clock, policy: Policy) -> AsyncGenerator[RedisStore]:
    """One more worker's store on the server at `url`."""
    store = replace(RedisStore.from_url(url, policy=policy), clock_ms=clock)
    try:
        yield store
    finally:
        await store.aclose()


@asynccontextmanager
async def waiting(url: str, clock: Clock, policy: Policy, one: Message | None) -> AsyncGenerator[list[Begun]]:
    """Let another worker wait for the turn of `one`; yield what it gets, which is there after the block.

    Fails when nothing wakes it: the clock stands still, and it would wait for a minute.
    """
    got: list[Begun] = []

    async def wait() -> None:
        async with store_at(url, clock, policy) as other:
            got.append(await other.begin(CONTACT, one, wait=timedelta(minutes=1)))

    async with store_at(admin_url(url), clock, policy) as operator:
        client: Any = operator.client

        async def subscribed() -> bool:
            return bool(await client.pubsub_channels())

        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                group.start_soon(wait)
                await until(subscribed)
                await anyio.sleep(0.1)  # the confirmation makes it ask once more
                yield got
