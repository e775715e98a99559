"""Files of every older schema, and a process that is killed as soon as it has brought one up to date."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import anyio
import duckdb
import pytest

from agent_memory.backend import _history as history
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._migrations import migrations

_VERSIONS = [migration.version for migration in migrations()]
_DIES = """
import asyncio, os, signal, sys
from agent_memory.backend._duckdb import DuckDBArchive
archive = DuckDBArchive(sys.argv[1])
asyncio.run(archive.offset(0))
os.kill(os.getpid(), signal.SIGKILL)
"""
_ROWS = """
INSERT INTO turns (session_id, contact_id, started_at, version, turn, commit_id, time, state, score, usage, record)
SELECT contact || ':1', contact, '2026-01-01', v, v, v, TIMESTAMP '2026-01-01' + to_minutes(v),
       list_extract(['greeting', 'greeting', 'car_details'], v), v * 25, '{}', '{}'
FROM (VALUES ('ana'), ('bia')) AS contacts (contact), generate_series(1, 3) AS versions (v);
INSERT INTO message_history
SELECT version || ':' || role, session_id, contact_id, role, 'oi', time
FROM turns, (VALUES ('user'), ('assistant')) AS roles (role);
INSERT INTO events SELECT session_id, contact_id, version, 'qualified', NULL, '{}', time FROM turns WHERE version = 3;
INSERT INTO archived_sessions
SELECT 'ana:1', 'ana', '2026-01-01', 3, 'car_details', 3, '{}', '', 75, 1, '2026-01-01', '2026-01-02', 'expired', now();
INSERT INTO offsets ("partition", entry_id, updated_at) VALUES (0, '3-0', now());
"""


def of_schema(version: int, path: Path) -> None:
    """Write a file as the version of this package that knew `version` migrations left it."""
    with duckdb.connect(path, config={'storage_compatibility_version': 'v1.5.0'}) as connection:
        connection.execute('CREATE TABLE migrations (version BIGINT NOT NULL, name VARCHAR NOT NULL)')
        for place, migration in enumerate(one for one in migrations() if one.version <= version):
            connection.execute(migration.script)
            connection.execute('INSERT INTO migrations VALUES (?, ?)', [migration.version, migration.name])
            if place == 0:
                connection.execute(_ROWS)


@pytest.mark.parametrize('version', _VERSIONS)
async def test_an_older_file_is_brought_up_to_date_and_a_kill_leaves_it_readable(version: int, tmp_path: Path) -> None:
    path = tmp_path / 'history.duckdb'
    of_schema(version, path)
    died = await anyio.run_process([sys.executable, '-c', _DIES, str(path)], check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr

    assert await anyio.Path(path.with_name(f'{path.name}.wal')).exists() == (version < _VERSIONS[-1])

    archive = DuckDBArchive(path)
    assert await archive.offset(0) == '3-0'
    funnel = {str(row[0]): row[1:] for row in (await history.funnel(archive)).rows}
    assert funnel == {'greeting': (2, 0, 0.0), 'car_details': (2, 1, 0.5)}
    [taken] = (await history.qualification(archive)).rows
    assert taken[:3] == (2, 2, 1.0)
    assert taken[5] == 3
    assert [row.reason for row in await archive.sessions('bia', limit=5)] == ['open']
    await archive.close()
    with duckdb.connect(path) as connection:
        applied = connection.execute('SELECT version FROM migrations ORDER BY version').fetchall()
    assert [row[0] for row in applied] == _VERSIONS
