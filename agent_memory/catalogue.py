"""`CarCatalogue`: where cars come from, and the records that pass between a catalogue and the agent.

Reasons and relaxations name profile fields, so that whoever words them for the person decides the language.
"""

from __future__ import annotations

from typing import ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from agent_memory.lead import UF, BodyType, MainUse, Priority, UserProfileData

MAX_RECOMMENDATIONS = 5
MAX_COMPARED = 3


class _Record(BaseModel):
    # Catalogues are third parties: what they say beyond this is ignored.
    model_config: ClassVar[ConfigDict] = ConfigDict(extra='ignore', frozen=True)


class Car(_Record):
    """One car for sale."""

    id: str = Field(min_length=1, max_length=40)
    brand: str
    model: str
    version: str = ''
    year: int = Field(ge=1950, le=2100)
    km: int = Field(ge=0)
    price: int = Field(gt=0)
    """In whole BRL."""
    body: BodyType
    gearbox: str
    fuel: str = ''
    color: str = ''
    city: str
    state: UF
    uses: tuple[MainUse, ...] = ()
    """What it is good for."""
    strengths: tuple[Priority, ...] = ()
    features: tuple[str, ...] = ()
    """In the words that the dealership shows to its customers."""

    @property
    def title(self) -> str:
        """`Fiat Argo Drive 1.0 2021`."""
        return ' '.join(part for part in (self.brand, self.model, self.version, str(self.year)) if part)


class Reason(_Record):
    """One wish of the person that a car answers."""

    field: str
    """The profile field that holds the wish."""
    value: JsonValue
    """What of the wish the car answers: one priority, the brand, the price that fits the budget."""


class Match(_Record):
    """A car, and how well it answers a profile."""

    car: Car
    score: float = Field(ge=0, le=1)
    reasons: tuple[Reason, ...] = ()


class Relaxation(_Record):
    """Wishes to give up, and what that opens."""

    fields: tuple[str, ...]
    """The profile fields to give up together."""
    count: int
    """How many cars fit then."""
    cheapest: int
    """The lowest of their prices, in BRL."""


class Found(_Record):
    """The answer to a search."""

    matches: tuple[Match, ...] = ()
    """At most `MAX_RECOMMENDATIONS`, best first."""
    total: int = 0
    """How many cars fit."""
    relax: tuple[Relaxation, ...] = ()
    """What to give up when nothing fits, most promising first."""
    stale: bool = False
    """Whether this is an earlier answer, because the catalogue cannot be asked now."""


class Details(_Record):
    """One car in full."""

    car: Car
    stale: bool = False


class Comparison(_Record):
    """Up to `MAX_COMPARED` cars side by side, in the order asked."""

    matches: tuple[Match, ...]
    best: dict[str, str] = Field(default_factory=dict[str, str])
    """The id of the car that is best by `price`, `km`, `year` and `score`; a tie names none."""
    stale: bool = False


@runtime_checkable
class CarCatalogue(Protocol):
    """Finds cars. Every method raises `CatalogueUnavailable` when it has no answer at all."""

    async def search(self, profile: UserProfileData, *, limit: int = MAX_RECOMMENDATIONS) -> Found:
        """Return the cars that answer `profile`, best first, or what to relax when none does."""
        ...

    async def details(self, car_id: str) -> Details | None:
        """Return one car, or `None` when there is no such car."""
        ...

    async def compare(self, car_ids: tuple[str, ...], profile: UserProfileData) -> Comparison:
        """Return the cars that exist among `car_ids`, judged by `profile`."""
        ...


def compared(matches: tuple[Match, ...]) -> Comparison:
    """Return the comparison of `matches`."""
    scales = {
        'price': {match.car.id: -match.car.price for match in matches},
        'km': {match.car.id: -match.car.km for match in matches},
        'year': {match.car.id: match.car.year for match in matches},
        'score': {match.car.id: match.score for match in matches},
    }
    best: dict[str, str] = {}
    for scale, values in scales.items():
        top = [car_id for car_id, value in values.items() if value == max(values.values())]
        if len(top) == 1:
            best[scale] = top[0]
    return Comparison(matches=matches, best=best)
