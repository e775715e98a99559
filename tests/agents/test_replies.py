"""What the offline agent says to a buyer who looks around: an answer to what was asked, and not the same twice."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from agent_memory import SessionMemory, SessionState
from agent_memory.agents import _replies as replies
from agent_memory.agents import lead_agent
from agent_memory.agents._guards import is_repeated
from agent_memory.agents.catalogue import StockCatalogue
from tests.agents.conversations import Conversation, open_manager

WHOLE = 'oi, quero um suv até 90 mil pra família em Campinas SP, o importante é segurança, compro esse mês'


@pytest.fixture
async def talk(redis_url: str) -> AsyncGenerator[Conversation]:
    async with open_manager(redis_url) as manager:
        yield Conversation(lead_agent(SessionMemory(manager), 'rules', catalogue=StockCatalogue()), manager)


async def said(talk: Conversation, *texts: str) -> list[str]:
    """Return the replies to `texts`, none of which is what was said just before it or a way out."""
    told = [await talk.say(text) for text in texts]
    for before, reply in zip(['', *told], told, strict=False):
        assert not is_repeated(reply, before)
        assert reply not in (replies.SAFE, replies.SAFE_AGAIN)
    return told


async def test_whoever_wants_to_see_again_what_was_just_shown_is_asked_what_to_change(talk: Conversation) -> None:
    listed, same, again, others, consultant = await said(
        talk, WHOLE, 'me mostra os carros', 'me mostra os carros', 'tem mais opções?', 'tem outros?'
    )

    assert '1) ' in listed
    assert same == others == replies.SAME_CARS
    assert again == listed[listed.index('Encontrei') :]
    assert consultant.endswith(replies.CONSULTANT)
    assert 'Que tipo' in (await said(talk, 'me mostra', 'me mostra', 'o tipo'))[2]


async def test_a_car_that_was_told_in_full_is_not_told_again(talk: Conversation) -> None:
    _, details, further = await said(talk, WHOLE, 'me fala mais do 2', 'me fala mais dele')
    assert details.startswith('Jeep Compass')
    assert further.startswith(replies.TOLD_ALL)
    assert 'Jeep Compass' in further

    lines = await said(talk, 'qual a cor?', 'qual a cor?', 'compara o 1 e o 2', 'compara o 1 e o 2')
    assert replies.TOLD_ALL in lines[1]
    assert replies.TOLD_ALL in lines[3]


@pytest.mark.parametrize('text', ['tem foto?', 'ele ainda tá aí?', 'esse já foi batido?'])
async def test_what_is_asked_of_the_shop_about_a_car_is_answered_without_telling_it_again(
    talk: Conversation, text: str
) -> None:
    reply = (await said(talk, WHOLE, 'me fala mais do 2', text))[2]

    assert 'R$' not in reply
    assert reply.endswith(f'. {replies.CONSULTANT}')


async def test_a_request_that_is_made_again_is_confirmed_again(talk: Conversation) -> None:
    first, second, third = await said(talk, 'apaga meus dados', 'apaga meus dados', 'apaga meus dados')

    assert first == third == replies.ERASURE
    assert '15 dias' in second


@pytest.mark.parametrize(
    ('text', 'begins'),
    [
        ('qual o mais barato?', 'O mais barato deles: Ford EcoSport SE 1.5 2018: R$ 55.900'),
        ('qual o mais novo?', 'O mais novo deles: Volkswagen T-Cross 200 TSI 2019'),
        ('e o menos rodado?', 'O menos rodado deles: Renault Duster Iconic 1.3 Turbo 2018: R$ 71.900, 55.557 km'),
        ('qual vc me indica?', 'O que mais combina com o que você me contou: Renault Duster Iconic'),
    ],
)
async def test_the_best_of_the_shown_cars_is_told(talk: Conversation, text: str, begins: str) -> None:
    _, reply = await said(talk, WHOLE, text)

    assert reply.startswith(begins)


async def test_a_limit_that_leaves_some_of_the_shown_cars_shows_those(talk: Conversation) -> None:
    wide, narrow = await said(talk, 'quero ver jeep', 'até 80 mil')

    assert wide.count(') Jeep') == 4
    assert narrow.count(') Jeep') == 2


@pytest.mark.parametrize('text', ['tem Civic?', 'quanto tá o Civic?', 'o Civic ainda está disponível?'])
async def test_who_asks_for_a_brand_is_shown_its_cars_at_once(talk: Conversation, text: str) -> None:
    [reply] = await said(talk, text)

    assert reply.startswith(replies.HELLO)
    assert '1) Honda' in reply


@pytest.mark.parametrize('text', ['aceita cartão?', 'reserva pra mim?', 'quanto de entrada?', 'aceita proposta?'])
async def test_what_only_the_team_may_promise_is_said_to_be_theirs(talk: Conversation, text: str) -> None:
    assert (await said(talk, WHOLE, text))[1] == replies.TERMS


async def test_a_question_about_terms_is_answered_beside_what_it_states(talk: Conversation) -> None:
    _, reply = await said(talk, 'oi', 'vocês financiam? quero um suv até 60 mil')

    assert 'R$ 60.000' in reply
    assert replies.TEAM_CONFIRMS in reply


async def test_a_name_is_greeted_and_not_listed(talk: Conversation) -> None:
    reply = await talk.say('oi, me chamo Marta, até 85 mil')

    assert 'Prazer, Marta! Anotado: até R$ 85.000.' in reply


async def test_who_takes_any_brand_is_not_asked_for_one_again(talk: Conversation) -> None:
    asked = [await talk.say('oi, até 60 mil, pra família, economia, moro em Campinas SP')]
    assert 'marca ou tipo' in asked[0]

    lines = await said(talk, 'qualquer um', 'semana que vem')
    assert 'Para quando' in lines[0]
    assert '1) ' in lines[1]


@pytest.mark.parametrize('text', ['quero ver o 2 pessoalmente', 'posso levar meu mecânico?', 'vou aí amanhã'])
async def test_who_wants_to_come_gets_a_person(talk: Conversation, text: str) -> None:
    await said(talk, WHOLE, text)

    assert (await talk.session()).state == SessionState.HUMAN_HANDOFF
