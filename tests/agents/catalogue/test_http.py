"""Cars out of a dealer's recommendation service."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import httpcore2
import httpx
import pytest
import respx

from agent_memory import UserProfileData
from agent_memory.agents.catalogue import Breaker, HttpCatalogue, StockCatalogue
from agent_memory.agents.catalogue._http import MAX_ANSWER
from agent_memory.errors import CatalogueUnavailable
from tests.agents.catalogue.contract import CatalogueContract

BASE = 'https://dealer.example/v1'
PROFILE = UserProfileData(name='Ana', budget_max=60_000)


def reply(record: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=record.model_dump_json(), headers={'content-type': 'application/json'})


class TestService(CatalogueContract):
    """A service that is this project's own stock behind HTTP."""

    @pytest.fixture
    async def catalogue(self) -> AsyncGenerator[HttpCatalogue]:
        stock = StockCatalogue()

        async def search(request: httpx.Request) -> httpx.Response:
            body = json.loads(request.content)
            return reply(await stock.search(UserProfileData(**body['profile']), limit=body['limit']))

        async def details(request: httpx.Request, car: str) -> httpx.Response:
            found = await stock.details(car)
            return reply(found) if found else httpx.Response(404)

        async def compare(request: httpx.Request) -> httpx.Response:
            body = json.loads(request.content)
            return reply(await stock.compare(tuple(body['cars']), UserProfileData(**body['profile'])))

        # Each test asks one kind of question.
        with respx.mock(using='httpcore2', assert_all_called=False) as router:
            router.post(f'{BASE}/search').mock(side_effect=search)
            router.get(url__regex=f'{BASE}/cars/(?P<car>.+)').mock(side_effect=details)
            router.post(f'{BASE}/compare').mock(side_effect=compare)
            client = HttpCatalogue(BASE)
            yield client
            await client.close()
            await stock.close()


async def found_cars() -> Any:
    stock = StockCatalogue()
    found = await stock.search(PROFILE)
    await stock.close()
    return found


@pytest.fixture
async def service() -> AsyncGenerator[HttpCatalogue]:
    client = HttpCatalogue(BASE, headers={'Authorization': 'Bearer key'})
    yield client
    await client.close()


async def test_the_service_is_told_what_chooses_a_car_and_not_who_asks(
    httpx2_mock: respx.Router, service: HttpCatalogue
) -> None:
    route = httpx2_mock.post(f'{BASE}/search').mock(return_value=reply(await found_cars()))

    await service.search(PROFILE)

    request = route.calls.last.request
    assert json.loads(request.content) == {'profile': {'budget_max': 60_000}, 'limit': 5}
    assert request.headers['authorization'] == 'Bearer key'


@pytest.mark.parametrize(
    'failure',
    [
        httpx.Response(503),
        httpx.Response(429),
        httpx.Response(200, text='<html>'),
        httpx.Response(200, content=b'{"matches": [], "total": 0}' + b' ' * MAX_ANSWER),
        httpx.Response(200, json={'matches': [{'car': {'id': '1'}}]}),
        httpcore2.ReadTimeout(),
        httpcore2.ConnectError(),
    ],
    ids=str,
)
async def test_a_failing_service_gives_the_last_good_answer_marked_stale(
    httpx2_mock: respx.Router, service: HttpCatalogue, failure: Any
) -> None:
    good = await found_cars()
    httpx2_mock.post(f'{BASE}/search').mock(side_effect=[reply(good), failure])
    first = await service.search(PROFILE)

    again = await service.search(PROFILE)

    assert not first.stale
    assert again.stale
    assert again.matches == first.matches


async def test_a_question_never_answered_has_no_answer(httpx2_mock: respx.Router, service: HttpCatalogue) -> None:
    httpx2_mock.post(f'{BASE}/search').mock(side_effect=[reply(await found_cars()), httpx.Response(503)])
    await service.search(PROFILE)

    with pytest.raises(CatalogueUnavailable, match='503'):
        await service.search(UserProfileData(budget_max=10_000))


async def test_an_old_answer_no_longer_stands_in(httpx2_mock: respx.Router) -> None:
    now = 0.0
    service = HttpCatalogue(BASE, keep=timedelta(minutes=10), clock=lambda: now)
    httpx2_mock.post(f'{BASE}/search').mock(side_effect=[reply(await found_cars()), httpx.Response(503)])
    await service.search(PROFILE)
    now = 601.0

    with pytest.raises(CatalogueUnavailable):
        await service.search(PROFILE)
    await service.close()


async def test_after_three_failures_in_a_row_it_is_not_asked_for_a_while(httpx2_mock: respx.Router) -> None:
    now = 0.0
    service = HttpCatalogue(BASE, breaker=Breaker(clock=lambda: now))
    route = httpx2_mock.get(f'{BASE}/cars/1').mock(return_value=httpx.Response(500))
    for _ in range(5):
        with pytest.raises(CatalogueUnavailable):
            await service.details('1')
    assert route.call_count == 3

    now = 31.0
    with pytest.raises(CatalogueUnavailable):
        await service.details('1')
    with pytest.raises(CatalogueUnavailable, match='not asked'):
        await service.details('1')
    assert route.call_count == 4

    now = 62.0
    route.mock(return_value=httpx.Response(404))
    assert await service.details('1') is None
    assert await service.details('1') is None
    await service.close()
