"""The double-text trial: two messages 50 ms apart in two processes, and the first one again."""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

import json
import statistics
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import anyio
import pytest
from redis.asyncio import Redis

from agent_memory.testing import Trial, double_text_trial
from tests.faults.workers import Crew, Job, Settings, deliver
from tests.servers import admin_url

RUNS = 100
THINK = timedelta(milliseconds=120)


@pytest.mark.timeout(180)
async def test_a_double_text_is_two_turns_in_order_in_each_of_100_runs(
    redis_url: str, record_property: Callable[[str, object], None]
) -> None:
    think = THINK // timedelta(milliseconds=1)
    crew = Crew(Settings(redis_url, think_ms=(think, think)))
    client: Any = Redis.from_url(admin_url(redis_url), socket_timeout=None)
    trials: list[Trial] = []
    try:
        for name in ('one', 'other'):
            crew.start(name)
        for _ in range(2):
            assert await client.blpop(['ready'], timeout=60)
        await client.delete('log:calls')
        before = await client.xlen('am:{0}:out')
        async with _post(client) as (one, other):
            for run in range(RUNS):
                contact = f'+55119{run:08d}'
                trials.append(await double_text_trial(one, other, contact=contact, gap=timedelta(milliseconds=50)))
        calls = [json.loads(call) for call in await client.lrange('log:calls', 0, -1)]
        committed = await client.xlen('am:{0}:out') - before
    finally:
        crew.end()
        await client.aclose()
    assert all(trial.answered for trial in trials)
    assert len(calls) == committed == 2 * RUNS
    later = [call for call in calls if len(call) > 1]
    replies = {reply for trial in trials for reply in (trial.first.reply, trial.second.reply)}
    assert len(later) == RUNS
    assert all(len(call) == 3 and call[1] in replies for call in later)
    # A worker that this machine stalls for 50 ms accepts the first message after the second: it cannot know better.
    late = sum(call[2] != 'sou de Campinas' for call in later)
    assert late <= RUNS // 10
    over = sorted((trial.hand_over - THINK) / timedelta(milliseconds=1) for trial in trials)
    record_property(
        'measured',
        f'{RUNS} double texts: hand-over p50 {statistics.median(over):.1f} ms, p99 {over[-2]:.1f} ms; '
        f'{late} accepted out of order',
    )


class _Post:
    """Sends a message to a worker process and waits for its reply."""

    def __init__(self, client: Redis, name: str, replies: dict[str, list[str]], news: anyio.Condition) -> None:
        self._client, self._name, self._replies, self._news = client, name, replies, news

    async def __call__(self, contact: str, message_id: str, text: str) -> str:
        # Ids are unique within a contact only; replies come back by id, so the contact is part of it here.
        own = f'{contact}/{message_id}'
        had = len(self._replies.get(own, []))
        await deliver(self._client, self._name, Job(contact, own, text, second=int(message_id[-1])))
        with anyio.fail_after(20):
            async with self._news:
                while len(self._replies.get(own, [])) <= had:
                    await self._news.wait()
        return self._replies[own][had]


@asynccontextmanager
async def _post(client: Any) -> AsyncGenerator[tuple[_Post, _Post]]:
    replies: dict[str, list[str]] = {}
    news = anyio.Condition()

    async def collect() -> None:
        while True:
            if found := await client.blpop(['replies'], timeout=1):
                message_id, reply = json.loads(found[1])
                async with news:
                    replies.setdefault(message_id, []).append(reply)
                    news.notify_all()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(collect)
        yield _Post(client, 'one', replies, news), _Post(client, 'other', replies, news)
        tasks.cancel_scope.cancel()
