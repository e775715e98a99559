"""One file of the history, opened by DuckDB 1.5 and 2 in turn. `make test-duckdb2` has both."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from subprocess import PIPE
from typing import Any

import anyio
import pytest

OTHER = os.environ.get('OTHER_PYTHON', '')
"""An interpreter that has the other DuckDB."""


async def append(python: str, path: Path, turns: str, end: str) -> dict[str, Any]:
    # Without the paths of this interpreter, on which this DuckDB would come first.
    environment = {name: value for name, value in os.environ.items() if name not in ('PYTHONPATH', 'VIRTUAL_ENV')}
    command = [python, '-m', 'tests.backend.one_version', str(path), turns, end]
    process = await anyio.run_process(command, check=False, stderr=PIPE, env=environment)
    assert process.returncode == (9 if end == 'killed' else 0), process.stderr.decode()
    return json.loads(process.stdout)


@pytest.mark.skipif(not OTHER, reason='needs two DuckDBs: make test-duckdb2')
@pytest.mark.parametrize(('first', 'end'), [('1.', 'rewritten'), ('1.', 'killed'), ('2.', 'killed')])
async def test_a_file_goes_from_one_version_to_the_other_and_back(tmp_path: Path, first: str, end: str) -> None:
    path = tmp_path / 'history.duckdb'
    versions = {'1.': OTHER, '2.': sys.executable}
    order = [first, *(version for version in versions if version != first)] * 2
    for number, version in enumerate(order, start=1):
        found = await append(versions[version], path, f'{2 * number - 1},{2 * number}', end)
        assert found['duckdb'].startswith(version)
        said = [text for turn in range(1, 2 * number + 1) for text in (f'pergunta {turn}', f'resposta {turn}')]
        assert found['lines'] == said
        assert found['funnel'] == [['greeting', 1, 0, 0]]
