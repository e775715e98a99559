"""What serving the history over HTTP costs nobody: questions that run away, servers that hang, addresses that are taken."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import anyio
import duckdb
import pytest

from agent_memory.backend import _extensions, _quack_server
from agent_memory.backend import _history as history
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._open import open_archive
from agent_memory.backend._quack import QuackArchive
from agent_memory.backend._quack_server import QuackServer
from agent_memory.errors import ArchiveUnavailable, SetupError
from tests.backend.quack import TOKEN, answers, free_address, served
from tests.backend.rows import batch, turn
from tests.servers import until

pytestmark = pytest.mark.skipif(not duckdb.__version__.startswith('1.'), reason='its extensions are for DuckDB 1.5')


_ASKING = """
import asyncio, sys
from agent_memory.backend._quack import QuackArchive

async def main():
    print(len((await QuackArchive(*sys.argv[1:]).ask('archiving')).rows))

asyncio.run(main())
"""


async def test_a_process_ends_as_soon_as_it_was_told(archive: DuckDBArchive) -> None:
    await archive.append(batch(turn(1)))
    async with served(archive) as reader, anyio.create_task_group() as tasks:

        async def ask() -> None:
            done = await anyio.run_process([sys.executable, '-c', _ASKING, reader.name, TOKEN], check=False)
            assert (done.returncode, done.stdout, done.stderr) == (0, b'1\n', b'')

        for _ in range(8):
            tasks.start_soon(ask)


@pytest.fixture
async def running_away(path: Path) -> AsyncGenerator[DuckDBArchive]:
    """A history of which `fields` never gets to its end, and is ended after a second."""
    archive = DuckDBArchive(path, query_limit=timedelta(seconds=1))
    await archive.append(batch(turn(1)))
    await archive.work(lambda connection: connection.execute(_ENDLESS).fetchall())
    yield archive
    await archive.close()


_ENDLESS = """
ALTER TABLE facts RENAME TO kept;
CREATE VIEW facts AS SELECT 'ana:1' AS session_id, 'ana' AS contact_id, a.range AS version, 'f' || b.range % 7 AS field,
    'x' AS new FROM range(1_000_000_000) AS a, range(1_000_000) AS b
