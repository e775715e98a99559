"""Workers are stopped past their leases and killed while a channel delivers and redelivers."""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

import json
import random
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import platformdirs
import pytest
from redis.asyncio import Redis

from agent_memory.codec import Codec
from agent_memory.lead import CAR_LEAD
from agent_memory.vault import Vault
from tests.faults.workers import Crew, Job, Settings, deliver
from tests.servers import admin_url

CONTACTS = 12
MESSAGES = 22
"""For each contact, and more until some commit came from a worker that had lost its turn."""
MOST = 90
LEASE_MS = 300
NAMES = ('a', 'b', 'c', 'd')


@pytest.mark.timeout(240)
async def test_stopped_and_killed_workers_lose_nothing_and_answer_once(
    redis_url: str, record_property: Callable[[str, object], None]
) -> None:
    dice = random.Random(1)
    crew = Crew(Settings(redis_url, lease_ms=LEASE_MS, think_ms=(20, 80), attempts=1000, by='manager'))
    client: Any = Redis.from_url(admin_url(redis_url), socket_timeout=None)
    said: Counter[str] = Counter()
    channel = _Channel(client, dice)
    try:
        for name in NAMES:
            crew.start(name)
        for _ in NAMES:
            assert await client.blpop(['ready'], timeout=60)
        with anyio.fail_after(200):
            async with _collecting(channel), anyio.create_task_group() as tasks:
                tasks.start_soon(_torment, crew, dice, said)
                async with anyio.create_task_group() as people:
                    for contact in range(CONTACTS):
                        people.start_soon(channel.converse, f'+5511900000{contact:03d}')
                tasks.cancel_scope.cancel()
        entries = await client.xrange('am:{0}:out')
        fenced = int(await client.get('log:fenced') or 0)
        calls = await client.llen('log:calls')
    finally:
        crew.end()
        await client.aclose()
    contacts = await _answered(entries)
    total = channel.said
    record_property(
        'measured',
        f'{total} messages, {channel.deliveries} deliveries, {said["stop"]} stops, {said["kill"]} kills: '
        f'{calls} model calls, {fenced} fenced commits',
    )
    assert set(contacts.values()) == {1}, 'a message was answered twice'
    assert len(contacts) == total, 'a message was lost'
    assert all(len(replies) == 1 for replies in channel.replies.values()), 'a message got two different replies'
    assert fenced > 0


class _Channel:
    """Delivers each message until it is answered, and some of them twice for no reason, as WhatsApp does."""

    def __init__(self, client: Any, dice: random.Random) -> None:
        self._client, self._dice = client, dice
        self.replies: dict[str, set[str]] = {}
        self.deliveries = self.said = 0
        self.news = anyio.Condition()

    async def converse(self, contact: str) -> None:
        impatience = anyio.CapacityLimiter(3)
        for first in range(0, MOST, MESSAGES):
            async with anyio.create_task_group() as tasks:
                for number in range(first, first + MESSAGES):
                    job = Job(contact, f'{contact}/{number}', f'text {number}', second=number)
                    tasks.start_soon(self._send, job, impatience)
                    self.said += 1
            if await self._client.get('log:fenced'):
                return

    async def _send(self, job: Job, impatience: anyio.CapacityLimiter) -> None:
        async with impatience:
            await self._deliver_until_answered(job)

    async def _deliver_until_answered(self, job: Job) -> None:
        while job.message_id not in self.replies:
            for _ in range(2 if self._dice.random() < 0.25 else 1):
                self.deliveries += 1
                await deliver(self._client, self._dice.choice(NAMES), job)
            with anyio.move_on_after(1):
                async with self.news:
                    while job.message_id not in self.replies:
                        await self.news.wait()


@asynccontextmanager
async def _collecting(channel: _Channel) -> AsyncGenerator[None]:
    async def collect() -> None:
        while True:
            if found := await channel._client.blpop(['replies'], timeout=1):  # pyright: ignore[reportPrivateUsage]
                message_id, reply = json.loads(found[1])
                async with channel.news:
                    channel.replies.setdefault(message_id, set()).add(reply)
                    channel.news.notify_all()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(collect)
        yield
        tasks.cancel_scope.cancel()


async def _torment(crew: Crew, dice: random.Random, said: Counter[str]) -> None:
    """Stop a worker for longer than its lease all the time; kill every fifth one of them."""
    while True:
        await anyio.sleep(0.02)
        name = dice.choice(NAMES)
        crew.signal(name, signal.SIGSTOP)
        said['stop'] += 1
        await anyio.sleep(LEASE_MS / 1000 * 1.5)
        if said['stop'] % 5 == 0:
            crew.kill(name)
            crew.start(name)
            said['kill'] += 1
        else:
            crew.signal(name, signal.SIGCONT)


async def _answered(entries: list[Any]) -> Counter[str]:
    """Return how often each message was answered, and check that the versions of each session have no gap."""
    answered: Counter[str] = Counter()
    versions: dict[bytes, list[int]] = {}
    vault = Vault.at(platformdirs.user_data_path('agent-memory'))  # the one of a manager that was given none
    for _, fields in entries:
        assert fields[b'kind'] == b'turn', fields
        codec = Codec(CAR_LEAD, await vault.find(fields[b'contact'].decode()))
        record = codec.read_turn(fields[b'body'])
        if record.messages[0].text != 'ready':
            answered.update(message.id for message in record.messages)
            versions.setdefault(fields[b'contact'] + fields[b'started'], []).append(int(fields[b'version']))
    assert all(found == list(range(1, len(found) + 1)) for found in versions.values())
    return answered
