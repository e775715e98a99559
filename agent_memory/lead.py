"""The Brazilian used-car lead: its profile, the states of its conversation, and how it is scored."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator

from agent_memory.profile import Profile
from agent_memory.scoring import Band, Rule, Scoring
from agent_memory.session import Domain, StateMachine


class SessionState(StrEnum):
    """Where the conversation with a car lead stands."""

    GREETING = 'greeting'
    COLLECTING_PROFILE = 'collecting_profile'
    GENERATING_RECOMMENDATIONS = 'generating_recommendations'
    SHOWING_RECOMMENDATIONS = 'showing_recommendations'
    CAR_DETAILS = 'car_details'
    COMPARING_CARS = 'comparing_cars'
    HUMAN_HANDOFF = 'human_handoff'
    COMPLETED = 'completed'


class MainUse(StrEnum):
    """What the car is for."""

    DAILY_COMMUTE = 'daily_commute'
    FAMILY = 'family'
    APP_DRIVER = 'app_driver'
    CARGO_WORK = 'cargo_work'
    TRAVEL = 'travel'
    OFFROAD_RURAL = 'offroad_rural'
    LEISURE = 'leisure'
    BUSINESS = 'business'


class Priority(StrEnum):
    """An attribute that matters to the buyer."""

    ECONOMY = 'economy'
    LOW_MAINTENANCE = 'low_maintenance'
    RELIABILITY = 'reliability'
    SAFETY = 'safety'
    COMFORT = 'comfort'
    SPACE = 'space'
    PERFORMANCE = 'performance'
    TECHNOLOGY = 'technology'
    RESALE_VALUE = 'resale_value'
    LOW_MILEAGE = 'low_mileage'
    AUTOMATIC = 'automatic'
    DESIGN = 'design'
    NEWER_YEAR = 'newer_year'
    AIR_CONDITIONING = 'air_conditioning'


class BodyType(StrEnum):
    """The shape of a car."""

    HATCH = 'hatch'
    SEDAN = 'sedan'
    SUV = 'suv'
    PICKUP = 'pickup'
    MINIVAN = 'minivan'
    WAGON = 'wagon'
    VAN = 'van'
    COUPE = 'coupe'
    CONVERTIBLE = 'convertible'


class Urgency(StrEnum):
    """When the buyer wants the car."""

    IMMEDIATE = 'immediate'
    ONE_TO_THREE_MONTHS = '1-3_months'
    THREE_TO_SIX_MONTHS = '3-6_months'
    EXPLORING = 'exploring'


class Payment(StrEnum):
    """How the buyer means to pay."""

    CASH = 'cash'
    FINANCING = 'financing'
    CONSORTIUM = 'consortium'


class UF(StrEnum):
    """A Brazilian state (unidade federativa), by its two letters."""

    AC = 'AC'
    AL = 'AL'
    AM = 'AM'
    AP = 'AP'
    BA = 'BA'
    CE = 'CE'
    DF = 'DF'
    ES = 'ES'
    GO = 'GO'
    MA = 'MA'
    MG = 'MG'
    MS = 'MS'
    MT = 'MT'
    PA = 'PA'
    PB = 'PB'
    PE = 'PE'
    PI = 'PI'
    PR = 'PR'
    RJ = 'RJ'
    RN = 'RN'
    RO = 'RO'
    RR = 'RR'
    RS = 'RS'
    SC = 'SC'
    SE = 'SE'
    SP = 'SP'
    TO = 'TO'


Brand = Annotated[str, Field(min_length=1, max_length=40)]


class UserProfileData(Profile):
    """What a dealership needs to know about a person who looks for a used car."""

    model_config: ClassVar[ConfigDict] = ConfigDict(str_strip_whitespace=True)

    managed: ClassVar[frozenset[str]] = Profile.managed | {'interactions'}

    name: str | None = Field(default=None, min_length=1, max_length=80, description='What the person is called.')
    budget_min: int | None = Field(default=None, gt=0, le=10_000_000, description='Least to spend, whole BRL.')
    budget_max: int | None = Field(default=None, gt=0, le=10_000_000, description='Most to spend, whole BRL.')
    main_use: MainUse | None = Field(default=None, description='What the car is mostly for.')
    city: str | None = Field(default=None, min_length=2, max_length=80, description='Where the buyer lives: city.')
    state: UF | None = Field(default=None, description='Where the buyer lives: state, two letters.')
    priorities: list[Priority] = Field(
        default_factory=list[Priority], description='What matters, most important first.'
    )
    brands: list[Brand] = Field(default_factory=list[str], max_length=10, description='Wanted brands.')
    excluded_brands: list[Brand] = Field(default_factory=list[str], max_length=20, description='Brands refused.')
    body_types: list[BodyType] = Field(default_factory=list[BodyType], description='Wanted shapes of car.')
    urgency: Urgency | None = Field(default=None, description='When the person wants to buy.')
    payment: Payment | None = Field(default=None, description='How the person means to pay.')
    trade_in: str | None = Field(
        default=None, min_length=1, max_length=120, description='The car given in exchange, if any.'
    )
    interactions: int = Field(default=0, ge=0)

    @model_validator(mode='after')
    def _budget_in_order(self) -> Self:
        if self.budget_min is not None and self.budget_max is not None and self.budget_min > self.budget_max:
            raise ValueError('budget_min is above budget_max')
        return self

    def reconcile(self, values: dict[str, Any], changed: frozenset[str]) -> dict[str, Any]:
        low, high = values['budget_min'], values['budget_max']
        if (
            isinstance(low, int)
            and isinstance(high, int)
            and low > high
            and len(changed & {'budget_min', 'budget_max'}) == 1
        ):
            values['budget_max' if 'budget_min' in changed else 'budget_min'] = None
        # A brand moves to the list in which it is new; one that is new in both is excluded.
        self._move(values, to='excluded_brands', out_of='brands')
        self._move(values, to='brands', out_of='excluded_brands')
        return values

    def _move(self, values: dict[str, Any], *, to: str, out_of: str) -> None:
        if isinstance(values[to], list) and isinstance(values[out_of], list):
            new = _folded(values[to]) - _folded(getattr(self, to))
            values[out_of] = [brand for brand in values[out_of] if str(brand).casefold() not in new]

    def count_turn(self) -> Self:
        return self.model_copy(update={'interactions': self.interactions + 1})


def _folded(brands: list[Any]) -> set[str]:
    return {str(brand).casefold() for brand in brands}


_S = SessionState

CAR_STATES = StateMachine(
    initial=_S.GREETING,
    handoff=_S.HUMAN_HANDOFF,
    transitions={
        _S.GREETING: frozenset({_S.COLLECTING_PROFILE, _S.HUMAN_HANDOFF, _S.COMPLETED}),
        _S.COLLECTING_PROFILE: frozenset({_S.GENERATING_RECOMMENDATIONS, _S.HUMAN_HANDOFF, _S.COMPLETED}),
        _S.GENERATING_RECOMMENDATIONS: frozenset(
            {_S.SHOWING_RECOMMENDATIONS, _S.COLLECTING_PROFILE, _S.HUMAN_HANDOFF, _S.COMPLETED}
        ),
        _S.SHOWING_RECOMMENDATIONS: frozenset(
            {
                _S.CAR_DETAILS,
                _S.COMPARING_CARS,
                _S.COLLECTING_PROFILE,
                _S.GENERATING_RECOMMENDATIONS,
                _S.HUMAN_HANDOFF,
                _S.COMPLETED,
            }
        ),
        _S.CAR_DETAILS: frozenset(
            {
                _S.SHOWING_RECOMMENDATIONS,
                _S.COMPARING_CARS,
                _S.COLLECTING_PROFILE,
                _S.GENERATING_RECOMMENDATIONS,
                _S.HUMAN_HANDOFF,
                _S.COMPLETED,
            }
        ),
        _S.COMPARING_CARS: frozenset(
            {
                _S.SHOWING_RECOMMENDATIONS,
                _S.CAR_DETAILS,
                _S.COLLECTING_PROFILE,
                _S.GENERATING_RECOMMENDATIONS,
                _S.HUMAN_HANDOFF,
                _S.COMPLETED,
            }
        ),
        # Left only by handing back, which returns to where the conversation was, or by ending it.
        _S.HUMAN_HANDOFF: frozenset({_S.COMPLETED}),
        _S.COMPLETED: frozenset({_S.COLLECTING_PROFILE, _S.HUMAN_HANDOFF}),
    },
)

_URGENCY_SHARE = {
    Urgency.IMMEDIATE: 1.0,
    Urgency.ONE_TO_THREE_MONTHS: 0.8,
    Urgency.THREE_TO_SIX_MONTHS: 0.6,
    Urgency.EXPLORING: 0.4,
}


def _engagement(profile: UserProfileData) -> float:
    if profile.interactions >= 5:
        return 1.0
    if profile.interactions >= 3:
        return 0.75
    return 0.5 if profile.interactions else 0.0


QUALIFICATION = Scoring[UserProfileData](
    rules=(
        Rule('budget', 30, lambda p: float(p.budget_max is not None), ('budget_max',)),
        Rule('urgency', 25, lambda p: _URGENCY_SHARE[p.urgency] if p.urgency else 0.0, ('urgency',)),
        Rule('priorities', 10, lambda p: float(bool(p.priorities)), ('priorities',)),
        Rule('main_use', 8, lambda p: float(p.main_use is not None), ('main_use',)),
        Rule('brands_or_body', 7, lambda p: float(bool(p.brands or p.body_types)), ('brands', 'body_types')),
        Rule('engagement', 20, _engagement, ('interactions',)),
    ),
    bands=(
        Band('low', 0, 'keep qualifying'),
        Band('medium', 40, 'nurture, re-engage in 7 days'),
        Band('high', 60, 'to the dealership'),
    ),
)
"""Qualification, 0 to 100: budget 30, urgency 25, preferences 25, engagement 20."""

COMPLETENESS = Scoring[UserProfileData](
    rules=(
        Rule('budget', 0.25, lambda p: float(None not in (p.budget_min, p.budget_max)), ('budget_min', 'budget_max')),
        Rule('main_use', 0.25, lambda p: float(p.main_use is not None), ('main_use',)),
        Rule('location', 0.20, lambda p: float(None not in (p.city, p.state)), ('city', 'state')),
        Rule('priorities', 0.30, lambda p: float(len(p.priorities) >= 3), ('priorities',)),
    ),
    bands=(Band('open', 0, 'ask for what is missing'), Band('complete', 1.0, 'recommend')),
)
"""Completeness, 0.0 to 1.0: both ends of the budget 0.25, main use 0.25, city and state 0.20, three priorities 0.30."""

CAR_LEAD = Domain(
    profile=UserProfileData,
    states=CAR_STATES,
    score=QUALIFICATION,
    completeness=COMPLETENESS,
    qualified_at=60,
    escalate=lambda session: 'three messages in a row were not understood' if session.not_understood >= 3 else None,
    progress=lambda session: _S.COLLECTING_PROFILE if session.state == _S.GREETING else None,
    apology='Desculpe, tive um problema aqui e não consegui responder. Pode escrever de novo, por favor?',
    carry_over=frozenset(UserProfileData.settable()) - {'urgency'},
)
"""The batteries included: what a dealership decides about profile, states and score."""
