"""The models that the lead agent runs on: a provider's by name, with the offline rules behind it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic_ai import AgentRunResult
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import Model, infer_model
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.settings import ModelSettings

from agent_memory._messages import DEGRADED
from agent_memory.agents.rules import RulesModel

RULES = 'rules'
"""The model name of the offline model."""
TIMEOUT = timedelta(seconds=15)
RETRIES = 2
"""Tries after the first; with their back-off a request ends within a minute, half of a turn's hard deadline."""


def model_settings(*, timeout: timedelta = TIMEOUT, retries: int = RETRIES) -> ModelSettings:
    """Return the settings of a request; the provider's SDK retries 408, 409, 429, 5xx and lost connections."""
    return ModelSettings(timeout=timeout.total_seconds(), max_retries=retries)


def lead_model(name: str | Model, *, base_url: str | None = None, api_key: str | None = None) -> Model:
    """Return the model called `name`, which answers by the offline rules when its provider does not.

    Args:
        name: A Pydantic AI model name such as `openai:gpt-5.2`, or `rules`. A model is returned with the rules behind it.
        base_url: An OpenAI-compatible server. It is spoken to as Chat Completions unless the name begins with
            `openai-responses:`, as few servers know the Responses API.
        api_key: Its key; by default the provider's own environment variable.
    """
    if name == RULES or isinstance(name, RulesModel):
        return name if isinstance(name, RulesModel) else RulesModel()
    if isinstance(name, FallbackModel):
        return name
    return FallbackModel(_provided(name, base_url, api_key), RulesModel(degraded=True))


def is_degraded(result: AgentRunResult[Any]) -> bool:
    """Return whether the reply was made by the offline rules in place of a model that did not answer."""
    return any(
        isinstance(message, ModelResponse) and (message.provider_details or {}).get(DEGRADED)
        for message in result.new_messages()
    )


def _provided(name: str | Model, base_url: str | None, api_key: str | None) -> Model:
    if isinstance(name, Model) or not (base_url or api_key):
        return infer_model(name)
    # A second that the offline rules need not wait for.
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    kind, _, model = name.rpartition(':')
    provider = OpenAIProvider(base_url=base_url, api_key=api_key)
    if kind == 'openai-responses' or (kind == 'openai' and base_url is None):
        return OpenAIResponsesModel(model, provider=provider)
    return OpenAIChatModel(model, provider=provider)
