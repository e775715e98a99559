"""What a person asks of their own data in the chat is answered at once and due in fifteen days in the ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai import Agent

from agent_memory import DuckDBArchive, Inbound, RedisStore, SessionManager, SessionMemory
from agent_memory.agents import lead_agent
from agent_memory.agents.portuguese import understand
from agent_memory.backend._archiver import Archiver
from agent_memory.backend._ledger import RequestStep
from agent_memory.history import rows_of
from agent_memory.lead import UserProfileData
from tests.agents.conversations import Conversation
from tests.agents.scripted import scripted


@pytest.fixture
async def manager(redis_url: str, tmp_path: Path) -> AsyncIterator[SessionManager[Any]]:
    manager = SessionManager(RedisStore.from_url(redis_url), DuckDBArchive(tmp_path / 'history.duckdb'))
    yield manager
    await manager.close()


async def requests(manager: SessionManager[Any]) -> list[dict[str, Any]]:
    assert isinstance(manager.store, RedisStore)
    assert isinstance(manager.archive, DuckDBArchive)
    await Archiver(manager.store.outbox, manager.archive, rows_of(manager.codec, manager.vault)).drain()
    found = await manager.archive.ask('requests', contact='', limit=100)
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


@pytest.mark.parametrize(
    ('said', 'kind', 'answer'),
    [
        ('quero saber quais dados meus vocês guardam', 'access', 'até R$ 60.000, Recife'),
        ('mandem os meus dados para outra loja, quero a portabilidade', 'portability', 'arquivo'),
        ('meu cadastro está errado', 'correction', 'qual dado está errado'),
        ('não concordo com a minha pontuação', 'review', 'uma pessoa da nossa equipe revê'),
        ('apaguem os meus dados', 'deletion', 'exclusão dos dados'),
    ],
)
async def test_a_right_claimed_in_the_chat_is_answered_at_once_and_due_in_fifteen_days(
    manager: SessionManager[Any], said: str, kind: str, answer: str
) -> None:
    person = Conversation(lead_agent(SessionMemory(manager)), manager)
    await person.say('oi, quero um carro até 60 mil, moro em Recife PE')

    reply = await person.say(said)

    assert answer in reply
    assert 'em até 15 dias' in reply
    [asked] = [one for one in await requests(manager) if one['kind'] == kind]
    assert (asked['step'], asked['opened_by'], asked['due'] - asked['opened']) == (
        'opened',
        'contact',
        timedelta(days=15),
    )


async def test_what_was_settled_can_be_asked_for_again(manager: SessionManager[Any]) -> None:
    person = Conversation(lead_agent(SessionMemory(manager)), manager)
    await person.say('quero uma cópia dos meus dados')
    await person.say('cadê a cópia dos meus dados?')
    [first] = await requests(manager)
    assert isinstance(manager.archive, DuckDBArchive)
    await manager.archive.enter(steps=[RequestStep(first['contact_id'], 'access', 'done', 'os:ana', number=1)])

    await person.say('quero uma cópia dos meus dados de novo')

    assert [(one['number'], one['step']) for one in await requests(manager)] == [(2, 'opened'), (1, 'done')]


async def test_any_model_can_record_a_right_and_take_it_back(manager: SessionManager[Any]) -> None:
    memory = SessionMemory(manager)
    asks = scripted(
        [('record_request', {'request': 'review'})],
        'Registrado.',
        [('record_request', {'request': 'review', 'withdrawn': True})],
        'Certo.',
    )
    person = Conversation(Agent(asks, deps_type=Inbound, capabilities=[memory]), manager)
    await person.say('quero que um humano reveja a minha avaliação')
    assert (await person.session()).requests == ['review']

    await person.say('deixa para lá')

    assert [(one['kind'], one['step']) for one in await requests(manager)] == [('review', 'withdrawn')]


@pytest.mark.parametrize(
    'said',
    [
        'que dados vocês precisam de mim?',
        'vou mandar meus dados para a simulação',
        'quero fazer a portabilidade do financiamento',
        'meu score é baixo, consigo financiar?',
        'quais informações você tem do Onix?',
        'não preciso ver meus dados',
        'revisões com nota fiscal',
        'meu cadastro está errado, moro em Olinda PE',
    ],
)
def test_what_sounds_like_a_right_and_is_none_enters_no_ledger(said: str) -> None:
    assert understand([said], profile=UserProfileData(), today=date(2026, 3, 10)).rights == ()
