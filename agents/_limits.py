"""`ConversationLimits`: what one conversation may spend on a paid model, over all its turns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from pydantic_ai import ModelRequestContext, RunContext
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.messages import ModelResponse, TextPart

from agent_memory._messages import DEGRADED
from agent_memory.agents import _replies as replies
from agent_memory.agents.rules import RulesModel
from agent_memory.tools._actions import live_session


@dataclass
class ConversationLimits(AbstractCapability[Any]):
    """Answers by the offline rules once a conversation has spent its share, or when the model refuses to answer."""

    tokens: int | None = 200_000
    """Most input and output tokens of one conversation; `None` sets no limit."""
    cost: Decimal | None = Decimal(1)
    """Most USD of one conversation; a model without a known price costs nothing."""
    id: str | None = field(default='conversation_limits', kw_only=True)

    async def before_model_request(
        self, ctx: RunContext[Any], request_context: ModelRequestContext
    ) -> ModelRequestContext:
        return replace(request_context, model=RulesModel(degraded=True)) if self._is_spent(ctx) else request_context

    async def after_model_request(
        self, ctx: RunContext[Any], *, request_context: ModelRequestContext, response: ModelResponse
    ) -> ModelResponse:
        if response.finish_reason != 'content_filter' or response.parts:
            return response
        details = {**(response.provider_details or {}), DEGRADED: True}
        return replace(response, parts=[TextPart(replies.SAFE)], finish_reason='stop', provider_details=details)

    def _is_spent(self, ctx: RunContext[Any]) -> bool:
        session = live_session(ctx)
        tokens, cost = ctx.usage.total_tokens, ctx.usage.cost or Decimal(0)
        if session is not None:
            tokens, cost = tokens + session.spent.tokens, cost + session.spent.cost
        return (self.tokens is not None and tokens >= self.tokens) or (self.cost is not None and cost >= self.cost)
