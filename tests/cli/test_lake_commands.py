"""A deployment moves its history from a file into a lake and goes on, as its operator does it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import duckdb
import pytest

from tests.cli.commands import run
from tests.postgres import Postgres, new_catalog, postgres

pytestmark = pytest.mark.skipif(not duckdb.__version__.startswith('1.'), reason='its extensions are for DuckDB 1.5')
PERSON = '+5511999990000'


@pytest.fixture(scope='module')
async def server() -> AsyncIterator[Postgres]:
    with postgres() as server:
        await server.start()
        yield server


async def test_a_history_moves_into_a_lake_and_is_read_and_forgotten_there(server: Postgres, tmp_path: Path) -> None:
    data, lake = str(tmp_path / 'data'), new_catalog(server)
    files = {'AGENT_MEMORY_ARCHIVE': lake, 'AGENT_MEMORY_LAKE_FILES': str(tmp_path / 'lake')}

    def told(*words: str, text: str = '', **settings: str) -> str:
        done = run(*words, '--data', data, text=text, **settings)
        assert done.returncode == 0, done.stderr
        return done.stdout

    told('chat', '--contact', PERSON, text='oi, quero um hatch até 60 mil\n')
    moved = told('move-history', f'{data}/history.duckdb', **files)
    assert 'message_history 2' in moved

    told('chat', '--contact', PERSON, text='moro em Recife PE\n', AGENT_MEMORY_ARCHIVE=lake)
    lines = json.loads(told('history', PERSON, '--json', AGENT_MEMORY_ARCHIVE=lake))
    assert [line['role'] for line in lines] == ['user', 'assistant', 'user', 'assistant']
    assert lines[2]['content'] == 'moro em Recife PE'

    checks = run('doctor', '--data', data, '--json', AGENT_MEMORY_ARCHIVE=lake)
    found = {one['check']: one for one in json.loads(checks.stdout)}
    assert found['history']['verdict'] == found['audit chain']['verdict'] == 'ok'
    assert found['history']['found'].startswith('ducklake:postgres:')

    told('forget', PERSON, AGENT_MEMORY_ARCHIVE=lake)
    assert json.loads(told('history', PERSON, '--json', AGENT_MEMORY_ARCHIVE=lake)) == []
    refused = run('backup', str(tmp_path), '--data', data, AGENT_MEMORY_ARCHIVE=lake)
    assert refused.returncode == 1
    assert 'docs/operations.md' in refused.stderr
