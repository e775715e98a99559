"""Workers that are killed at each step: no message is lost, and nobody gets a reply twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
import anyio.to_thread
import pytest
import uvicorn

from agent_memory.backend._redis import RedisStore
from agent_memory.testing.graph import FakeGraph, Problem
from tests.servers import free_port
from tests.whatsapp.channel import ANA, POLICY, whatsapp

LATER_MS = 130_000


@asynccontextmanager
async def served(graph: FakeGraph) -> AsyncGenerator[str]:
    """Serve the fake Graph API over HTTP, for another process."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(cast('Any', graph), port=port, log_level='error', lifespan='off'))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve)
        while not server.started:  # noqa: ASYNC110 - uvicorn tells no event
            await anyio.sleep(0.01)
        yield f'http://127.0.0.1:{port}'
        server.should_exit = True


def run_worker(*arguments: str, delivery: bytes = b'') -> int:
    command = [sys.executable, '-m', 'tests.whatsapp.worker_process', *arguments]
    return subprocess.run(command, input=delivery, timeout=60, check=False).returncode


async def test_a_webhook_killed_before_its_answer_has_the_message_and_gets_it_again(redis_url: str) -> None:
    graph = FakeGraph()
    item = graph.says(ANA, 'oi')
    code = await anyio.to_thread.run_sync(
        lambda: run_worker(redis_url, '', 'token', 'stored', delivery=graph.body([item]))
    )
    assert code == -signal.SIGKILL
    async with whatsapp(redis_url, graph=graph) as channel:
        assert await channel.work() == 1
        await channel.deliver(item, copies=2)
        assert await channel.work() == 0
        assert graph.texts() == ['Você disse: oi']


@pytest.mark.parametrize(
    ('step', 'fault', 'seen'),
    [
        # What Ana has when the worker dies, and in the end.
        ('taken', None, (0, 1)),
        ('committed', None, (0, 1)),
        # Once claimed, a reply may have been sent: then it is not sent again.
        ('claimed', None, (0, 0)),
        ('sent', None, (1, 1)),
        ('sent', Problem(131056), (0, 0)),
        ('settled', None, (1, 1)),
        ('settled', Problem(131026), (0, 0)),
        ('settled', Problem(131056), (0, 1)),
    ],
)
async def test_a_worker_killed_between_any_two_states_loses_nothing_and_repeats_nothing(
    redis_url: str, step: str, fault: Problem | None, seen: tuple[int, int]
) -> None:
    graph = FakeGraph()
    graph.fail(fault)
    store = RedisStore.from_url(redis_url, policy=POLICY)
    # The one who finds what the dead worker left comes two minutes later.
    later = RedisStore(store.client, POLICY, clock_ms=lambda: int(time.time() * 1000) + LATER_MS)
    async with served(graph) as url, whatsapp(redis_url, graph=graph, store=later) as channel:
        async with whatsapp(redis_url, graph=graph) as now:
            await now.deliver(graph.says(ANA, 'oi'))
        code = await anyio.to_thread.run_sync(run_worker, redis_url, url, graph.token.get_secret_value(), step)
        assert code == -signal.SIGKILL
        seen_by_then = len(graph.seen)

        await channel.work()
        await channel.dispatcher.recover()
        await channel.dispatcher.recover()

        session = await channel.manager.get_session(f'+{ANA}')
        assert session is not None
        assert session.turn == 1
        assert [line.content for line in session.memory.messages] == ['oi', 'Você disse: oi']
        assert (seen_by_then, len(graph.seen)) == seen
        assert await channel.manager.channel.owed(session.contact_id) == ()
