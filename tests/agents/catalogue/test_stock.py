"""Cars out of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path

import duckdb
import pytest

from agent_memory import UserProfileData
from agent_memory.agents.catalogue import DEMO_STOCK, StockCatalogue
from agent_memory.agents.catalogue._neighbours import within_reach
from agent_memory.errors import CatalogueUnavailable
from agent_memory.lead import UF, BodyType, MainUse, Priority
from tests.agents.catalogue.contract import CatalogueContract

HEADER = 'id,brand,model,version,year,km,price,body,gearbox,fuel,color,city,state,uses,strengths,features\n'
CAR = '001,Fiat,Argo,1.0,2020,40000,{price},hatch,manual,flex,azul,Campinas,SP,family,economy,\n'


class TestCsv(CatalogueContract):
    @pytest.fixture
    async def catalogue(self) -> AsyncGenerator[StockCatalogue]:
        stock = StockCatalogue()
        yield stock
        await stock.close()


class TestParquet(CatalogueContract):
    @pytest.fixture
    async def catalogue(self, tmp_path: Path) -> AsyncGenerator[StockCatalogue]:
        path = tmp_path / 'stock.parquet'
        with duckdb.connect() as connection:
            connection.execute(f"COPY (FROM read_csv('{DEMO_STOCK}')) TO '{path}'")
        stock = StockCatalogue(path)
        yield stock
        await stock.close()


async def test_the_demo_stock_covers_bodies_states_and_prices() -> None:
    with duckdb.connect() as connection:
        rows = connection.execute(f"SELECT body, state, price FROM read_csv('{DEMO_STOCK}')").fetchall()

    assert len(rows) >= 80
    assert {body for body, _, _ in rows} == set(BodyType)
    assert len({state for _, state, _ in rows}) >= 12
    bands = Counter(min(price // 30_000, 5) for _, _, price in rows)
    assert set(bands) == {0, 1, 2, 3, 4, 5}


async def test_a_stock_that_changes_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / 'stock.csv'
    path.write_text(HEADER + CAR.format(price=50_000))
    stock = StockCatalogue(path)
    assert (await stock.search(UserProfileData())).matches[0].car.price == 50_000

    path.write_text(HEADER + CAR.format(price=4_900))

    assert (await stock.search(UserProfileData())).matches[0].car.price == 4_900
    await stock.close()


async def test_a_car_at_hand_comes_before_one_far_away_that_meets_more_wishes(tmp_path: Path) -> None:
    path = tmp_path / 'stock.csv'
    car = '{id},Fiat,Argo,1.0,2020,40000,{price},hatch,manual,flex,azul,{city},{uf},{uses},{strengths},\n'
    far = car.format(id='far', price=40000, city='Manaus', uf='AM', uses='family', strengths='economy;safety')
    beside = car.format(id='beside', price=50000, city='Londrina', uf='PR', uses='family', strengths='')
    near = car.format(id='near', price=60000, city='Santos', uf='SP', uses='', strengths='')
    path.write_text(HEADER + far + beside + near)
    stock = StockCatalogue(path)
    wishes = UserProfileData(
        city='Campinas', state=UF('SP'), main_use=MainUse.FAMILY, priorities=[Priority.ECONOMY, Priority.SAFETY]
    )

    found = await stock.search(wishes)

    assert [match.car.id for match in found.matches] == ['near', 'beside', 'far']
    assert {reason.field for reason in found.matches[1].reasons} == {'main_use'}
    await stock.close()


def test_states_border_on_each_other() -> None:
    reach = {state: set(within_reach(state)) for state in UF}

    assert all(state in reach[UF(other)] for state, others in reach.items() for other in others)


@pytest.mark.parametrize(
    ('content', 'complaint'),
    [
        (None, 'No such file'),
        ('id,price\n1,2\n', '"body"'),
        (HEADER + CAR.format(price='much'), 'car 001: price'),
    ],
)
async def test_an_unusable_stock_is_one_sentence(tmp_path: Path, content: str | None, complaint: str) -> None:
    path = tmp_path / 'stock.csv'
    if content is not None:
        path.write_text(content)

    with pytest.raises(CatalogueUnavailable, match=complaint):
        await StockCatalogue(path).search(UserProfileData(body_types=[BodyType.HATCH]))


async def test_what_the_person_wrote_is_a_value_and_never_sql() -> None:
    stock = StockCatalogue()

    found = await stock.search(UserProfileData(brands=["Fiat'); DROP TABLE held; --"]))

    assert found.matches == ()
    assert (await stock.search(UserProfileData())).total > 80
    await stock.close()
