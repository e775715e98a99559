"""A model that says what a test tells it to say."""

from __future__ import annotations

from pydantic_ai.messages import ModelMessage, ModelResponse, ModelResponsePart, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

Call = tuple[str, dict[str, object]]


def scripted(*answers: str | list[Call]) -> FunctionModel:
    """Return a model that gives one answer a request: a text, or calls of tools by name and arguments."""
    left = list(answers)

    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        del messages, info
        said = left.pop(0)
        parts: list[ModelResponsePart] = (
            [TextPart(said)] if isinstance(said, str) else [ToolCallPart(name, arguments) for name, arguments in said]
        )
        return ModelResponse(parts=parts)

    return FunctionModel(answer)
