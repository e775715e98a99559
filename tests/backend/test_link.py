"""One connection for all callers: whose reply is whose, whatever becomes of callers, connection and server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest
import redis.exceptions

from agent_memory.backend._connect import connect, disconnect
from agent_memory.backend._wire import Wire
from tests.fault_proxy import FaultProxy, fault_proxy
from tests.servers import admin_url


@pytest.fixture
async def proxy(redis_url: str) -> AsyncIterator[FaultProxy]:
    async with fault_proxy(admin_url(redis_url)) as proxy:
        yield proxy


@pytest.fixture
async def wire(proxy: FaultProxy) -> AsyncIterator[Wire]:
    client = connect(proxy.url)
    yield Wire(client, answer_s=0.5)
    await disconnect(client)


async def echo(wire: Wire, word: str) -> None:
    assert await wire.call(('ECHO', word)) == word.encode()


async def test_calls_at_once_share_a_connection_and_each_gets_its_own_reply(wire: Wire) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(200):
            tasks.start_soon(echo, wire, f'word {number}')

    clients: bytes = await wire.call(('CLIENT', 'LIST'))
    assert clients.count(b'cmd=client') == 1
    assert b'cmd=echo' not in clients


async def test_an_error_is_its_callers_alone(wire: Wire) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(echo, wire, 'before')
        with pytest.raises(redis.exceptions.ResponseError, match='unknown command'):
            await wire.call(('NOSUCH',))
        tasks.start_soon(echo, wire, 'after')


async def test_a_cancelled_call_leaves_the_others_their_replies(wire: Wire, proxy: FaultProxy) -> None:
    await echo(wire, 'open')
    proxy.latency = 0.05
    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(echo, wire, f'kept {number}')
            with anyio.CancelScope() as scope:
                scope.cancel()
                await echo(wire, f'given up {number}')
            assert scope.cancelled_caught


async def test_a_lost_connection_is_told_to_all_who_wait_and_the_next_call_opens_another(
    wire: Wire, proxy: FaultProxy
) -> None:
    await echo(wire, 'open')
    lost: list[str] = []

    async def lose(word: str) -> None:
        with pytest.raises(redis.exceptions.ConnectionError):
            await echo(wire, word)
        lost.append(word)

    proxy.black_hole()
    async with anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(lose, str(number))
        await anyio.wait_all_tasks_blocked()
        proxy.reset()
        proxy.heal()

    assert len(lost) == 5
    await echo(wire, 'again')


async def test_a_silent_server_is_given_up_with_its_connection(wire: Wire, proxy: FaultProxy) -> None:
    await echo(wire, 'open')
    proxy.black_hole()
    with pytest.raises(redis.exceptions.TimeoutError, match=r'no reply within 0\.5 s'):
        await echo(wire, 'lost')
    proxy.heal()

    # The late reply came to the connection that was closed: it cannot be taken for this one's.
    await echo(wire, 'another')


async def test_a_command_that_blocks_keeps_no_other_waiting(wire: Wire) -> None:
    replies: list[object] = []

    async def confirm() -> None:
        replies.extend(await wire.call_together('k', ('SET', 'k', 1), ('NOSUCH',), ('WAIT', 1, 300)))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(confirm)
        await anyio.wait_all_tasks_blocked()
        await echo(wire, 'meanwhile')
        assert replies == []

    assert [replies[0], replies[2]] == [b'OK', 0]
    assert isinstance(replies[1], redis.exceptions.ResponseError)
