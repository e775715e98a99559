from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import anyio
import duckdb
import pytest

from agent_memory.backend._archive import Archive
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._rows import DeadLetter, EventRow, FactRow, MessageRow, Rows
from agent_memory.errors import ArchiveRefused, ArchiveUnavailable
from tests.backend.rows import BEGUN, CLOSED, TURN, batch, turn


def rows_of(path: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(path) as connection:
        return connection.execute(query).fetchall()


async def test_it_is_an_archive(archive: DuckDBArchive) -> None:
    assert isinstance(archive, Archive)
    assert await archive.offset(0) == '0-0'


async def test_rows_and_their_offset_are_there_after_reopening(archive: DuckDBArchive) -> None:
    await archive.append(batch(turn(1), turn(2), offset='5-1'))
    await archive.append(batch(turn(1, session='bia:1'), offset='4-0', partition=3))
    await archive.close()

    assert await archive.offset(0) == '5-1'
    assert await archive.offset(3) == '4-0'
    said = await archive.messages('ana:1', limit=10)
    assert [message.content for message in said] == ['pergunta 1', 'resposta 1', 'pergunta 2', 'resposta 2']
    assert said[0] == MessageRow('1.0', 'ana:1', 'ana', 'user', 'pergunta 1', BEGUN + timedelta(minutes=1))


async def test_every_kind_of_row_finds_its_table(archive: DuckDBArchive, path: Path) -> None:
    everything = Rows(
        sessions=(CLOSED,),
        turns=(TURN,),
        facts=(FactRow('ana:1', 'ana', 1, 'city', None, '"Recife"', 'm1', 'user', BEGUN),),
        events=(EventRow('ana:1', 'ana', 1, 'consent', 'm1', '{"given": true}', BEGUN),),
        dead_letters=(DeadLetter('1-0', 0, 'ana', 'turn', 'ValueError: no', b'\xff\x00'),),
    )
    await archive.append(batch(everything))
    await archive.close()

    assert rows_of(path, 'SELECT profile, reason FROM archived_sessions') == [('{"city": "Recife"}', 'expired')]
    assert rows_of(path, 'SELECT record, cost::VARCHAR, time FROM turns') == [
        ('{"reply": "oi"}', '0.000123000', BEGUN.replace(tzinfo=None))
    ]
    assert rows_of(path, 'SELECT field, old, new FROM facts') == [('city', None, '"Recife"')]
    assert rows_of(path, 'SELECT contact_id, given, message FROM consents') == [('ana', True, 'm1')]
    assert rows_of(path, 'SELECT entry_id, body FROM dead_letters') == [('1-0', b'\xff\x00')]


async def test_a_time_of_another_zone_is_kept_as_the_same_moment(archive: DuckDBArchive) -> None:
    local = datetime(2026, 11, 22, 6, 0, 0, 123456, tzinfo=timezone(timedelta(hours=-3)))
    await archive.append(batch(Rows(messages=(MessageRow('1', 'ana:1', 'ana', 'user', 'oi', local),))))
    [found] = await archive.messages('ana:1', limit=1)
    assert found.at == local
    assert found.at.tzinfo is UTC


@pytest.mark.parametrize('text', ['"aspas" e \\ barras', 'linha\nlinha\ttab\x1e', 'nulo \0 aqui', '🚗 São Luís', ''])
async def test_any_text_comes_back(archive: DuckDBArchive, text: str) -> None:
    lines = [MessageRow(str(place), 'ana:1', 'ana', 'user', said, BEGUN) for place, said in enumerate((text, 'oi'))]
    await archive.append(batch(Rows(messages=tuple(lines))))
    assert await archive.messages('ana:1', limit=2) == lines


async def test_a_batch_sent_twice_is_written_once(archive: DuckDBArchive) -> None:
    await archive.append(batch(turn(1)))
    await archive.append(batch(turn(1)))
    assert len(await archive.messages('ana:1', limit=10)) == 2


async def test_offsets_are_compared_as_numbers(archive: DuckDBArchive) -> None:
    await archive.append(batch(turn(1), offset='9-9'))
    await archive.append(batch(turn(2), after='9-9', offset='9-10'))
    await archive.append(batch(turn(3), after='9-10', offset='10-0'))
    assert await archive.offset(0) == '10-0'


async def test_a_batch_that_overlaps_what_is_archived_is_not_written(archive: DuckDBArchive) -> None:
    await archive.append(batch(turn(1), offset='1-0'))
    with pytest.raises(ArchiveUnavailable, match='partition 0 is archived up to 1-0, not 0-0'):
        await archive.append(batch(turn(1), turn(2), offset='2-0'))
    assert await archive.offset(0) == '1-0'
    assert len(await archive.messages('ana:1', limit=10)) == 2


@pytest.mark.parametrize(
    'refused',
    [
        pytest.param(TURN._replace(record='{no json'), id='no JSON'),
        pytest.param(TURN._replace(model='\ud800'), id='half of a surrogate pair'),
        pytest.param(TURN._replace(cost='cheap'), id='not a number'),
        pytest.param(TURN._replace(version=2**70), id='too large a number'),
    ],
)
async def test_a_refused_row_leaves_nothing_of_its_batch(archive: DuckDBArchive, refused: object) -> None:
    with pytest.raises(ArchiveRefused) as caught:
        await archive.append(batch(turn(1), Rows(turns=(refused,))))  # pyright: ignore[reportArgumentType] - a TurnRow
    assert caught.value.__cause__ is not None
    assert await archive.offset(0) == '0-0'
    assert await archive.messages('ana:1', limit=10) == []
    await archive.append(batch(turn(1)))
    assert await archive.offset(0) == '1-0'


async def test_sessions_are_newest_first_and_an_open_one_shows_its_newest_turn(archive: DuckDBArchive) -> None:
    later = BEGUN + timedelta(days=2)
    reopened = [
        TURN._replace(session_id='ana:2', started_at=later, version=version, turn=version, state=state)
        for version, state in [(1, 'greeting'), (2, 'car_details')]
    ]
    await archive.append(batch(turn(1), turn(2), Rows(sessions=(CLOSED,)), Rows(turns=tuple(reopened))))

    newest, oldest = await archive.sessions('ana', limit=10)
    assert (newest.session_id, newest.state, newest.version, newest.reason) == ('ana:2', 'car_details', 2, 'open')
    assert oldest == CLOSED._replace(reached='greeting,completed', said=2)
    assert await archive.sessions('ana', limit=1) == [newest]
    assert await archive.sessions('bia', limit=1) == []


async def test_of_two_turns_with_one_version_the_later_one_counts(archive: DuckDBArchive) -> None:
    """A fail-over of the store can lose a turn that was archived already, and commit another in its place."""
    await archive.append(batch(turn(1, state='greeting')))
    await archive.append(batch(turn(1, state='car_details'), after='1-0', offset='2-0'))
    [session] = await archive.sessions('ana', limit=5)
    assert session.state == 'car_details'


async def test_the_newest_messages_are_given_oldest_first(archive: DuckDBArchive) -> None:
    await archive.append(batch(*(turn(version) for version in range(1, 12))))
    found = await archive.messages('ana:1', limit=3)
    assert [message.id for message in found] == ['10.1', '11.0', '11.1']


@contextmanager
def another_process_holds(path: Path) -> Generator[int]:
    script = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, '-c', script, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == 'held\n'
        try:
            yield process.pid
        finally:
            process.kill()


async def test_a_file_that_another_process_holds_names_it_and_is_tried_again(
    archive: DuckDBArchive, path: Path
) -> None:
    with another_process_holds(path) as pid:
        with pytest.raises(ArchiveUnavailable, match=f'held by process {pid} ') as caught:
            await archive.append(batch(turn(1)))
        assert isinstance(caught.value.__cause__, duckdb.IOException)
    await archive.append(batch(turn(1)))
    assert await archive.offset(0) == '1-0'


async def test_a_file_that_is_no_database_says_so(path: Path) -> None:
    await anyio.Path(path).write_text('not a database' * 1000)
    with pytest.raises(ArchiveUnavailable, match='not a valid DuckDB database'):
        await DuckDBArchive(path).offset(0)


async def test_a_missing_directory_says_so(tmp_path: Path) -> None:
    with pytest.raises(ArchiveUnavailable, match='No such file or directory'):
        await DuckDBArchive(tmp_path / 'missing' / 'history.duckdb').offset(0)


async def test_rows_are_not_written_to_a_removed_file(archive: DuckDBArchive, path: Path) -> None:
    await archive.append(batch(turn(1)))
    await anyio.Path(path).unlink()
    assert await archive.offset(0) == '0-0'
    await archive.append(batch(turn(2)))
    await archive.close()
    assert rows_of(path, 'SELECT version FROM turns') == [(2,)]


async def test_a_full_disk_loses_nothing_that_was_archived(path: Path) -> None:
    """In a child process, whose files may not grow past 2 MB until the limit is lifted."""
    root = Path(__file__).parents[2]
    with anyio.fail_after(60):
        done = await anyio.run_process([sys.executable, '-m', 'tests.backend.full_disk', path], cwd=root, check=True)
    written = int(done.stdout)
    assert written < 100
    assert rows_of(path, 'SELECT count(*), max(version) FROM turns') == [(written, written)]


async def test_a_file_of_a_later_version_is_left_alone(archive: DuckDBArchive, path: Path) -> None:
    await archive.append(batch(turn(1)))
    await archive.close()
    rows_of(path, "INSERT INTO migrations VALUES (999, '0999_later.sql')")
    with pytest.raises(ArchiveUnavailable, match=r'schema 999 is newer than \d'):
        await archive.offset(0)


async def test_the_file_has_the_format_that_both_supported_versions_read(archive: DuckDBArchive, path: Path) -> None:
    await archive.offset(0)
    await archive.close()
    [(tags,)] = rows_of(path, "SELECT tags FROM duckdb_databases() WHERE database_name = 'history'")
    assert tags == {'storage_version': 'v1.5.0+'}
