"""What a sender knows of each message, and what it never does twice."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from agent_memory.errors import InvalidInput
from agent_memory.testing.graph import FailsLater, FakeGraph, Fault, Problem
from agent_memory.whatsapp._graph import GraphApi, make_client
from agent_memory.whatsapp._limits import Limits
from agent_memory.whatsapp._outbound import TextMessage
from agent_memory.whatsapp.sender import GraphSender, Recipient

ANA = Recipient(wa_id='5511987650001')
OI = TextMessage('oi')
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Clock:
    """Seconds that pass only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def graph() -> FakeGraph:
    return FakeGraph()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sender(graph: FakeGraph, clock: Clock) -> AsyncIterator[GraphSender]:
    async with make_client(graph.transport()) as client:
        api = GraphApi(graph.phone_number_id, graph.token, client)
        yield GraphSender(api, Limits(clock, pair_burst=100), clock=lambda: NOW, sleep=clock.sleep)


async def test_an_accepted_message_is_seen_once_with_its_opaque_data(graph: FakeGraph, sender: GraphSender) -> None:
    result = await sender.send(ANA, OI, opaque='t:1', reply_to='wamid.0')
    (seen,) = graph.seen
    assert (result.outcome, result.wamid, seen.opaque) == ('accepted', seen.wamid, 't:1')
    assert seen.payload == {
        'messaging_product': 'whatsapp',
        'recipient_type': 'individual',
        'to': '5511987650001',
        'type': 'text',
        'text': {'body': 'oi', 'preview_url': False},
        'context': {'message_id': 'wamid.0'},
        'biz_opaque_callback_data': 't:1',
    }


async def test_a_person_without_a_phone_number_is_reached_by_user_id(graph: FakeGraph, sender: GraphSender) -> None:
    await sender.send(Recipient(bsuid='BR.1'), OI)
    await sender.send(Recipient(wa_id='5511987650001', bsuid='BR.1'), OI)
    first, second = (one.payload for one in graph.seen)
    assert (first.get('to'), first['recipient'], second['to'], second.get('recipient')) == (
        None,
        'BR.1',
        '5511987650001',
        None,
    )


@pytest.mark.parametrize(
    ('fault', 'seen'),
    [
        (Fault.accepted_then_timeout, 1),
        (Fault.accepted_then_reset, 1),
        (Fault.accepted_then_bad_gateway, 1),
        (Fault.accepted_without_id, 1),
        (Fault.reset, 0),
        (Problem(99999, status=500), 0),
    ],
)
async def test_what_may_have_arrived_is_never_sent_again(
    graph: FakeGraph, sender: GraphSender, fault: Any, seen: int
) -> None:
    graph.fail(fault)
    result = await sender.send(ANA, OI)
    assert (result.outcome, graph.requests, len(graph.seen)) == ('indeterminate', 1, seen)


@pytest.mark.parametrize(
    'fault',
    [
        Fault.refused_connection,
        Problem(131000, status=500),
        Problem(131016),
        Problem(2),
        Problem(130429, status=429),
        Problem(4242, is_transient=True),
    ],
)
async def test_what_was_certainly_not_sent_is_sent_again(graph: FakeGraph, sender: GraphSender, fault: Any) -> None:
    graph.fail(fault, fault)
    result = await sender.send(ANA, OI)
    assert (result.outcome, graph.requests, len(graph.seen)) == ('accepted', 3, 1)


async def test_a_refusal_that_lasts_is_given_back_with_a_time_to_wait(graph: FakeGraph, sender: GraphSender) -> None:
    graph.fail(*[Problem(131016)] * 3)
    result = await sender.send(ANA, OI)
    assert (result.outcome, result.code, graph.requests) == ('not_sent', 131016, 3)
    assert result.retry_after == timedelta(seconds=30)


async def test_the_pair_limit_waits_longer_each_time_and_only_for_that_person(
    graph: FakeGraph, sender: GraphSender
) -> None:
    graph.fail(Problem(131056), Problem(131056), None, None, Problem(131056))
    waits = [(await sender.send(ANA, OI)).retry_after.total_seconds() for _ in range(2)]
    assert waits == [4, 16]
    assert (await sender.send(Recipient(wa_id='5521999990000'), OI)).outcome == 'accepted'
    assert (await sender.send(ANA, OI)).outcome == 'accepted'
    assert (await sender.send(ANA, OI)).retry_after == timedelta(seconds=4)


@pytest.mark.parametrize('code', [131026, 131047, 131048, 131049, 131050, 131062, 100, 132000, 555555])
async def test_a_refusal_for_good_is_rejected(graph: FakeGraph, sender: GraphSender, code: int) -> None:
    graph.fail(Problem(code))
    result = await sender.send(ANA, OI)
    assert (result.outcome, result.code, graph.requests) == ('rejected', code, 1)


