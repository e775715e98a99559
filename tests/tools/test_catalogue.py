"""The catalogue toolset: what a model finds, and what the session remembers of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from pydantic_ai import Agent

from agent_memory import Inbound, SessionManager, SessionMemory, SessionState, UserProfileData
from agent_memory.agents.catalogue import StockCatalogue
from agent_memory.errors import CatalogueUnavailable
from agent_memory.tools import catalogue_toolset
from tests.agents.conversations import Conversation, open_manager
from tests.agents.scripted import Call, scripted


@pytest.fixture
async def manager(redis_url: str) -> AsyncGenerator[SessionManager[Any]]:
    async with open_manager(redis_url) as opened:
        yield opened


@pytest.fixture
async def stock() -> AsyncGenerator[StockCatalogue]:
    catalogue = StockCatalogue()
    yield catalogue
    await catalogue.close()


def conversation(manager: SessionManager[Any], catalogue: Any, *answers: str | list[Call]) -> Conversation:
    agent = Agent(
        scripted(*answers),
        deps_type=Inbound,
        toolsets=[catalogue_toolset(catalogue)],
        capabilities=[SessionMemory(manager)],
    )
    return Conversation(agent, manager)


async def test_a_search_is_by_what_the_same_response_remembers(
    manager: SessionManager[Any], stock: StockCatalogue
) -> None:
    talk = conversation(
        manager,
        stock,
        [('search_cars', {}), ('remember', {'budget_max': 50_000})],
        [('remember', {'budget_max': 60_000, 'brands': ['Fiat']}), ('search_cars', {})],
        'Veja estas opções.',
    )

    await talk.say('até 60 mil, Fiat')

    session = await talk.session()
    assert session.state == SessionState.SHOWING_RECOMMENDATIONS
    assert 1 <= len(session.recommendations) <= 5
    for shown in session.recommendations:
        assert isinstance(shown['price'], int)
        assert shown['price'] <= 60_000
        assert str(shown['title']).startswith('Fiat ')
        assert {'field': 'brands', 'value': 'Fiat'} in shown['reasons']  # pyright: ignore[reportOperatorIssue] - JSON


async def test_details_and_comparison_move_the_conversation(
    manager: SessionManager[Any], stock: StockCatalogue
) -> None:
    first, second, *_ = [match.car.id for match in (await stock.search(UserProfileData())).matches]
    talk = conversation(
        manager,
        stock,
        [('search_cars', {})],
        'Veja estas opções.',
        [('car_details', {'car_id': first})],
        'Este tem tudo.',
        [('compare_cars', {'car_ids': [first, second]})],
        'O primeiro é mais barato.',
        [('search_cars', {})],
        'De novo.',
    )
    states: list[str] = []
    for text in ('me mostra opções', 'fala mais do primeiro', 'compara os dois', 'mostra de novo'):
        await talk.say(text)
        states.append((await talk.session()).state)

    assert states == ['showing_recommendations', 'car_details', 'comparing_cars', 'showing_recommendations']


async def test_when_nothing_fits_the_model_reads_what_to_relax_and_nothing_is_shown(
    manager: SessionManager[Any], stock: StockCatalogue
) -> None:
    talk = conversation(
        manager,
        stock,
        [('remember', {'budget_max': 30_000, 'body_types': ['pickup']}), ('search_cars', {})],
        'Nada até 30 mil.',
    )

    await talk.say('picape até 30 mil')

    answer = talk.returned('search_cars')
    assert 'matches' not in answer
    assert {tuple(one['fields']) for one in answer['relax']} == {('budget_max',), ('body_types',)}
    session = await talk.session()
    assert session.recommendations == []
    assert session.state == SessionState.COLLECTING_PROFILE


@pytest.mark.parametrize(
    ('calls', 'complaint'),
    [
        ([('car_details', {'car_id': '001'})], 'no car was shown yet: search first'),
        ([('compare_cars', {'car_ids': ['001', '002']})], 'no car was shown yet: search first'),
    ],
)
async def test_a_car_that_was_not_shown_goes_back_to_the_model(
    manager: SessionManager[Any], stock: StockCatalogue, calls: list[Call], complaint: str
) -> None:
    talk = conversation(manager, stock, calls, 'Qual carro?')

    await talk.say('e esse?')

    [refused] = talk.refused()
    assert complaint in refused


async def test_a_comparison_takes_two_or_three_cars(manager: SessionManager[Any], stock: StockCatalogue) -> None:
    ids = [match.car.id for match in (await stock.search(UserProfileData())).matches]
    talk = conversation(
        manager, stock, [('search_cars', {})], [('compare_cars', {'car_ids': ids[:4]})], 'Escolha três.'
    )

    await talk.say('compara tudo')

    [refused] = talk.refused()
    assert 'two to 3' in refused


async def test_a_catalogue_that_is_away_does_not_fail_the_turn(manager: SessionManager[Any]) -> None:
    class Away(StockCatalogue):
        async def search(self, profile: UserProfileData, *, limit: int = 5) -> Any:
            raise CatalogueUnavailable('away')

    talk = conversation(manager, Away(), [('search_cars', {})], 'Um consultor te manda opções.')

    assert await talk.say('me mostra opções') == 'Um consultor te manda opções.'
    assert (await talk.session()).recommendations == []
