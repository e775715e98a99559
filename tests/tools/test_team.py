"""The team's tool: a conversation that a person took over goes back to the agent."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from pydantic_ai import Agent

from agent_memory import SessionManager, SessionMemory, SessionState
from agent_memory.agents import RulesModel, lead_agent
from agent_memory.tools import team_toolset
from tests.agents.conversations import CONTACT, Conversation, open_manager
from tests.agents.scripted import scripted


@pytest.fixture
async def manager(redis_url: str) -> AsyncGenerator[SessionManager[Any]]:
    async with open_manager(redis_url) as opened:
        yield opened


async def told(manager: SessionManager[Any]) -> str:
    """What the tool tells the team's assistant when it is asked to hand the contact back."""
    assistant = Agent(scripted([('hand_back', {'contact': CONTACT})], 'Feito.'), toolsets=[team_toolset(manager)])
    result = await assistant.run('devolve a conversa para o agente')
    return next(
        str(part.content)
        for message in result.new_messages()
        for part in message.parts
        if part.part_kind == 'tool-return'
    )


async def test_the_team_hands_a_conversation_back_and_the_agent_answers_again(manager: SessionManager[Any]) -> None:
    talk = Conversation(lead_agent(SessionMemory(manager), RulesModel()), manager)
    await talk.say('oi, tenho até 60 mil')
    await talk.say('quero falar com um atendente')
    assert await talk.say('alô?') is None

    assert await told(manager) == 'the agent goes on'

    assert (await talk.session()).state != SessionState.HUMAN_HANDOFF
    assert 'Campinas' in await talk.say('moro em Campinas')
    assert await told(manager) == 'nobody has taken this conversation over'
