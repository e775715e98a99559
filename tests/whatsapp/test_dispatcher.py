"""What people on WhatsApp see, whatever goes wrong on the way."""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, cast

import anyio
import pytest
from redis.asyncio import Redis

from agent_memory._turns import Turn
from agent_memory.backend._channel import Pace
from agent_memory.backend._redis import RedisStore
from agent_memory.session import Inbound
from agent_memory.testing.graph import FailsLater, FakeGraph, Fault, Problem
from agent_memory.turn import HandOver
from agent_memory.whatsapp._outbound import MAX_TEXT
from tests.servers import admin_url
from tests.whatsapp.channel import ANA, BIA, POLICY, RECEPTION, Whatsapp, whatsapp
from tests.whatsapp.memory import Clock
from tests.whatsapp.payloads import change, post

WORDS = RECEPTION.wording


@pytest.fixture
async def channel(redis_url: str) -> AsyncIterator[Whatsapp]:
    async with whatsapp(redis_url) as opened:
        yield opened


async def says(channel: Whatsapp, *texts: str, ago_s: float = 0, person: str = ANA) -> None:
    at = channel.graph.clock() - ago_s
    await channel.deliver(*[channel.graph.says(person, text, at=at) for text in texts])


async def converse(channel: Whatsapp, *texts: str, **how: Any) -> Sequence[str]:
    """Deliver messages, have them answered, and return what people were sent since."""
    before = len(channel.graph.seen)
    await says(channel, *texts, **how)
    await channel.work()
    return channel.graph.texts()[before:]


async def state_of_the_reply(channel: Whatsapp) -> str:
    """Return the state of the only reply in the store."""
    async with Redis.from_url(admin_url(channel.redis_url), decode_responses=True) as client:
        (name,) = await keys_of(client, 'am:*:r:*')
        reply: Any = await cast('Any', client.hgetall(name))
        return reply['state']


async def keys_of(client: Any, pattern: str = '*') -> list[str]:
    return [key async for key in client.scan_iter(match=pattern)]


async def test_a_burst_gets_one_reply_and_shows_that_it_comes(channel: Whatsapp) -> None:
    assert await converse(channel, 'oi', 'quero um SUV') == ['Você disse: oi\nquero um SUV']
    assert len(channel.graph.typing) == 1


async def test_three_copies_in_any_order_and_two_workers_make_one_turn_and_one_reply(redis_url: str) -> None:
    graph, clock = FakeGraph(), Clock(int(time.time()) * 1000)
    people = [f'55119876500{number:02}' for number in range(10)]
    texts = {'oi': clock.ms / 1000 - 2, 'quero um SUV': clock.ms / 1000 - 1}
    items = [graph.says(person, f'{text} {person}', at=at) for text, at in texts.items() for person in people]
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(whatsapp(redis_url, graph=graph, pace=Pace(), store=store))
            for store in (store_at(redis_url, clock), store_at(redis_url, clock))
        ]
        async with anyio.create_task_group() as tasks:
            for channel in channels:
                tasks.start_soon(channel.dispatcher.run)
            await channels[0].deliver(*items, copies=3, shuffle=random.Random(7))
            # Only now have they been quiet for long enough, however slow this machine is.
            clock.tick(2)
            await channels[0].until_seen(len(people))
            await channels[1].deliver(*items, shuffle=random.Random(8))
            await channels[1].until_idle()
            for channel in channels:
                channel.dispatcher.stop()
    asked = [text for channel in channels for text in channel.asked]
    assert sorted(asked) == [f'oi {person}\nquero um SUV {person}' for person in people]
    assert sorted(graph.texts()) == [f'Você disse: {text}' for text in sorted(asked)]


def store_at(redis_url: str, clock: Clock) -> RedisStore:
    store = RedisStore.from_url(redis_url, policy=POLICY)
    return RedisStore(store.client, POLICY, clock_ms=clock)


@pytest.mark.parametrize(
    ('fault', 'seen', 'state'),
    [
        (Fault.accepted_then_timeout, 1, 'indeterminate'),
        (Fault.accepted_then_reset, 1, 'indeterminate'),
        (Fault.accepted_then_bad_gateway, 1, 'indeterminate'),
        (Fault.accepted_without_id, 1, 'indeterminate'),
        (Fault.reset, 0, 'indeterminate'),
        (Fault.refused_connection, 1, 'sent'),
        (Problem(131000, 500), 1, 'sent'),
        (Problem(131026), 0, 'failed'),
        (Problem(131056), 0, 'generated'),
        (Problem(190, 401), 0, 'generated'),
    ],
)
async def test_no_fault_shows_a_reply_twice(channel: Whatsapp, fault: Any, seen: int, state: str) -> None:
    channel.graph.fail(fault)
    await converse(channel, 'oi')
    assert (len(channel.graph.seen), await state_of_the_reply(channel)) == (seen, state)
    await channel.dispatcher.recover()
    assert len(channel.graph.seen) == seen


