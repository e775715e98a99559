"""Between the framework's messages and turn records: what a model is shown of the past, what is kept of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pydantic_ai
from pydantic import ValidationError
from pydantic_ai import AgentRunResult
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    TextPart,
    UserContent,
    UserPromptPart,
)
from pydantic_ai.usage import RequestUsage

from agent_memory._snapshots import PastTurn
from agent_memory.turn import TurnRecord

DEGRADED = 'degraded'
"""The key of `ModelResponse.provider_details` by which a stand-in for the model that was asked says so."""
_VERSION = f'pydantic_ai {pydantic_ai.__version__}'


def conversation_of(turns: Sequence[PastTurn]) -> list[ModelMessage]:
    """Return the messages of past turns, oldest first; each turn is parsed once in the life of this process."""
    return [message for turn in turns for message in _parsed(turn)]


def record_of(result: AgentRunResult[Any], new: list[ModelMessage], blank: TurnRecord, duration_ms: int) -> TurnRecord:
    """Return `blank` with what a run leaves: model, usage, cost, and its messages unless the neutral fields say all."""
    usage = result.usage
    responses = [message for message in new if isinstance(message, ModelResponse)]
    return blank.model_copy(
        update={
            'model': next((one.model_name for one in reversed(responses) if one.model_name), None),
            'run_id': result.run_id,
            'usage': {
                name: count
                for name in ('requests', 'tool_calls', 'input_tokens', 'output_tokens')
                if (count := getattr(usage, name))
            },
            'cost': str(usage.cost) if usage.cost is not None else None,
            'degraded': any((one.provider_details or {}).get(DEGRADED) for one in responses),
            'duration_ms': duration_ms,
            'cache': None if _is_plain(new) else _dumped(new),
            'cache_version': None if _is_plain(new) else _VERSION,
        }
    )


def as_said(new: list[ModelMessage], reply: str | None) -> list[ModelMessage]:
    """Return a run's messages with its last answer as it was sent: an output validator may have replaced the model's."""
    last = new[-1] if new else None
    if reply is None or not isinstance(last, ModelResponse):
        return new
    texts = [part for part in last.parts if isinstance(part, TextPart)]
    if not texts or '\n\n'.join(part.content for part in texts) == reply or texts[-1].content == reply:
        return new
    parts = [part for part in last.parts if not isinstance(part, TextPart)]
    return [*new[:-1], replace(last, parts=[*parts, TextPart(reply)])]


def spoken(prompt: str | Sequence[UserContent] | None) -> str:
    """Return the text of a prompt; what is not text is left out."""
    if prompt is None or isinstance(prompt, str):
        return prompt or ''
    return '\n'.join(part for part in prompt if isinstance(part, str))


def _is_plain(new: list[ModelMessage]) -> bool:
    match new:
        case [ModelRequest(parts=[UserPromptPart(content=str())]), ModelResponse(parts=[TextPart()])]:
            return True
        case _:
            return False


def _dumped(new: list[ModelMessage]) -> str:
    # The instructions are the agent's, repeated in every request and never sent again.
    slim = [replace(message, instructions=None) if isinstance(message, ModelRequest) else message for message in new]
    return ModelMessagesTypeAdapter.dump_json(slim, exclude_none=True).decode()


def _parsed(turn: PastTurn) -> list[ModelMessage]:
    if turn.parsed is None:
        turn.parsed = _cached(turn.record) or _rebuilt(turn.record)
    return turn.parsed


def _cached(record: TurnRecord) -> list[ModelMessage] | None:
    if record.cache is None:
        return None
    try:
        return ModelMessagesTypeAdapter.validate_json(record.cache)
    except ValidationError:
        # Another version of the framework wrote it. The neutral fields still say what was said.
        return None


def _rebuilt(record: TurnRecord) -> list[ModelMessage]:
    messages: list[ModelMessage] = []
    for line in record.lines():
        if line.role == 'user':
            messages.append(ModelRequest(parts=[UserPromptPart(content=line.content, timestamp=line.at)]))
        elif line.role == 'assistant':
            usage = RequestUsage(
                input_tokens=record.usage.get('input_tokens', 0), output_tokens=record.usage.get('output_tokens', 0)
            )
            messages.append(
                ModelResponse(parts=[TextPart(line.content)], model_name=record.model, timestamp=line.at, usage=usage)
            )
    return messages
