"""What a model may record about a car lead: what the person's words support, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import date
from typing import Any

import pytest

from agent_memory import SessionManager, SessionMemory
from agent_memory.agents import lead_agent
from agent_memory.agents._evidence import lead_evidence
from agent_memory.profile import Author, Change
from agent_memory.tools import Exchange
from tests.agents.conversations import Conversation, open_manager
from tests.agents.scripted import Call, scripted


@pytest.mark.parametrize(
    ('text', 'field', 'value', 'author'),
    [
        ('tenho até 60 mil', 'budget_max', 60_000, 'user'),
        ('uns sessenta mil', 'budget_max', 60_000, 'user'),
        ('R$ 80.000,00', 'budget_max', 80_000, 'user'),
        ('70k', 'budget_max', 70_000, 'user'),
        ('entre 60 e 80', 'budget_min', 60_000, 'user'),
        ('tenho até 60 mil', 'budget_min', 50_000, None),
        ('quero um carro barato', 'budget_max', 50_000, None),
        ('moro em campinas', 'city', 'Campinas', 'user'),
        ('moro em campinas', 'state', 'SP', 'user'),
        ('sou de bh', 'city', 'Belo Horizonte', 'user'),
        ('sou de bh', 'state', 'MG', 'user'),
        ('moro no interior do paraná', 'state', 'PR', 'user'),
        ('moro em cmapinas', 'city', 'Campinas', 'user'),
        ('moro em campinas', 'city', 'São Paulo', None),
        ('moro em campinas', 'state', 'RJ', None),
        ('quero um onix', 'brands', 'Chevrolet', 'user'),
        ('pode ser vw', 'brands', 'Volkswagen', 'user'),
        ('quero um toiota', 'brands', 'Toyota', 'user'),
        ('quero um onix', 'brands', 'Fiat', None),
        ('fiat nem pensar', 'excluded_brands', 'Fiat', 'user'),
        ('oi, sou a Ana', 'name', 'Ana', 'user'),
        ('oi, sou a Ana', 'name', 'João', None),
        ('tenho um gol 2012 pra dar na troca', 'trade_in', 'Gol 2012', 'user'),
        ('quero trocar de carro', 'trade_in', 'Palio', None),
        ('para minha família', 'main_use', 'family', 'user'),
        ('meu joelho cansa com a embreagem', 'priorities', 'automatic', 'model'),
        ('oi, boa tarde', 'main_use', 'daily_commute', None),
        ('bom dia', 'priorities', 'economy', None),
    ],
)
def test_a_value_stands_on_what_was_written(text: str, field: str, value: Any, author: Author | None) -> None:
    assert lead_evidence(Change(field=field, value=value), [Exchange(None, text)]) == author


@pytest.mark.parametrize(('value', 'author'), [(70_000, 'user'), (80_000, None)])
def test_a_sum_stands_on_the_amount_before_and_what_is_added(value: int, author: Author | None) -> None:
    said = [Exchange(None, 'tenho até 60 mil'), Exchange(None, 'pode colocar mais 10 mil')]

    assert lead_evidence(Change(field='budget_max', value=value, op='correct'), said) == author


def test_a_difference_stands_on_the_amount_before_and_what_is_taken_off() -> None:
    said = [Exchange(None, 'tenho até 60 mil'), Exchange(None, 'diminui 5 mil')]

    assert lead_evidence(Change(field='budget_max', value=55_000, op='correct'), said) == 'user'
    assert lead_evidence(Change(field='budget_max', value=50_000, op='correct'), said) is None


@pytest.mark.parametrize(('today', 'author'), [(date(2026, 3, 10), 'user'), (date(2026, 11, 27), 'model')])
def test_a_month_is_counted_from_the_day_of_the_conversation(today: date, author: Author) -> None:
    said = [Exchange('Para quando?', 'só em maio')]

    assert lead_evidence(Change(field='urgency', value='1-3_months'), said, today=lambda: today) == author


def test_a_yes_states_what_was_asked() -> None:
    asked = Exchange('Você mora em Campinas, certo?', 'sim')

    assert lead_evidence(Change(field='city', value='Campinas'), [asked]) == 'user'
    assert lead_evidence(Change(field='city', value='Santos'), [asked]) is None


@pytest.fixture
async def manager(redis_url: str) -> AsyncGenerator[SessionManager[Any]]:
    async with open_manager(redis_url) as opened:
        yield opened


def conversation(manager: SessionManager[Any], *answers: str | list[Call]) -> Conversation:
    return Conversation(lead_agent(SessionMemory(manager), scripted(*answers)), manager)


async def test_an_unsupported_value_goes_back_to_the_model_and_the_rest_is_kept(manager: SessionManager[Any]) -> None:
    talk = conversation(
        manager,
        [('remember', {'budget_max': 60_000, 'city': 'São Paulo', 'brands': ['Fiat', 'Honda']})],
        [('remember', {'budget_max': 60_000, 'brands': ['Fiat']})],
        'Anotado! Em qual cidade você mora?',
    )

    await talk.say('quero um fiat até 60 mil')

    [refused] = talk.refused()
    assert "city: nothing that the person wrote says 'São Paulo'" in refused
    assert "brands: nothing that the person wrote says 'Honda'" in refused
    assert (await talk.session()).profile.known() == {'budget_max': 60_000, 'brands': ['Fiat']}


async def test_a_model_that_insists_records_only_what_is_supported(manager: SessionManager[Any]) -> None:
    overfilled: list[Call] = [('remember', {'budget_max': 60_000, 'city': 'São Paulo', 'brands': ['Fiat', 'Honda']})]
    talk = conversation(manager, overfilled, overfilled, overfilled, 'Anotado! Em qual cidade você mora?')

    await talk.say('quero um fiat até 60 mil')

    assert (await talk.session()).profile.known() == {'budget_max': 60_000, 'brands': ['Fiat']}


async def test_the_last_word_wins(manager: SessionManager[Any]) -> None:
    talk = conversation(
        manager,
        [('remember', {'budget_max': 60_000}), ('remember', {'city': 'Campinas'}), ('remember', {'brands': ['Fiat']})],
        'Anotado!',
        [('correct', {'budget_max': 90_000})],
        'Certo, até 90 mil.',
    )

    await talk.say('até 60 mil, campinas, fiat')
    await talk.say('na verdade até 90')

    session = await talk.session()
    assert session.profile.known() == {'budget_max': 90_000, 'city': 'Campinas', 'brands': ['Fiat']}
    assert session.profile.provenance['budget_max'].previous == 60_000


async def test_a_guess_never_replaces_what_the_person_said(manager: SessionManager[Any]) -> None:
    talk = conversation(
        manager,
        [('remember', {'main_use': 'family'})],
        'Anotado!',
        [('remember', {'main_use': 'travel', 'urgency': 'immediate'})],
        'Certo!',
    )

    await talk.say('é para a família')
    await talk.say('gosto de serra e quero resolver logo')

    profile = (await talk.session()).profile
    assert profile.main_use == 'family'
    assert profile.provenance['main_use'].by == 'user'


async def test_a_budget_upside_down_says_what_is_wrong(manager: SessionManager[Any]) -> None:
    talk = conversation(manager, [('remember', {'budget_min': 90_000, 'budget_max': 60_000})], 'Qual é o valor máximo?')

    await talk.say('de 90 a 60 mil')

    assert 'budget_min' in talk.refused()[0]
    assert (await talk.session()).profile.known() == {}


async def test_what_is_left_of_a_list_needs_no_new_words(redis_url: str) -> None:
    async with open_manager(redis_url) as manager:
        talk = Conversation(lead_agent(SessionMemory(manager), 'rules'), manager)

        await talk.say('gosto de honda, toyota e nissan')
        await talk.say('risca a toyota e inclui a kia')

        assert set((await talk.session()).profile.brands) == {'Honda', 'Nissan', 'Kia'}
        assert talk.refused() == []
