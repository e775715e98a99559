"""Long conversations: the model is shown a summary and the newest turns, and the history stays as it was."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, UserPromptPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from agent_memory import Inbound, SessionManager, SessionMemory
from agent_memory.agents import summary_by, summary_by_rules
from agent_memory.agents._summaries import MAX_SUMMARY
from agent_memory.session import ConversationMessage
from tests.agents.conversations import Conversation, open_manager


@pytest.fixture
async def manager(redis_url: str) -> AsyncGenerator[SessionManager[Any]]:
    async with open_manager(redis_url) as opened:
        yield opened


async def test_old_turns_become_a_summary_and_the_history_is_not_rewritten(manager: SessionManager[Any]) -> None:
    shown: list[str] = []

    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        del info
        shown[:] = [
            str(part.content)
            for message in messages
            for part in message.parts
            if isinstance(part, (UserPromptPart, TextPart))
        ]
        return ModelResponse(parts=[TextPart(f'resposta {len(messages)}')])

    memory = SessionMemory(manager, history_turns=4, summarize=summary_by_rules)
    talk = Conversation(Agent(FunctionModel(answer), deps_type=Inbound, capabilities=[memory]), manager)
    for number in range(1, 10):
        await talk.say(f'mensagem {number}')

    session = await talk.session()
    assert 'Cliente: mensagem 1' in session.memory.summary
    assert 'mensagem 8' not in session.memory.summary
    assert any('Cliente: mensagem 1' in text for text in shown)
    assert 'mensagem 1' not in shown
    assert 'mensagem 8' in shown
    assert sum(text.startswith('mensagem') for text in shown) <= 5
    said = [line.content for line in session.memory.messages if line.role == 'user']
    assert said == [f'mensagem {number}' for number in range(1, 10)]


async def test_a_summary_by_rules_keeps_the_newest_and_stays_short() -> None:
    summary = ''
    for number in range(100):
        summary = await summary_by_rules(
            summary, [ConversationMessage(role='user', content=f'{number} ' + 'palavra ' * 50)]
        )

    assert len(summary) <= MAX_SUMMARY
    assert 'Cliente: 99 ' in summary
    assert 'Cliente: 0 ' not in summary


async def test_a_model_that_does_not_answer_leaves_the_summary_to_the_rules() -> None:
    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        raise ModelHTTPError(503, 'gpt')

    summary = await summary_by(FunctionModel(answer))('', [ConversationMessage(role='user', content='até 60 mil')])

    assert summary == 'Cliente: até 60 mil'


async def test_what_a_colleague_said_first_is_shown_to_the_model(manager: SessionManager[Any]) -> None:
    shown: list[str] = []

    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        del info
        shown[:] = [str(part.content) for one in messages for part in one.parts if isinstance(part, TextPart)]
        return ModelResponse(parts=[TextPart('certo')])

    talk = Conversation(Agent(FunctionModel(answer), deps_type=Inbound, capabilities=[SessionMemory(manager)]), manager)
    session = await manager.get_or_create_session(talk.contact)
    session.add_message('assistant', 'Podemos guardar os seus dados?')
    await manager.update_session(session, message_id='operator.1')

    await talk.say('pode')

    assert shown == ['Podemos guardar os seus dados?']
