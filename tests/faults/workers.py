"""Worker processes for fault tests: they take messages from Redis lists and answer them.

Each is forked from a server that has imported everything, so that a killed worker is replaced in milliseconds.
"""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

import json
import multiprocessing
import os
import random
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from typing import Any, ClassVar, Literal

import anyio
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from redis.asyncio import Redis

from agent_memory._turns import Replay
from agent_memory.backend._connect import connect
from agent_memory.backend._protocol import Commit, Committed, Grant, Policy
from agent_memory.backend._redis import RedisStore
from agent_memory.capability import SessionMemory
from agent_memory.errors import AgentMemoryError, EarlierWaits, LeaseLost
from agent_memory.manager import SessionManager
from agent_memory.session import Inbound
from tests.servers import admin_url
from tests.workers import inbound, told


@dataclass(frozen=True)
class Job:
    """One delivery of a message."""

    contact: str
    message_id: str
    text: str
    second: int


@dataclass(frozen=True)
class Settings:
    """How a worker works."""

    url: str
    lease_ms: int = 15_000
    think_ms: tuple[int, int] = (200, 200)
    """A model call takes something between these."""
    attempts: int = 3
    by: Literal['agent', 'manager'] = 'agent'
    """Whether a message is an `agent.run`, or a bare turn, which leaves this machine more time for faults."""


@dataclass
class Crew:
    """Worker processes on one server."""

    settings: Settings
    processes: dict[str, ForkServerProcess] = field(default_factory=dict[str, ForkServerProcess])

    def __post_init__(self) -> None:
        self._context = multiprocessing.get_context('forkserver')
        self._context.set_forkserver_preload(['tests.faults.workers'])

    def start(self, name: str) -> None:
        self.processes[name] = self._context.Process(target=_main, args=(name, self.settings), daemon=True)
        self.processes[name].start()

    def signal(self, name: str, number: signal.Signals) -> None:
        os.kill(self.processes[name].pid or 0, number)

    def kill(self, name: str) -> None:
        """Kill with SIGKILL, stopped or not."""
        self.processes[name].kill()
        self.processes[name].join()

    def end(self) -> None:
        for name in self.processes:
            self.kill(name)


async def deliver(client: Redis, name: str, job: Job) -> None:
    """Hand a message to a worker, which may be dead."""
    sent: Any = client.rpush(f'jobs:{name}', json.dumps(asdict(job)))
    await sent


class _Store(RedisStore):
    log: ClassVar[Any]
    """The administrator's client: a worker's user may not write outside its store."""

    async def commit(self, grant: Grant, commit: Commit) -> Committed:
        try:
            return await super().commit(grant, commit)
        except LeaseLost:
            await self.log.incr('log:fenced')
            raise


def _main(name: str, settings: Settings) -> None:
    if sys.platform == 'linux':
        from tests.servers import die_with_parent

        die_with_parent()
    anyio.run(_work, name, settings)


async def _work(name: str, settings: Settings) -> None:
    policy = Policy(
        lease=timedelta(milliseconds=settings.lease_ms),
        max_attempts=settings.attempts,
        backoff=timedelta(milliseconds=10),
    )
    client: Any = Redis.from_url(admin_url(settings.url))
    _Store.log = client
    store = _Store(connect(settings.url), policy=policy)
    manager = SessionManager(store)
    agent = _agent(SessionMemory(manager), client, settings)

    async def by_agent(message: Inbound) -> str | None:
        return (await agent.run(message.text, deps=message)).output

    async def by_manager(message: Inbound) -> str | None:
        return await _bare_turn(manager, message, client, settings)

    answer = by_agent if settings.by == 'agent' else by_manager
    await answer(inbound('ready', 'ready', contact=f'+551190000{random.randint(1000, 9999)}'))
    await client.rpush('ready', name)
    async with anyio.create_task_group() as tasks:
        while True:
            if found := await client.blpop([f'jobs:{name}'], timeout=1):
                tasks.start_soon(_answer, answer, client, Job(**json.loads(found[1])))


async def _bare_turn(manager: SessionManager[Any], message: Inbound, client: Any, settings: Settings) -> str | None:
    while True:
        try:
            async with manager.turn(message) as turn:
                if isinstance(turn, Replay):
                    return turn.reply.text
                await client.rpush('log:calls', json.dumps([message.text]))
                await anyio.sleep(random.uniform(*settings.think_ms) / 1000)
                return (await turn.commit(reply=f'{secrets.token_hex(4)} re: {message.text}')).reply.text
        except EarlierWaits as earlier:
            first = Inbound(
                contact=earlier.contact, message_id=earlier.message_id, text=earlier.text, sent_at=earlier.sent_at
            )
            with suppress(LeaseLost):
                await _bare_turn(manager, first, client, settings)


def _agent(memory: SessionMemory[Any], client: Any, settings: Settings) -> Agent[Inbound, str]:
    async def think(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        del info
        lines = told(messages)
        await client.rpush('log:calls', json.dumps(lines))
        await anyio.sleep(random.uniform(*settings.think_ms) / 1000)
        # Another call for the same message gives another answer, so that two replies cannot pass for one.
        return ModelResponse(parts=[TextPart(f'{secrets.token_hex(4)} re: {lines[-1]}')])

    return Agent(FunctionModel(think), deps_type=Inbound, capabilities=[memory])


async def _answer(answer: Callable[[Inbound], Awaitable[str | None]], client: Any, job: Job) -> None:
    with suppress(AgentMemoryError):  # the channel delivers it again
        reply = await answer(inbound(job.message_id, job.text, second=job.second, contact=job.contact))
        await client.rpush('replies', json.dumps([job.message_id, reply]))
