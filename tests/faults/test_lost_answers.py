"""A network that loses the answers to commits: each turn is written once all the same."""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

from typing import Any

import anyio
from redis.asyncio import Redis

from agent_memory.capability import SessionMemory
from tests.fault_proxy import fault_proxy
from tests.servers import admin_url
from tests.workers import ANA, inbound, mail, parrot, worker

TURNS = 30


async def test_every_second_commit_answer_is_lost_and_every_turn_is_written_once(redis_url: str) -> None:
    model = parrot()
    async with fault_proxy(redis_url) as proxy, worker(proxy.url) as manager:
        agent = model.agent(SessionMemory(manager))
        await agent.run('first', deps=inbound('first', 'first', second=-1))
        # A turn is two scripts, begin and commit, and the commit is sent again: the third answer of each two turns.
        proxy.drop_replies(*range(2, 5 * TURNS, 5), command='EVALSHA')
        for i in range(TURNS):
            assert (await agent.run(f'{i}', deps=inbound(f'm{i}', f'{i}', second=i))).output == f're: {i}'
        session = await manager.get_session(ANA)
    client: Any
    async with Redis.from_url(admin_url(redis_url)) as client:
        entries: list[Any] = await client.xrange('am:{0}:out')
    assert [int(fields[b'version']) for _, fields in entries] == list(range(1, TURNS + 2))
    assert len({fields[b'commit'] for _, fields in entries}) == TURNS + 1
    assert session is not None
    assert session.turn == TURNS + 1
    assert len(model.calls) == TURNS + 1


async def test_a_lost_connection_does_not_leave_a_waiter_asleep(redis_url: str) -> None:
    """The waiter hears of the end of the turn although its connection broke, and was renewed, meanwhile."""
    model = parrot()
    model.hold()
    async with fault_proxy(redis_url) as proxy, worker(redis_url) as one, worker(proxy.url) as other:
        agents = [model.agent(SessionMemory(manager)) for manager in (one, other)]
        with anyio.fail_after(10):  # the lease, which would end the wait, is 15 s
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: agents[0].run('a', deps=inbound('m0', 'a')))
                await model.started.wait()
                tasks.start_soon(lambda: agents[1].run('b', deps=inbound('m1', 'b', second=1)))
                await mail(one, 2)
                await anyio.sleep(0.1)  # it is subscribed by now
                proxy.reset()
                await anyio.sleep(0.1)
                model.free.set()
    assert model.calls == [['a'], ['a', 're: a', 'b']]
