"""What the offline model is looking at, read from the messages that any model is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from agent_memory.capability import FACTS_PREFIX, STANDING_PREFIX
from agent_memory.lead import UserProfileData


class ShownCar(BaseModel):
    """A car of the session's recommendations."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='ignore', frozen=True)

    id: str
    title: str
    price: int
    year: int = 0
    km: int = 0


class Standing(BaseModel):
    """Where the conversation stands."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='ignore', frozen=True)

    state: str = ''
    recommendations: tuple[ShownCar, ...] = ()
    consent_to_ask: tuple[str, ...] = ()


@dataclass
class Scene:
    """One turn so far."""

    texts: list[str] = field(default_factory=list[str])
    """What the person wrote in this turn."""
    asked: str | None = None
    """The last thing that was said to the person."""
    told: str = ''
    """Everything that was said to the person, as far back as the messages go."""
    profile: UserProfileData = field(default_factory=UserProfileData)
    standing: Standing = field(default_factory=Standing)
    settled: bool = False
    """Whether this turn's tools have run, so that the reply is due."""
    recorded: dict[str, Any] = field(default_factory=dict[str, Any])
    """What this turn's tools recorded, by profile field."""
    returns: dict[str, Any] = field(default_factory=dict[str, Any])
    """What this turn's tools returned, by name."""

    @property
    def in_play(self) -> tuple[ShownCar, ...]:
        """The one car that the person was told of last; empty when there were several or none."""
        told = tuple(car for car in self.standing.recommendations if car.title in (self.asked or ''))
        return told if len(told) == 1 else ()


def read_scene(messages: list[ModelMessage]) -> Scene:
    """Return the turn that `messages` end with."""
    scene = Scene()
    for at, message in reversed(list(enumerate(messages))):
        if isinstance(message, ModelRequest):
            _read_request(scene, message)
            continue
        said = _texts(message)
        # A reply before anything was written belongs to this turn: it was sent back to be put differently.
        if said and scene.texts:
            scene.asked = said[-1]
            scene.told = '\n'.join(text for one in messages[: at + 1] for text in _texts(one))
            break
        scene.recorded = {**_recorded(message), **scene.recorded}
    return scene


def _texts(message: ModelMessage) -> list[str]:
    return [part.content for part in message.parts if isinstance(part, TextPart) and part.content]


def _read_request(scene: Scene, message: ModelRequest) -> None:
    own: list[str] = []
    for part in message.parts:
        if isinstance(part, ToolReturnPart):
            scene.settled = True
            if part.outcome == 'success':
                scene.returns.setdefault(part.tool_name, part.content)
        elif isinstance(part, UserPromptPart):
            contents = [part.content] if isinstance(part.content, str) else part.content
            for text in contents:
                if isinstance(text, str) and not (_is_feedback(text) or _read_known(scene, text)):
                    own += text.split('\n')
    scene.texts = [*own, *scene.texts]


def _is_feedback(text: str) -> bool:
    """Return whether the framework speaks here: a reply that a validator refused comes back in the user's voice."""
    return text.rstrip().endswith(('</retry_feedback>', '</validation_errors>'))


def _read_known(scene: Scene, text: str) -> bool:
    """Read the part of the prompt that says what is known, and return whether this is it."""
    if not text.startswith(FACTS_PREFIX):
        return False
    for line in text.splitlines():
        if line.startswith(FACTS_PREFIX):
            scene.profile = UserProfileData.model_validate_json(line.removeprefix(FACTS_PREFIX))
        elif line.startswith(STANDING_PREFIX):
            scene.standing = Standing.model_validate_json(line.removeprefix(STANDING_PREFIX))
    return True


def _recorded(message: ModelResponse) -> dict[str, Any]:
    return {
        name: value
        for part in message.parts
        if isinstance(part, ToolCallPart) and part.tool_name in ('remember', 'correct')
        for name, value in part.args_as_dict().items()
    }
