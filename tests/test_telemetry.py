"""What a turn leaves in traces and metrics: its steps, opaque ids, and nothing that a person wrote."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import logfire
import pytest
from logfire.testing import CaptureLogfire
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from agent_memory import DuckDBArchive, Inbound, RedisStore, SessionManager, SessionMemory, UserProfileData, telemetry
from agent_memory.backend._archiver import Archiver
from agent_memory.history import rows_of

PHONE = '+5511912345678'
TEXT = 'sou a Maria Quitéria e tenho 61234 reais'
MESSAGE_ID = 'wamid.HBgNNTUxMTkxMjM0NTY3OA=='
PERSONAL = re.compile(r'912345678|Quitéria|61234|HBgN|Anotado')


@pytest.fixture
async def memory(redis_url: str, tmp_path: Path) -> AsyncIterator[SessionMemory[UserProfileData]]:
    manager = SessionManager(RedisStore.from_url(redis_url), DuckDBArchive(tmp_path / 'history.duckdb'))
    yield SessionMemory(manager)
    await manager.close()


@pytest.fixture
def instrumented(capfire: CaptureLogfire) -> Iterator[CaptureLogfire]:
    """Pydantic AI instrumented as `telemetry.configure` does it, without content."""
    Agent.instrument_all(False)
    logfire.instrument_pydantic_ai(include_content=False, include_binary_content=False)
    yield capfire
    Agent.instrument_all(False)


def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """Remember the name and the budget, then reply."""
    del info
    if any(part.part_kind == 'tool-return' for part in messages[-1].parts):
        return ModelResponse(parts=[TextPart('Anotado!')])
    return ModelResponse(parts=[ToolCallPart('remember', {'name': 'Maria Quitéria', 'budget_max': 61_234})])


def fail(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    del messages, info
    raise ValueError(f'the provider says: {TEXT} {PHONE}')


async def say(memory: SessionMemory[UserProfileData], model: Any = answer) -> str:
    agent = Agent(FunctionModel(model), deps_type=Inbound, capabilities=[memory], name='lead')
    conversation_id = await memory.conversation_id(PHONE)
    inbound = Inbound(contact=PHONE, message_id=MESSAGE_ID, text=TEXT)
    return (await agent.run(TEXT, deps=inbound, conversation_id=conversation_id)).output


def spans(captured: CaptureLogfire) -> list[dict[str, Any]]:
    return captured.exporter.exported_spans_as_dict(parse_json_attributes=True)


def paths(exported: list[dict[str, Any]]) -> set[str]:
    """Return each span with the spans around it, outermost first."""
    by_id = {span['context']['span_id']: span for span in exported}

    def path(span: dict[str, Any]) -> str:
        above = by_id.get(span['parent']['span_id']) if span['parent'] else None
        return f'{path(above)} > {span["name"]}' if above else span['name']

    return {path(span) for span in exported}


def turns(captured: CaptureLogfire) -> dict[str, int]:
    """Return the counter of turns, by outcome."""
    [metric] = [metric for metric in captured.get_collected_metrics() if metric['name'] == 'agent_memory.turns']
    return {point['attributes']['agent_memory.outcome']: point['value'] for point in metric['data']['data_points']}


async def test_a_turn_shows_its_steps_around_those_of_the_agent(
    memory: SessionMemory[UserProfileData], instrumented: CaptureLogfire
) -> None:
    await say(memory)

    turn = 'invoke_agent lead > agent_memory turn'
    assert paths(spans(instrumented)) == {
        'invoke_agent lead',
        turn,
        f'{turn} > agent_memory begin',
        f'{turn} > agent_memory run',
        f'{turn} > agent_memory run > chat function:answer:',
        f'{turn} > agent_memory run > execute_tool remember',
        f'{turn} > agent_memory commit',
    }


async def test_the_turn_says_who_and_how_it_ended(
    memory: SessionMemory[UserProfileData], instrumented: CaptureLogfire
) -> None:
    await say(memory)
    await say(memory)

    contact_id = await memory.conversation_id(PHONE)
    committed, replayed = [span['attributes'] for span in spans(instrumented) if span['name'] == 'agent_memory turn']
    assert {name: value for name, value in committed.items() if name.startswith('agent_memory')} == {
        'agent_memory.contact_id': contact_id,
        'agent_memory.messages': 1,
        'agent_memory.turn': 1,
        'agent_memory.state': 'collecting_profile',
        'agent_memory.outcome': 'committed',
    }
    assert replayed['agent_memory.outcome'] == 'replayed'
    runs = [span['attributes'] for span in spans(instrumented) if span['name'] == 'invoke_agent lead']
    assert {run['gen_ai.conversation.id'] for run in runs} == {contact_id}
    assert turns(instrumented) == {'committed': 1, 'replayed': 1}


async def test_traces_and_metrics_hold_nothing_personal(
    memory: SessionMemory[UserProfileData], instrumented: CaptureLogfire
) -> None:
    await say(memory)

    assert not PERSONAL.search(repr(spans(instrumented)))
    assert not PERSONAL.search(repr(instrumented.get_collected_metrics()))


async def test_a_failed_turn_leaves_the_type_of_its_error_only(
    memory: SessionMemory[UserProfileData], instrumented: CaptureLogfire
) -> None:
    with pytest.raises(ValueError, match='the provider says'):
        await say(memory, fail)

    ours = [span for span in spans(instrumented) if span['name'].startswith('agent_memory')]
    assert {span['name']: span['attributes'].get('agent_memory.error') for span in ours} == {
        'agent_memory turn': 'ValueError',
        'agent_memory begin': None,
        'agent_memory run': 'ValueError',
    }
    assert not PERSONAL.search(repr(ours))
    assert turns(instrumented) == {'failed': 1}


async def test_archiving_says_how_many_entries_it_moved(
    memory: SessionMemory[UserProfileData], instrumented: CaptureLogfire
) -> None:
    await say(memory)
    manager = memory.manager
    assert isinstance(manager.store, RedisStore)
    assert manager.archive is not None

    moved = await Archiver(manager.store.outbox, manager.archive, rows_of(manager.codec, manager.vault)).drain()

    [archive] = [span for span in spans(instrumented) if span['name'] == 'agent_memory archive']
    assert archive['attributes']['agent_memory.entries'] == moved == 1
    assert not PERSONAL.search(repr(archive))


@pytest.mark.parametrize(
    ('listener', 'configured'),
    [('', 0), ('LOGFIRE_TOKEN', 1), ('OTEL_EXPORTER_OTLP_ENDPOINT', 1), ('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 1)],
)
def test_nothing_is_instrumented_while_nobody_listens(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, listener: str, configured: int
) -> None:
    calls: list[str] = []

    def noted(name: str) -> Callable[..., None]:
        def call(**_: object) -> None:
            calls.append(name)

        return call

    for name in ('configure', 'instrument_pydantic_ai'):
        monkeypatch.setattr(logfire, name, noted(name))
    for name in ('LOGFIRE_TOKEN', *(name for name in os.environ if name.startswith('OTEL_'))):
        monkeypatch.delenv(name, raising=False)
    if listener:
        monkeypatch.setenv(listener, 'http://localhost:4318')
    monkeypatch.chdir(tmp_path)
    telemetry.configure()
    assert calls == ['configure', 'instrument_pydantic_ai'] * configured
