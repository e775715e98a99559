"""Why the history is not served by Quack (decision 0011). A failure here means that what it lacked is there: offer it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO, Any

import duckdb
import pytest

from agent_memory.backend._extensions import load_extension

pytestmark = pytest.mark.skipif(not duckdb.__version__.startswith('1.'), reason='its extensions are for DuckDB 1.5')
PERIOD = "('1970-01-01', '9999-01-01')"


@dataclass
class Served:
    process: subprocess.Popen[str]
    address: str

    def ask(self, query: str) -> list[Any]:
        with duckdb.connect() as connection:
            for extension in ('httpfs', 'quack'):
                load_extension(connection, extension)
            call = "FROM quack_query(?, ?, token := 'only a test', disable_ssl := true)"
            return connection.execute(call, [self.address, query]).fetchall()

    def tell(self, command: str) -> str:
        """Have the server do something and return what its clients run afterwards."""
        _pipe(self.process.stdin).write(f'{command}\n')
        _pipe(self.process.stdin).flush()
        return _pipe(self.process.stdout).readline()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    command = [sys.executable, '-m', 'tests.backend.quack_process', str(tmp_path / 'history.duckdb')]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Served(process, _pipe(process.stdout).readline().strip())
        process.kill()


def test_an_allow_list_admits_questions_and_nothing_else(served: Served) -> None:
    assert served.ask(f'FROM funnel{PERIOD}') == [('greeting', 1)]
    for query in ('FROM sessions', f'FROM funnel{PERIOD}; DROP TABLE sessions', "FROM funnel('1970-01-01', now())"):
        with pytest.raises(duckdb.Error, match='Authorization failed'):
            served.ask(query)


def test_a_question_that_runs_away_cannot_be_ended(served: Served) -> None:
    def ask() -> None:
        with pytest.raises(duckdb.Error):
            served.ask(f'FROM slow{PERIOD}')

    asking = Thread(target=ask, daemon=True)
    asking.start()
    while 'slow' not in served.tell('queries'):
        pass
    for _ in range(20):
        assert 'slow' in served.tell('interrupt')
    served.process.kill()
    asking.join(30)
    assert not asking.is_alive()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
