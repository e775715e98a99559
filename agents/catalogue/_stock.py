"""`StockCatalogue`: the cars of a CSV or Parquet file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import JsonValue, ValidationError

from agent_memory.agents.catalogue._neighbours import within_reach
from agent_memory.backend._table import Criterion, FileTable, RankedRow
from agent_memory.catalogue import (
    MAX_COMPARED,
    MAX_RECOMMENDATIONS,
    Car,
    Comparison,
    Details,
    Found,
    Match,
    Reason,
    Relaxation,
    compared,
)
from agent_memory.errors import CatalogueUnavailable
from agent_memory.lead import Priority, UserProfileData
from agent_memory.profile import describe

DEMO_STOCK = Path(__file__).parents[1] / 'data' / 'stock.csv'
"""Invented cars, so that the product shows something before a dealership brings its own."""

_LISTS = ('uses', 'strengths', 'features')
_REACH = 'reach'
"""No wish of the profile: whether a car stands in the buyer's state or one beside it."""


class StockCatalogue:
    """Finds cars in a file whose columns are the fields of `Car`, lists with `;` between their items.

    Budget, brands, refused brands and body types are required of a car once the person named them; the rest ranks, the
    car's distance (city, state, a state beside it) most of all.
    """

    def __init__(self, path: str | Path = DEMO_STOCK) -> None:
        self._table = FileTable(path, key='id', tie='price')

    async def search(self, profile: UserProfileData, *, limit: int = MAX_RECOMMENDATIONS) -> Found:
        criteria = _criteria(profile)
        ranking = await self._table.rank(criteria, limit=min(limit, MAX_RECOMMENDATIONS))
        return Found(
            matches=tuple(self._match(ranked, criteria) for ranked in ranking.rows),
            total=ranking.total,
            relax=tuple(
                Relaxation(fields=one.names, count=one.count, cheapest=int(one.least)) for one in ranking.loosened
            ),
        )

    async def details(self, car_id: str) -> Details | None:
        found = await self._table.judge((), [car_id])
        return Details(car=self._match(found[0], ()).car) if found else None

    async def compare(self, car_ids: tuple[str, ...], profile: UserProfileData) -> Comparison:
        criteria = _criteria(profile)
        found = await self._table.judge(criteria, car_ids[:MAX_COMPARED])
        return compared(tuple(self._match(ranked, criteria) for ranked in found))

    async def close(self) -> None:
        """Forget the file."""
        await self._table.close()

    def _match(self, ranked: RankedRow, criteria: tuple[Criterion, ...]) -> Match:
        cells = {name: cell for name, cell in ranked.row.items() if cell is not None}
        lists = {name: [item.strip() for item in cells.get(name, '').split(';') if item.strip()] for name in _LISTS}
        try:
            car = Car.model_validate({**cells, **lists})
        except ValidationError as error:
            raise CatalogueUnavailable(f'{self._table.path}: car {cells.get("id")}: {describe(error)}') from error
        reasons = (_reason(criteria[place], car) for place in ranked.met)
        return Match(car=car, score=ranked.score, reasons=tuple(reason for reason in reasons if reason))


def _criteria(profile: UserProfileData) -> tuple[Criterion, ...]:
    return tuple(_required(profile)) + tuple(_ranking(profile))


def _required(profile: UserProfileData) -> Iterable[Criterion]:
    if profile.budget_max:
        yield Criterion('budget_max', 'price', '<=', profile.budget_max, 3, required=True)
    if profile.brands:
        yield Criterion('brands', 'brand', 'in', tuple(profile.brands), 2, required=True)
    if profile.excluded_brands:
        yield Criterion('excluded_brands', 'brand', 'not in', tuple(profile.excluded_brands), 0, required=True)
    if profile.body_types:
        yield Criterion('body_types', 'body', 'in', tuple(profile.body_types), 2, required=True)


def _ranking(profile: UserProfileData) -> Iterable[Criterion]:
    if profile.budget_min:
        yield Criterion('budget_min', 'price', '>=', profile.budget_min)
    if profile.main_use:
        yield Criterion('main_use', 'uses', 'has any', (profile.main_use,), 2)
    if profile.city:
        yield Criterion('city', 'city', 'in', (profile.city,))
    if profile.state:
        # A car at the other end of the country has to meet many more wishes than one at hand to come first.
        yield Criterion('state', 'state', 'in', (profile.state,), 4)
        yield Criterion(_REACH, 'state', 'in', within_reach(profile.state), 4)
    for priority in profile.priorities:
        if priority is Priority.AUTOMATIC:
            yield Criterion('priorities', 'gearbox', 'in', ('automatic',))
        else:
            yield Criterion('priorities', 'strengths', 'has any', (priority,))


def _reason(criterion: Criterion, car: Car) -> Reason | None:
    """Return what of the wish `car` answers; being of no refused brand, or not too far away, is no reason to buy it."""
    answers: dict[str, JsonValue] = {
        'budget_max': car.price,
        'budget_min': car.price,
        'brands': car.brand,
        'body_types': car.body.value,
        'city': car.city,
        'state': car.state.value,
    }
    if criterion.name in ('excluded_brands', _REACH):
        return None
    if criterion.name in answers:
        return Reason(field=criterion.name, value=answers[criterion.name])
    if criterion.column == 'gearbox':
        return Reason(field='priorities', value=Priority.AUTOMATIC.value)
    return Reason(field=criterion.name, value=criterion.value[0] if isinstance(criterion.value, tuple) else None)
