"""Several messages in one turn: waiting together, or joining a run that has not replied."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from pydantic_ai import Agent, AgentRunResult, BinaryContent
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from agent_memory.backend._protocol import Policy
from agent_memory.capability import NOT_SENT, SessionMemory, delivers
from agent_memory.session import Inbound
from tests.workers import ANA, QUICK, inbound, leave_waiting, mail, parrot, told, worker

TOGETHER = Policy(max_batch=10)


async def test_messages_that_wait_together_are_one_turn_with_one_delivered_reply(redis_url: str) -> None:
    model = parrot()
    model.hold()
    results: dict[str, AgentRunResult[str]] = {}
    async with worker(redis_url, policy=TOGETHER) as one, worker(redis_url, policy=TOGETHER) as other:
        agents = [model.agent(SessionMemory(manager)) for manager in (one, other)]

        async def deliver(i: int) -> None:
            text = 'abcd'[i]
            results[text] = await agents[i % 2].run(text, deps=inbound(f'm{i}', text, second=i))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(deliver, 0)
            await model.started.wait()
            for i in (3, 1, 2):
                tasks.start_soon(deliver, i)
            await mail(one, 4)
            model.free.set()
        session = await one.get_session(ANA)
        again = [await agents[0].run(text, deps=inbound(f'm{i}', text)) for i, text in enumerate('abcd')]
    assert model.calls == [['a'], ['a', 're: a', 'b\nc\nd']]
    assert {text: result.output for text, result in results.items()} == {
        'a': 're: a',
        **dict.fromkeys('bcd', 're: b\nc\nd'),
    }
    assert sum(delivers(results[text]) for text in 'bcd') == 1
    assert [delivers(result) for result in again] == [delivers(results[text]) for text in 'abcd']
    assert session is not None
    assert [line.content for line in session.memory.messages] == ['a', 're: a', 'b', 'c', 'd', 're: b\nc\nd']


async def test_a_burst_keeps_the_pictures_of_its_own_prompt(redis_url: str) -> None:
    shown: list[Any] = []

    async def looks(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        del info
        last: Any = messages[-1].parts[-1]
        shown.append(last.content)
        return ModelResponse(parts=[TextPart('bonito')])

    picture = BinaryContent(b'...', media_type='image/png')
    async with worker(redis_url, policy=TOGETHER) as manager:
        await leave_waiting(manager, 'm0')
        agent = Agent(FunctionModel(looks), deps_type=Inbound, capabilities=[SessionMemory(manager)])
        await agent.run(['este', picture], deps=inbound('m1', 'este', second=1))
    assert shown == [['text of m0', 'este', picture]]


async def test_a_burst_from_a_user_interface_is_asked_once(redis_url: str) -> None:
    model = parrot()
    async with worker(redis_url, policy=TOGETHER) as manager:
        await leave_waiting(manager, 'm0')
        history: list[ModelMessage] = [ModelRequest.user_text_prompt('b')]
        await model.agent(SessionMemory(manager)).run(deps=inbound('m1', 'b', second=1), message_history=history)
    assert model.calls == [['text of m0\nb']]


async def test_after_a_failure_the_first_message_runs_alone(redis_url: str) -> None:
    model = parrot()
    model.fails = 1
    policy = Policy(max_batch=10, backoff=QUICK.backoff)
    async with worker(redis_url, policy=policy) as manager:
        await leave_waiting(manager, 'm0')
        agent = model.agent(SessionMemory(manager))
        with pytest.raises(ConnectionError):
            await agent.run('b', deps=inbound('m1', 'b', second=1))
        assert (await agent.run('b', deps=inbound('m1', 'b', second=1))).output == 're: b'
    assert model.calls == [['text of m0\nb'], ['text of m0'], ['text of m0', 're: text of m0', 'b']]


async def test_a_message_that_comes_before_the_reply_joins_the_run(redis_url: str) -> None:
    model = parrot()
    model.hold()
    results: dict[str, AgentRunResult[str]] = {}
    async with worker(redis_url) as one, worker(redis_url) as other:
        memories = [SessionMemory(manager, late_messages='join') for manager in (one, other)]
        agents = [model.agent(memory) for memory in memories]

        async def deliver(i: int, text: str) -> None:
            results[text] = await agents[i].run(text, deps=inbound(f'm{i}', text, second=i))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(deliver, 0, 'a')
            await model.started.wait()
            tasks.start_soon(deliver, 1, 'b')
            await mail(one, 2)
            model.free.set()
        session = await one.get_session(ANA)
        await agents[0].run('c', deps=inbound('m2', 'c', second=2))
    note = f'<system>{NOT_SENT}</system>'
    assert model.calls == [['a'], ['a', 're: a', note, 'b'], ['a', 're: a', note, 'b', 're: b', 'c']]
    assert {text: (result.output, delivers(result)) for text, result in results.items()} == {
        'a': ('re: b', True),
        'b': ('re: b', False),
    }
    assert session is not None
    assert session.turn == 1
    assert [line.content for line in session.memory.messages] == ['a', 'b', 're: b']


async def test_a_message_that_comes_during_a_tool_joins_before_the_answer_is_made(redis_url: str) -> None:
    shown: list[list[str]] = []

    async def calls_tool(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        del info
        shown.append(told(messages))
        return ModelResponse(parts=[ToolCallPart('look_up', {}) if len(shown) == 1 else TextPart('pronto')])

    async with worker(redis_url) as manager:
        memory = SessionMemory(manager, late_messages='join')
        agent = Agent(FunctionModel(calls_tool), deps_type=Inbound, capabilities=[memory])
        asked = anyio.Event()

        @agent.tool_plain
        async def look_up() -> str:
            asked.set()
            await mail(manager, 2)
            return 'found'

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: agent.run('a', deps=inbound('m0', 'a')))
            await asked.wait()
            tasks.start_soon(lambda: agent.run('b', deps=inbound('m1', 'b', second=1)))
        session = await manager.get_session(ANA)
    assert look_up
    assert shown == [['a'], ['a', 'b']]
    assert session is not None
    assert session.turn == 1


async def test_a_person_who_keeps_writing_gets_an_answer_all_the_same(redis_url: str) -> None:
    calls = 0
    async with worker(redis_url) as manager:

        async def interrupted(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
            nonlocal calls
            del messages, info
            calls += 1
            await manager.store.begin(await manager.contact_id(ANA), (await a_message(manager, calls)))
            return ModelResponse(parts=[TextPart(f'answer {calls}')])

        memory = SessionMemory(manager, late_messages='join')
        agent = Agent(FunctionModel(interrupted), deps_type=Inbound, capabilities=[memory])
        result = await agent.run('a', deps=inbound('m0', 'a'))
    assert (result.output, calls) == ('answer 4', 4)


async def a_message(manager: Any, second: int) -> Any:
    late, contact_id = inbound(f'late{second}', second=second), await manager.contact_id(ANA)
    return await manager._intake.message(contact_id, late, await manager._intake.writer(contact_id))