async def test_a_status_settles_what_the_sender_could_not_know(channel: Whatsapp) -> None:
    channel.graph.fail(Fault.accepted_then_timeout)
    await converse(channel, 'oi')
    await channel.deliver(*channel.graph.statuses())
    assert await state_of_the_reply(channel) == 'sent'


async def test_a_message_that_fails_later_is_known_to_have_failed(channel: Whatsapp) -> None:
    channel.graph.fail(FailsLater(131047))
    assert await converse(channel, 'oi') == []
    assert await state_of_the_reply(channel) == 'sent'
    await channel.deliver(*channel.graph.statuses(), copies=2)
    assert await state_of_the_reply(channel) == 'failed'


async def test_the_pair_limit_only_delays_a_reply(channel: Whatsapp) -> None:
    channel.graph.fail(Problem(131056))
    assert await converse(channel, 'oi') == []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(channel.dispatcher.run)
        assert await channel.until_seen(1) == ['Você disse: oi']
        channel.dispatcher.stop()


async def test_a_long_reply_comes_in_parts_each_once_and_after_the_one_before_arrived(channel: Whatsapp) -> None:
    words = ' '.join(['carro'] * 680)
    channel.graph.fail(None, Fault.accepted_then_timeout)
    await converse(channel, words, words)
    assert await converse(channel, 'alô?') == []
    assert await channel.dispatcher.recover() == 0
    await channel.deliver(*channel.graph.statuses())
    await channel.dispatcher.recover()
    parts = channel.graph.texts()
    assert [len(part) <= MAX_TEXT for part in parts] == [True, True, True]
    assert ' '.join(parts) == f'Você disse: {words} {words} Você disse: alô?'
    await channel.deliver(*channel.graph.statuses())
    await channel.dispatcher.recover()
    assert len(channel.graph.seen) == 3


async def test_whole_words_stop_the_bot_and_only_a_wish_brings_it_back(channel: Whatsapp) -> None:
    assert await converse(channel, 'quero sair do aluguel') == ['Você disse: quero sair do aluguel']
    assert await converse(channel, ' PARAR! ') == [WORDS.opted_out]
    assert await converse(channel, 'Pare.') == []
    assert await converse(channel, 'oi', 'alguém aí?') == []
    assert channel.asked == ['quero sair do aluguel']
    assert await converse(channel, 'Quero receber') == [WORDS.opted_in]
    assert await converse(channel, 'voltar') == ['Você disse: voltar']


async def test_who_opted_out_stays_out_in_the_next_session(channel: Whatsapp) -> None:
    await converse(channel, 'parar')
    assert await channel.manager.expire_session(f'+{ANA}')
    assert await converse(channel, 'oi') == []


async def test_a_person_of_the_business_who_writes_by_hand_mutes_the_bot(channel: Whatsapp) -> None:
    await converse(channel, 'oi')
    echo = {'from': '551130000000', 'to': ANA, 'id': 'wamid.E', 'type': 'text', 'text': {'body': 'Oi, é a Bia'}}
    body = post(change('smb_message_echoes', message_echoes=[echo]))
    await channel.http.post('http://localhost/', content=body, headers=channel.graph.signature(body))
    assert await converse(channel, 'que bom') == []
    assert (channel.asked, len(channel.graph.typing)) == (['oi'], 1)
    assert await converse(channel, 'oi', person=BIA) == ['Você disse: oi']


async def test_a_reply_made_before_a_person_took_over_is_not_sent_after(channel: Whatsapp) -> None:
    async def answer(turn: Turn[Any], inbound: Inbound) -> None:
        await turn.commit(reply='tarde demais')
        await channel.manager.channel.mute(turn.grant.contact_id, timedelta(hours=1))

    channel.dispatcher.answer = answer
    assert await converse(channel, 'oi') == []


