"""`Transcript`: what was said and done in one conversation, turn by turn."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from agent_memory.evals._dialogues import Flag


class _Part(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid')


class ToolUse(_Part):
    """One tool call and what came of it."""

    name: str
    arguments: JsonValue = None
    outcome: str = 'unanswered'
    """`success`, `retried` when it went back to the model, `failed` or `denied`."""
    returned: JsonValue = None


class Step(_Part):
    """A move from one state to another."""

    before: str
    after: str


class TurnOutcome(_Part):
    """One turn of a person, and all that followed from it."""

    agent: str | None = None
    """The script's line before, which stands in the place of the agent's own."""
    messages: list[str]
    """What the person wrote, in the order in which they sent it."""
    replies: list[str] = Field(default_factory=list[str])
    """What was sent to them."""
    profile: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """All that is known after it."""
    flags: dict[Flag, bool] = Field(default_factory=dict[Flag, bool])
    state: str = ''
    steps: list[Step] = Field(default_factory=list[Step])
    events: list[str] = Field(default_factory=list[str])
    """Kinds of events, in order."""
    score: float | None = None
    qualified: bool = False
    tools: list[ToolUse] = Field(default_factory=list[ToolUse])
    turns: int = 0
    """How many turns were committed for these messages; one, if all went well."""
    delivered: int = 0
    """How many deliveries the messages came in, with copies and what came again after the answer."""
    misdelivered: list[str] = Field(default_factory=list[str])
    """What went wrong with deliveries, such as a message that was answered twice."""
    model: str | None = None
    degraded: bool = False
    """Whether another model stood in for the one that was asked."""
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    """`None` when no price is known."""
    latency_s: float = 0.0


class Transcript(_Part):
    """A whole conversation."""

    dialogue: str
    turns: list[TurnOutcome] = Field(default_factory=list[TurnOutcome])

    def text(self) -> str:
        """Return what was said, for a judge or a reader."""
        lines: list[str] = []
        for turn in self.turns:
            lines += [f'Agent: {turn.agent}'] if turn.agent else []
            lines += [f'Person: {message}' for message in turn.messages]
            lines += [f'Agent: {reply}' for reply in turn.replies] or ['Agent: (says nothing)']
        return '\n'.join(lines)
