"""What the offline model says when it would tell the person what it told them last."""

from __future__ import annotations

from agent_memory.agents import _replies as replies
from agent_memory.agents._cars import same_cars
from agent_memory.agents._guards import is_repeated
from agent_memory.agents._scene import Scene
from agent_memory.agents._wishes import OFFERS_VISIT
from agent_memory.catalogue import Details


def afresh(reply: str, scene: Scene) -> str:
    """Return `reply`, or what follows from it when it was the last thing that the person was told."""
    if not is_repeated(reply, scene.asked):
        return reply
    if reply == replies.SAME_CARS:
        return f'{replies.OTHER_CARS} {replies.CONSULTANT}'
    if same_cars(scene.returns.get('search_cars'), scene.told):
        return replies.SAME_CARS
    if isinstance(scene.returns.get('car_details'), dict):
        title = Details.model_validate(scene.returns['car_details']).car.title
        return f'{replies.TOLD_ALL} {OFFERS_VISIT} para ver o {title}?'
    if 'compare_cars' in scene.returns:
        return f'{replies.TOLD_ALL} {replies.WHICH_ONE}'
    return f'Como eu disse: {reply[:1].lower()}{reply[1:]}'
