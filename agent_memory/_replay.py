"""The result of an `agent.run` that another one has paid for: the stored reply as the agent's own output."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Union, cast, get_type_hints

from pydantic import TypeAdapter
from pydantic_ai import AgentRunResult, NativeOutput, PromptedOutput, RunContext, TextOutput, ToolOutput

from agent_memory._turns import Replay
from agent_memory.codec import StoredReply
from agent_memory.errors import TurnFailed


def replayed(ctx: RunContext[Any], replay: Replay) -> AgentRunResult[Any]:
    """Return the answer that a message got before.

    Raises:
        TurnFailed: The message was given up, and the agent's output is not text that could carry the apology.
    """
    reply = replay.reply
    output: Any = reply.text
    if replay.failed and not says_text(ctx):
        raise TurnFailed(reply.text or '')
    if reply.output is not None:
        wanted = _type_of(ctx.agent.output_type) if ctx.agent else Any
        output = _adapter(wanted).validate_python(reply.output)
    return result_of(output, reply, {'replayed': True, 'deliver': replay.deliver and reply.text is not None})


def result_of(output: Any, reply: StoredReply, metadata: dict[str, Any]) -> AgentRunResult[Any]:
    """Return a result that no run of its own made."""
    shape: dict[str, Any] = {'output': output, 'metadata': metadata, 'messages': [], 'new_message_index': 0}
    if reply.run_id is not None:
        shape['run_id'] = reply.run_id
    return _adapter(AgentRunResult[Any]).validate_python(shape)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    # The one of a result takes 0.2 s to build, which is longer than a hundred turns.
    return TypeAdapter[Any](kind)


def says_text(ctx: RunContext[Any]) -> bool:
    """Return whether the agent's output is plain text."""
    return ctx.agent is not None and ctx.agent.output_type is str


def _type_of(spec: Any) -> Any:
    """Return the type of the values that an `output_type` yields."""
    if isinstance(spec, ToolOutput):
        return _type_of(cast('ToolOutput[Any]', spec).output)
    if isinstance(spec, NativeOutput | PromptedOutput):
        return _type_of(cast('NativeOutput[Any]', spec).outputs)
    if isinstance(spec, TextOutput):
        return _type_of(cast('TextOutput[Any]', spec).output_function)
    if isinstance(spec, Sequence) and not isinstance(spec, str):
        return Union[tuple(_type_of(one) for one in cast('Sequence[Any]', spec))]  # noqa: UP007 - known at run time only
    if callable(spec) and not isinstance(spec, type) and hasattr(spec, '__code__'):
        return get_type_hints(spec).get('return', Any)
    return spec
