"""Workers for tests: managers on one server, and a model that says what it was shown."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, UserPromptPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from agent_memory._turns import Replay, Turn
from agent_memory.backend._protocol import JoinableStore, Policy
from agent_memory.backend._redis import RedisStore
from agent_memory.capability import FACTS_PREFIX, SessionMemory
from agent_memory.lead import UserProfileData
from agent_memory.manager import SessionManager
from agent_memory.session import Inbound
from tests.servers import until

ANA = '+5511999999999'
SENT = datetime(2026, 11, 22, 9, tzinfo=UTC)
QUICK = Policy(lease=timedelta(milliseconds=300), backoff=timedelta(milliseconds=20))


@asynccontextmanager
async def worker(
    url: str, *, policy: Policy | None = None, **settings: Any
) -> AsyncGenerator[SessionManager[UserProfileData]]:
    """One worker's manager on the server at `url`."""
    manager = SessionManager(RedisStore.from_url(url, policy=policy), **settings)
    try:
        yield manager
    finally:
        await manager.close()


def inbound(message_id: str, text: str = '', *, second: int = 0, contact: str = ANA) -> Inbound:
    return Inbound(
        contact=contact,
        message_id=message_id,
        text=text or f'text of {message_id}',
        sent_at=SENT + timedelta(seconds=second),
    )


def told(messages: list[ModelMessage]) -> list[str]:
    """Return what a model was shown: the person's words and its own, without the facts."""
    lines: list[str] = []
    for message in messages:
        for part in message.parts:
            if isinstance(part, TextPart) and isinstance(message, ModelResponse):
                lines.append(part.content)
            elif isinstance(part, UserPromptPart) and isinstance(message, ModelRequest):
                lines.append(str(part.content))
    return [line for line in lines if not line.startswith(FACTS_PREFIX)]


@dataclass
class Parrot:
    """A model that answers `re: <the last words it was shown>`, when it is let."""

    calls: list[list[str]] = field(default_factory=list[list[str]])
    """What it was shown in each call."""
    fails: int = 0
    """How many calls fail from now on."""
    started: anyio.Event = field(default_factory=anyio.Event)
    """Set when a call has begun."""
    free: anyio.Event = field(default_factory=anyio.Event)
    """Calls wait for it; set it unless a test holds them."""

    def hold(self) -> None:
        self.started, self.free = anyio.Event(), anyio.Event()

    async def __call__(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        del info
        lines = told(messages)
        self.calls.append(lines)
        self.started.set()
        await self.free.wait()
        if self.fails:
            self.fails -= 1
            raise ConnectionError('the model is away')
        return ModelResponse(parts=[TextPart(f're: {lines[-1]}')])

    def agent(self, memory: SessionMemory[Any], **settings: Any) -> Agent[Inbound, str]:
        return Agent(FunctionModel(self), deps_type=Inbound, capabilities=[memory], **settings)


def parrot() -> Parrot:
    """Return a parrot that answers at once."""
    model = Parrot()
    model.free.set()
    return model


async def arrived(turn: Turn[Any] | Replay, count: int) -> None:
    """Wait until so many messages wait behind `turn`."""
    assert isinstance(turn, Turn)
    grant, store = turn.grant, turn._store  # pyright: ignore[reportPrivateUsage] - what the turn itself would ask
    assert isinstance(store, JoinableStore)

    async def waiting() -> bool:
        return len(await store.arrived(grant)) >= count

    await until(waiting)


async def mail(manager: SessionManager[Any], count: int, contact: str = ANA) -> None:
    """Wait until the contact's mailbox holds so many messages, the running turn's among them."""
    store = manager.store
    assert isinstance(store, RedisStore)
    contact_id = await manager.contact_id(contact)
    keys = await store._ready()  # pyright: ignore[reportPrivateUsage] - the store tells nobody this

    async def waiting() -> bool:
        size: Any = store.client.zcard(keys.queue(contact_id))
        return await size >= count

    await until(waiting)


async def leave_waiting(manager: SessionManager[Any], name: str, *, second: int = -1) -> None:
    """Put a message into the mailbox whose caller then goes away."""
    async with manager.turn(inbound(name, second=second)) as turn:
        assert isinstance(turn, Turn)
        await turn.give_back(error='', outcome='release')


async def steal_when(manager: SessionManager[Any], started: anyio.Event) -> None:
    """Let another worker take the turn over once it runs, as if this one's lease had ended."""
    await started.wait()
    store = manager.store
    assert isinstance(store, RedisStore)
    keys = await store._ready()  # pyright: ignore[reportPrivateUsage] - there is no public way to steal
    stolen: Any = store.client.hset(keys.session(await manager.contact_id(ANA)), 'token', 'another')
    await stolen
