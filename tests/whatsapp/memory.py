"""A manager on a real server whose clock the test holds."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agent_memory.backend._channel import Dispatch, Owed, Pace, Received, Settlement
from agent_memory.backend._protocol import Policy
from agent_memory.backend._redis import RedisStore
from agent_memory.lead import UserProfileData
from agent_memory.manager import SessionManager
from agent_memory.session import Inbound

ANA = '+5511987650001'
PACE = Pace(quiet=timedelta(seconds=2), cap=timedelta(seconds=8), most=5)


class Clock:
    """The server's milliseconds, moved by the test."""

    def __init__(self, ms: int = 1_772_452_800_000) -> None:
        self.ms = ms

    def __call__(self) -> int:
        return self.ms

    def tick(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


@dataclass
class Memory:
    """A manager on a server whose clock the test holds."""

    manager: SessionManager[UserProfileData]
    clock: Clock
    contact_id: str
    pace: Pace

    async def receive(self, id_: str, text: str = 'oi', *, flush: bool = False, sent_s: float = 0) -> Received:
        sent_at = datetime.fromtimestamp(self.clock.ms / 1000 + sent_s, UTC)
        inbound = Inbound(contact=ANA, message_id=id_, text=text, sent_at=sent_at)
        return await self.manager.receive(inbound, address=b'to Ana', pace=self.pace, flush=flush)

    async def answer(self, reply: str | None = 'olá') -> list[str]:
        """Run a turn over what waits, and return what it answered."""
        async with self.manager.take(self.contact_id) as turn:
            if turn is None:
                return []
            await turn.commit(reply=reply)
            return [message.text for message in turn.messages]

    async def claim(self, token: str = 'a') -> Dispatch | Owed:
        ids = await self.manager.channel.owed(self.contact_id)
        return await self.manager.channel.claim(self.contact_id, ids, token=token)

    async def sending(self, token: str = 'a') -> Dispatch:
        claimed = await self.claim(token)
        assert isinstance(claimed, Dispatch)
        return claimed

    async def due(self) -> bool:
        store = self.manager.store
        assert isinstance(store, RedisStore)
        return self.contact_id in (await store.due()).turns

    async def settle(
        self,
        claimed: Dispatch,
        outcome: Settlement,
        *,
        token: str | None = None,
        more: bool = False,
        code: int | None = None,
        wait: timedelta = timedelta(0),
    ) -> bool:
        """Record what became of a part; `token=''` is a status."""
        return await self.manager.channel.settle(
            self.contact_id,
            claimed.message_id,
            outcome,
            token=claimed.token if token is None else token,
            part=claimed.part,
            more=more,
            code=code,
            wait=wait,
        )


@asynccontextmanager
async def memory_on(redis_url: str, *, pace: Pace = PACE, mailbox_cap: int = 10) -> AsyncGenerator[Memory]:
    clock = Clock()
    store = RedisStore.from_url(redis_url, policy=Policy(max_batch=20, mailbox_cap=mailbox_cap))
    store = RedisStore(store.client, policy=store.policy, clock_ms=clock)
    manager = SessionManager(store, clock=lambda: datetime.fromtimestamp(clock.ms / 1000, UTC))
    yield Memory(manager, clock, await manager.contact_id(ANA), pace)
    await manager.close()
