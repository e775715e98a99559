"""The catalogue toolset: search, details and comparison of cars, and what of them the person was shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel
from pydantic_ai import FunctionToolset, ModelRetry, RunContext, ToolReturn

from agent_memory.catalogue import MAX_COMPARED, CarCatalogue, Match
from agent_memory.errors import CatalogueUnavailable
from agent_memory.lead import CAR_STATES, SessionState, UserProfileData
from agent_memory.session import SessionData, StateMachine
from agent_memory.tools._actions import asks, live_session
from agent_memory.turn import Advance, Recommend

UNAVAILABLE = 'the catalogue cannot be asked now; say that a consultant will send options, and name no car'


def catalogue_toolset(catalogue: CarCatalogue, states: StateMachine = CAR_STATES) -> FunctionToolset[Any]:
    """Return tools that find cars for the profile of the session in play.

    What is found is recorded as the session's recommendations, and the conversation moves to where it was shown.
    Without a `SessionMemory` the search is by an empty profile and any car may be looked at.
    """
    # One after the other, and after the profile tools of the same response: a search is by what they recorded.
    toolset = FunctionToolset[Any](id='catalogue', max_retries=2, sequential=True)

    @toolset.tool
    async def search_cars(ctx: RunContext[Any]) -> ToolReturn[Any]:
        """Search the stock by what is known about the person. Say nothing about cars that this does not return.

        Returns at most five cars with the reasons why they fit, or what the person could give up and how many cars that
        opens. `stale` means that price and availability may have changed: say so.
        """
        try:
            found = await catalogue.search(_profile(ctx))
        except CatalogueUnavailable:
            return asks(UNAVAILABLE)
        leads = SessionState.SHOWING_RECOMMENDATIONS if found.matches else SessionState.COLLECTING_PROFILE
        steps = _steps(ctx, states, SessionState.GENERATING_RECOMMENDATIONS, leads)
        return asks(_shown(found), *steps, Recommend(items=[recommendation(match) for match in found.matches]))

    @toolset.tool(args_validator=_only_shown(lambda car_id: [car_id]))
    async def car_details(ctx: RunContext[Any], car_id: str) -> ToolReturn[Any]:
        """Return everything known about one car that was shown.

        Args:
            ctx: The run.
            car_id: The id that `search_cars` gave.
        """
        try:
            details = await catalogue.details(car_id)
        except CatalogueUnavailable:
            return asks(UNAVAILABLE)
        if details is None:
            return asks('this car is gone; search again')
        return asks(_shown(details), *_steps(ctx, states, SessionState.CAR_DETAILS))

    @toolset.tool(args_validator=_only_shown(lambda car_ids: car_ids))
    async def compare_cars(ctx: RunContext[Any], car_ids: list[str]) -> ToolReturn[Any]:
        """Compare two or three cars that were shown, side by side.

        Args:
            ctx: The run.
            car_ids: The ids that `search_cars` gave.
        """
        if not 2 <= len(set(car_ids)) <= MAX_COMPARED:
            raise ModelRetry(f'compare two to {MAX_COMPARED} different cars')
        try:
            comparison = await catalogue.compare(tuple(dict.fromkeys(car_ids)), _profile(ctx))
        except CatalogueUnavailable:
            return asks(UNAVAILABLE)
        return asks(_shown(comparison), *_steps(ctx, states, SessionState.COMPARING_CARS))

    return toolset


def recommendation(match: Match) -> dict[str, Any]:
    """Return what a session remembers of a car that was shown."""
    car = match.car.model_dump(mode='json', include={'id', 'price', 'year', 'km', 'city', 'state'})
    reasons = [reason.model_dump(mode='json') for reason in match.reasons]
    return {**car, 'title': match.car.title, 'score': match.score, 'reasons': reasons}


def _profile(ctx: RunContext[Any]) -> UserProfileData:
    session: SessionData[UserProfileData] | None = live_session(ctx)
    return session.profile if session else UserProfileData()


def _steps(ctx: RunContext[Any], states: StateMachine, *targets: str) -> list[Advance]:
    session = live_session(ctx)
    steps: list[str] = []
    current = session.state if session else states.initial
    for target in targets:
        steps += states.path(current, target)
        current = target
    return [Advance(to=step) for step in steps]


def _only_shown(ids: Callable[[Any], list[str]]) -> Any:
    """Return a validator: a car that this session was never shown goes back to the model."""

    def validate(ctx: RunContext[Any], **arguments: Any) -> None:
        session = live_session(ctx)
        if session is None:
            return
        shown = {str(item['id']): item['title'] for item in session.recommendations}
        if any(car_id not in shown for argument in arguments.values() for car_id in ids(argument)):
            cars = ', '.join(f'{car_id} ({title})' for car_id, title in shown.items())
            raise ModelRetry(f'only cars that were shown: {cars}' if shown else 'no car was shown yet: search first')

    return validate


def _shown(record: BaseModel) -> Any:
    return record.model_dump(mode='json', exclude_defaults=True)
