"""How a tool hands its actions over: in the metadata of its return, which no model sees and no tool applies."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic_ai import FunctionToolset, RunContext, ToolReturn

from agent_memory.session import SessionData
from agent_memory.turn import ACTIONS, Action

T = TypeVar('T')

MEMORY_ID = 'session_memory'
"""The id of the `SessionMemory` capability, by which a tool finds the session in play."""


def asks(said: T, *actions: Action) -> ToolReturn[T]:
    """Return `said` to the model, and leave `actions` to be folded when the turn ends."""
    return ToolReturn(return_value=said, metadata={ACTIONS: [action.model_dump(mode='json') for action in actions]})


def add_tool(toolset: FunctionToolset[Any], function: Any, *, validator: Any = None, **parameters: Any) -> None:
    """Add `function` to `toolset`, its `parameters` typed by what is only known when the toolset is built.

    Args:
        toolset: Where the tool goes.
        function: The tool; its docstring is what the model reads.
        validator: Checks validated arguments; takes the same parameters as the tool.
        parameters: The types of parameters, by name.
    """
    function.__annotations__.update(parameters)
    add: Any = toolset.add_function
    add(function, args_validator=validator)


def live_session(ctx: RunContext[Any]) -> SessionData[Any] | None:
    """Return the session as the tools of this run have left it so far; `None` without a `SessionMemory`."""
    return getattr((ctx.capabilities or {}).get(MEMORY_ID), 'session', None)
