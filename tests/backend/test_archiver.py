from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import anyio
import duckdb
import pytest

from agent_memory.backend._archive import Batch
from agent_memory.backend._archiver import Archiver
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._packing import pack
from agent_memory.backend._reading import ReaderProcess
from agent_memory.backend._redis import RedisStore
from agent_memory.backend._status import archive_status
from agent_memory.errors import ArchiveUnavailable, SetupError
from tests.backend.outbox import archived, backlog, commit, emptied, running_archiver
from tests.backend.rows import decode, made
from tests.backend.test_duckdb import another_process_holds


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisStore]:
    held = RedisStore.from_url(redis_url, partitions=2)
    await held.open(None)
    yield held
    await held.aclose()


@pytest.fixture
def archiver(store: RedisStore, archive: DuckDBArchive) -> Archiver:
    return Archiver(store.outbox, archive, decode, block=timedelta(milliseconds=50), backoff=timedelta(milliseconds=5))


async def test_an_archiver_of_some_partitions_leaves_the_others_to_another(
    archiver: Archiver, store: RedisStore, archive: DuckDBArchive
) -> None:
    for contact in ('ana', 'bia', 'caio', 'davi'):
        await commit(store, contact, 1)
    waiting = await store.outbox.backlog(1)
    assert 0 < waiting < 4
    assert await replace(archiver, only=(0,)).drain() == 4 - waiting
    assert await store.outbox.backlog(1) == waiting
    with pytest.raises(SetupError, match='no 2'):
        await replace(archiver, only=(1, 2)).drain()
    assert await replace(archiver, only=(1,)).drain() == waiting


async def test_drain_archives_every_partition_in_order_and_empties_the_outbox(
    archiver: Archiver, store: RedisStore, archive: DuckDBArchive, path: Path
) -> None:
    for n in range(1, 8):
        for contact in ('ana', 'bia', 'caio', 'davi'):
            await commit(store, contact, n)

    assert await archiver.drain() == 28
    assert await archiver.drain() == 0
    assert await backlog(store.outbox) == 0
    await archive.close()
    assert archived(path) == {contact: [1, 2, 3, 4, 5, 6, 7] for contact in ('ana', 'bia', 'caio', 'davi')}


async def test_a_closed_session_is_archived_with_its_reason(
    archiver: Archiver, store: RedisStore, archive: DuckDBArchive
) -> None:
    await commit(store, 'ana', 1)
    assert await store.close('ana', reason='restart', force=True)
    await archiver.drain()
    [session] = await archive.sessions('ana', limit=5)
    assert session.reason == 'restart'


async def test_run_archives_what_comes_until_it_is_cancelled(
    archiver: Archiver, store: RedisStore, archive: DuckDBArchive, path: Path
) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(archiver.run)
        for n in range(1, 6):
            await commit(store, 'ana', n)
        await emptied(store.outbox)
        tasks.cancel_scope.cancel()
    await archive.close()
    assert archived(path) == {'ana': [1, 2, 3, 4, 5]}


class SlowArchive(DuckDBArchive):
    """A file on a slow disk."""

    worked_s = 0.0

    async def append(self, batch: Batch) -> None:
        started = time.monotonic()
        await anyio.sleep(0.05)
        await super().append(batch)
        self.worked_s += time.monotonic() - started


async def test_turns_that_come_one_by_one_do_not_keep_the_archiver_busy(store: RedisStore, path: Path) -> None:
    archive, started, share = SlowArchive(path), time.monotonic(), 0.0
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(Archiver(store.outbox, archive, decode).run)
        for n in range(1, 41):
            await commit(store, 'ana', n)
            await anyio.sleep(0.025)
        share = archive.worked_s / (time.monotonic() - started)
        await emptied(store.outbox)
        tasks.cancel_scope.cancel()
    await archive.close()
    assert archived(path) == {'ana': list(range(1, 41))}
    assert 0 < share < 0.25


