"""The history and consent tools: what was said in earlier sessions, and what a person agreed to."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai import Agent

from agent_memory import CAR_LEAD, DuckDBArchive, Inbound, RedisStore, SessionManager, SessionMemory
from agent_memory.backend._archiver import Archiver
from agent_memory.backend._deliveries import DuckDBEventQueue
from agent_memory.history import OpenedEvents, rows_of
from agent_memory.tools import history_toolset
from tests.agents.conversations import Conversation
from tests.agents.scripted import Call, scripted


@pytest.fixture
async def archive(tmp_path: Path) -> DuckDBArchive:
    return DuckDBArchive(tmp_path / 'history.duckdb')


@pytest.fixture
async def manager(redis_url: str, archive: DuckDBArchive) -> AsyncGenerator[SessionManager[Any]]:
    manager = SessionManager(RedisStore.from_url(redis_url), archive, domain=CAR_LEAD)
    yield manager
    await manager.close()


def conversation(manager: SessionManager[Any], contact: str, *answers: str | list[Call]) -> Conversation:
    agent = Agent(
        scripted(*answers),
        deps_type=Inbound,
        toolsets=[history_toolset(manager)],
        capabilities=[SessionMemory(manager)],
    )
    return Conversation(agent, manager, contact)


async def archived(manager: SessionManager[Any], archive: DuckDBArchive) -> None:
    assert isinstance(manager.store, RedisStore)
    await Archiver(manager.store.outbox, archive, rows_of(manager.codec, manager.vault)).drain()


async def test_a_returning_person_is_told_from_their_own_history_only(
    manager: SessionManager[Any], archive: DuckDBArchive
) -> None:
    ana, bia = '+5511999990001', '+5511999990002'
    await conversation(manager, ana, [('remember', {'budget_max': 60_000})], 'Certo!').say('até 60 mil')
    await conversation(manager, bia, 'Certo!').say('quero um Fiat')
    await manager.expire_session(ana)
    await archived(manager, archive)

    looks: list[Call] = [('earlier_conversations', {})]
    back = conversation(manager, ana, looks, 'Que bom te ver de novo!')
    back.results.append(None)  # pyright: ignore[reportArgumentType] - the message ids of the first visit are taken
    await back.say('voltei')
    new = conversation(manager, '+5511999990003', looks, 'Olá!')
    await new.say('oi')

    [earlier] = back.returned('earlier_conversations')
    assert earlier['profile'] == {'budget_max': 60_000}
    assert earlier['said'] == ['até 60 mil']
    assert new.returned('earlier_conversations') == 'this is the first conversation'


async def test_a_consent_is_recorded_with_the_text_that_was_shown(
    manager: SessionManager[Any], archive: DuckDBArchive
) -> None:
    text = 'Podemos guardar os seus dados para achar um carro?'
    talk = conversation(manager, '+5511999990001', text, [('answer_consent', {'given': True})], 'Obrigado!')
    await talk.say('oi')
    await talk.say('pode sim')

    assert (await talk.session()).consent.given
    await archived(manager, archive)
    [event] = await OpenedEvents(DuckDBEventQueue(archive), manager.vault).undelivered(
        'consent', within=timedelta(days=1), limit=10
    )
    told = json.loads(event.data)
    assert (told['given'], told['text'], told['action']) == (True, text, 'given')


async def test_nobody_agrees_to_a_text_that_was_not_shown(manager: SessionManager[Any]) -> None:
    talk = conversation(
        manager, '+5511999990001', [('answer_consent', {'given': True})], 'Posso guardar os seus dados?'
    )

    await talk.say('oi')

    assert 'no text asked for consent yet' in talk.refused()[0]
    assert not (await talk.session()).consent.given
