"""A purchase from the first hello to the person who takes over: what the agent says, knows and leaves behind.

Read it as documentation. It runs twice: on the offline rules, and on OpenAI whose answers are scripted.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pydantic_ai.models
import pytest
import respx

from agent_memory import CAR_LEAD, DuckDBArchive, RedisStore, SessionManager, SessionMemory, SessionState
from agent_memory.agents import lead_agent
from agent_memory.agents.catalogue import StockCatalogue
from agent_memory.backend._archiver import Archiver
from agent_memory.backend._deliveries import DuckDBEventQueue
from agent_memory.handoff import HandoffNote, HandoffRelay
from agent_memory.history import OpenedEvents, rows_of
from tests.agents.conversations import CONTACT, Conversation
from tests.agents.openai_replies import RESPONSES, calls, says


@pytest.fixture
async def manager(redis_url: str, tmp_path: Path) -> AsyncGenerator[SessionManager[Any]]:
    manager = SessionManager(
        RedisStore.from_url(redis_url), DuckDBArchive(tmp_path / 'history.duckdb'), domain=CAR_LEAD
    )
    yield manager
    await manager.close()


@pytest.fixture
async def stock() -> AsyncGenerator[StockCatalogue]:
    stock = StockCatalogue()
    yield stock
    await stock.close()


class Sales:
    """The sales team: keeps the hand-overs that it is told."""

    def __init__(self) -> None:
        self.notes: list[HandoffNote] = []

    async def deliver(self, note: HandoffNote) -> None:
        self.notes.append(note)


async def told_to_sales(manager: SessionManager[Any]) -> HandoffNote:
    """Archive what was committed, deliver the hand-overs, and return the only one."""
    assert isinstance(manager.archive, DuckDBArchive)
    assert isinstance(manager.store, RedisStore)
    await Archiver(manager.store.outbox, manager.archive, rows_of(manager.codec, manager.vault)).drain()
    sales = Sales()
    await HandoffRelay(OpenedEvents(DuckDBEventQueue(manager.archive), manager.vault), sales).drain()
    [note] = sales.notes
    return note


async def test_a_purchase_on_the_offline_rules(manager: SessionManager[Any], stock: StockCatalogue) -> None:
    talk = Conversation(lead_agent(SessionMemory(manager), catalogue=stock), manager)

    # The agent introduces itself and asks one thing at a time.
    reply = await talk.say('oi, boa tarde')
    assert reply.startswith('Olá!')
    assert reply.endswith('Quanto você pretende gastar no carro?')

    # People say several things at once, without accents; what is known is not asked again.
    reply = await talk.say('ate uns 80 mil, eh pra familia, moro em campinas')
    assert 'até R$ 80.000' in reply
    assert 'mais importante' in reply

    # They correct themselves, and refuse.
    await talk.say('seguranca e espaco. na verdade posso ir ate 90 mil. renault nem pensar')
    known = (await talk.session()).profile.known()
    assert known['budget_max'] == 90_000
    assert known['excluded_brands'] == ['Renault']
    assert known['priorities'] == ['safety', 'space']

    # Once nothing is left to ask the agent shows cars of the catalogue, each with reasons tied to the profile.
    await talk.say('suv ou sedan')
    reply = await talk.say('quero comprar esse mes')
    session = await talk.session()
    assert session.state == SessionState.SHOWING_RECOMMENDATIONS
    assert reply.count('\n') == 1 + len(session.recommendations) <= 6
    assert 'cabe no seu orçamento, bom para a família' in reply
    assert 'Renault' not in reply

    # They ask about one, then compare two; every figure is the catalogue's.
    first, second = session.recommendations[0], session.recommendations[1]
    reply = await talk.say('quanto custa o 1?')
    assert f'{first["price"]:,}'.replace(',', '.') in reply
    assert (await talk.session()).state == SessionState.CAR_DETAILS
    reply = await talk.say('compara o 1 com o 2')
    assert str(first['title']) in reply
    assert str(second['title']) in reply
    assert (await talk.session()).state == SessionState.COMPARING_CARS

    # No discount is promised; a person takes over and the agent is silent.
    assert 'consultor' in await talk.say('faz por quanto? tem desconto?')
    assert 'pessoa da nossa equipe' in await talk.say('quero falar com um vendedor')
    assert await talk.say('estou aguardando') is None

    # Sales knows everything: who, how good, what was shown and said.
    note = await told_to_sales(manager)
    assert note.contact_id == await manager.contact_id(CONTACT)
    assert note.profile['budget_max'] == 90_000
    assert note.score is not None
    assert note.score.band == 'high'
    assert [car['title'] for car in note.recommendations][:2] == [first['title'], second['title']]
    assert note.transcript[0].content == 'oi, boa tarde'

    # Sales hands back, and the agent goes on where it was.
    assert await manager.hand_back(CONTACT)
    assert (await talk.session()).state == SessionState.COMPARING_CARS
    assert 'Por nada!' in await talk.say('obrigado, tchau')


async def test_a_purchase_on_openai(
    manager: SessionManager[Any], stock: StockCatalogue, httpx2_mock: respx.Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pydantic_ai.models, 'ALLOW_MODEL_REQUESTS', True)
    monkeypatch.setenv('OPENAI_API_KEY', 'sk-test')
    route = httpx2_mock.post(RESPONSES).mock(
        side_effect=[
            says('Olá! Que carro você procura e até quanto quer gastar?'),
            # It fills a slot that nobody spoke of, is told so, and does better.
            calls(('remember', {'budget_max': 90_000, 'main_use': 'family', 'city': 'São Paulo'})),
            calls(('remember', {'budget_max': 90_000, 'main_use': 'family', 'urgency': 'immediate'})),
            says('Anotado! Em qual cidade você mora?'),
            # Facts and the search come in one response; the search knows the facts.
            calls(('remember', {'city': 'Campinas', 'body_types': ['suv']}), ('search_cars', {})),
            # It invents a price, is told so, and does better.
            says('Tenho um Corolla Cross por R$ 50.000!'),
            says('Encontrei algumas opções de SUV para você. Quer saber mais de alguma?'),
            calls(('hand_to_person', {'reason': 'quer visitar a loja'})),
            says('Vou chamar uma pessoa da nossa equipe para marcar a visita.'),
        ]
    )
    talk = Conversation(lead_agent(SessionMemory(manager), 'openai:gpt-5.2', catalogue=stock), manager)

    await talk.say('oi')
    await talk.say('até 90 mil, é pra minha família, preciso pra já')
    reply = await talk.say('moro em Campinas, quero ver SUV')

    assert reply == 'Encontrei algumas opções de SUV para você. Quer saber mais de alguma?'
    session = await talk.session()
    assert session.state == SessionState.SHOWING_RECOMMENDATIONS
    assert session.profile.city == 'Campinas'
    assert all(isinstance(car['price'], int) and car['price'] <= 90_000 for car in session.recommendations)

    await talk.say('quero visitar a loja')

    assert (await talk.session()).state == SessionState.HUMAN_HANDOFF
    assert (await told_to_sales(manager)).reason == 'quer visitar a loja'
    assert route.call_count == 9
    # A message that WhatsApp delivers again is answered from memory and costs nothing.
    assert talk.first
    again = await talk.agent.run('oi', deps=talk.first)
    assert again.output == 'Olá! Que carro você procura e até quanto quer gastar?'
    assert route.call_count == 9
