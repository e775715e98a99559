"""Evaluation of live turns: a sample of them is judged in the background, after the reply is on its way.

Off unless a share is given. Results are OpenTelemetry events (`gen_ai.evaluation.result`) under the turn's span; they
carry names and numbers, never what was said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from pydantic_ai import AgentRunResult, RunContext
from pydantic_ai.capabilities import WrapRunHandler
from pydantic_ai.models import Model
from pydantic_evals import set_eval_attribute
from pydantic_evals.evaluators import EvaluationReason, Evaluator, EvaluatorContext, EvaluatorOutput, OutputConfig
from pydantic_evals.online import EvaluationSink, OnlineEvalConfig, OnlineEvaluator
from pydantic_evals.online_capability import OnlineEvaluation

from agent_memory.capability import SessionMemory
from agent_memory.evals._conduct import Claims
from agent_memory.evals._judge import ToneJudge
from agent_memory.evals._play import note_run
from agent_memory.evals._transcript import ToolUse, Transcript, TurnOutcome
from agent_memory.tools._actions import MEMORY_ID

_TURN = 'turn'
_MOST_QUESTIONS = 2


def live_evaluation(
    share: float,
    *,
    claims: Claims | None = None,
    judge: str | Model | None = None,
    evaluators: Sequence[Evaluator[Any, Any, Any]] = (),
    sink: EvaluationSink | None = None,
) -> OnlineEvaluation[Any]:
    """Return a capability that judges a share of an agent's turns.

    Args:
        share: Which part of the turns, 0.0 to 1.0. All evaluators judge the same ones.
        claims: Finds what a reply claims without ground.
        judge: The model that judges tone; without one nobody does.
        evaluators: Further ones; their `ctx.attributes['turn']` is the turn as a `TurnOutcome`.
        sink: Where results go beside the events.
    """
    chosen: list[Evaluator[Any, Any, Any]] = [LiveReply(), *evaluators]
    chosen += [LiveClaims(claims)] if claims else []
    if judge:
        # A reason would repeat what was said.
        chosen.append(LiveTone(model=judge, assertion=OutputConfig(include_reason=False)))
    config = OnlineEvalConfig(default_sample_rate=share, sampling_mode='correlated', default_sink=sink)
    return LiveEvaluation(evaluators=[OnlineEvaluator(evaluator=one) for one in chosen], config=config)


@dataclass(kw_only=True)
class LiveEvaluation(OnlineEvaluation[Any]):
    """`OnlineEvaluation` that tells its evaluators what the turn knew and what its tools returned."""

    async def wrap_run(self, ctx: RunContext[Any], *, handler: WrapRunHandler) -> AgentRunResult[Any]:
        async def watched() -> AgentRunResult[Any]:
            result = await handler()
            set_eval_attribute(_TURN, _turn_of(ctx, result))
            return result

        return await super().wrap_run(ctx, handler=watched)


def _turn_of(ctx: RunContext[Any], result: AgentRunResult[Any]) -> TurnOutcome:
    turn = TurnOutcome(messages=[ctx.prompt] if isinstance(ctx.prompt, str) else [])
    turn.replies = [result.output] if isinstance(result.output, str) else []
    note_run(turn, result)
    memory = cast('SessionMemory[Any] | None', (ctx.capabilities or {}).get(MEMORY_ID))
    if memory is not None and memory.session is not None:
        session = memory.session
        turn.profile, turn.state = session.profile.values(), session.state
        # What was shown in earlier turns is ground as well.
        turn.tools.append(ToolUse(name='search_cars', outcome='success', returned=[*session.recommendations]))
    return turn


def _live(ctx: EvaluatorContext[Any, Any, Any]) -> TurnOutcome | None:
    turn = ctx.attributes.get(_TURN)
    return turn if isinstance(turn, TurnOutcome) and turn.replies else None


@dataclass(repr=False)
class LiveReply(Evaluator[Any, Any, Any]):
    """Judges that a reply puts few questions, and says whether another model stood in."""

    def evaluate(self, ctx: EvaluatorContext[Any, Any, Any]) -> EvaluatorOutput:
        turn = _live(ctx)
        if turn is None:
            return {}
        questions = sum(reply.count('?') for reply in turn.replies)
        valid = [use.outcome in ('success', 'unanswered') for use in turn.tools]
        return {
            'few_questions': questions <= _MOST_QUESTIONS,
            'degraded': float(turn.degraded),
            'tool_calls_valid': sum(valid) / len(valid) if valid else 1.0,
        }


@dataclass(repr=False)
class LiveClaims(Evaluator[Any, Any, Any]):
    """Judges that a reply claims nothing that the catalogue and the person did not say."""

    claims: Claims

    def build_serialization_arguments(self) -> dict[str, Any]:
        return {}

    def evaluate(self, ctx: EvaluatorContext[Any, Any, Any]) -> EvaluatorOutput:
        turn = _live(ctx)
        if turn is None:
            return {}
        found = [
            one for reply in turn.replies for one in self.claims(reply, Transcript(dialogue='live', turns=[turn]), 1)
        ]
        return {'claims': EvaluationReason(value=not found)}


@dataclass(repr=False)
class LiveTone(ToneJudge):
    """Judges the tone of one turn."""

    async def evaluate(self, ctx: EvaluatorContext[object, object, object]) -> EvaluatorOutput:
        turn = _live(ctx)
        if turn is None:
            return {}
        return await super().evaluate(replace(ctx, output=Transcript(dialogue='live', turns=[turn])))
