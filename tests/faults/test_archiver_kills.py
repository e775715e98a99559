"""An archiver that is killed, at random and at every step of its work, while turns keep coming."""

from __future__ import annotations

import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from agent_memory.backend._redis import RedisStore
from tests.backend.archiver_process import POINTS
from tests.backend.outbox import backlog, running_archiver
from tests.backend.traffic import Traffic
from tests.servers import until


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisStore]:
    held = RedisStore.from_url(redis_url, partitions=2)
    await held.open(None)
    yield held
    await held.aclose()


async def test_twenty_random_kills_lose_double_and_reorder_nothing(
    store: RedisStore, redis_url: str, tmp_path: Path
) -> None:
    traffic, path, chance = Traffic(store), tmp_path / 'history.duckdb', random.Random(20)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(traffic.run)
        for _ in range(20):
            async with running_archiver(redis_url, path) as process:
                await anyio.sleep(chance.uniform(0.0, 0.4))
                process.kill()
        tasks.cancel_scope.cancel()
    assert traffic.sent > 200
    await traffic.check(path)


async def test_kills_in_the_middle_of_a_backlog_lose_nothing_and_leave_no_process(
    store: RedisStore, redis_url: str, tmp_path: Path
) -> None:
    traffic, path, chance, readers = Traffic(store), tmp_path / 'history.duckdb', random.Random(7), set[int]()
    for _ in range(6000):
        await traffic.one()
    hits = 0
    for _ in range(8):
        async with running_archiver(redis_url, path, 'never') as process:
            await anyio.sleep(chance.uniform(0.4, 1.2))
            readers |= _children(process.pid)
            hits += await backlog(store.outbox) > 0
            process.kill()
    assert hits > 2
    assert readers
    await until(lambda: _gone(readers))
    await traffic.check(path)


@pytest.mark.parametrize('point', POINTS)
async def test_a_crash_at_any_step_loses_doubles_and_reorders_nothing(
    store: RedisStore, redis_url: str, tmp_path: Path, point: str
) -> None:
    traffic, path = Traffic(store), tmp_path / 'history.duckdb'
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(traffic.run)
        for times in (1, 2, 5):
            async with running_archiver(redis_url, path, point, times) as process:
                await anyio.to_thread.run_sync(process.join, 20)
                assert process.exitcode == -signal.SIGKILL
        tasks.cancel_scope.cancel()
    await traffic.check(path)


def _children(pid: int | None) -> set[int]:
    return {
        int(child) for task in Path(f'/proc/{pid}/task').iterdir() for child in (task / 'children').read_text().split()
    }


async def _gone(pids: set[int]) -> bool:
    return not any([await anyio.Path(f'/proc/{pid}').exists() for pid in pids])
