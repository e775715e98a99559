"""A dashboard or a second machine reads the history of a running archiver, as its operator does it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from agent_memory.backend import _history as history
from agent_memory.backend._quack import QuackArchive
from agent_memory.errors import ArchiveUnavailable
from agent_memory.lead import CAR_LEAD
from agent_memory.settings import MemorySettings
from tests.cli.commands import COMMAND, chat, environment, run
from tests.servers import until

pytestmark = pytest.mark.skipif(not duckdb.__version__.startswith('1.'), reason='its extensions are for DuckDB 1.5')
PERSON = '+5511999990000'
TOKEN = 'only for these tests'


@dataclass(frozen=True)
class Archiver:
    """An archiver that serves what it archives."""

    process: subprocess.Popen[bytes]
    data: Path
    address: str

    def elsewhere(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command that reads through it."""
        reading = {'AGENT_MEMORY_ARCHIVE': f'quack:{self.address}', 'AGENT_MEMORY_HISTORY_TOKEN': TOKEN}
        return run(*words, '--data', str(self.data), **reading)

    def told(self, *words: str) -> list[dict[str, object]]:
        done = self.elsewhere(*words, '--json')
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@asynccontextmanager
async def serving(data: Path) -> AsyncGenerator[Archiver]:
    with socket.create_server(('127.0.0.1', 0)) as free:
        address = f'127.0.0.1:{free.getsockname()[1]}'
    settings = environment(AGENT_MEMORY_HISTORY_QUACK=address, AGENT_MEMORY_HISTORY_TOKEN=TOKEN)
    with subprocess.Popen([*COMMAND, 'archiver', '--data', str(data)], env=settings) as process:  # noqa: ASYNC220 - returns at once
        reader = QuackArchive(f'quack:{address}', TOKEN)

        async def answers() -> bool:
            try:
                await reader.ask('archiving')
            except ArchiveUnavailable:
                return False
            return True

        try:
            await until(answers, seconds=30)
            yield Archiver(process, data, address)
        finally:
            process.kill()
            await reader.close()


@pytest.fixture(scope='module')
async def archiver(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Archiver]:
    data = tmp_path_factory.mktemp('served') / 'data'
    chat(data, 'oi, quero um hatch até 60 mil', 'moro em Recife PE', contact=PERSON)
    async with serving(data) as found:
        yield found


async def test_every_reading_command_works_from_elsewhere(archiver: Archiver) -> None:
    assert [line['content'] for line in archiver.told('history', PERSON)][2] == 'moro em Recife PE'
    assert [row['said'] for row in archiver.told('history', PERSON, '--sessions')] == [2]
    assert [row['state'] for row in archiver.told('funnel')] == ['collecting_profile']
    assert ['Recife' in str(row['profile']) for row in archiver.told('leads', '--score', '10')] == [True]
    assert archiver.told('report', 'sources')[0]['source'] == 'direct'

    by = 'token:quack'
    noted = json.loads(run('audit', 'list', '--data', str(archiver.data), '--json').stdout)
    assert [(row['action'], row['actor']) for row in noted[:2]] == [('history', by), ('leads', by)]

    refused = archiver.elsewhere('retention', '--keep', 'message_history=1')
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    assert 'only read from here' in refused.stderr


async def test_the_history_of_a_contact_is_sealed_on_its_way_and_opened_by_the_reader(archiver: Archiver) -> None:
    reader = QuackArchive(f'quack:{archiver.address}', TOKEN)
    settings = MemorySettings(
        data_dir=archiver.data, archive=reader.name, history_token=TOKEN  # pyright: ignore[reportArgumentType]
    )  # fmt: skip
    async with settings.open(CAR_LEAD) as memory:
        assert memory.archive_held_elsewhere is not None
        [past] = await memory.manager.get_user_history(PERSON)
        assert past.messages[2].content == 'moro em Recife PE'
        sent = await history.transcript(reader, await memory.manager.contact_id(PERSON))
    assert len(sent.rows) == 4
    assert not any('Recife' in str(cell) for row in sent.rows for cell in row)
    await reader.close()


@pytest.mark.parametrize('how', [signal.SIGTERM, signal.SIGINT])
async def test_an_archiver_that_serves_ends_when_it_is_told_to(tmp_path: Path, how: signal.Signals) -> None:
    async with serving(tmp_path / 'data') as archiver:
        archiver.process.send_signal(how)
        archiver.process.wait(timeout=20)
        assert archiver.elsewhere('funnel').returncode == 1


def test_serving_without_a_token_is_refused(tmp_path: Path) -> None:
    done = run('archiver', '--data', str(tmp_path / 'data'), AGENT_MEMORY_HISTORY_QUACK='127.0.0.1:9494')
    assert done.returncode == 1
    assert 'AGENT_MEMORY_HISTORY_TOKEN' in done.stderr


async def test_doctor_tells_whether_the_history_is_served(archiver: Archiver) -> None:
    def found(address: str, **settings: str) -> dict[str, dict[str, str]]:
        done = run(
            'doctor', '--data', str(archiver.data), '--json', AGENT_MEMORY_HISTORY_QUACK=address,
            AGENT_MEMORY_HISTORY_TOKEN=TOKEN, **settings,
        )  # fmt: skip
        return {one['check']: one for one in json.loads(done.stdout)}

    served = found(archiver.address, AGENT_MEMORY_ARCHIVE=f'quack:{archiver.address}')
    assert served['history over HTTP']['verdict'] == served['history']['verdict'] == 'ok'
    assert served['history']['found'].startswith('quack:')
    assert 'audit chain' not in served
    unserved = found('127.0.0.1:1')['history over HTTP']
    assert (unserved['verdict'], unserved['found']) == ('warn', 'not served at 127.0.0.1:1')
