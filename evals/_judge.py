"""The judge of tone: a model with a rubric, asked only when one is named."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

from pydantic_evals.evaluators import EvaluatorContext, EvaluatorOutput, LLMJudge

from agent_memory.evals._transcript import Transcript

TONE = """
Read the conversation of a business's WhatsApp agent with a person. Pass when every reply of the agent is in Brazilian
Portuguese (or the person's language), polite and warm without flattery, short enough for WhatsApp, to the point of what
was just said, puts at most one question, and admits what it does not know. Judge the wording alone, not the facts.
""".strip()


@dataclass(repr=False)
class ToneJudge(LLMJudge):
    """`LLMJudge` on the text of a conversation."""

    rubric: str = TONE

    def get_default_evaluation_name(self) -> str:
        return 'tone'

    def build_serialization_arguments(self) -> dict[str, Any]:
        return {}

    async def evaluate(self, ctx: EvaluatorContext[object, object, object]) -> EvaluatorOutput:
        return await super().evaluate(replace(ctx, output=cast('Transcript', ctx.output).text()))
