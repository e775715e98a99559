"""The offline agent asks for what is missing, and lets go of what stays without an answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from agent_memory import SessionManager, SessionMemory, SessionState, UserProfileData
from agent_memory.agents import RulesModel, lead_agent
from agent_memory.agents import _replies as replies
from agent_memory.agents._asked import fields_asked
from agent_memory.agents.catalogue import StockCatalogue
from tests.agents.conversations import Conversation, open_manager

SHOP_TALK = ['que horas abre?', 'tem foto?', 'onde fica a loja?', 'tem garantia?']


@pytest.fixture
async def manager(redis_url: str) -> AsyncGenerator[SessionManager[UserProfileData]]:
    async with open_manager(redis_url) as opened:
        yield opened


@pytest.fixture
def talk(manager: SessionManager[UserProfileData]) -> Conversation:
    return Conversation(lead_agent(SessionMemory(manager), 'rules', catalogue=StockCatalogue()), manager)


@pytest.mark.parametrize('field', ['budget_max', 'main_use', 'city', 'state', 'priorities', 'body_types', 'urgency'])
def test_what_is_asked_for_is_known_from_the_question(field: str) -> None:
    known: dict[str, Any] = {
        'budget_max': 60_000,
        'main_use': 'family',
        'city': 'Santa Inês',
        'state': 'MA',
        'priorities': ['economy'],
        'body_types': ['suv'],
        'urgency': 'immediate',
    }
    profile = UserProfileData(**{name: value for name, value in known.items() if name != field})
    if field == 'city':
        profile = UserProfileData(**{name: value for name, value in known.items() if name not in ('city', 'state')})

    first = replies.next_question(profile, None)
    second = replies.next_question(profile, first, told=first)

    assert first != second
    assert field in fields_asked(first)
    assert field in fields_asked(second) or field == 'body_types'  # the second asks for a brand instead


async def test_a_question_that_stays_open_is_put_twice_and_then_another(talk: Conversation) -> None:
    asked = [await talk.say('oi'), *[await talk.say(text) for text in SHOP_TALK[:3]]]

    assert [reply.rpartition('. ')[2] for reply in asked] == [
        'Quanto você pretende gastar no carro?',
        'Qual é o valor máximo que você quer pagar?',
        'Qual vai ser o uso principal do carro?',
        'O carro é mais para o dia a dia, família, trabalho, viagem...?',
    ]


async def test_whoever_answers_nothing_is_shown_cars_and_asked_no_more(talk: Conversation) -> None:
    replied = [await talk.say('oi'), *[await talk.say(SHOP_TALK[turn % 4]) for turn in range(20)]]

    told = '\n'.join(replied)
    assert 'Encontrei estas opções' in told
    assert max(told.count(reply.rpartition('. ')[2]) for reply in replied if reply.endswith('?')) == replies.MOST_TRIES
    assert '?' not in replied[-1]
    assert (await talk.session()).profile.known() == {}


async def test_an_ok_to_what_a_consultant_knows_calls_none(talk: Conversation) -> None:
    replied = [await talk.say(text) for text in ['oi', *SHOP_TALK * 5]]
    reply = replied[-1]
    assert 'consultor' in reply
    assert '?' not in reply

    await talk.say('ok')

    assert (await talk.session()).state != SessionState.HUMAN_HANDOFF


async def test_nobody_is_thanked_for_a_consent_that_does_not_count(manager: SessionManager[UserProfileData]) -> None:
    """The agent was only told about data; the tool finds no text that was shown and agreed to."""
    talk = Conversation(lead_agent(SessionMemory(manager), RulesModel()), manager)

    reply = await talk.say('autorizo usar meus dados, até 60 mil')

    assert 'R$ 60.000' in reply
    assert replies.CONSENT_GIVEN not in reply
