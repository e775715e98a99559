"""The lead agent on OpenAI and on compatible servers, over HTTP: what works, what fails, and what the person notices."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import httpcore2
import pydantic_ai.models
import pytest
import respx
from dirty_equals import IsPartialDict

from agent_memory import Inbound, SessionManager, SessionMemory
from agent_memory.agents import ConversationLimits, is_degraded, lead_agent, lead_model
from agent_memory.agents import _replies as replies
from tests.agents.conversations import CONTACT, Conversation, open_manager
from tests.agents.openai_replies import CHAT, CHAT_API, RESPONSES, RESPONSES_API, Api, chat_says, fails, says

QUESTION = 'Anotado, até R$ 60.000. Em qual cidade você mora?'


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the provider be asked: what it is asked goes to the test's router."""
    monkeypatch.setattr(pydantic_ai.models, 'ALLOW_MODEL_REQUESTS', True)
    monkeypatch.setenv('OPENAI_API_KEY', 'sk-test')


@pytest.fixture
async def manager(redis_url: str) -> AsyncGenerator[SessionManager[Any]]:
    async with open_manager(redis_url) as opened:
        yield opened


@pytest.fixture(params=[RESPONSES_API, CHAT_API], ids=['responses', 'chat'])
def api(request: pytest.FixtureRequest) -> Api:
    """Each of the two endpoints in turn."""
    return request.param


@pytest.fixture
def talk(manager: SessionManager[Any], api: Api) -> Conversation:
    return Conversation(lead_agent(SessionMemory(manager), api.model), manager)


def bodies(route: respx.Route) -> list[dict[str, Any]]:
    return [json.loads(call.request.content) for call in cast('Any', route.calls)]


async def test_a_tool_call_is_recorded_and_priced(httpx2_mock: respx.Router, talk: Conversation, api: Api) -> None:
    route = httpx2_mock.post(api.url).mock(
        side_effect=[api.calls(('remember', {'budget_max': 60_000})), api.says(QUESTION)]
    )

    assert await talk.say('tenho até 60 mil') == QUESTION

    session = await talk.session()
    assert session.profile.known() == {'budget_max': 60_000}
    assert session.spent.tokens == 2000
    assert session.spent.cost > 0
    assert not is_degraded(talk.results[-1])
    assert bodies(route)[1][api.told][-1] == IsPartialDict(api.tool_result)


async def test_what_is_known_is_data_of_the_person_and_no_instruction(
    httpx2_mock: respx.Router, talk: Conversation, api: Api
) -> None:
    route = httpx2_mock.post(api.url).mock(
        side_effect=[
            api.calls(('remember', {'budget_max': 60_000})),
            api.says(QUESTION),
            api.says('Que marca você prefere?'),
        ]
    )
    await talk.say('tenho até 60 mil')
    await talk.say('ok')

    asked = bodies(route)[-1]
    told = [
        item
        for item in asked[api.told]
        if '"budget_max":60000' in json.dumps(item).replace('\\', '') and 'tool_calls' not in item
    ]
    assert told
    assert {item['role'] for item in told if 'role' in item} == {'user'}
    assert '60000' not in asked.get('instructions', '')


async def test_a_reply_is_streamed_and_committed(httpx2_mock: respx.Router, talk: Conversation, api: Api) -> None:
    httpx2_mock.post(api.url).mock(return_value=api.streams('Qual é o seu orçamento?'))
    inbound = Inbound(contact=CONTACT, message_id='wamid.stream', text='oi')

    async with talk.agent.run_stream('oi', deps=inbound) as streamed:
        pieces = [piece async for piece in streamed.stream_text(delta=True, debounce_by=None)]

    assert ''.join(pieces) == 'Qual é o seu orçamento?'
    assert len(pieces) > 1
    assert (await talk.session()).memory.messages[-1].content == 'Qual é o seu orçamento?'


async def test_a_stream_that_never_begins_is_stood_in_for_by_the_rules(
    httpx2_mock: respx.Router, talk: Conversation, api: Api
) -> None:
    httpx2_mock.post(api.url).mock(side_effect=[fails(503, retry_after_ms='1')] * 12)
    inbound = Inbound(contact=CONTACT, message_id='wamid.stream', text='tenho até 60 mil')

    async with talk.agent.run_stream('tenho até 60 mil', deps=inbound) as streamed:
        said = await streamed.get_output()

    assert 'R$ 60.000' in said
    assert (await talk.session()).profile.known() == {'budget_max': 60_000}


async def test_a_busy_provider_is_asked_again_when_it_says(
    httpx2_mock: respx.Router, talk: Conversation, api: Api
) -> None:
    route = httpx2_mock.post(api.url).mock(
        side_effect=[fails(429, 'rate_limit_exceeded', retry_after='0.01'), api.says(QUESTION)]
    )

    assert await talk.say('tenho até 60 mil') == QUESTION
    assert route.call_count == 2


async def test_two_failures_are_survived(httpx2_mock: respx.Router, talk: Conversation, api: Api) -> None:
    again = {'retry_after_ms': '1'}
    route = httpx2_mock.post(api.url).mock(side_effect=[fails(500, **again), fails(500, **again), api.says(QUESTION)])

    assert await talk.say('tenho até 60 mil') == QUESTION
    assert route.call_count == 3
    assert not is_degraded(talk.results[-1])


