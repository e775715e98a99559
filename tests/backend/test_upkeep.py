from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import anyio
import duckdb
import pytest

from agent_memory.backend import _history as history
from agent_memory.backend._archiver import Archiver
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._endpoint import socket_of
from agent_memory.backend._redis import RedisStore
from agent_memory.backend._restore import restore
from agent_memory.backend._retention import Rule, outlived, retain
from agent_memory.backend._rows import Rows
from agent_memory.errors import ArchiveUnavailable
from tests.backend.outbox import archived, backlog, commit, emptied, running_archiver
from tests.backend.rows import BEGUN, CLOSED, batch, decode, turn
from tests.servers import until


async def test_a_backup_of_a_running_archiver_is_restored_and_goes_on(
    store: RedisStore, redis_url: str, archive: DuckDBArchive, path: Path, tmp_path: Path
) -> None:
    async with running_archiver(redis_url, path):
        await until(anyio.Path(socket_of(path)).exists)
        for n in range(1, 11):
            await commit(store, 'ana', n)
        await emptied(store.outbox)
        backup = await archive.backup(tmp_path / 'backups')
    await anyio.Path(path).unlink()
    await commit(store, 'ana', 11)

    await restore(backup, path)
    await Archiver(store.outbox, archive, decode).drain()
    assert await backlog(store.outbox) == 0
    assert len((await history.transcript(archive, 'ana')).rows) == 22
    await archive.close()
    assert archived(path) == {'ana': list(range(1, 12))}


async def test_a_backup_answers_like_the_history(archive: DuckDBArchive, tmp_path: Path) -> None:
    await archive.append(batch(turn(1), Rows(sessions=(CLOSED,))))
    backup = DuckDBArchive(await archive.backup(tmp_path))
    assert await backup.sessions('ana', limit=5) == await archive.sessions('ana', limit=5)
    assert await history.funnel(backup) == await history.funnel(archive)
    await backup.close()


async def test_a_backup_that_cannot_be_written_says_so(archive: DuckDBArchive, tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    with pytest.raises(ArchiveUnavailable, match='file'):
        await archive.backup(tmp_path / 'file')


async def test_restoring_over_a_history_is_refused(archive: DuckDBArchive, path: Path, tmp_path: Path) -> None:
    await archive.append(batch(turn(1)))
    with pytest.raises(ArchiveUnavailable, match='there is a history already'):
        await restore(await archive.backup(tmp_path), path)


async def test_what_is_no_history_is_not_restored(path: Path, tmp_path: Path) -> None:
    (tmp_path / 'text').write_text('no database')
    with duckdb.connect(tmp_path / 'other.duckdb') as other:
        other.execute('CREATE TABLE cars (name VARCHAR)')
    for name, said in (('text', 'no history'), ('other.duckdb', 'no history'), ('missing', 'No such file')):
        with pytest.raises(ArchiveUnavailable, match=f'{name}: .*{said}'):
            await restore(tmp_path / name, path)
    assert [one.name async for one in anyio.Path(path.parent).glob('history.*')] == []


async def test_retention_tells_what_would_go_and_then_removes_it_from_the_bytes(
    archive: DuckDBArchive, path: Path
) -> None:
    old, new = turn(1), turn(1, session='bia:1')
    later = new.messages[0]._replace(at=BEGUN + timedelta(days=100), content='palavra nova')
    first = old.messages[0]._replace(content='palavra velha')
    whole = old.turns[0]._replace(record='{"reply": "palavra velha"}')
    after = new.turns[0]._replace(record='{"reply": "palavra nova"}', at=later.at)
    await archive.append(
        batch(old._replace(turns=(whole,), messages=(first,)), new._replace(turns=(after,), messages=(later,)))
    )
    rules = [Rule('message_history', timedelta(days=30)), Rule('events', timedelta(days=30))]
    now = BEGUN + timedelta(days=101)

    told = await outlived(archive, rules, now=now)
    assert [(one.table, one.rows, one.of) for one in told] == [
        ('message_history', 1, 2),
        ('events', 0, 0),
        ('turns.record', 1, 2),
    ]
    assert told[0].oldest == first.at
    assert len((await history.transcript(archive, 'ana')).rows) == 1

    assert await retain(archive, rules, now=now) == told
    assert (await history.transcript(archive, 'ana')).rows == ()
    assert [len((await archive.ask('person_turns', contact=one, limit=9)).rows) for one in ('ana', 'bia')] == [0, 1]
    assert await archive.offset(0) == '1-0'
    await archive.close()
    kept = await anyio.Path(path).read_bytes()
    assert b'palavra nova' in kept
    assert b'palavra velha' not in kept
    with duckdb.connect(path) as connection:
        assert connection.execute('SELECT action, data FROM audit').fetchall() == [
            ('retention', '{"message_history":1,"events":0,"turns.record":1}')
        ]


async def test_retention_is_done_by_the_process_that_holds_the_file(
    redis_url: str, archive: DuckDBArchive, path: Path
) -> None:
    await archive.append(batch(turn(1), turn(1, session='bia:1')))
    await archive.close()
    async with running_archiver(redis_url, path):
        await until(anyio.Path(socket_of(path)).exists)
        rules, now = [Rule('message_history', timedelta(days=30))], BEGUN + timedelta(days=101)
        told = await outlived(archive, rules, now=now)
        assert await retain(archive, rules, now=now, actor='os:ana') == told
        assert (told[0].rows, told[0].of) == (4, 4)
        assert (await history.transcript(archive, 'ana')).rows == ()
        assert not archive.held