"""


async def test_a_question_that_runs_away_is_ended_and_holds_up_nobody(running_away: DuckDBArchive) -> None:
    running_away.query_limit = timedelta(seconds=3)
    async with served(running_away) as reader:
        reader.query_limit = timedelta(seconds=30)
        slowest, archived = 0.0, 1

        async def run_away() -> None:
            with pytest.raises(ArchiveUnavailable, match='no answer within 3 s; ask for a shorter period'):
                await history.fields(reader)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run_away)
            until_ = time.monotonic() + 2
            while time.monotonic() < until_:
                begun = time.monotonic()
                await running_away.append(batch(turn(archived + 1), after=f'{archived}-0', offset=f'{archived + 1}-0'))
                archived += 1
                assert (await history.funnel(reader)).rows != ()
                slowest = max(slowest, time.monotonic() - begun)
        assert archived > 3
        assert slowest < 2
    with anyio.fail_after(5):
        await running_away.close()  # which waits for whatever still reads


async def test_a_few_questions_are_answered_at_once(running_away: DuckDBArchive) -> None:
    async with served(running_away) as reader:
        reader.query_limit = timedelta(seconds=30)

        async def run_away() -> None:
            with pytest.raises(ArchiveUnavailable, match='no answer within 1 s'):
                await history.fields(reader)

        async with anyio.create_task_group() as tasks:
            for _ in range(6):
                tasks.start_soon(run_away)
            await anyio.sleep(0.2)
            # Two of the archive's four readers are left to those who ask here.
            with anyio.fail_after(0.7):
                assert (await history.funnel(running_away)).rows != ()


async def test_serving_ends_while_a_question_runs(running_away: DuckDBArchive) -> None:
    running_away.query_limit = timedelta(seconds=60)
    ended = anyio.Event()

    async def run_away(reader: QuackArchive) -> None:
        reader.query_limit = timedelta(seconds=60)
        with pytest.raises(ArchiveUnavailable, match='is ending'):
            await history.fields(reader)
        ended.set()

    async with anyio.create_task_group() as tasks:
        with anyio.fail_after(20):
            async with served(running_away) as reader:
                other = QuackArchive(reader.name, TOKEN)
                assert await answers(other)
                tasks.start_soon(run_away, other)
                await anyio.sleep(0.5)
            await ended.wait()
            await running_away.close()


async def test_a_taken_address_does_not_keep_from_archiving(
    archive: DuckDBArchive, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_quack_server, '_AGAIN_S', 0.05)
    caplog.set_level(logging.WARNING)
    await archive.append(batch(turn(1)))
    with socket.create_server(('127.0.0.1', 0)) as taken:
        address = f'127.0.0.1:{taken.getsockname()[1]}'
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(QuackServer(address, TOKEN).serve, archive)
            await until(lambda: _warned(caplog))
            await archive.append(batch(turn(2), after='1-0', offset='2-0'))
            await anyio.sleep(0.2)
            taken.close()
            reader = QuackArchive(f'quack:{address}', TOKEN)
            await until(lambda: answers(reader))
            tasks.cancel_scope.cancel()
    assert [address in one.getMessage() for one in caplog.records] == [True]


async def _warned(caplog: pytest.LogCaptureFixture) -> bool:
    return bool(caplog.records)


async def test_two_holders_do_not_share_an_address(
    archive: DuckDBArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_quack_server, '_AGAIN_S', 0.05)
    other = DuckDBArchive(tmp_path / 'other.duckdb')
    await archive.append(batch(turn(1)))
    await other.append(batch(turn(1, state='completed')))
    address = free_address()
    async with anyio.create_task_group() as tasks:
        async with served(archive, address) as reader:
            tasks.start_soon(QuackServer(address, TOKEN).serve, other)
            for _ in range(20):
                assert (await history.funnel(reader)).rows[0][0] == 'greeting'
                await anyio.sleep(0.01)
        second = QuackArchive(f'quack:{address}', TOKEN)
        await until(lambda: answers(second))
        assert (await history.funnel(second)).rows[0][0] == 'completed'
        tasks.cancel_scope.cancel()
    await other.close()


_HANGING = """
import asyncio, sys
from datetime import timedelta
from agent_memory.backend._quack import QuackArchive
from agent_memory.errors import ArchiveUnavailable

async def main():
    reader = QuackArchive(sys.argv[1], 'x' * 16, query_limit=timedelta(seconds=0.02))
    for _ in range(33):
        try:
            await reader.ask('archiving')
        except ArchiveUnavailable as error:
            print(error)
    await reader.close()

asyncio.run(main())
"""


def test_a_server_that_hangs_is_given_up_and_keeps_no_process_from_ending() -> None:
    with socket.create_server(('127.0.0.1', 0)) as hanging:
        command = [sys.executable, '-c', _HANGING, f'quack:127.0.0.1:{hanging.getsockname()[1]}']
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, '')
    lines = done.stdout.splitlines()
    assert all('no answer within 0.02 s' in line for line in lines[:32])
    assert lines[32].endswith('32 questions still wait for an answer')


async def test_without_the_extension_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_extensions, 'find_spec', _no_wheel)
    monkeypatch.setenv('HOME', str(tmp_path))
    with pytest.raises(SetupError, match=r'install pydantic-ai-agent-memory\[quack\]'):
        await QuackArchive('quack:127.0.0.1:1', TOKEN).ask('archiving')
    with pytest.raises(SetupError, match=r'install pydantic-ai-agent-memory\[quack\]'):
        QuackServer('127.0.0.1:1', TOKEN)


def _no_wheel(name: str) -> None:
    del name


def test_a_reader_needs_the_token() -> None:
    with pytest.raises(SetupError, match='token'):
        open_archive('quack:127.0.0.1:9494')
