"""The history in a lake, on real PostgreSQL processes and Parquet files: what an archive must do, and what a lake adds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import anyio
import duckdb
import pytest

from agent_memory.backend import _history as history
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._erasure import Tombstone
from agent_memory.backend._extensions import load_extension
from agent_memory.backend._history import Question
from agent_memory.backend._lake import LakeArchive
from agent_memory.backend._lake_move import move_into_lake
from agent_memory.backend._retention import Rule, retain
from agent_memory.backend._rows import EventRow, Rows
from agent_memory.backend._tables import write
from agent_memory.errors import ArchiveRefused, ArchiveUnavailable, InvalidInput, SetupError
from agent_memory.privacy._audit import Audit
from agent_memory.testing import ArchiveContract
from tests.backend.conversation import PARAMETERS, conversation, told
from tests.backend.quack import served
from tests.backend.rows import BEGUN, batch, turn
from tests.postgres import Postgres, new_catalog, postgres

pytestmark = pytest.mark.skipif(not duckdb.__version__.startswith('1.'), reason='its extensions are for DuckDB 1.5')


@pytest.fixture(scope='module')
async def server() -> AsyncIterator[Postgres]:
    with postgres() as server:
        await server.start()
        yield server


@pytest.fixture
def catalog(server: Postgres) -> str:
    return new_catalog(server)


@pytest.fixture
async def archive(catalog: str, tmp_path: Path) -> AsyncIterator[LakeArchive]:
    held = LakeArchive(catalog, data=tmp_path / 'lake')
    yield held
    await held.close()


@pytest.fixture
async def second(catalog: str, archive: LakeArchive) -> AsyncIterator[LakeArchive]:
    """What another process has: the same lake, its files known from the catalog."""
    await archive.offset(0)
    held = LakeArchive(catalog)
    yield held
    await held.close()


class TestLakeArchive(ArchiveContract):
    pass


async def test_a_lake_is_read_over_http_too(archive: LakeArchive) -> None:
    await archive.append(batch(turn(1)))
    async with served(archive) as reader:
        assert await history.leads(reader, score=0) == await history.leads(archive, score=0)
        assert len((await history.transcript(reader, 'ana')).rows) == 2


async def test_a_lake_and_a_file_answer_every_question_alike(archive: LakeArchive, tmp_path: Path) -> None:
    file = DuckDBArchive(tmp_path / 'history.duckdb')
    for one in (archive, file):
        await one.append(conversation())
    for question in get_args(Question):
        here, there = [told(question, await one.ask(question, **PARAMETERS[question])) for one in (archive, file)]
        assert here == there
        assert here or question == 'erasures'
    await file.close()


async def test_a_lake_has_the_columns_of_the_file(archive: LakeArchive, tmp_path: Path) -> None:
    query = """SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns()
    WHERE database_name = current_database() AND NOT internal AND table_name <> 'layout'"""
    file = DuckDBArchive(tmp_path / 'history.duckdb')
    await archive.offset(0)
    here, there = [
        await one.work(lambda connection: sorted(connection.execute(query).fetchall())) for one in (archive, file)
    ]
    assert here == there
    await file.close()


async def test_a_second_archiver_waits_until_the_first_lets_go(archive: LakeArchive, second: LakeArchive) -> None:
    await archive.append(batch(turn(1)))
    with pytest.raises(ArchiveUnavailable, match='another archiver has partition 0'):
        await second.offset(0)
    assert await second.offset(1) == '0-0'
    assert (archive.held, second.held) == (True, False)
    await archive.close()
    assert await second.offset(0) == '1-0'


async def test_archivers_of_two_groups_write_one_whole_ledger(archive: LakeArchive, second: LakeArchive) -> None:
    def agreed(number: int, contact: str) -> Rows:
        event = EventRow(f'{contact}:1', contact, number, 'consent', None, '{"action": "given"}', BEGUN)
        return turn(number, session=f'{contact}:1')._replace(events=(event,))

    async def write(own: LakeArchive, partition: int, contact: str) -> None:
        for number in range(1, 9):
            await own.append(
                batch(agreed(number, contact), after=f'{number - 1}-0', offset=f'{number}-0', partition=partition)
            )

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write, archive, 0, 'ana')
        tasks.start_soon(write, second, 1, 'bia')
    verdict = await Audit(archive).verify()
    assert (verdict.ok, verdict.rows) == (True, 16), verdict.reason
    for contact in ('ana', 'bia'):
        said = [line.content for line in await second.messages(f'{contact}:1', limit=99)]
        assert said == [text for n in range(1, 9) for text in (f'pergunta {n}', f'resposta {n}')]


async def test_an_archiver_whose_locks_were_dropped_leaves_the_partition_to_the_next(
    archive: LakeArchive, second: LakeArchive, server: Postgres, catalog: str
) -> None:
    await archive.append(batch(turn(1)))
    dropped = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
    server.sql(catalog.rpartition('dbname=')[2], dropped)
    assert await second.offset(0) == '1-0'
    with pytest.raises(ArchiveUnavailable):
        await archive.append(batch(turn(2), after='1-0', offset='2-0'))
    with pytest.raises(ArchiveUnavailable, match='another archiver has partition 0'):
        await archive.offset(0)
    await second.append(batch(turn(2), after='1-0', offset='2-0'))
    assert len(await second.messages('ana:1', limit=9)) == 4


async def test_a_writer_that_lost_its_locks_unnoticed_cannot_commit(archive: LakeArchive, catalog: str) -> None:
    await archive.append(batch(turn(1)))

    def overtaken(connection: duckdb.DuckDBPyConnection) -> None:
        write(connection, batch(turn(2), after='1-0', offset='2-0'))
        with duckdb.connect() as other:
            for name in ('ducklake', 'postgres_scanner'):
                load_extension(other, name)
            other.execute(f"ATTACH '{catalog}' AS lake")
            other.execute('USE lake')
            other.begin()
            write(other, batch(turn(3), after='1-0', offset='3-0'))
            other.commit()

    with pytest.raises(ArchiveUnavailable, match='Failed to commit'):
        await archive.work(overtaken)
    assert await archive.offset(0) == '3-0'
    assert len(await archive.messages('ana:1', limit=9)) == 4


async def test_a_refused_row_leaves_nothing_of_its_batch(archive: LakeArchive) -> None:
    broken = turn(2)._replace(turns=(turn(2).turns[0]._replace(record='no JSON'),))
    with pytest.raises(ArchiveRefused):
        await archive.append(batch(turn(1), broken))
    assert await archive.offset(0) == '0-0'
    assert await archive.messages('ana:1', limit=9) == []


async def test_a_forgotten_person_is_in_no_file_and_in_no_table_of_the_catalog(
    archive: LakeArchive, second: LakeArchive, server: Postgres, catalog: str, tmp_path: Path
) -> None:
    database = catalog.rpartition('dbname=')[2]

    def found(word: bytes) -> list[str]:
        server.sql(database, 'CHECKPOINT')
        # PostgreSQL's log of changes is left out: it goes as it is recycled, and what is personal is sealed in it.
        places = [*(tmp_path / 'lake').rglob('*.parquet'), *(server.directory / 'data' / 'base').rglob('*')]
        return [str(path) for path in places if path.is_file() and word in path.read_bytes()]

    # As rows of the catalog, as a file, and as a file that no transaction knows of: a killed archiver leaves those.
    for number, turns in enumerate((2, 300), start=1):
        rows = [
            _saying(f'segredo de {who}', turn(n, session=f'{who}:1')) for n in range(turns) for who in ('ana', 'bia')
        ]
        await archive.append(batch(*rows, after=f'{number - 1}-0', offset=f'{number}-0'))
    [large] = (tmp_path / 'lake').rglob('message_history/*.parquet')
    await anyio.Path(large.with_name('orphan.parquet')).write_bytes(await anyio.Path(large).read_bytes())
    assert len(found(b'segredo de ana')) >= 3

    stone = Tombstone('ana', datetime.now(UTC))
    counted = await second.traces([stone])
    assert await second.erase([stone]) == counted
    assert (counted['turns'], counted['message_history'], counted['open_sessions']) == (302, 604, 1)

    assert found(b'segredo de ana') == []
    assert len(await archive.messages('bia:1', limit=999)) == 604
    await archive.append(batch(turn(400), after='2-0', offset='3-0'))  # it was on its way
    assert await archive.messages('ana:1', limit=9) == []
    assert [one.contact_id for one in await archive.tombstones()] == ['ana']


async def test_retention_removes_what_outlived_its_rule_from_the_files(archive: LakeArchive, tmp_path: Path) -> None:
    later = turn(1, session='bia:1').messages[0]._replace(at=BEGUN + timedelta(days=100), content='palavra nova')
    first = turn(1).messages[0]._replace(content='palavra velha')
    await archive.append(batch(Rows(messages=(first,) * 300), Rows(messages=(later,) * 300)))
    gone, _ = await retain(archive, [Rule('message_history', timedelta(days=30))], now=BEGUN + timedelta(days=101))
    assert (gone.rows, gone.of) == (300, 600)
    kept = b''.join(path.read_bytes() for path in (tmp_path / 'lake').rglob('*.parquet'))
    assert b'palavra velha' not in kept
    assert b'palavra nova' in kept
    assert (await Audit(archive).verify()).rows == 1


async def test_a_reader_sees_no_error_and_counts_that_grow_while_files_are_written_merged_and_removed(
    archive: LakeArchive, second: LakeArchive
) -> None:
    seen: list[int] = []

    async def poll() -> None:
        while True:
            seen.append(len(await second.messages('ana:1', limit=10_000)))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(poll)
        for number in range(1, 7):
            rows = [turn(n) for n in range(number * 150, number * 150 + 150)]
            await archive.append(batch(*rows, after=f'{number - 1}-0', offset=f'{number}-0'))
            if number % 3 == 0:
                await archive.tidy()
                await archive.erase([Tombstone('nobody', datetime.now(UTC))])
        tasks.cancel_scope.cancel()
    assert len(seen) > 1
    assert seen == sorted(seen)
    assert len(await second.messages('ana:1', limit=10_000)) == 1800


async def test_tidying_merges_files_and_keeps_the_order_of_messages(archive: LakeArchive, tmp_path: Path) -> None:
    for number in range(1, 6):
        rows = [turn(n) for n in range(number * 300, number * 300 + (300 if number % 2 else 3))]
        await archive.append(batch(*rows, after=f'{number - 1}-0', offset=f'{number}-0'))
    before = await archive.messages('ana:1', limit=10_000)
    await archive.tidy()
    assert await archive.messages('ana:1', limit=10_000) == before
    files = await archive.work(lambda c: c.execute("FROM ducklake_list_files('lake', 'message_history')").fetchall())
    assert len(files) == 1


async def test_where_the_files_are_must_be_told_once_and_stay(catalog: str, tmp_path: Path) -> None:
    places = ((None, 'data_path is not set'), (tmp_path / 'a', ''), (tmp_path / 'b', 'does not match'))
    for data, problem in places:
        archive = LakeArchive(catalog, data=data)
        with pytest.raises(ArchiveUnavailable, match=problem) if problem else nullcontext():
            assert await archive.offset(0) == '0-0'
        await archive.close()


async def test_an_archive_says_in_one_line_that_its_catalog_is_away_and_goes_on_when_it_is_back(
    archive: LakeArchive, catalog: str, server: Postgres
) -> None:
    await archive.append(batch(turn(1)))
    server.kill()
    for call in (
        archive.append(batch(turn(2), after='1-0', offset='2-0')),
        archive.ask('erasures'),
        LakeArchive(catalog).offset(1),
    ):
        with pytest.raises(ArchiveUnavailable) as told:
            await call
        assert '\n' not in str(told.value)
    await server.start()
    await archive.append(batch(turn(2), after='1-0', offset='2-0'))
    assert len(await archive.messages('ana:1', limit=9)) == 4


async def test_a_file_is_moved_with_its_order_offsets_and_ledger(
    archive: LakeArchive, tmp_path: Path, second: LakeArchive
) -> None:
    path = tmp_path / 'history.duckdb'
    file = DuckDBArchive(path)
    await file.append(conversation())
    await file.append(batch(*(turn(n, session='bia:1') for n in range(2, 900)), after='1-0', offset='2-0'))
    before = [told(question, await file.ask(question, **PARAMETERS[question])) for question in get_args(Question)]
    said, last = await file.messages('bia:1', limit=10_000), await file.offset(0)
    await file.close()
    await archive.close()

    moved = await move_into_lake(path, second)

    assert (moved['turns'], moved['message_history'], moved['offsets']) == (902, 1804, 1)
    assert [told(name, await archive.ask(name, **PARAMETERS[name])) for name in get_args(Question)] == before
    assert await archive.messages('bia:1', limit=10_000) == said
    assert await archive.offset(0) == last
    assert (await Audit(archive).verify()).ok
    await archive.close()
    with pytest.raises(InvalidInput, match='already'):
        await move_into_lake(path, second)


@pytest.mark.parametrize('reached', ['host=h password=s3cret', 'postgresql://me:s3cret@h/db'])
def test_a_password_in_the_address_is_refused_and_not_repeated(reached: str) -> None:
    with pytest.raises(SetupError, match='PGPASSFILE') as told:
        LakeArchive(f'ducklake:postgres:{reached}')
    assert 's3cret' not in str(told.value)


def test_a_catalog_that_is_not_in_postgresql_is_refused() -> None:
    with pytest.raises(SetupError, match='ducklake:postgres:'):
        LakeArchive('ducklake:history.ducklake')


def _saying(text: str, rows: Rows) -> Rows:
    return rows._replace(messages=tuple(line._replace(content=text) for line in rows.messages))
