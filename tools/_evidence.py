"""What the person wrote, which every value that a model records must stand on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, UserPromptPart

from agent_memory.profile import Author, Change
from agent_memory.tools._actions import live_session


@dataclass(frozen=True)
class Exchange:
    """One text of the person, and what they were last told before it."""

    asked: str | None
    text: str


Evidence = Callable[[Change, Sequence[Exchange]], Author | None]
"""Says whose word a value is: `user` when the exchanges state it, `model` when they only suggest it, `None` when
nothing in them supports it. Asked for each item of a list by itself."""


def exchanges(messages: Sequence[ModelMessage]) -> tuple[Exchange, ...]:
    """Return what the person wrote in `messages`, oldest first."""
    said: list[Exchange] = []
    asked: str | None = None
    for message in messages:
        if isinstance(message, ModelResponse):
            texts = [part.content for part in message.parts if isinstance(part, TextPart) and part.content]
            asked = '\n'.join(texts) or asked
            continue
        for part in message.parts:
            if isinstance(part, UserPromptPart):
                contents = [part.content] if isinstance(part.content, str) else part.content
                said += [Exchange(asked, text) for text in contents if isinstance(text, str)]
    return tuple(said)


def supported(
    ctx: RunContext[Any], changes: Sequence[Change], evidence: Evidence | None
) -> tuple[list[Change], list[str]]:
    """Return the changes that what the person wrote supports, each by its author, and a complaint about each other."""
    if evidence is None:
        return list(changes), []
    said = exchanges(ctx.messages)
    kept: list[Change] = []
    complaints: list[str] = []
    for change in changes:
        items = change.value if isinstance(change.value, list) else [change.value]
        authors = [_author(ctx, change, item, evidence, said) for item in items]
        complaints += [
            f'{change.field}: nothing that the person wrote says {item!r}'
            for item, author in zip(items, authors, strict=True)
            if author is None
        ]
        held = [item for item, author in zip(items, authors, strict=True) if author is not None]
        if held:
            by: Author = 'model' if 'model' in authors else 'user'
            value = held if items is change.value else held[0]
            kept.append(change.model_copy(update={'value': value, 'by': by}))
    return kept, complaints


def _author(
    ctx: RunContext[Any], change: Change, item: Any, evidence: Evidence, said: Sequence[Exchange]
) -> Author | None:
    """Return whose word a value is; an item that the list holds already was supported when it came."""
    session = live_session(ctx)
    known = session.profile.known().get(change.field) if session and isinstance(change.value, list) else None
    if isinstance(known, list) and item in known:
        return 'user'
    return evidence(change.model_copy(update={'value': item}), said)
