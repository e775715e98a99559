"""Real servers for tests: every topology from one binary, on loopback or a unix socket, gone when the test ends.

Each server is a child process that the kernel kills with its parent (Linux), so that a killed pytest leaves nothing.
"""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from agent_memory.backend._valkey import server_binary

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


@dataclass
class Server:
    """One server process on a directory of its own. `url` and data outlive the process: see `restart`."""

    url: str
    directory: Path
    options: tuple[str, ...]
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def client(self) -> Redis:
        """Return a client that neither retries nor waits long: a test sees what the server does."""
        return Redis.from_url(self.url, socket_timeout=5, retry=Retry(NoBackoff(), 0), decode_responses=True)

    async def start(self) -> None:
        """Start the process and wait until it serves."""
        with (self.directory / 'server.log').open('ab') as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
                [server_binary(), *self.options, '--dir', self.directory],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, no lock that a thread could hold
            )
        while not await self.answers():
            assert self._process.poll() is None, (self.directory / 'server.log').read_text()
            await anyio.sleep(0.005)

    async def answers(self) -> bool:
        async with self.client() as client:
            with suppress(exceptions.ConnectionError, exceptions.TimeoutError):
                return bool(await client.ping())
        return False

    def stop(self) -> None:
        """Freeze the process: connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def cont(self) -> None:
        """Let a frozen process go on."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Kill the process with SIGKILL; its data directory stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def restart(self) -> None:
        """Kill the process and start it again on the same address and data."""
        self.kill()
        await self.start()


@asynccontextmanager
async def valkey(tmp: Path, *options: str) -> AsyncGenerator[Server]:
    """One server on a unix socket, without persistence unless `options` (`'--appendonly', 'yes'`) ask for it."""
    with tempfile.TemporaryDirectory(prefix='valkey-') as sockets:  # `tmp` may be too deep for a unix socket
        path = f'{sockets}/valkey.sock'
        server = Server(f'unix://{path}', tmp, ('--port', '0', '--unixsocket', path, '--save', '', *options))
        try:
            await server.start()
            yield server
        finally:
            server.kill()


def _die_with_parent() -> None:
    if sys.platform == 'linux':
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
