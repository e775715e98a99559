"""What a worker does for messages and sessions that nobody holds any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
from pydantic_ai import AgentRunResult

from agent_memory._turns import Turn
from agent_memory.backend._protocol import Idle, Policy
from agent_memory.backend._redis import RedisStore
from agent_memory.capability import SessionMemory
from agent_memory.session import Inbound
from agent_memory.worker import Worker
from tests.servers import until
from tests.workers import ANA, QUICK, inbound, leave_waiting, parrot, worker

AT_ONCE: dict[str, Any] = {'every': timedelta(milliseconds=20), 'idle': timedelta(0)}


async def test_a_crashed_turn_is_run_again_and_its_reply_delivered_once(redis_url: str) -> None:
    model, delivered = parrot(), list[tuple[str, str]]()

    async def deliver(to: Inbound, result: AgentRunResult[Any]) -> None:
        delivered.append((to.message_id, result.output))

    async with worker(redis_url, policy=QUICK) as one, worker(redis_url, policy=QUICK) as other:
        memories = [SessionMemory(manager) for manager in (one, other)]
        workers = [Worker(memory, model.agent(memory), deliver=deliver, **AT_ONCE) for memory in memories]
        await leave_waiting(one, 'm0')
        contact_id = await one.contact_id(ANA)
        await one.store.begin(contact_id, None)  # a worker that takes the turn and is never heard of again
        async with anyio.create_task_group() as tasks:
            for each in workers:
                tasks.start_soon(each.run)
            await until(lambda: _is_said(delivered))
            tasks.cancel_scope.cancel()
        assert (await one.store.load(contact_id, window=0)).version == 1
        assert await one.store.begin(contact_id, None) == Idle()
    assert delivered == [('m0', 're: text of m0')]
    assert len(model.calls) == 1


async def test_messages_of_a_contact_are_answered_in_order_by_sweeps(redis_url: str) -> None:
    model = parrot()
    async with worker(redis_url) as manager:
        memory = SessionMemory(manager)
        for i in (2, 1, 0):  # each is the first one when it comes
            await leave_waiting(manager, f'm{i}', second=i)
        sweeping = Worker(memory, model.agent(memory), **AT_ONCE)
        for _ in range(3):
            await sweeping.sweep()
    assert [call[-1] for call in model.calls] == ['text of m0', 'text of m1', 'text of m2']


async def test_a_message_that_its_own_caller_may_still_answer_is_left_alone(redis_url: str) -> None:
    model = parrot()
    async with worker(redis_url) as manager:
        memory = SessionMemory(manager)
        await leave_waiting(manager, 'm0')
        await Worker(memory, model.agent(memory), idle=timedelta(minutes=1)).sweep()
    assert model.calls == []


async def test_a_failing_message_is_given_up_and_counted(redis_url: str) -> None:
    model = parrot()
    model.fails = 9
    policy = Policy(max_attempts=2, backoff=timedelta(milliseconds=1))
    async with worker(redis_url, policy=policy) as manager:
        memory = SessionMemory(manager)
        await leave_waiting(manager, 'm0')
        store = manager.store
        assert isinstance(store, RedisStore)

        async def given_up() -> bool:
            return await store.dead_letters() == 1

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Worker(memory, model.agent(memory), **AT_ONCE).run)
            await until(given_up)
            tasks.cancel_scope.cancel()
    assert len(model.calls) == 2


async def test_idle_sessions_are_ended_once_by_many_workers(redis_url: str) -> None:
    model = parrot()
    closed: list[int] = []
    async with worker(redis_url) as one, worker(redis_url) as other:
        domain = replace(one.domain, ttl=timedelta(milliseconds=1))
        async with worker(redis_url, domain=domain) as short:
            for i in range(5):
                async with short.turn(inbound('m', contact=f'+551199999000{i}')) as turn:
                    assert isinstance(turn, Turn)
                    await turn.commit(reply='ok')
        memories = [SessionMemory(manager) for manager in (one, other)]
        workers = [Worker(memory, model.agent(memory), **AT_ONCE) for memory in memories]
        await anyio.sleep(0.01)

        async def sweep(each: Worker[Any]) -> None:
            closed.append(await each.sweep())

        async with anyio.create_task_group() as tasks:
            for each in workers * 2:
                tasks.start_soon(sweep, each)
        assert await one.get_session('+5511999990000') is None
    assert sum(closed) == 5


async def _is_said(delivered: list[tuple[str, str]]) -> bool:
    return bool(delivered)
