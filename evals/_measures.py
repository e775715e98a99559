"""What a measure is: an evaluator of one conversation whose figures can be added up over many."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_evals.evaluators import EvaluationReason, Evaluator, EvaluatorContext, EvaluatorOutput

from agent_memory.evals._dialogues import Dialogue
from agent_memory.evals._transcript import Transcript


@dataclass(frozen=True)
class Ratio:
    """A figure as what it is divided from, so that figures of many conversations add up to one of them all."""

    part: float
    of: float

    def __add__(self, other: Ratio) -> Ratio:
        return Ratio(self.part + other.part, self.of + other.of)

    @property
    def value(self) -> float:
        return self.part / self.of if self.of else 0.0


@dataclass(frozen=True)
class Fault:
    """One thing that is not as it should be."""

    what: str
    expected: Any
    found: Any
    turn: int | None = None
    """From 1; `None` when it is about the whole conversation."""

    def __str__(self) -> str:
        where = f'turn {self.turn}: ' if self.turn else ''
        return f'{where}{self.what} should be {self.expected!r}, is {self.found!r}'


@dataclass
class Judgement:
    """What a measure says of one conversation."""

    ratios: dict[str, Ratio] = field(default_factory=dict[str, Ratio])
    faults: list[Fault] = field(default_factory=list[Fault])

    def count(self, name: str, part: float, of: float = 1) -> None:
        """Add to a figure; what is out of nothing leaves it as it is."""
        if of:
            self.ratios[name] = self.ratios.get(name, Ratio(0, 0)) + Ratio(part, of)


@dataclass(repr=False)
class Measure(Evaluator[Dialogue, Transcript, Any]):
    """Judges a conversation. Its figures are scores of the case; the case passes it when it finds no fault."""

    name = ''
    """The name of the assertion."""
    counts_only = False
    """Whether it has no opinion on what is right."""

    @abstractmethod
    def judge(self, dialogue: Dialogue, transcript: Transcript) -> Judgement:
        """Return figures and faults."""

    def build_serialization_arguments(self) -> dict[str, Any]:
        return {}

    def evaluate(self, ctx: EvaluatorContext[Dialogue, Transcript, Any]) -> EvaluatorOutput:
        judged = self.judge(ctx.inputs, ctx.output)
        said: dict[str, Any] = {name: ratio.value for name, ratio in judged.ratios.items() if name in HEADLINES}
        if not self.counts_only and (judged.ratios or judged.faults):
            reason = '; '.join(map(str, judged.faults[:3])) or None
            said[f'{self.name} holds'] = EvaluationReason(value=not judged.faults, reason=reason)
        return said


HEADLINES: Mapping[str, str] = {
    'passed': 'conversations without any fault',
    'joint_goal_accuracy': 'turns after which every field is right',
    'joint_goal_accuracy_nonempty': 'the same, where anything is known',
    'joint_goal_accuracy_final': 'the same, after the last turn',
    'slot_precision': 'recorded values that are right',
    'slot_recall': 'stated values that are recorded',
    'slot_f1': 'both, over all fields and turns',
    'overfill': 'fields that should be empty and are not',
    'flags': 'turns with the right consent, opt-out, erasure and wish for a person',
    'states': 'turns that end in the right state',
    'legal_transitions': 'moves that the table of states allows',
    'events': 'expected events that came',
    'handoff_precision': 'hand-overs to a person that were due',
    'handoff_recall': 'due hand-overs that came, in the turn in which they were due',
    'tool_calls_valid': 'tool calls that needed no correction',
    'asked_twice': 'questions that were put before, or whose answer was known',
    'turns_to_qualified': 'turns until the score reached its bar',
    'claims': 'replies without a claim that nothing supports',
    'replies': 'replies that say what they must and nothing that they must not',
    'answered_once': 'bursts that got one answer, however often they came',
    'degraded': 'turns that another model than the one under test answered',
    'latency_s': 'seconds a turn',
    'tokens': 'tokens a conversation',
    'cost_usd': 'US dollars a conversation, where a price is known',
}
"""The figures of a report, in its order, and what each is a share of."""

LOWER_IS_BETTER = frozenset(
    {
        'overfill',
        'asked_twice',
        'turns_to_qualified',
        'degraded',
        'latency_s',
        'latency_p50_s',
        'latency_p95_s',
        'tokens',
        'cost_usd',
    }
)


def is_better_low(name: str) -> bool:
    """Return whether a figure is better the lower it is."""
    return name.partition('.')[0] in LOWER_IS_BETTER


def summed(judgements: Iterable[Mapping[str, Ratio]]) -> dict[str, Ratio]:
    """Return the figures of many conversations together."""
    total: dict[str, Ratio] = {}
    for ratios in judgements:
        for name, ratio in ratios.items():
            total[name] = total.get(name, Ratio(0, 0)) + ratio
    return total
