"""`RulesModel`: a deterministic offline model for the used-car lead. It reads Portuguese and calls the same tools."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    ModelResponseStreamEvent,
    TextPart,
    ToolCallPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from agent_memory._messages import DEGRADED
from agent_memory.agents import _replies as replies
from agent_memory.agents._again import afresh
from agent_memory.agents._asking import with_consent
from agent_memory.agents._cars import same_cars, say_best, say_comparison, say_details, say_facet, say_found
from agent_memory.agents._enquiries import FINE, answer
from agent_memory.agents._moves import moves
from agent_memory.agents._rights import answer_rights
from agent_memory.agents._scene import Scene, read_scene
from agent_memory.agents._wishes import Wishes, read_wishes
from agent_memory.agents.portuguese import Understanding, understand
from agent_memory.lead import SessionState
from agent_memory.tools._consent import CONSENT_RECORDED

MODEL_NAME = 'rules-pt-br'


class RulesModel(Model[None]):
    """Understands a car lead by rules: no key, no network, the same answer every time.

    It asks one thing at a time for what is missing. Use it offline, in tests, and behind a real model:
    `FallbackModel('openai:...', RulesModel())`.
    """

    def __init__(self, *, today: Callable[[], date] = lambda: datetime.now(UTC).date(), degraded: bool = False) -> None:
        """Make the model.

        Args:
            today: What "next month" is counted from.
            degraded: Whether it stands in for a model that does not answer, which marks its responses.
        """
        super().__init__()
        self._details = {DEGRADED: True} if degraded else None
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
        scene = read_scene(messages)
        wishes = read_wishes(scene.texts, scene.standing.recommendations, asked=scene.asked)
        heard = self._understood(scene, wishes)
        offered = {tool.name for tool in parameters.function_tools}
        calls = [] if scene.settled else [call for call in moves(heard, wishes, scene) if call.tool_name in offered]
        parts = calls or [TextPart(with_consent(afresh(_reply(heard, wishes, scene), scene), heard, scene))]
        return ModelResponse(
            parts=parts,
            model_name=MODEL_NAME,
            provider_name='rules',
            usage=RequestUsage(),
            provider_details=self._details,
            finish_reason='stop',
        )

    def _understood(self, scene: Scene, wishes: Wishes) -> Understanding:
        # The announcement of a person asks nothing: what is said after it is no answer to it.
        asked = None if scene.asked == replies.TO_PERSON else scene.asked
        heard = understand(scene.texts, asked=asked, profile=scene.profile, today=self._today())
        if heard.person and (wishes.cars or wishes.see or heard.changes or '?' not in (asked or '')):
            # Whoever was offered a consultant and goes on about cars has not accepted, unless they say so; nor has one
            # who was only told that a consultant knows.
            said = understand(scene.texts, asked=None, profile=scene.profile, today=self._today())
            heard = replace(heard, person=said.person)
        return replace(heard, person=True) if wishes.visit and heard.person is None else heard


def _reply(heard: Understanding, wishes: Wishes, scene: Scene) -> str:
    if said := _fixed_reply(heard, scene) or _says_more(heard, wishes, scene):
        return said
    noted = replies.acknowledgement(scene.profile, scene.recorded)
    if heard.consent is not None and scene.returns.get('answer_consent') == CONSENT_RECORDED:
        noted = replies.CONSENT_GIVEN if heard.consent else replies.CONSENT_REFUSED
    shown = bool(scene.standing.recommendations)
    answered, ends = answer(wishes.enquiries, shown=shown, trade_in=bool(scene.profile.trade_in))
    if wishes.terms and not answered and any('?' in text for text in scene.texts):
        answered = replies.TEAM_CONFIRMS
    if found := _from_catalogue(wishes, scene):
        hello = replies.HELLO if scene.asked is None else ''
        return ' '.join(part for part in (hello, noted, answered, found) if part)
    asks = '' if ends else _question(wishes, scene, shown=shown)
    opening = _opening(wishes, scene, noted, answered)
    return ' '.join(part for part in (opening, noted, answered, asks) if part) or replies.CONSULTANT


def _question(wishes: Wishes, scene: Scene, *, shown: bool) -> str:
    if wishes.alters and not scene.recorded:
        return replies.ALTERS[wishes.alters]
    if scene.in_play and scene.told.count(replies.CONSULTANT) < replies.MOST_TRIES:
        return replies.CONSULTANT
    return replies.next_question(scene.profile, scene.asked, told=scene.told, shown=shown, unsure=wishes.unsure)


def _opening(wishes: Wishes, scene: Scene, noted: str, answered: str) -> str:
    shown = bool(scene.standing.recommendations)
    greeted = 'how_are_you' in wishes.enquiries
    if scene.asked is None:
        return replies.GREETING.replace('Olá!', f'Olá! {FINE}') if greeted else replies.GREETING
    if 'not_understood' in scene.returns:
        return replies.NOT_UNDERSTOOD
    if greeted and not noted:
        return FINE
    if noted or answered:
        return ''
    if wishes.thanks:
        return replies.THANKS
    if wishes.price:
        return replies.PRICES_SHOWN if shown else replies.PRICE_LATER
    if wishes.facet:
        return replies.OF_EACH_SHOWN if shown else replies.OF_EACH
    return replies.NO_MATTER if wishes.unsure else ''


def _from_catalogue(wishes: Wishes, scene: Scene) -> str | None:
    if (
        'car_details' in scene.returns
        and wishes.facet
        and len(wishes.cars) == 1
        and wishes.cars[0].title in (scene.asked or '')
    ):
        return say_facet(scene.returns['car_details'], wishes.facet)
    if 'car_details' in scene.returns and wishes.best:
        return say_best(scene.returns['car_details'], wishes.best)
    found = scene.returns.get('search_cars')
    if same_cars(found, scene.told):
        if not scene.recorded and (wishes.others or same_cars(found, scene.asked or '')):
            return replies.SAME_CARS
        if not wishes.see:
            return None  # a fact that changes nothing of what was shown is only noted
    return next((worded(scene.returns[tool]) for tool, worded in _WORDED.items() if tool in scene.returns), None)


_WORDED: dict[str, Callable[[Any], str]] = {
    'search_cars': say_found,
    'car_details': say_details,
    'compare_cars': say_comparison,
}


def _fixed_reply(heard: Understanding, scene: Scene) -> str | None:
    if heard.erasure:
        return replies.ERASURE
    if heard.opt_out:
        return replies.OPTED_OUT
    if heard.rights:
        return answer_rights(heard.rights, scene.profile)
    if heard.person or scene.standing.state == SessionState.HUMAN_HANDOFF:
        return replies.TO_PERSON
    return replies.RESTARTED if heard.restart else None


def _says_more(heard: Understanding, wishes: Wishes, scene: Scene) -> str | None:
    """Return the answer to what is neither a fact nor about one car."""
    if heard.changes or scene.returns:
        return None
    if wishes.bye:
        return replies.GOODBYE
    if wishes.terms and not wishes.enquiries and scene.asked != replies.TERMS:
        return replies.TERMS if scene.asked else f'{replies.HELLO} {replies.TERMS}'
    return None


@dataclass
class _Streamed(StreamedResponse):
    """The same response as a stream of events, word by word."""

    response: ModelResponse = field(kw_only=True)
    _timestamp: datetime = field(default_factory=lambda: datetime.now(UTC), init=False)

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        self.provider_details = self.response.provider_details
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