async def test_a_refused_account_pauses_the_whole_number(graph: FakeGraph, sender: GraphSender, clock: Clock) -> None:
    graph.fail(Problem(190, status=401))
    assert (await sender.send(ANA, OI)).outcome == 'not_sent'
    other = await sender.send(Recipient(wa_id='5521999990000'), OI)
    assert (other.outcome, other.retry_after, graph.requests) == ('not_sent', timedelta(seconds=60), 1)
    clock.now += 60
    assert (await sender.send(ANA, OI)).outcome == 'accepted'


@pytest.mark.parametrize(('left_s', 'outcome'), [(61, 'accepted'), (60, 'rejected'), (0, 'rejected'), (-1, 'rejected')])
async def test_nothing_is_sent_in_the_last_minute_of_the_window(
    graph: FakeGraph, sender: GraphSender, left_s: int, outcome: str
) -> None:
    result = await sender.send(ANA, OI, window_until=NOW + timedelta(seconds=left_s))
    assert (result.outcome, len(graph.seen)) == (outcome, int(outcome == 'accepted'))
    assert result.code == (None if outcome == 'accepted' else 131047)


async def test_one_person_gets_three_messages_at_once_and_then_one_in_six_seconds(graph: FakeGraph) -> None:
    clock = Clock()
    sender = GraphSender(GraphApi(graph.phone_number_id, graph.token, make_client(graph.transport())), Limits(clock))
    results = [await sender.send(ANA, OI) for _ in range(4)]
    assert [result.outcome for result in results] == ['accepted'] * 3 + ['not_sent']
    assert results[3].retry_after == timedelta(seconds=6)
    assert (await sender.send(Recipient(wa_id='5521999990000'), OI)).outcome == 'accepted'
    clock.now += 6
    assert (await sender.send(ANA, OI)).outcome == 'accepted'
    assert (await sender.send(ANA, OI)).outcome == 'not_sent'
    await sender.aclose()


async def test_the_number_sends_no_more_than_its_rate() -> None:
    clock = Clock()
    limits = Limits(clock, number_per_s=2)
    assert [limits.take(str(person)) for person in range(3)] == [0, 0, 0.5]


async def test_a_sender_keeps_to_the_rate_that_it_is_given(graph: FakeGraph) -> None:
    sender = GraphSender.to_number(graph.phone_number_id, graph.token, transport=graph.transport(), number_per_s=0.1)
    people = [Recipient(wa_id=f'551198765000{place}') for place in range(2)]
    assert [(await sender.send(person, OI)).outcome for person in people] == ['accepted', 'not_sent']
    await sender.aclose()


async def test_a_read_receipt_may_show_that_an_answer_comes(graph: FakeGraph, sender: GraphSender) -> None:
    assert await sender.read('wamid.1')
    assert graph.typing == []
    assert await sender.read('wamid.2', typing=True)
    assert graph.typing == ['wamid.2']


async def test_a_wrong_token_and_a_later_failure_show_nothing_to_the_person(graph: FakeGraph) -> None:
    wrong = GraphSender.to_number(graph.phone_number_id, SecretStr('wrong'), transport=graph.transport())
    assert (await wrong.send(ANA, OI)).code == 190
    await wrong.aclose()
    right = GraphSender.to_number(graph.phone_number_id, graph.token, transport=graph.transport())
    graph.fail(FailsLater(131047))
    assert (await right.send(ANA, OI)).outcome == 'accepted'
    assert graph.seen == []
    assert [item['errors'][0]['code'] for item in graph.statuses()] == [131047]
    await right.aclose()


async def test_neither_token_nor_phone_number_shows_in_representations_or_logs(
    graph: FakeGraph, sender: GraphSender, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        result = await sender.send(ANA, OI)
    shown = f'{sender!r} {sender.api!r} {result!r} {caplog.text}'
    assert graph.token.get_secret_value() not in shown
    assert '5511987650001' not in shown
    assert graph.seen[0].wamid not in shown


async def test_a_redirect_is_not_followed() -> None:
    moved = httpx2.MockTransport(lambda _: httpx2.Response(307, headers={'Location': 'https://evil.example/'}))
    sender = GraphSender.to_number('1', SecretStr('t'), transport=moved)
    assert (await sender.send(ANA, OI)).outcome == 'rejected'
    await sender.aclose()


async def test_a_recipient_and_the_opaque_data_are_checked(sender: GraphSender) -> None:
    with pytest.raises(InvalidInput):
        Recipient()
    with pytest.raises(InvalidInput):
        await sender.send(ANA, OI, opaque='x' * 513)
