"""`ConversationLimits`: what one conversation may spend on a paid model over all its turns, and how long a turn may."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Self

from pydantic_ai import ModelRequestContext, RunContext
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.messages import ModelResponse, TextPart

from agent_memory._messages import DEGRADED
from agent_memory.agents import _replies as replies
from agent_memory.agents.rules import RulesModel
from agent_memory.tools._actions import live_session


@dataclass
class ConversationLimits(AbstractCapability[Any]):
    """Answers by the offline rules once a conversation has spent its share, or when the model refuses to answer.

    A turn is finished by the rules, too, once they had to stand in during it or it has lasted too long: a slow provider
    is not asked again for every step of a turn, which ends well before its hard deadline.
    """

    tokens: int | None = 200_000
    """Most input and output tokens of one conversation; `None` sets no limit."""
    cost: Decimal | None = Decimal(1)
    """Most USD of one conversation; a model without a known price costs nothing."""
    turn: timedelta | None = timedelta(seconds=45)
    """How long a turn may last before the rules finish it; with a request's own minute that is less than 120 s."""
    id: str | None = field(default='conversation_limits', kw_only=True)
    _started: float = field(default=0.0, init=False)
    _stood_in: bool = field(default=False, init=False)

    async def for_run(self, ctx: RunContext[Any]) -> Self:
        del ctx
        fresh = replace(self)
        fresh._started = time.monotonic()
        return fresh

    async def before_model_request(
        self, ctx: RunContext[Any], request_context: ModelRequestContext
    ) -> ModelRequestContext:
        if self._stood_in or self._is_late() or self._is_spent(ctx):
            return replace(request_context, model=RulesModel(degraded=True))
        return request_context

    async def after_model_request(
        self, ctx: RunContext[Any], *, request_context: ModelRequestContext, response: ModelResponse
    ) -> ModelResponse:
        self._stood_in = self._stood_in or bool((response.provider_details or {}).get(DEGRADED))
        if response.finish_reason != 'content_filter' or response.parts:
            return response
        details = {**(response.provider_details or {}), DEGRADED: True}
        return replace(response, parts=[TextPart(replies.SAFE)], finish_reason='stop', provider_details=details)

    def _is_late(self) -> bool:
        return self.turn is not None and time.monotonic() - self._started >= self.turn.total_seconds()

    def _is_spent(self, ctx: RunContext[Any]) -> bool:
        session = live_session(ctx)
        tokens, cost = ctx.usage.total_tokens, ctx.usage.cost or Decimal(0)
        if session is not None:
            tokens, cost = tokens + session.spent.tokens, cost + session.spent.cost
        return (self.tokens is not None and tokens >= self.tokens) or (self.cost is not None and cost >= self.cost)
