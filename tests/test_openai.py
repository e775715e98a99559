"""The real OpenAI model classes run one turn end to end, on the wire as far as a mocked connection goes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import respx
from pydantic_ai import Agent
from pydantic_ai.models import Model, override_allow_model_requests
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

from agent_memory import Inbound, RedisStore, SessionManager, SessionMemory, UserProfileData
from agent_memory.capability import FACTS_PREFIX

CONTACT = '+5511912345678'
ARGUMENTS = json.dumps({'budget_max': 60_000, 'city': 'Campinas'})
USAGE = {'prompt_tokens': 100, 'completion_tokens': 10, 'total_tokens': 110}
RESPONSES_USAGE = {
    'input_tokens': 100,
    'output_tokens': 10,
    'total_tokens': 110,
    'input_tokens_details': {'cached_tokens': 0, 'cache_write_tokens': 0},
    'output_tokens_details': {'reasoning_tokens': 0},
}


@pytest.fixture
async def manager(redis_url: str) -> AsyncIterator[SessionManager[UserProfileData]]:
    opened = SessionManager(RedisStore.from_url(redis_url))
    with override_allow_model_requests(True):
        yield opened
    await opened.close()


def chat(message: dict[str, Any], reason: str) -> httpx.Response:
    choice = {'index': 0, 'finish_reason': reason, 'message': {'role': 'assistant', 'content': None, **message}}
    body = {'id': 'c1', 'object': 'chat.completion', 'created': 1_772_366_400, 'model': 'gpt-5.2', 'usage': USAGE}
    return httpx.Response(200, json={**body, 'choices': [choice]})


def responses(item: dict[str, Any]) -> httpx.Response:
    body = {'id': 'r1', 'object': 'response', 'created_at': 1_772_366_400, 'model': 'gpt-5.2', 'status': 'completed'}
    settings: dict[str, Any] = {
        'parallel_tool_calls': True,
        'tool_choice': 'auto',
        'tools': [],
        'usage': RESPONSES_USAGE,
    }
    return httpx.Response(200, json={**body, **settings, 'output': [{'status': 'completed', **item}]})


def bodies(route: respx.Route) -> list[dict[str, Any]]:
    """Return what was sent, one body a request."""
    calls: Any = route.calls
    return [json.loads(call.request.content) for call in calls]


@dataclass(frozen=True)
class Api:
    """One of OpenAI's two: where it is, what it answers in one tool-call turn, where it is shown the conversation."""

    kind: type[OpenAIChatModel | OpenAIResponsesModel]
    path: str
    shown: str
    answers: tuple[httpx.Response, httpx.Response]

    @property
    def url(self) -> str:
        return f'https://api.openai.com/v1/{self.path}'

    def model(self) -> Model:
        return self.kind('gpt-5.2', provider=OpenAIProvider(api_key='sk-test'))

    def __str__(self) -> str:
        return self.path


CALL = {'id': 't1', 'type': 'function', 'function': {'name': 'remember', 'arguments': ARGUMENTS}}
CHAT = Api(
    kind=OpenAIChatModel,
    path='chat/completions',
    shown='messages',
    answers=(chat({'tool_calls': [CALL]}, 'tool_calls'), chat({'content': 'Anotado!'}, 'stop')),
)
TEXT: dict[str, Any] = {'type': 'output_text', 'text': 'Anotado!', 'annotations': []}
RESPONSES = Api(
    kind=OpenAIResponsesModel,
    path='responses',
    shown='input',
    answers=(
        responses({'type': 'function_call', 'id': 'f1', 'call_id': 't1', 'name': 'remember', 'arguments': ARGUMENTS}),
        responses({'type': 'message', 'id': 'm1', 'role': 'assistant', 'content': [TEXT]}),
    ),
)
APIS = [CHAT, RESPONSES]


@pytest.mark.parametrize('api', APIS, ids=str)
async def test_a_tool_call_turn_is_committed_once_and_redelivered_for_free(
    manager: SessionManager[UserProfileData],
    httpx2_mock: respx.Router,
    api: Api,
) -> None:
    route = httpx2_mock.post(api.url).mock(side_effect=[*api.answers])
    agent = Agent(api.model(), deps_type=Inbound, instructions='Seja breve.', capabilities=[SessionMemory(manager)])
    inbound = Inbound(contact=CONTACT, message_id='wamid.1')

    first = await agent.run('tenho 60 mil, sou de Campinas', deps=inbound)
    again = await agent.run('tenho 60 mil, sou de Campinas', deps=inbound)

    assert first.output == again.output == 'Anotado!'
    assert route.call_count == 2
    session = await manager.get_session(CONTACT)
    assert session is not None
    assert session.profile.known() == {'budget_max': 60_000, 'city': 'Campinas'}
    assert session.profile.provenance['city'].message not in (None, 'wamid.1')
    assert [(one.role, one.content) for one in session.memory.messages] == [
        ('user', 'tenho 60 mil, sou de Campinas'),
        ('assistant', 'Anotado!'),
    ]
    asked, settled = bodies(route)
    assert 'recorded' in json.dumps(settled[api.shown][-1])
    assert FACTS_PREFIX in json.dumps(asked[api.shown])
    for body in (asked, settled):
        assert '912345678' not in json.dumps(body)
        assert 'wamid' not in json.dumps(body)


@pytest.mark.parametrize('api', APIS, ids=str)
async def test_the_next_turn_shows_the_provider_the_turn_before(
    manager: SessionManager[UserProfileData],
    redis_url: str,
    httpx2_mock: respx.Router,
    api: Api,
) -> None:
    route = httpx2_mock.post(api.url).mock(side_effect=[*api.answers, api.answers[-1]])
    other = SessionManager(RedisStore.from_url(redis_url))
    for number, worker in enumerate((manager, other)):
        agent = Agent(api.model(), deps_type=Inbound, capabilities=[SessionMemory(worker)])
        await agent.run('tenho 60 mil', deps=Inbound(contact=CONTACT, message_id=f'wamid.{number}'))
    await other.close()

    said = json.dumps(bodies(route)[-1][api.shown], ensure_ascii=False)
    assert said.count('tenho 60 mil') == 2
    assert said.count('Anotado!') == 1
    assert said.count('remember') >= 1
    assert FACTS_PREFIX + '{\\"budget_max\\":60000' in said


async def test_a_provider_that_refuses_leaves_the_message_unanswered(
    manager: SessionManager[UserProfileData], httpx2_mock: respx.Router
) -> None:
    refused = httpx.Response(400, json={'error': {'message': 'no', 'type': 'invalid_request_error'}})
    route = httpx2_mock.post(RESPONSES.url).mock(side_effect=[refused, *RESPONSES.answers])
    agent = Agent(RESPONSES.model(), deps_type=Inbound, capabilities=[SessionMemory(manager)])
    inbound = Inbound(contact=CONTACT, message_id='wamid.1')

    with pytest.raises(Exception, match='400'):
        await agent.run('tenho 60 mil', deps=inbound)
    assert await manager.get_session(CONTACT) is None
    answered = await agent.run('tenho 60 mil', deps=inbound)

    assert (answered.output, route.call_count) == ('Anotado!', 3)