@pytest.mark.parametrize('fewest', [1, 1000], ids=['in a second process', 'here'])
async def test_what_cannot_be_read_or_stored_goes_to_the_dead_letters_alone(
    archiver: Archiver,
    store: RedisStore,
    archive: DuckDBArchive,
    path: Path,
    fewest: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    poison = {
        3: b'no json',
        6: b'{"n": 6, "record": "no json"}',
        7: b'{"n": 7, "record": "no json"}',
        8: b'{"n": 8, "record": "half a pair: \\ud800"}',
    }
    for n in range(1, 11):
        await commit(store, 'ana', n, poison.get(n))

    async with ReaderProcess(fewest=fewest) as reader:
        assert await replace(archiver, reader=reader).drain() == 10
    assert [record.message.rpartition(': ')[2] for record in caplog.records] == [
        'JSONDecodeError',
        *['ArchiveRefused'] * 3,
    ]
    assert await backlog(store.outbox) == 0
    await archive.close()
    assert archived(path) == {'ana': [1, 2, 4, 5, 9, 10]}
    with duckdb.connect(path) as connection:
        letters = connection.execute('SELECT contact_id, kind, body, error FROM dead_letters ORDER BY rowid').fetchall()
    assert [(contact, kind, body) for contact, kind, body, _ in letters] == [
        ('ana', 'turn', body) for body in poison.values()
    ]
    assert letters[0][3].startswith('JSONDecodeError: ')
    assert letters[1][3].startswith('ArchiveRefused: ')


async def test_entries_that_were_archived_but_not_trimmed_are_trimmed_and_not_doubled(
    archiver: Archiver, store: RedisStore, archive: DuckDBArchive, path: Path
) -> None:
    """What a crash between the transaction and the trim leaves behind."""
    await commit(store, 'ana', 1)
    [partition] = [number for number in range(2) if await store.outbox.backlog(number)]
    [entry] = await store.outbox.read(partition, after='0-0', count=10, block=timedelta(0))
    await archive.append(Batch(partition, '0-0', entry.id, pack([made(entry)])))

    assert await archiver.drain() == 0
    assert await backlog(store.outbox) == 0
    await archive.close()
    assert archived(path) == {'ana': [1]}


async def test_turns_wait_in_the_outbox_while_another_process_holds_the_file(
    archiver: Archiver, store: RedisStore, archive: DuckDBArchive, path: Path, redis_url: str
) -> None:
    async with running_archiver(redis_url, path) as other:
        await commit(store, 'ana', 1)
        await emptied(store.outbox)
        with pytest.raises(ArchiveUnavailable, match=f'held by process {other.pid} '):
            await archiver.drain()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(archiver.run)
            other.kill()
            other.join()
            await commit(store, 'ana', 2)
            await emptied(store.outbox)
            tasks.cancel_scope.cancel()
    await archive.close()
    assert archived(path) == {'ana': [1, 2]}


async def test_the_status_tells_what_waits_for_how_long_and_what_was_archived(
    archiver: Archiver, store: RedisStore, archive: DuckDBArchive, path: Path, redis_url: str
) -> None:
    await commit(store, 'ana', 1)
    before = await archive_status(store.outbox, archive)
    assert (before.waiting, before.schema, before.dead_letters, before.unavailable) == (1, None, None, None)
    assert before.lag > timedelta(0)
    await archiver.drain()
    await commit(store, 'ana', 2, b'no json')
    await archiver.drain()
    after = await archive_status(store.outbox, archive)
    assert (after.waiting, after.lag, after.dead_letters) == (0, timedelta(0), 1)
    [moved] = [one for one in after.partitions if one.offset]
    assert moved.batch == 1
    assert moved.archived_at is not None
    await archive.close()
    with another_process_holds(path) as pid:
        held = await archive_status(store.outbox, archive)
    assert held.unavailable is not None
    assert f'held by process {pid} ' in held.unavailable


async def test_a_removed_file_is_replaced_and_what_comes_after_is_archived(
    archiver: Archiver, store: RedisStore, archive: DuckDBArchive, path: Path
) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(archiver.run)
        await commit(store, 'ana', 1)
        await emptied(store.outbox)
        await anyio.Path(path).unlink()
        await commit(store, 'ana', 2)
        await emptied(store.outbox)
        tasks.cancel_scope.cancel()
    await archive.close()
    assert archived(path) == {'ana': [2]}
