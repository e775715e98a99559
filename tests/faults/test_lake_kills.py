"""Archivers of a lake, one for each group of partitions, and its PostgreSQL, killed while turns keep coming."""

from __future__ import annotations

import random
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from agent_memory.backend._lake import LakeArchive
from agent_memory.backend._redis import RedisStore
from tests.backend.archiver_process import POINTS
from tests.backend.outbox import running_archiver
from tests.backend.traffic import Traffic
from tests.postgres import Postgres, new_catalog, postgres


@pytest.fixture(scope='module')
async def server() -> AsyncIterator[Postgres]:
    with postgres() as server:
        await server.start()
        yield server


@pytest.fixture
async def catalog(server: Postgres, tmp_path: Path) -> str:
    """A lake that is made, so that whoever opens it knows where its files are."""
    catalog = new_catalog(server)
    archive = LakeArchive(catalog, data=tmp_path / 'lake')
    await archive.offset(0)
    await archive.close()
    return catalog


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisStore]:
    held = RedisStore.from_url(redis_url, partitions=2)
    await held.open(None)
    yield held
    await held.aclose()


async def test_random_kills_of_archivers_and_of_postgres_lose_double_and_reorder_nothing(
    store: RedisStore, redis_url: str, catalog: str, server: Postgres, record_property: Callable[[str, object], None]
) -> None:
    traffic, chance, ended = Traffic(store), random.Random(20), 0
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(traffic.run)
        for n in range(10):
            async with AsyncExitStack() as stack:
                both = [
                    await stack.enter_async_context(running_archiver(redis_url, catalog, only=(own,))) for own in (0, 1)
                ]
                await anyio.sleep(chance.uniform(0.3, 1.5))
                if n % 3 == 2:
                    await server.restart()
                    await anyio.sleep(chance.uniform(0.0, 0.5))
                for process in both:
                    # DuckDB's extension may end the process when PostgreSQL goes: no harm, with a supervisor.
                    ended += not process.is_alive()
                    process.kill()
        tasks.cancel_scope.cancel()
    assert traffic.sent > 200
    await traffic.check(catalog)
    record_property(
        'measured',
        f'lake: {traffic.sent} turns, 20 kills of archivers, 3 of PostgreSQL, {ended} archivers ended with it: '
        'lost = doubled = reordered = left behind = 0',
    )


@pytest.mark.parametrize('point', POINTS)
async def test_a_crash_at_any_step_loses_doubles_and_reorders_nothing(
    store: RedisStore, redis_url: str, catalog: str, point: str
) -> None:
    traffic = Traffic(store)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(traffic.run)
        for times in (1, 2, 5):
            async with running_archiver(redis_url, catalog, point, times) as process:
                await anyio.to_thread.run_sync(process.join, 30)
                assert process.exitcode == -signal.SIGKILL
        tasks.cancel_scope.cancel()
    await traffic.check(catalog)
