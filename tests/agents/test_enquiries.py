"""What people ask of a shop beside cars is answered, and nothing is promised."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from pydantic_ai import Agent

from agent_memory import Inbound, SessionManager, SessionMemory, UserProfileData
from agent_memory.agents import lead_agent
from agent_memory.agents._enquiries import answer, read_enquiries
from agent_memory.agents._guards import Grounds, violations
from agent_memory.agents.catalogue import StockCatalogue
from agent_memory.agents.portuguese._text import read_words
from tests.agents.conversations import Conversation, open_manager


@pytest.fixture
async def talk(redis_url: str) -> AsyncGenerator[Conversation]:
    async with open_manager(redis_url) as manager:
        yield Conversation(_agent(manager), manager)


def _agent(manager: SessionManager[UserProfileData]) -> Agent[Inbound, str]:
    return lead_agent(SessionMemory(manager), 'rules', catalogue=StockCatalogue())


@pytest.mark.parametrize(
    ('text', 'enquiries'),
    [
        ('oi, tudo bem?', ('how_are_you',)),
        ('tem foto?', ('photos',)),
        ('vcs aceitam meu carro na troca?', ('trade_in',)),
        ('onde fica a loja e qual o horário?', ('address', 'hours')),
        ('vc é um robô?', ('robot',)),
        ('já foi batido? ipva tá pago?', ('papers',)),
        ('vendem moto?', ('elsewhere',)),
        ('achei caro', ('dislike',)),
        ('vou pensar', ('thinking',)),
        ('quero um hatch até 40 mil', ()),
    ],
)
def test_an_enquiry_is_recognised_and_its_answer_breaks_no_rule(text: str, enquiries: tuple[str, ...]) -> None:
    found = read_enquiries(read_words([text]))
    said, _ = answer(found, shown=True, trade_in=False)

    assert found == enquiries
    assert violations(said, Grounds()) == []


async def test_a_question_about_the_shop_is_answered_before_the_next_is_asked(talk: Conversation) -> None:
    await talk.say('oi')

    assert await talk.say('onde fica a loja?') == (
        'O endereço certinho um consultor te passa. Qual é o valor máximo que você quer pagar?'
    )
    assert await talk.say('não sei ainda') == 'Sem problema. Qual vai ser o uso principal do carro?'
    assert 'é só me chamar por aqui.' in await talk.say('vou pensar')


async def test_cars_are_listed_once_and_one_of_them_is_told_of_fact_by_fact(talk: Conversation) -> None:
    listed = await talk.say('quais carros vocês têm? quero toyota até 50 mil')
    noted = await talk.say('é pra trabalhar de uber')
    details = await talk.say('me fala mais do 1')
    colour = await talk.say('qual a cor dele?')

    assert '1) Toyota' in listed
    assert '1) Toyota' not in noted
    assert 'Anotado: para trabalho com aplicativo.' in noted
    assert details.startswith('Toyota')
    assert 'a cor é' in colour
    assert 'R$' not in colour


def test_a_model_called_5x_is_no_instalment() -> None:
    grounds = Grounds(results='{"model": "Tiggo 5X", "year": 2020, "price": 87900}')

    assert violations('Tiggo 5X 2020 por R$ 87.900', grounds) == []
    assert violations('Fica em 5x sem juros', grounds) != []
