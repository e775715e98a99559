"""A store whose clock a test holds."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from agent_memory.backend._protocol import Policy
from agent_memory.backend._redis import RedisStore


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