async def test_a_conversation_handed_over_gets_no_reply_but_keeps_what_is_said(channel: Whatsapp) -> None:
    async def answer(turn: Turn[Any], inbound: Inbound) -> None:
        await turn.commit(reply='Já chamo alguém.', actions=[HandOver(reason='pedido do cliente')])

    channel.dispatcher.answer = answer
    assert await converse(channel, 'quero falar com alguém') == ['Já chamo alguém.']
    assert await converse(channel, 'alô?') == []
    session = await channel.manager.get_session(f'+{ANA}')
    assert session is not None
    assert session.memory.messages[-1].content == 'alô?'


async def test_messages_of_an_outage_share_one_answer(channel: Whatsapp) -> None:
    texts = [f'mensagem {number}' for number in range(25)]
    assert len(await converse(channel, *texts, ago_s=11 * 60)) == 1
    assert channel.asked == ['\n'.join(texts)]


@pytest.mark.parametrize(('ago_s', 'replies'), [(23 * 3600 - 30, 1), (23 * 3600 + 1, 0), (7 * 86400, 0)])
async def test_what_is_too_old_is_kept_and_not_answered(channel: Whatsapp, ago_s: float, replies: int) -> None:
    assert len(await converse(channel, 'oi', ago_s=ago_s)) == replies
    session = await channel.manager.get_session(f'+{ANA}')
    assert session is not None
    assert session.memory.messages[0].content == 'oi'


async def test_an_old_opt_out_counts_though_it_is_not_answered(channel: Whatsapp) -> None:
    assert await converse(channel, 'parar', ago_s=2 * 86400) == []
    assert await converse(channel, 'oi') == []


async def test_a_failing_agent_ends_in_one_apology(channel: Whatsapp) -> None:
    async def answer(turn: Turn[Any], inbound: Inbound) -> None:
        raise ZeroDivisionError

    channel.dispatcher.answer = answer
    store = channel.manager.store
    assert isinstance(store, RedisStore)
    store.policy = type(store.policy)(max_batch=20, backoff=timedelta(milliseconds=1))
    await says(channel, 'oi')
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(channel.dispatcher.run)
        assert await channel.until_seen(1) == [channel.manager.domain.apology]
        channel.dispatcher.stop()


async def test_phone_then_username_then_a_new_number_are_one_contact(channel: Whatsapp) -> None:
    graph = channel.graph
    bsuid, new_bsuid, new_number = 'BR.1350208655302741918', 'BR.999', '5511911112222'
    by_both = {**graph.says(ANA, 'com telefone'), 'from_user_id': bsuid}
    by_name = {**graph.says('', 'só usuário'), 'from_user_id': bsuid, 'id': 'wamid.2'}
    system = {'type': 'user_changed_number', 'wa_id': new_number, 'user_id': new_bsuid, 'body': 'changed'}
    changed = {**graph.item(ANA, {'type': 'system', 'system': system}), 'from_user_id': bsuid}
    by_new = {**graph.says(new_number, 'número novo'), 'from_user_id': new_bsuid}
    for item in (graph.says(ANA, 'antes'), by_both, by_name, changed, by_new):
        await channel.deliver(item)
        await channel.work()
    session = await channel.manager.get_session(f'+{ANA}')
    assert session is not None
    assert [line.content for line in session.memory.messages if line.role == 'user'] == [
        'antes',
        'com telefone',
        'só usuário',
        'número novo',
    ]
    assert [one.to for one in graph.seen] == [ANA, ANA, bsuid, new_number]
    assert {await channel.manager.contact_id(name) for name in (new_bsuid, f'+{new_number}')} == {session.contact_id}


async def test_a_shutdown_gives_turns_back_unharmed(channel: Whatsapp) -> None:
    begun = anyio.Event()

    async def never(turn: Turn[Any], inbound: Inbound) -> None:
        begun.set()
        await anyio.sleep_forever()

    answer, channel.dispatcher.answer = channel.dispatcher.answer, never
    channel.dispatcher.grace = timedelta(milliseconds=50)
    await says(channel, 'oi')
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(channel.dispatcher.run)
        await begun.wait()
        channel.dispatcher.stop()
    channel.dispatcher.answer = answer
    started = time.monotonic()
    assert await channel.work() == 1
    assert channel.graph.texts() == ['Você disse: oi']
    assert time.monotonic() - started < 1


async def test_nothing_in_a_key_names_the_person(channel: Whatsapp) -> None:
    await converse(channel, 'oi')
    async with Redis.from_url(admin_url(channel.redis_url), decode_responses=True) as client:
        keys = ' '.join(await keys_of(client))
    assert ANA not in keys
    assert 'wamid' not in keys
    assert ANA not in (channel.graph.seen[0].opaque or '')
