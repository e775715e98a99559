"""`RulesModel`: a deterministic offline model for the used-car lead. It reads Portuguese and calls the same tools."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, cast

from pydantic_ai import RunContext
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    ModelResponseStreamEvent,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from agent_memory.agents import _replies as replies
from agent_memory.agents.portuguese import Understanding, understand
from agent_memory.capability import FACTS_PREFIX
from agent_memory.lead import UserProfileData

MODEL_NAME = 'rules-pt-br'


class RulesModel(Model[None]):
    """Understands a car lead by rules: no key, no network, the same answer every time.

    It asks one thing at a time for what is missing. Use it offline, in tests, and behind a real model:
    `FallbackModel('openai:...', RulesModel())`.
    """

    def __init__(self, *, today: Callable[[], date] = lambda: datetime.now(UTC).date()) -> None:
        """Make the model; `today` is what "next month" is counted from."""
        super().__init__()
        self._today = today

    @property
    def model_name(self) -> str:
        return MODEL_NAME

    @property
    def system(self) -> str:
        return 'rules'

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        del model_settings
        return self._respond(messages, model_request_parameters)

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        del model_settings, run_context
        response = self._respond(messages, model_request_parameters)
        yield _Streamed(model_request_parameters=model_request_parameters, response=response)

    def _respond(self, messages: list[ModelMessage], parameters: ModelRequestParameters) -> ModelResponse:
        scene = _scene(messages)
        heard = understand(scene.texts, asked=scene.asked, profile=scene.profile, today=self._today())
        offered = {tool.name for tool in parameters.function_tools}
        calls = [] if scene.settled else [call for call in _calls(heard, scene.profile) if call.tool_name in offered]
        parts = calls or [TextPart(_reply(heard, scene))]
        return ModelResponse(parts=parts, model_name=MODEL_NAME, provider_name='rules', usage=RequestUsage())


@dataclass(frozen=True)
class _Scene:
    """What the model is looking at."""

    texts: list[str]
    """What the person wrote in this turn."""
    asked: str | None
    """The last thing that was said to the person."""
    profile: UserProfileData
    settled: bool
    """Whether this turn's tools have run, so that the reply is due."""
    fields: list[str]
    """The profile fields that this turn's tools recorded."""


def _scene(messages: list[ModelMessage]) -> _Scene:
    texts: list[str] = []
    known = '{}'
    settled, fields = False, list[str]()
    asked: str | None = None
    for message in reversed(messages):
        if isinstance(message, ModelResponse):
            said = [part.content for part in message.parts if isinstance(part, TextPart) and part.content]
            if said:
                asked = said[-1]
                break
            fields = [*_named_fields(message), *fields]
            continue
        own, facts, returned = _read(message)
        # Nothing said yet by the agent in this turn: what stands here is this turn's.
        texts = [*own, *texts]
        known = facts or known
        settled = settled or returned
    return _Scene(texts, asked, UserProfileData.model_validate_json(known), settled, fields)


def _read(message: ModelRequest) -> tuple[list[str], str | None, bool]:
    texts: list[str] = []
    facts, returned = None, False
    for part in message.parts:
        if isinstance(part, ToolReturnPart):
            returned = True
        elif isinstance(part, UserPromptPart):
            for text in [part.content] if isinstance(part.content, str) else part.content:
                if isinstance(text, str) and text.startswith(FACTS_PREFIX):
                    facts = text.removeprefix(FACTS_PREFIX)
                elif isinstance(text, str):
                    texts += text.split('\n')
    return texts, facts, returned


def _named_fields(message: ModelResponse) -> list[str]:
    return [
        name
        for part in message.parts
        if isinstance(part, ToolCallPart) and part.tool_name in ('remember', 'correct')
        for name in part.args_as_dict()
    ]


def _calls(heard: Understanding, profile: UserProfileData) -> list[ToolCallPart]:
    if heard.restart:
        # The session ends with this turn; what it knew stays as it was in the history.
        return [ToolCallPart('restart', {})]
    calls: list[ToolCallPart] = []
    remembered = {change.field: change.value for change in heard.changes if change.op == 'remember'}
    corrected = {change.field: change.value for change in heard.changes if change.op == 'correct' and change.value}
    forgotten = [change.field for change in heard.changes if change.op == 'correct' and not change.value]
    for change in heard.changes:
        if change.op == 'forget':
            left = _without(getattr(profile, change.field), change.value)
            if left:
                corrected[change.field] = left
            else:
                forgotten.append(change.field)
    for name, arguments in (('remember', remembered), ('correct', corrected)):
        if arguments:
            calls.append(ToolCallPart(name, arguments))
    if forgotten:
        calls.append(ToolCallPart('forget', {'names': forgotten}))
    return calls + _requests(heard)


def _without(held: Any, dropped: Any) -> list[Any]:
    if not isinstance(held, list) or not isinstance(dropped, list):
        return []
    return [item for item in cast('list[Any]', held) if item not in cast('list[Any]', dropped)]


def _requests(heard: Understanding) -> list[ToolCallPart]:
    calls: list[ToolCallPart] = []
    if heard.consent is not None:
        calls.append(ToolCallPart('answer_consent', {'given': heard.consent}))
    if heard.person:
        calls.append(ToolCallPart('hand_to_person', {'reason': 'pedido do cliente'}))
    withdrawable = (('person', heard.person is False), ('opt_out', heard.opt_out), ('erasure', heard.erasure))
    for request, asked in withdrawable:
        if asked is None or (request == 'person' and not asked):
            continue
        withdrawn = request == 'person' or asked is False
        calls.append(ToolCallPart('record_request', {'request': request, 'withdrawn': withdrawn}))
    return calls


def _reply(heard: Understanding, scene: _Scene) -> str:
    if fixed := _fixed_reply(heard):
        return fixed
    opening = replies.GREETING if scene.asked is None else ''
    noted = replies.acknowledgement(scene.profile, scene.fields)
    if not heard.understood and scene.asked is not None:
        opening = replies.NOT_UNDERSTOOD
    if heard.consent is not None:
        noted = replies.CONSENT_GIVEN if heard.consent else replies.CONSENT_REFUSED
    return ' '.join(part for part in (opening, noted, replies.next_question(scene.profile, scene.asked)) if part)


def _fixed_reply(heard: Understanding) -> str | None:
    if heard.erasure:
        return replies.ERASURE
    if heard.opt_out:
        return replies.OPTED_OUT
    if heard.person:
        return replies.TO_PERSON
    if heard.restart:
        return replies.RESTARTED
    return None


@dataclass
class _Streamed(StreamedResponse):
    """The same response as a stream of events, word by word."""

    response: ModelResponse = field(kw_only=True)
    _timestamp: datetime = field(default_factory=lambda: datetime.now(UTC), init=False)

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        for place, part in enumerate(self.response.parts):
            if isinstance(part, TextPart):
                for word in re.findall(r'\S+\s*', part.content):
                    for event in self._parts_manager.handle_text_delta(vendor_part_id=place, content=word):
                        yield event
            elif isinstance(part, ToolCallPart):
                yield self._parts_manager.handle_tool_call_part(
                    vendor_part_id=place,
                    tool_name=part.tool_name,
                    args=part.args_as_dict(),
                    tool_call_id=part.tool_call_id,
                )

    @property
    def model_name(self) -> str:
        return MODEL_NAME

    @property
    def provider_name(self) -> str:
        return 'rules'

    @property
    def provider_url(self) -> str | None:
        return None

    @property
    def timestamp(self) -> datetime:
        return self._timestamp
