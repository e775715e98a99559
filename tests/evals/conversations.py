"""Transcripts of conversations that never took place, to see each measure fail."""

from __future__ import annotations

from typing import Any

from agent_memory.evals import Dialogue, Transcript, TurnOutcome
from agent_memory.evals._transcript import Step, ToolUse

SHOWN: Any = {
    'matches': [{'car': {'id': '1', 'brand': 'Jeep', 'model': 'Renegade', 'year': 2015, 'km': 98000, 'price': 56900}}]
}


def search() -> ToolUse:
    """A search that found one car."""
    return ToolUse(name='search_cars', outcome='success', returned=SHOWN)


def dialogue(*turns: dict[str, Any], **more: Any) -> Dialogue:
    return Dialogue.model_validate({'id': 'one', 'turns': list(turns), **more})


def transcript(*turns: TurnOutcome) -> Transcript:
    return Transcript(dialogue='one', turns=list(turns))


def turn(*said: str, reply: str | None = None, **more: Any) -> TurnOutcome:
    """One turn that went well unless `more` says otherwise."""
    steps = [Step(before=before, after=after) for before, after in more.pop('steps', [])]
    replies = [reply] if reply else []
    return TurnOutcome(messages=list(said) or ['oi'], replies=replies, steps=steps, turns=more.pop('turns', 1), **more)
