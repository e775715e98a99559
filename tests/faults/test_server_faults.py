"""One server that refuses, hangs, restarts or is not what the URL says: nothing half done, and a clear sentence."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from agent_memory._turns import Turn
from agent_memory.backend._protocol import Policy
from agent_memory.errors import StoreUnavailable
from agent_memory.manager import SessionManager
from tests.faults.load import EVERY_TURN, Load, answer, phone, said, store_on, untyped
from tests.servers import Server, free_port, on_port, running, valkey

# A turn that could not be given back is free again when its lease ends.
QUICK = Policy(lease=timedelta(seconds=1), backoff=timedelta(milliseconds=20), kept_turns=EVERY_TURN)


async def command(server: Server, *words: str | int) -> Any:
    async with server.client() as client:
        return await untyped(client).execute_command(*words)


async def written(server: Server) -> dict[str, Any]:
    """Return what a commit writes, in figures."""
    async with server.client() as client:
        untyped_client = untyped(client)
        lists = [key async for key in untyped_client.scan_iter('am:*:t:*')]
        marks = [key async for key in untyped_client.scan_iter('am:*:m:*')]
        turns = [await untyped_client.llen(key) for key in lists]
        return {'outbox': await untyped_client.xlen('am:{0}:out'), 'turns': turns, 'marks': len(marks)}


async def test_a_full_memory_refuses_a_new_message_whole_and_keeps_a_running_turn(tmp_path: Path) -> None:
    async with valkey(tmp_path) as server, store_on(server.url, policy=QUICK) as store:
        manager = SessionManager(store)
        await answer(manager, 1, 0)
        before = await written(server)
        async with manager.turn(said(1, 1)) as turn:
            assert isinstance(turn, Turn)
            await command(server, 'CONFIG', 'SET', 'maxmemory', 1)

            assert await store.heartbeat(turn.grant)
            with pytest.raises(StoreUnavailable, match='Redis is out of memory and refuses writes'):
                await turn.commit(reply='cheio')
            assert await written(server) == before
            await turn.give_back(error='full')
        with pytest.raises(StoreUnavailable, match='out of memory'):
            await answer(manager, 2, 0)
        assert await command(server, 'EXISTS', f'am:{{0}}:q:{await manager.contact_id(phone(2))}') == 0
        await command(server, 'CONFIG', 'SET', 'maxmemory', 0)

        assert await answer(manager, 1, 1) == "resposta a ['mensagem 1']"
        assert await answer(manager, 2, 0) == "resposta a ['mensagem 0']"


@pytest.mark.skipif(sys.platform != 'linux', reason='only Linux limits the files of a process that runs')
async def test_a_full_disk_refuses_commits_and_loses_none_that_was_reported(tmp_path: Path) -> None:
    async with (
        valkey(tmp_path, '--appendonly', 'yes') as server,
        store_on(server.url, policy=QUICK) as store,
    ):
        load = Load(SessionManager(store, window_turns=EVERY_TURN), contacts=2)
        async with load.running():
            await load.passes(20)
            server.fill_disk()
            with anyio.fail_after(15):
                while not load.errors:  # noqa: ASYNC110 - the contacts write on until the disk is full
                    await anyio.sleep(0.01)
            server.free_disk()
            await load.passes(20)
        await server.restart()

        assert await load.lost() == []
        assert {str(error) for error in load.errors} == {
            'Redis cannot write to its disk and refuses writes; free its disk'
        }


async def test_a_paused_server_is_waited_for(tmp_path: Path) -> None:
    async with valkey(tmp_path) as server, store_on(server.url) as store:
        load = Load(SessionManager(store, window_turns=EVERY_TURN))
        async with load.running():
            await load.passes(50)
            await command(server, 'CLIENT', 'PAUSE', 1000, 'ALL')
            await load.passes(50)

        assert await load.lost() == []
        assert load.errors == []


async def test_a_server_that_is_killed_and_comes_back_loses_nothing_and_needs_no_hand(tmp_path: Path) -> None:
    async with valkey(tmp_path, '--appendonly', 'yes') as server, store_on(server.url) as store:
        load = Load(SessionManager(store, window_turns=EVERY_TURN))
        async with load.running():
            for _ in range(3):
                await load.passes(50)
                await server.restart()
            await load.passes(50)

        assert await load.lost() == []
        assert load.errors == []


@pytest.mark.parametrize(
    ('user', 'sentence'),
    [
        ('', 'Redis asks for a password; put it into the URL'),
        (':wrong@', 'Redis refuses the user or password of the URL'),
        ('nobody:secret@', 'the Redis user may not do this'),
    ],
)
async def test_a_user_who_is_not_let_in_is_told_why(tmp_path: Path, user: str, sentence: str) -> None:
    server = on_port(tmp_path, '--save', '', '--user', 'nobody', 'on', '>secret', '+hello', '+auth')
    async with running(server):
        await command(server, 'CONFIG', 'SET', 'requirepass', 'right')
        async with store_on(server.url.replace('redis://', f'redis://{user}')) as store:
            started = time.monotonic()
            with pytest.raises(StoreUnavailable, match=sentence):
                await answer(SessionManager(store), 1, 0)
            assert time.monotonic() - started < 1


@asynccontextmanager
async def listener(says: bytes) -> AsyncGenerator[str]:
    """Something that is no Redis: it says `says` to whoever speaks, and nothing else."""

    async def serve(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            if says:
                await stream.send(says)
            await anyio.sleep_forever()

    async with await anyio.create_tcp_listener(local_host='127.0.0.1') as server, anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, serve)
        yield f'redis://127.0.0.1:{server.extra(SocketAttribute.local_port)}'
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    ('says', 'sentence'),
    [(b'HTTP/1.1 400 Bad Request\r\n\r\n', 'is no Redis'), (b'', 'Redis does not answer')],
)
async def test_what_is_no_redis_is_given_up_within_the_patience(says: bytes, sentence: str) -> None:
    async with listener(says) as url, store_on(url, patience=timedelta(seconds=1)) as store:
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match=sentence):
            await answer(SessionManager(store), 1, 0)
        assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    'url',
    ['redis://127.0.0.1:{port}', 'redis+sentinel://127.0.0.1:{port}/sessions', 'redis+cluster://127.0.0.1:{port}'],
)
async def test_an_address_where_nobody_listens_is_given_up_within_the_patience(url: str) -> None:
    async with store_on(url.format(port=free_port()), patience=timedelta(seconds=1)) as store:
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match='Redis does not answer'):
            await answer(SessionManager(store), 1, 0)
        assert time.monotonic() - started < 2


async def test_a_frozen_server_is_given_up_within_the_patience_and_found_again(tmp_path: Path) -> None:
    async with (
        valkey(tmp_path) as server,
        store_on(server.url, patience=timedelta(seconds=1), policy=QUICK) as store,
    ):
        manager = SessionManager(store)
        await answer(manager, 1, 0)
        server.stop()
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match='Redis does not answer'):
            await answer(manager, 1, 1)
        assert time.monotonic() - started < 4
        server.cont()

        # The messages that were sent to the frozen server are read now; the lease of the first one may be live.
        assert await answer(manager, 1, 1) == "resposta a ['mensagem 1']"
