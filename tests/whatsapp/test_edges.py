"""The limits in time and number, each a second, a millisecond or an item to either side."""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from agent_memory.backend._channel import Pace
from agent_memory.backend._redis import RedisStore
from agent_memory.whatsapp import GraphSender
from agent_memory.whatsapp._delivery import Delivery
from tests.servers import admin_url
from tests.whatsapp.channel import ANA, POLICY, Whatsapp, whatsapp
from tests.whatsapp.memory import Memory, memory_on

SENT = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.fixture
async def memory(redis_url: str) -> AsyncIterator[Memory]:
    async with memory_on(redis_url, pace=Pace(), mailbox_cap=50) as opened:
        yield opened


async def test_a_burst_ends_when_nothing_came_for_1800_ms(memory: Memory) -> None:
    await memory.receive('1')
    memory.clock.tick(1.799)
    assert not await memory.due()
    await memory.receive('2')
    memory.clock.tick(1.799)
    assert not await memory.due()
    memory.clock.tick(0.001)
    assert await memory.due()


async def test_a_burst_ends_8_seconds_after_its_first_message(memory: Memory) -> None:
    await memory.receive('first')
    for place in range(5):
        memory.clock.tick(1.5)
        await memory.receive(str(place))
    memory.clock.tick(0.499)
    assert not await memory.due()
    memory.clock.tick(0.001)
    assert await memory.due()


async def test_a_burst_ends_with_its_20th_message(memory: Memory) -> None:
    for place in range(19):
        assert (await memory.receive(str(place))).due == timedelta(seconds=1.8)
    assert not await memory.due()
    assert (await memory.receive('20th')).due == timedelta(0)
    assert await memory.due()
    await memory.receive('one more')
    assert len(await memory.answer()) == 20
    assert len(await memory.answer()) == 1


@dataclass
class Late:
    """A channel whose worker and sender look at the clock so long after Ana wrote."""

    channel: Whatsapp

    def at(self, after_s: float) -> None:
        def now() -> datetime:
            return SENT + timedelta(seconds=after_s)

        self.channel.dispatcher.clock = now
        for sender in self.channel.dispatcher.senders.values():
            assert isinstance(sender, GraphSender)
            sender.clock = now

    async def says(self, *texts: str) -> None:
        at = SENT.timestamp()
        await self.channel.deliver(*[self.channel.graph.says(ANA, text, at=at) for text in texts])


@asynccontextmanager
async def late(redis_url: str) -> AsyncGenerator[Late]:
    async with whatsapp(redis_url) as channel:
        yield Late(channel)


@pytest.mark.parametrize(('after_s', 'asked'), [(10 * MINUTE, [20, 1]), (10 * MINUTE + 1, [21])])
async def test_messages_share_one_answer_past_ten_minutes(redis_url: str, after_s: int, asked: list[int]) -> None:
    async with late(redis_url) as ana:
        await ana.says(*[f'mensagem {place}' for place in range(21)])
        ana.at(after_s)
        while await ana.channel.work():
            pass
        assert [len(text.splitlines()) for text in ana.channel.asked] == asked
        assert len(ana.channel.graph.seen) == len(asked)


@pytest.mark.parametrize(('after_s', 'seen'), [(23 * HOUR, 1), (23 * HOUR + 1, 0)])
async def test_what_is_older_than_23_hours_is_only_kept(redis_url: str, after_s: int, seen: int) -> None:
    async with late(redis_url) as ana:
        await ana.says('oi')
        ana.at(after_s)
        await ana.channel.work()
        assert (len(ana.channel.asked), len(ana.channel.graph.seen)) == (seen, seen)
        session = await ana.channel.manager.get_session(f'+{ANA}')
        assert session is not None
        assert session.memory.messages[0].content == 'oi'


@pytest.mark.parametrize(('left_s', 'seen'), [(61, 1), (60, 0), (-1, 0)])
async def test_a_reply_leaves_up_to_a_minute_before_the_window_closes(redis_url: str, left_s: int, seen: int) -> None:
    async with late(redis_url) as ana:
        channel = ana.channel
        await ana.says('oi')
        contact_id = await channel.manager.contact_id(f'+{ANA}')
        async with channel.manager.take(contact_id) as turn:
            assert turn is not None
            await turn.commit(reply='olá')
        ana.at(24 * HOUR - left_s)
        await Delivery(channel.manager, channel.dispatcher.senders).recover(contact_id)
        assert len(channel.graph.seen) == seen
        assert await channel.manager.channel.owed(contact_id) == ()


async def test_a_redelivery_after_seven_days_is_no_new_message(redis_url: str) -> None:
    week = timedelta(days=7)
    async with whatsapp(redis_url) as channel:
        graph = channel.graph
        items = [graph.says(ANA, 'oi', at=graph.clock() - 1), graph.says(ANA, 'quero um SUV')]
        await channel.deliver(*items, batch=2)
        await channel.work()
        await channel.deliver(*graph.statuses())
        async with Redis.from_url(admin_url(redis_url)) as client:
            await pass_time(client, week)
        store = channel.manager.store
        assert isinstance(store, RedisStore)
        later = RedisStore(store.client, POLICY, clock_ms=lambda: int((time.time() + week.total_seconds()) * 1000))
        async with whatsapp(redis_url, graph=graph, store=later) as week_later:
            await week_later.deliver(*items, batch=2, copies=2)
            await week_later.deliver(*items)
            assert await week_later.work() == 0
            await week_later.dispatcher.recover()
        assert graph.texts() == ['Você disse: oi\nquero um SUV']


async def pass_time(client: Any, passed: timedelta) -> None:
    """Let every key come as much closer to its end."""
    async for key in client.scan_iter():
        left = await client.pttl(key)
        if left >= 0:
            await client.pexpire(key, max(left - passed // timedelta(milliseconds=1), 1))
