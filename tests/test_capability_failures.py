"""Runs that lose their lease, time out, fail or are cancelled."""

from __future__ import annotations

from datetime import timedelta

import anyio
import pytest
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from agent_memory.backend._redis import RedisStore
from agent_memory.capability import SessionMemory, delivers
from agent_memory.errors import LeaseLost, TurnTimedOut
from agent_memory.session import Inbound
from tests.workers import QUICK, inbound, parrot, steal_when, worker


async def test_a_lost_lease_cancels_a_slow_model_call(redis_url: str) -> None:
    model = parrot()
    model.hold()
    async with worker(redis_url, policy=QUICK) as manager:
        agent = model.agent(SessionMemory(manager))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(steal_when, manager, model.started)
            with anyio.fail_after(10), pytest.raises(LeaseLost):
                await agent.run('oi', deps=inbound('m1', 'oi'))


async def test_a_lost_lease_cancels_a_slow_tool(redis_url: str) -> None:
    started, ended = anyio.Event(), anyio.Event()

    async def calls_tool(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        del messages, info
        return ModelResponse(parts=[ToolCallPart('look_up', {})])

    async with worker(redis_url, policy=QUICK) as manager:
        agent = Agent(FunctionModel(calls_tool), deps_type=Inbound, capabilities=[SessionMemory(manager)])

        @agent.tool_plain
        async def look_up() -> str:
            started.set()
            try:
                await anyio.sleep_forever()
            finally:
                ended.set()
            return 'never'

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(steal_when, manager, started)
            with anyio.fail_after(10), pytest.raises(LeaseLost):
                await agent.run('oi', deps=inbound('m1', 'oi'))
    assert look_up
    assert ended.is_set()


async def test_a_run_past_the_hard_deadline_is_ended(redis_url: str) -> None:
    model = parrot()
    model.hold()
    async with worker(redis_url, policy=QUICK, max_turn=timedelta(milliseconds=100)) as manager:
        agent = model.agent(SessionMemory(manager))
        with anyio.fail_after(5), pytest.raises(TurnTimedOut):
            await agent.run('oi', deps=inbound('m1', 'oi'))
        model.free.set()
        assert (await agent.run('oi', deps=inbound('m1', 'oi'))).output == 're: oi'


async def test_a_cancelled_run_gives_its_turn_back(redis_url: str) -> None:
    model = parrot()
    model.hold()
    async with worker(redis_url) as manager:
        agent = model.agent(SessionMemory(manager))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: agent.run('oi', deps=inbound('m1', 'oi')))
            await model.started.wait()
            tasks.cancel_scope.cancel()
        model.free.set()
        with anyio.fail_after(5):  # the lease is 15 s
            assert (await agent.run('oi', deps=inbound('m1', 'oi'))).output == 're: oi'


async def test_the_last_failure_is_answered_with_the_apology(redis_url: str) -> None:
    model = parrot()
    model.fails = QUICK.max_attempts
    async with worker(redis_url, policy=QUICK) as manager:
        agent = model.agent(SessionMemory(manager))
        for _ in range(QUICK.max_attempts - 1):
            with pytest.raises(ConnectionError):
                await agent.run('oi', deps=inbound('m1', 'oi'))
        for failed_now in (True, False):
            result = await agent.run('oi', deps=inbound('m1', 'oi'))
            assert result.output == manager.domain.apology
            assert delivers(result)
            assert (result.metadata or {}).get('failed', False) is failed_now
        assert isinstance(manager.store, RedisStore)
        assert await manager.store.dead_letters() == 1
        assert (await agent.run('b', deps=inbound('m2', 'b'))).output == 're: b'
    assert len(model.calls) == QUICK.max_attempts + 1
