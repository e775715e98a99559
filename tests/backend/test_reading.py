"""A backlog that is read by a second process while the rows before it are written."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from agent_memory.backend._archive import Entry, Unread
from agent_memory.backend._archiver import Archiver
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._reading import ReaderProcess, read_here
from agent_memory.backend._redis import RedisStore
from agent_memory.codec import Codec
from agent_memory.errors import KeyUnavailable
from agent_memory.history import rows_of
from agent_memory.lead import CAR_LEAD
from agent_memory.turn import TurnRecord, UserMessage
from agent_memory.vault import Vault
from tests.backend.outbox import archived, backlog, commit, emptied
from tests.backend.rows import decode
from tests.servers import until

pytestmark = pytest.mark.skipif(not ReaderProcess().usable, reason='with one core nothing is read by a second one')


@pytest.fixture
def archiver(store: RedisStore, archive: DuckDBArchive) -> Archiver:
    return Archiver(store.outbox, archive, decode, batch=40, block=timedelta(milliseconds=50))


async def entries(store: RedisStore) -> list[Entry]:
    numbers = range(await store.outbox.partitions())
    read = [await store.outbox.read(n, after='0-0', count=999, block=timedelta(0)) for n in numbers]
    return [entry for each in read for entry in each]


async def test_a_second_process_reads_what_this_one_would(store: RedisStore) -> None:
    for n in range(1, 120):
        await commit(store, f'contact{n % 3}', n, b'no json' if n == 60 else None)
    assert await store.close('contact1', reason='restart', force=True)
    found = [await decode(entry) for entry in await entries(store)]
    async with ReaderProcess(fewest=1) as reader:
        apart = await reader.read(reader.request(found))
        assert reader.pid not in (None, os.getpid())
    assert apart == await read_here(found)
    assert (apart.entries, len(apart.alone.opened), len(apart.alone.closed), len(apart.dead_letters())) == (
        120,
        2,
        1,
        1,
    )


async def test_it_is_given_the_key_of_a_contact_and_seals_what_it_reads(tmp_path: Path) -> None:
    vault, codec, at = Vault.at(tmp_path), Codec(CAR_LEAD), datetime(2026, 3, 1, 12, tzinfo=UTC)
    box = await vault.box('ana')
    record = TurnRecord(turn=1, at=at, messages=[UserMessage(id='m', text='quero um Onix', at=at)], state='greeting')
    body = codec.of(box).write_turn(record, started_ms=5, version=1)
    found = await rows_of(codec, vault)(Entry('1-0', 'turn', 'ana', 5, 1, 'c', body))
    moved = await rows_of(codec, vault)(Entry('2-0', 'turn', 'ana', 5, 2, 'c', body))
    assert isinstance(found, Unread)
    async with ReaderProcess(fewest=1) as reader:
        packed = await reader.read(reader.request([found, moved]))
    [content] = json.loads(packed.tables['messages'][4])
    assert 'Onix' not in content
    assert box.open_text('content:ana:5:1:0', content) == 'quero um Onix'
    [letter] = packed.dead_letters()
    assert letter.error == 'SealBroken: this is the record of another turn'
    await vault.close()


async def test_small_batches_start_no_second_process(archiver: Archiver, store: RedisStore) -> None:
    for n in range(1, 60):
        await commit(store, 'ana', n)
    async with ReaderProcess(fewest=41) as reader:
        assert await replace(archiver, reader=reader).drain() == 59
        assert reader.pid is None


async def test_batches_are_read_here_once_the_second_process_was_killed(
    archiver: Archiver, store: RedisStore, archive: DuckDBArchive, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(1, 400):
        await commit(store, 'ana', n)
    async with ReaderProcess(fewest=1) as reader, anyio.create_task_group() as tasks:
        tasks.start_soon(replace(archiver, reader=reader).drain)
        await until(lambda: started(reader))
        os.kill(reader.pid or 0, signal.SIGKILL)
    assert not reader.usable
    assert [record.message for record in caplog.records] == [
        'batches are read in this process from now on: the process that read has ended (EOFError)'
    ]
    await archive.close()
    assert archived(path) == {'ana': list(range(1, 400))}


async def test_an_archiver_that_is_cancelled_leaves_no_process_and_loses_nothing(
    archiver: Archiver, store: RedisStore, archive: DuckDBArchive, path: Path
) -> None:
    for n in range(1, 400):
        await commit(store, 'ana', n)
    first = second = 0
    async with ReaderProcess(fewest=1) as reader:
        running = replace(archiver, reader=reader)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(running.run)
            await until(lambda: started(reader))
            first = reader.pid or 0
            tasks.cancel_scope.cancel()
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)
        assert reader.usable  # nothing was wrong with it
        assert await backlog(store.outbox) > 0
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(running.run)
            await emptied(store.outbox)
            second = reader.pid or 0
            tasks.cancel_scope.cancel()
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)
    await archive.close()
    assert archived(path) == {'ana': list(range(1, 400))}


async def test_a_key_that_is_not_to_be_had_holds_up_nothing_before_it(
    archiver: Archiver, store: RedisStore, archive: DuckDBArchive, path: Path
) -> None:
    async def keyed(entry: Entry) -> Unread:
        if entry.version == 150:
            raise KeyUnavailable('this key is not in the key store')
        return await decode(entry)

    for n in range(1, 200):
        await commit(store, 'ana', n)
    async with ReaderProcess(fewest=1) as reader:
        with pytest.raises(KeyUnavailable, match='this key'):
            await replace(archiver, decode=keyed, reader=reader).drain()
    await archive.close()
    assert archived(path) == {'ana': list(range(1, 121))}  # the three batches before the one with that entry


async def test_the_second_process_imports_nothing_from_where_it_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('sys.path', [os.getcwd(), *filter(None, sys.path)])
    (tmp_path / 'pickle.py').write_text('raise SystemExit("taken from the directory")')
    monkeypatch.chdir(tmp_path)
    async with ReaderProcess(fewest=1) as reader:
        packed = await reader.read(reader.request([await decode(Entry('1-0', 'turn', 'ana', 5, 1, 'c', b'{"n": 1}'))]))
    assert (packed.entries, packed.dead_letters()) == (1, [])


async def started(reader: ReaderProcess) -> bool:
    return reader.pid is not None
