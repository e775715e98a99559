"""How workers learn of mail: woken when it is due, asking the store as good as never while there is none."""

# pyright: reportUnknownMemberType=false, reportPrivateUsage=false
# redis-py leaves its keyword arguments untyped; the sweep is slowed down, so that only a wake-up can find mail in time.

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import anyio
import pytest
from redis.asyncio import Redis

from agent_memory.backend import _mail
from agent_memory.backend._channel import Pace
from agent_memory.backend._mail import RedisMail
from tests.servers import admin_url
from tests.whatsapp.channel import ANA, BIA, Whatsapp, whatsapp

NEVER_S = 60.0


@asynccontextmanager
async def working(redis_url: str, *, quiet_s: float = 0) -> AsyncGenerator[Whatsapp]:
    async with (
        whatsapp(redis_url, pace=Pace(quiet=timedelta(seconds=quiet_s))) as channel,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(channel.dispatcher.run)
        yield channel
        channel.dispatcher.stop()


async def says(channel: Whatsapp, *texts: str, person: str = ANA) -> None:
    await channel.deliver(*[channel.graph.says(person, text) for text in texts])


async def subscribers(client: Any) -> list[dict[str, str]]:
    return [one for one in await client.client_list(_type='pubsub') if int(one['sub'])]


async def until_subscribed(client: Any, *, but: frozenset[str] = frozenset()) -> frozenset[str]:
    with anyio.fail_after(10):
        while not (found := frozenset(one['id'] for one in await subscribers(client)) - but):  # noqa: ASYNC110 - a server tells no event
            await anyio.sleep(0.01)
    return found


async def test_mail_wakes_its_worker_when_the_person_has_been_quiet(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_mail, '_SWEEP_S', NEVER_S)
    async with (
        Redis.from_url(admin_url(redis_url), decode_responses=True) as client,
        working(redis_url, quiet_s=0.3) as channel,
    ):
        await until_subscribed(client)
        await says(channel, 'oi', 'quero um SUV')
        assert await channel.until_seen(1) == ['Você disse: oi\nquero um SUV']
        await says(channel, 'até 90 mil')
        await says(channel, 'oi', person=BIA)
        assert len(await channel.until_seen(3)) == 3


async def test_mail_of_a_moment_without_a_connection_is_found_when_it_is_back(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_mail, '_SWEEP_S', NEVER_S)
    async with whatsapp(redis_url) as channel:
        mail = channel.manager.channel.mail()
        assert await mail.take(5) == ()
        await says(channel, 'oi')
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(mail.listen)
            with anyio.fail_after(10):
                await mail.wait()
            tasks.cancel_scope.cancel()
        assert len(await mail.take(5)) == 1


async def test_a_killed_connection_is_made_again(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_mail, '_SWEEP_S', NEVER_S)
    async with Redis.from_url(admin_url(redis_url), decode_responses=True) as client, working(redis_url) as channel:
        before = await until_subscribed(client)
        await client.client_kill_filter(_type='pubsub')
        await until_subscribed(client, but=before)
        await says(channel, 'oi')
        assert await channel.until_seen(1) == ['Você disse: oi']


async def test_mail_that_nobody_told_of_is_found_by_the_sweep(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def deaf(self: RedisMail) -> None:
        await anyio.sleep_forever()

    monkeypatch.setattr(RedisMail, 'listen', deaf)
    monkeypatch.setattr(_mail, '_SWEEP_S', 0.1)
    async with working(redis_url) as channel:
        await says(channel, 'oi')
        assert await channel.until_seen(1) == ['Você disse: oi']


async def test_a_message_that_comes_while_the_last_reply_leaves_is_answered_next(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_mail, '_SWEEP_S', NEVER_S)
    monkeypatch.setattr(_mail, '_HOLD', timedelta(seconds=NEVER_S))
    async with Redis.from_url(admin_url(redis_url), decode_responses=True) as client, working(redis_url) as channel:
        await until_subscribed(client)
        channel.graph.delay_s = 0.3
        await says(channel, 'oi')
        with anyio.fail_after(10):
            while not channel.asked:  # noqa: ASYNC110 - an agent tells no event
                await anyio.sleep(0.01)
        await says(channel, 'tudo bem?')
        assert await channel.until_seen(2) == ['Você disse: oi', 'Você disse: tudo bem?']


async def test_an_idle_worker_leaves_the_store_alone(redis_url: str) -> None:
    async with Redis.from_url(admin_url(redis_url), decode_responses=True) as client, working(redis_url):
        await until_subscribed(client)
        await client.config_resetstat()
        await anyio.sleep(1)
        commands: Any = await client.info('commandstats')
    # One look for mail in two seconds, and one in a second for replies that were left behind.
    assert commands.get('cmdstat_evalsha', {'calls': 0})['calls'] <= 2
    assert commands['cmdstat_zrangebyscore']['calls'] <= 5


async def test_two_workers_that_look_at_once_do_not_take_the_same_contact(redis_url: str) -> None:
    async with whatsapp(redis_url) as channel:
        await says(channel, 'oi')
        await says(channel, 'oi', person=BIA)
        one, other = channel.manager.channel.mail(), channel.manager.channel.mail()
        first, second, third = await one.take(1), await other.take(5), await other.take(5)
        assert (len(first), len(second), third) == (1, 1, ())
        assert {*first, *second} == {await channel.manager.contact_id(f'+{person}') for person in (ANA, BIA)}
        assert await channel.dispatcher.work(first[0])
