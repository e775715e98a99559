"""The order of the rows in the file: those of one contact lie together after a rewrite, in the order of their commits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import anyio
import duckdb
import pytest

from agent_memory.backend import _history as history
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._history import sql_of
from agent_memory.backend._layout import unsorted
from agent_memory.errors import ArchiveUnavailable
from tests.backend.rows import batch, turn

_CONTACTS = """
INSERT INTO message_history
SELECT n::VARCHAR, md5((n % 9000)::VARCHAR) || ':1', md5((n % 9000)::VARCHAR), 'user', 'oi ' || n, TIMESTAMP '2026-01-01'
FROM range(500_000) AS numbers (n)
"""


async def test_the_file_is_sorted_once_enough_came_and_says_the_same(archive: DuckDBArchive, path: Path) -> None:
    contacts = ('caio:1', 'ana:1', 'bia:1')
    await archive.append(batch(*(turn(version, session=one) for version in (1, 2) for one in contacts)))
    before = [await history.transcript(archive, 'ana'), await history.funnel(archive)]

    assert not await archive.tidy(most=12)
    assert await archive.tidy(most=11)
    assert not await archive.tidy(most=0)

    assert [await history.transcript(archive, 'ana'), await history.funnel(archive)] == before
    await archive.append(batch(turn(3), after='1-0', offset='2-0'))
    assert await archive.work(unsorted) == 2
    newest = await history.transcript(archive, 'ana', limit=3)
    assert [row[5] for row in newest.rows] == ['resposta 2', 'pergunta 3', 'resposta 3']
    await archive.close()
    with duckdb.connect(path) as connection:
        found = connection.execute('SELECT contact_id, version FROM turns ORDER BY rowid').fetchall()
    assert found == [('ana', 1), ('ana', 2), ('bia', 1), ('bia', 2), ('caio', 1), ('caio', 2), ('ana', 3)]


async def test_a_question_about_one_contact_reads_few_of_the_rows(archive: DuckDBArchive) -> None:
    await archive.work(lambda connection: connection.execute(_CONTACTS))
    await archive.tidy(most=0)
    assert 0 < await archive.work(_scanned) <= 2 * 122_880, 'two of five row groups at most'


def _scanned(connection: duckdb.DuckDBPyConnection) -> int:
    contact = connection.execute('SELECT contact_id FROM message_history LIMIT 1 OFFSET 250_000').fetchall()[0][0]
    explained = connection.execute(
        f'EXPLAIN (ANALYZE, FORMAT json) {sql_of("transcript")}', {'contact': contact, 'limit': 50}
    ).fetchall()
    return _most(json.loads(explained[0][1]))


def _most(plan: Any) -> int:
    """Return the most rows that a step of a plan scanned, whichever version of DuckDB tells it."""
    if isinstance(plan, list):
        return max(map(_most, cast('list[Any]', plan)), default=0)
    if not isinstance(plan, dict):
        return 0
    named = cast('dict[str, Any]', plan)
    own = [int(named[name]) for name in ('operator_rows_scanned', 'rows_scanned') if name in named]
    return max([*own, *map(_most, named.values())], default=0)


async def test_rows_that_were_removed_and_not_yet_rewritten_go_from_the_bytes(
    archive: DuckDBArchive, path: Path
) -> None:
    """What a kill between a removal and the rewrite leaves behind."""
    await archive.append(batch(turn(1), turn(2)))
    await archive.work(
        lambda connection: connection.execute("DELETE FROM message_history WHERE content = 'pergunta 1'")
    )
    assert await archive.tidy()
    assert not await archive.tidy()
    await archive.close()
    left = await anyio.Path(path).read_bytes()
    assert b'pergunta 2' in left
    assert b'pergunta 1' not in left


async def test_what_a_killed_rewrite_left_is_removed(archive: DuckDBArchive, path: Path) -> None:
    left = [path.with_name(f'{path.name}.{end}') for end in ('smaller', 'smaller.half')]
    for one in left:
        await anyio.Path(one).write_text('rows of somebody who was erased since')
    await archive.offset(0)
    assert [await anyio.Path(one).exists() for one in left] == [False, False]


async def test_a_copy_that_fails_leaves_nothing_behind(archive: DuckDBArchive, tmp_path: Path) -> None:
    await archive.append(batch(turn(1)))
    target = tmp_path / 'taken'
    target.mkdir()
    with pytest.raises(ArchiveUnavailable, match='taken'):
        await archive.copy(target)
    assert not await anyio.Path(f'{target}.half').exists()
    assert len((await history.transcript(archive, 'ana')).rows) == 2


async def test_questions_are_answered_while_the_file_is_written_anew(archive: DuckDBArchive) -> None:
    await archive.append(batch(turn(1)))
    answered = 0

    async def ask() -> None:
        nonlocal answered
        while True:
            assert len((await archive.answer('transcript', contact='ana', limit=5)).rows) == 2
            answered += 1

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(ask)
        for _ in range(10):
            await archive.rewrite()
        tasks.cancel_scope.cancel()
    assert answered > 10


async def test_a_backup_and_a_rewrite_may_run_at_once(archive: DuckDBArchive, tmp_path: Path) -> None:
    await archive.work(lambda connection: connection.execute(_CONTACTS))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(archive.backup, tmp_path / 'backups')
        tasks.start_soon(archive.rewrite)
    [backup] = [DuckDBArchive(Path(one)) async for one in anyio.Path(tmp_path / 'backups').iterdir()]
    for one in (archive, backup):
        assert await one.work(
            lambda connection: connection.execute('SELECT count(*) FROM message_history').fetchall()
        ) == [(500_000,)]
    await backup.close()
