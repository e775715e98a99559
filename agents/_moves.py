"""What the offline model does with a turn: the tools that it calls, before it says anything."""

from __future__ import annotations

from typing import Any, cast

from pydantic_ai.messages import ToolCallPart

from agent_memory.agents._replies import missing, to_ask, unanswered
from agent_memory.agents._scene import Scene
from agent_memory.agents._wishes import Wishes, best_of
from agent_memory.agents.portuguese import Understanding
from agent_memory.catalogue import MAX_COMPARED
from agent_memory.lead import UserProfileData

_CHOOSES = frozenset(
    {'budget_min', 'budget_max', 'main_use', 'city', 'state', 'priorities', 'brands', 'excluded_brands', 'body_types'}
)
"""The fields that change which cars fit."""


def moves(heard: Understanding, wishes: Wishes, scene: Scene) -> list[ToolCallPart]:
    """Return the calls that a turn asks for, in the order in which they must run."""
    if heard.restart:
        # The session ends with this turn; what it knew stays as it was in the history.
        return [ToolCallPart('restart', {})]
    calls = _requests(heard)
    # What is agreed to in this turn holds for what it says.
    consents = [call for call in calls if call.tool_name == 'answer_consent']
    calls = [*consents, *_facts(heard, scene.profile), *(call for call in calls if call not in consents)]
    if heard.person or heard.opt_out or heard.erasure or heard.rights:
        return calls
    looks = _looks(heard, wishes, scene)
    if not (heard.understood or _answerable(wishes)) and not looks and scene.asked is not None:
        return [ToolCallPart('not_understood', {})]
    return calls + looks


def _answerable(wishes: Wishes) -> bool:
    """Return whether there is an answer to a turn that states no fact."""
    return bool(wishes.enquiries or wishes.facet or wishes.alters) or wishes.unsure or wishes.terms or wishes.price


def _looks(heard: Understanding, wishes: Wishes, scene: Scene) -> list[ToolCallPart]:
    """Return what to look up in the catalogue, if anything."""
    shown = scene.standing.recommendations
    cars = wishes.cars or ((shown[heard.choice - 1],) if heard.choice and heard.choice <= len(shown) else ())
    if shown and wishes.compare:
        compared = cars if len(cars) > 1 else shown
        return [ToolCallPart('compare_cars', {'car_ids': [car.id for car in compared[:MAX_COMPARED]]})]
    if wishes.best:
        return [ToolCallPart('car_details', {'car_id': best_of(shown, wishes.best).id})]
    if len(cars) > 1:
        return [ToolCallPart('compare_cars', {'car_ids': [car.id for car in cars[:MAX_COMPARED]]})]
    if cars and wishes.enquiries and cars == scene.in_play and not (heard.choice or wishes.facet):
        return []  # what is asked of the shop about the car that it just told of
    if cars and (heard.choice or wishes.details or wishes.facet or not heard.changes):
        return [ToolCallPart('car_details', {'car_id': cars[0].id})]
    after = scene.profile.patch(heard.changes).profile
    changed = any(change.field in _CHOOSES for change in heard.changes)
    named = any(change.field == 'brands' for change in heard.changes)
    gives_up = wishes.unsure and len(missing(after)) == 1
    about = wishes.price or 'available' in wishes.enquiries
    asks_of_brand = (named and (about or wishes.has)) or (about and bool(after.brands) and not shown)
    asked_for = wishes.see or wishes.others or asks_of_brand or (gives_up and not shown)
    goes_on = bool(heard.changes) or ((heard.understood or bool(wishes.enquiries)) and unanswered(after, scene.asked))
    nothing_to_ask = goes_on and not shown and not to_ask(after, scene.told)
    if asked_for or (changed and shown) or nothing_to_ask:
        return [ToolCallPart('search_cars', {})]
    return []


def _facts(heard: Understanding, profile: UserProfileData) -> list[ToolCallPart]:
    calls: list[ToolCallPart] = []
    remembered: dict[str, Any] = {}
    for change in heard.changes:
        if change.op == 'remember':
            before = remembered.get(change.field) if isinstance(change.value, list) else None
            remembered[change.field] = [*before, *cast('list[Any]', change.value)] if before else change.value
    corrected = {change.field: change.value for change in heard.changes if change.op == 'correct' and change.value}
    forgotten = [change.field for change in heard.changes if change.op == 'correct' and not change.value]
    for change in heard.changes:
        if change.op == 'forget':
            # What the same turn adds would be lost to the list that replaces it.
            left = _without(getattr(profile, change.field), change.value) + _list(remembered.pop(change.field, []))
            if left:
                corrected[change.field] = left
            else:
                forgotten.append(change.field)
    for name, arguments in (('remember', remembered), ('correct', corrected)):
        if arguments:
            calls.append(ToolCallPart(name, arguments))
    if forgotten:
        calls.append(ToolCallPart('forget', {'names': forgotten}))
    return calls


def _list(value: Any) -> list[Any]:
    return cast('list[Any]', value) if isinstance(value, list) else [value]


def _without(held: Any, dropped: Any) -> list[Any]:
    if not isinstance(held, list) or not isinstance(dropped, list):
        return []
    return [item for item in cast('list[Any]', held) if item not in cast('list[Any]', dropped)]


def _requests(heard: Understanding) -> list[ToolCallPart]:
    calls: list[ToolCallPart] = []
    if heard.consent is not None:
        calls.append(ToolCallPart('answer_consent', {'given': heard.consent}))
    if heard.person:
        calls.append(ToolCallPart('hand_to_person', {'reason': 'pedido do cliente'}))
    withdrawable = (('person', heard.person is False), ('opt_out', heard.opt_out), ('erasure', heard.erasure))
    for request, asked in withdrawable:
        if asked is None or (request == 'person' and not asked):
            continue
        withdrawn = request == 'person' or asked is False
        calls.append(ToolCallPart('record_request', {'request': request, 'withdrawn': withdrawn}))
    calls += [ToolCallPart('record_request', {'request': right}) for right in heard.rights]
    return calls
