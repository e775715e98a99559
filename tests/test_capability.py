"""Each `agent.run` is one turn: exclusive, in order, answered once, committed once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import anyio
import pytest
from pydantic_ai import Agent, AgentRunResult
from pydantic_ai.models.function import FunctionModel

from agent_memory.capability import SessionMemory
from agent_memory.errors import InvalidInput
from agent_memory.session import Inbound
from tests.workers import ANA, QUICK, inbound, leave_waiting, mail, parrot, worker


async def test_a_message_delivered_fifty_times_at_once_is_answered_once(redis_url: str) -> None:
    model, results = parrot(), list[AgentRunResult[str]]()
    async with worker(redis_url) as one, worker(redis_url) as other:
        agents = [model.agent(SessionMemory(manager)) for manager in (one, other)]

        async def deliver(i: int) -> None:
            results.append(await agents[i % 2].run('oi', deps=inbound('m1', 'oi')))

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for i in range(50):
                    tasks.start_soon(deliver, i)
        session = await one.get_session(ANA)
    assert len(model.calls) == 1
    assert session is not None
    assert session.turn == 1
    assert {result.output for result in results} == {'re: oi'}
    assert len({result.run_id for result in results}) == 1
    assert sum(not (result.metadata or {}).get('replayed') for result in results) == 1


async def test_two_messages_in_two_workers_are_answered_one_after_the_other(redis_url: str) -> None:
    model = parrot()
    model.hold()
    async with worker(redis_url) as one, worker(redis_url) as other:
        agents = [model.agent(SessionMemory(manager)) for manager in (one, other)]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: agents[0].run('a', deps=inbound('m1', 'a')))
            await model.started.wait()
            tasks.start_soon(lambda: agents[1].run('b', deps=inbound('m2', 'b', second=1)))
            await mail(one, 2)
            model.free.set()
    assert model.calls == [['a'], ['a', 're: a', 'b']]


async def test_the_text_of_the_inbound_is_the_prompt_when_none_is_there(redis_url: str) -> None:
    model = parrot()
    async with worker(redis_url) as manager:
        agent = model.agent(SessionMemory(manager))
        await agent.run('oi', deps=Inbound(contact=ANA, message_id='m1'))
        with pytest.raises(InvalidInput, match='the message is empty'):
            await agent.run(' ', deps=Inbound(contact=ANA, message_id='m2'))


async def test_deps_may_carry_the_inbound_beside_their_own_fields(redis_url: str) -> None:
    @dataclass(frozen=True)
    class Deps:
        inbound: Inbound
        shop: str

    model = parrot()
    async with worker(redis_url, wait=timedelta(0)) as manager:
        agent = Agent(FunctionModel(model), deps_type=Deps, capabilities=[SessionMemory(manager)])
        await leave_waiting(manager, 'm0')
        result = await agent.run('oi', deps=Deps(inbound('m1', 'oi', second=1), 'Recife'))
        assert result.output == 're: oi'
        nobody: Any = Agent(FunctionModel(model), deps_type=Inbound, capabilities=[SessionMemory(manager)])
        with pytest.raises(InvalidInput, match='deps=Inbound'):
            await nobody.run('oi')
    assert model.calls == [['text of m0'], ['text of m0', 're: text of m0', 'oi']]


async def test_an_earlier_message_that_was_left_is_answered_first(redis_url: str) -> None:
    model = parrot()
    async with worker(redis_url, wait=timedelta(seconds=1)) as manager:
        agent = Agent(FunctionModel(model), deps_type=Inbound)  # its memory comes with the run
        await leave_waiting(manager, 'm0')
        result = await agent.run('b', deps=inbound('m1', 'b', second=1), capabilities=[SessionMemory(manager)])
        assert result.output == 're: b'
        assert (await manager.get_session(ANA)) is not None
    assert model.calls == [['text of m0'], ['text of m0', 're: text of m0', 'b']]


async def test_a_later_message_survives_an_earlier_one_that_cannot_be_answered(redis_url: str) -> None:
    model = parrot()
    model.fails = QUICK.max_attempts
    async with worker(redis_url, policy=QUICK, wait=timedelta(seconds=5)) as manager:
        await leave_waiting(manager, 'm0')
        result = await model.agent(SessionMemory(manager)).run('b', deps=inbound('m1', 'b', second=1))
    assert result.output == 're: b'
    assert model.calls == [*[['text of m0']] * QUICK.max_attempts, ['b']]


async def test_an_agent_that_cannot_run_at_all_does_not_try_for_ever(redis_url: str) -> None:
    model = parrot()
    async with worker(redis_url, wait=timedelta(milliseconds=20)) as manager:
        memory = SessionMemory(manager)
        agent = model.agent(memory)
        await leave_waiting(manager, 'm0')

        async def broken(*args: object, **kwargs: object) -> None:
            raise RuntimeError('no model is configured')

        agent.run, run = broken, agent.run  # pyright: ignore[reportAttributeAccessIssue] - before any turn begins
        with anyio.fail_after(20), pytest.raises(Exception, match='waits for its answer'):
            await run('b', deps=inbound('m1', 'b', second=1))
