"""Real servers for tests: every topology from one binary, on loopback or a unix socket, gone when the test ends.

Each server is a child process that the kernel kills with its parent (Linux), so that a killed pytest leaves nothing.
"""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import anyio
from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from agent_memory.backend._acl import User, rules
from agent_memory.backend._valkey import server_binary

QUICK = ('--save', '', '--repl-diskless-sync-delay', '0')
"""No snapshots, and a replica is served at once."""
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


@dataclass
class Server:
    """One server process on a directory of its own. `url` and data outlive the process: see `restart`."""

    url: str
    directory: Path
    options: tuple[str, ...]
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def client(self) -> Redis:
        """Return a client that neither retries nor hides anything: a test sees what the server does."""
        return Redis.from_url(self.url, socket_timeout=5, retry=Retry(NoBackoff(), 0), decode_responses=True)

    async def start(self) -> None:
        """Start the process and wait until it serves."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / 'server.log').open('ab') as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
                [server_binary(), *self.options, '--dir', self.directory],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_as_child,  # noqa: PLW1509 - two system calls, no lock that a thread could hold
            )
        with anyio.fail_after(10):
            while not await self._answers():
                assert self._process.poll() is None, (self.directory / 'server.log').read_text()
                await anyio.sleep(0.005)

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

    def fill_disk(self) -> None:
        """Let no file of the process grow: what is written fails as on a full disk (Linux)."""
        largest = max(file.stat().st_size for file in self.directory.rglob('*') if file.is_file())
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))

    def free_disk(self) -> None:
        """Let files grow again."""
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    async def replicates(self) -> bool:
        """Return whether this replica is in step with its primary."""
        async with self.client() as client:
            info = await client.info('replication')
        return info['master_link_status'] == 'up'

    async def _answers(self) -> bool:
        async with self.client() as client:
            with suppress(exceptions.ConnectionError, exceptions.TimeoutError):
                return bool(await client.ping())
        return False


@asynccontextmanager
async def valkey(tmp: Path, *options: str) -> AsyncGenerator[Server]:
    """One server on a unix socket, without persistence unless `options` (`'--appendonly', 'yes'`) ask for it."""
    with tempfile.TemporaryDirectory(prefix='valkey-') as sockets:  # `tmp` may be too deep for a unix socket
        path = f'{sockets}/valkey.sock'
        server = Server(f'unix://{path}', tmp, (*QUICK, '--port', '0', '--unixsocket', path, *options))
        async with running(server):
            yield server


def on_port(directory: Path, *options: str) -> Server:
    """Return a server, not yet started, on a free port of loopback."""
    port = free_port()
    address = ('--bind', '127.0.0.1', '--port', str(port))
    return Server(f'redis://127.0.0.1:{port}', directory, (*options, *address))


@asynccontextmanager
async def running(*servers: Server) -> AsyncGenerator[None]:
    """Start all `servers` at once; kill those that still live at the end."""
    try:
        async with anyio.create_task_group() as starts:
            for server in servers:
                starts.start_soon(server.start)
        yield
    finally:
        for server in servers:
            server.kill()


def free_port() -> int:
    """Return a port of loopback that the kernel gives to nobody else for a minute.

    A connection that was closed by its server side leaves the port in TIME_WAIT: the kernel does not choose it, and a
    server that asks for it by number (with SO_REUSEADDR, as Valkey does) gets it.
    """
    with socket.create_server(('127.0.0.1', 0)) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        accepted.close()
        return listener.getsockname()[1]


async def admit(server: Server) -> str:
    """Make the users that this package needs on `server`; return the URL of the worker's."""
    async with server.client() as client:
        untyped: Any = client
        for user in get_args(User):
            await untyped.execute_command('ACL', 'SETUSER', user, 'on', '>secret', *rules(user))
    return url_for(server.url, 'worker')


def url_for(url: str, user: User) -> str:
    """Return a server's URL as a restricted user's."""
    return url.replace('://', f'://{user}:secret@', 1)


def admin_url(url: str) -> str:
    """Return the URL of a restricted user as the administrator's, who may look at and change everything."""
    scheme, _, rest = url.partition('://')
    return f'{scheme}://{rest.rpartition("@")[2]}'


async def until(predicate: Callable[[], Awaitable[bool]], *, seconds: float = 10) -> None:
    """Wait until `predicate` holds; fail after `seconds`."""
    with anyio.fail_after(seconds):
        while not await predicate():  # noqa: ASYNC110 - the servers tell no event
            await anyio.sleep(0.01)


def _as_child() -> None:
    die_with_parent()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # see `fill_disk`: the write fails instead of the process


def die_with_parent() -> None:
    if sys.platform == 'linux':
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
