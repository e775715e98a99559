"""Who writes: the inbound in the deps of a run."""

from __future__ import annotations

import copy
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel
from pydantic_ai import RunContext
from pydantic_ai.messages import ModelMessage, ModelRequest, UserPromptPart

from agent_memory._messages import spoken
from agent_memory.errors import InvalidInput
from agent_memory.session import Inbound


@runtime_checkable
class HasInbound(Protocol):
    """Deps that carry an inbound beside their own fields."""

    @property
    def inbound(self) -> Inbound: ...


Deps = Inbound | HasInbound
"""What the deps of an agent with a `SessionMemory` are."""


def inbound_of(ctx: RunContext[Deps]) -> Inbound:
    """Return the inbound of a run; its text is the prompt when it has none.

    Raises:
        InvalidInput: The deps are no inbound and carry none.
    """
    deps: Any = ctx.deps
    inbound = deps if isinstance(deps, Inbound) else getattr(deps, 'inbound', None)
    if not isinstance(inbound, Inbound):
        raise InvalidInput('SessionMemory needs to know who writes: pass deps=Inbound(...) or deps with an `inbound`')
    if inbound.text:
        return inbound
    prompt = spoken(ctx.prompt) if ctx.prompt is not None else _last_prompt(ctx.messages)
    return Inbound.model_validate({**inbound.model_dump(), 'text': prompt})


def deps_for(deps: Any, inbound: Inbound) -> Any:
    """Return the deps of the run in play, with another inbound.

    Raises:
        AttributeError: Their `inbound` cannot be set.
    """
    if isinstance(deps, Inbound):
        return inbound
    if isinstance(deps, BaseModel):
        return deps.model_copy(update={'inbound': inbound})
    other = copy.copy(deps)
    object.__setattr__(other, 'inbound', inbound)  # frozen dataclasses too
    return other


def _last_prompt(messages: list[ModelMessage]) -> str:
    last = messages[-1] if messages else None
    if not isinstance(last, ModelRequest):
        return ''
    return '\n'.join(spoken(part.content) for part in last.parts if isinstance(part, UserPromptPart))
