"""The history cannot be written for a while: turns are served, wait in the outbox, and are archived once it can be again."""

from __future__ import annotations

import json
import resource
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import pytest
from redis.asyncio import Redis

from agent_memory.backend._redis import RedisStore
from tests.backend.outbox import archived, backlog, commit, emptied, running_archiver
from tests.backend.test_duckdb import another_process_holds
from tests.servers import admin_url

WAITING = 400
RECORD_BYTES = 500
Record = Callable[[str, object], None]


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisStore]:
    held = RedisStore.from_url(redis_url)
    await held.open(None)
    yield held
    await held.aclose()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / 'history').mkdir()
    return tmp_path / 'history' / 'history.duckdb'


async def serve(store: RedisStore, first: int, last: int) -> None:
    """Answer messages, each turn with a record of the size of a short one."""
    for n in range(first, last + 1):
        body = json.dumps({'n': n, 'rest': ''})
        await commit(store, 'ana', n, body.replace('""', f'"{"x" * (RECORD_BYTES - len(body))}"').encode())


async def serve_without_history(store: RedisStore, url: str, first: int) -> str:
    """Answer messages that nobody can archive, and return what their waiting takes."""
    await serve(store, first, first + WAITING - 1)
    await anyio.sleep(0.3)  # not waited for: time in which an archiver that loses them would do so
    assert await backlog(store.outbox) == WAITING
    async with Redis.from_url(admin_url(url)) as client:  # pyright: ignore[reportUnknownMemberType]
        used = await client.memory_usage('am:{0}:out', samples=0)  # pyright: ignore[reportUnknownMemberType]
    return f'{WAITING} turns were served and waited, {int(used or 0) // WAITING} bytes each (records of {RECORD_BYTES})'


@pytest.mark.skipif(not hasattr(resource, 'prlimit'), reason='only Linux limits another process')
async def test_turns_wait_while_the_disk_is_full(
    store: RedisStore, redis_url: str, path: Path, record_property: Record
) -> None:
    async with running_archiver(redis_url, path) as process:
        await serve(store, 1, 10)
        await emptied(store.outbox)
        assert process.pid is not None
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        # No file of that process grows any more, its write-ahead log neither.
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, hard))
        told = await serve_without_history(store, redis_url, 11)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        await emptied(store.outbox)
    assert archived(path) == {'ana': list(range(1, 11 + WAITING))}
    record_property('measured', f'history on a full disk: {told}; all were archived after it, in order')


async def test_turns_wait_while_another_process_holds_the_file(
    store: RedisStore, redis_url: str, path: Path, record_property: Record
) -> None:
    with another_process_holds(path):
        async with running_archiver(redis_url, path) as process:
            told = await serve_without_history(store, redis_url, 1)
            assert process.is_alive()
    async with running_archiver(redis_url, path):
        await emptied(store.outbox)
    assert archived(path) == {'ana': list(range(1, 1 + WAITING))}
    record_property('measured', f'history held by another process: {told}; all were archived after it, in order')


async def test_turns_wait_while_the_file_is_gone_and_cannot_be_made_anew(
    store: RedisStore, redis_url: str, path: Path, record_property: Record
) -> None:
    async with running_archiver(redis_url, path):
        await serve(store, 1, 10)
        await emptied(store.outbox)
        aside = await anyio.Path(path.parent).rename(path.parent.with_name('aside'))
        told = await serve_without_history(store, redis_url, 11)
        await aside.rename(path.parent)
        await emptied(store.outbox)
    assert archived(path) == {'ana': list(range(1, 11 + WAITING))}
    record_property('measured', f'history removed and put back: {told}; all were archived after it, in order')