@pytest.mark.parametrize(
    'failure',
    [
        fails(503, retry_after_ms='1'),
        fails(429, 'insufficient_quota', retry_after_ms='1'),
        fails(401, 'invalid_api_key'),
        fails(400, 'context_length_exceeded'),
        httpcore2.ReadTimeout('slow'),
        httpcore2.ConnectError('refused'),
    ],
    ids=['down', 'quota', 'key', 'context', 'timeout', 'refused connection'],
)
async def test_a_provider_that_fails_for_good_is_stood_in_for_by_the_rules(
    httpx2_mock: respx.Router, talk: Conversation, api: Api, failure: Any
) -> None:
    httpx2_mock.post(api.url).mock(side_effect=[failure] * 12)

    reply = await talk.say('tenho até 60 mil, moro em Campinas')

    assert 'R$ 60.000' in reply
    assert is_degraded(talk.results[-1])
    assert (await talk.session()).profile.known() == {'budget_max': 60_000, 'city': 'Campinas', 'state': 'SP'}


async def test_a_provider_that_failed_is_not_asked_again_in_the_same_turn(
    httpx2_mock: respx.Router, talk: Conversation, api: Api
) -> None:
    """The rules need two steps here, a tool call and the reply; the provider's three tries belong to the first."""
    route = httpx2_mock.post(api.url).mock(side_effect=[fails(503, retry_after_ms='1')] * 12)

    await talk.say('tenho até 60 mil')
    assert route.call_count == 3

    await talk.say('moro em Campinas')
    assert route.call_count == 6


async def test_a_turn_that_lasts_too_long_is_finished_by_the_rules(
    httpx2_mock: respx.Router, manager: SessionManager[Any], api: Api
) -> None:
    limits = ConversationLimits(turn=timedelta(0))
    talk = Conversation(lead_agent(SessionMemory(manager), api.model, limits=limits), manager)

    assert 'R$ 60.000' in await talk.say('tenho até 60 mil')
    assert is_degraded(talk.results[-1])
    assert cast('Any', httpx2_mock.calls).call_count == 0


async def test_malformed_arguments_go_back_to_the_model(
    httpx2_mock: respx.Router, talk: Conversation, api: Api
) -> None:
    route = httpx2_mock.post(api.url).mock(
        side_effect=[
            api.calls(('remember', '{"budget_max": 60')),
            api.calls(('remember', {'budget_max': 'muito'})),
            api.calls(('remember', {'budget_max': 60_000})),
            api.says(QUESTION),
        ]
    )

    assert await talk.say('tenho até 60 mil') == QUESTION
    assert (await talk.session()).profile.known() == {'budget_max': 60_000}
    assert route.call_count == 4


async def test_a_refusal_is_replaced_by_a_safe_sentence(
    httpx2_mock: respx.Router, talk: Conversation, api: Api
) -> None:
    httpx2_mock.post(api.url).mock(return_value=api.refuses())

    assert await talk.say('tenho até 60 mil') == replies.SAFE
    assert is_degraded(talk.results[-1])


async def test_a_conversation_that_spent_its_share_goes_on_by_the_rules(
    httpx2_mock: respx.Router, manager: SessionManager[Any]
) -> None:
    route = httpx2_mock.post(RESPONSES).mock(
        side_effect=[says('Qual é o seu orçamento?'), says('Em qual cidade você mora?'), says('Mais uma?')]
    )
    limits = ConversationLimits(tokens=2000, cost=None)
    talk = Conversation(lead_agent(SessionMemory(manager), 'openai:gpt-5.2', limits=limits), manager)
    await talk.say('oi')
    await talk.say('até 60 mil')

    reply = await talk.say('moro em Campinas')

    assert route.call_count == 2
    assert 'Campinas' in reply
    assert is_degraded(talk.results[-1])
    other = Conversation(talk.agent, manager, contact='+5511888880000')
    assert await other.say('oi') == 'Mais uma?'


async def test_a_price_ends_a_conversation_too(httpx2_mock: respx.Router, manager: SessionManager[Any]) -> None:
    route = httpx2_mock.post(RESPONSES).mock(return_value=says('Qual é o seu orçamento?'))
    limits = ConversationLimits(tokens=None, cost=Decimal('0.0001'))
    talk = Conversation(lead_agent(SessionMemory(manager), 'openai:gpt-5.2', limits=limits), manager)
    await talk.say('oi')
    await talk.say('até 60 mil')

    assert route.call_count == 1


async def test_a_compatible_server_is_spoken_to_by_its_url(
    httpx2_mock: respx.Router, manager: SessionManager[Any]
) -> None:
    route = httpx2_mock.post(CHAT).mock(return_value=chat_says('Qual é o seu orçamento?'))
    model = lead_model('openai:qwen', base_url='https://llm.example/v1', api_key='local')
    talk = Conversation(lead_agent(SessionMemory(manager), model), manager)

    assert await talk.say('oi') == 'Qual é o seu orçamento?'

    assert bodies(route)[0]['model'] == 'qwen'
    assert cast('Any', route.calls)[0].request.headers['authorization'] == 'Bearer local'


async def test_every_request_has_a_time_limit(httpx2_mock: respx.Router, talk: Conversation, api: Api) -> None:
    route = httpx2_mock.post(api.url).mock(return_value=api.says('Qual é o seu orçamento?'))

    await talk.say('oi')

    assert cast('Any', route.calls)[0].request.extensions['timeout']['read'] == 15
