"""Where a conversation of a suite takes place: a store and a clock of its own, and the agent that is judged."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from pydantic_ai.models import Model

from agent_memory._turns import Replay, Turn
from agent_memory.backend._connect import connect
from agent_memory.backend._embedded import embedded_server
from agent_memory.backend._protocol import Policy
from agent_memory.backend._redis import RedisStore
from agent_memory.capability import SessionMemory
from agent_memory.manager import SessionManager
from agent_memory.session import Domain, Inbound
from agent_memory.vault import MasterKeys, SqliteKeys, Vault

POLICY = Policy(max_batch=20)
"""A burst is answered as one, as on WhatsApp."""
_NOON = time(12, tzinfo=UTC)


@dataclass
class Clock:
    """The time of one conversation. It stands still but for what the script lets pass."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def ms(self) -> int:
        return int(self.at.timestamp() * 1000)

    def advance(self, by: timedelta) -> None:
        self.at += by


@dataclass
class Stage:
    """One conversation's store and clock, and the worker that is at it now."""

    url: str
    prefix: str
    domain: Domain[Any]
    clock: Clock
    folder: Path
    """Where the keys of the people in it lie, apart from those of real ones."""
    manager: SessionManager[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.manager = self._worker()

    async def restart(self) -> None:
        """Put another worker in the place of this one: nothing is left but the store."""
        await self.manager.close()
        self.manager = self._worker()

    async def lose_worker(self, contact_id: str) -> None:
        """Let a worker take the contact's turn and die, and time pass until its lease has ended."""
        await self.manager.store.begin(contact_id, None)
        self.clock.advance(POLICY.lease + timedelta(seconds=1))
        await self.restart()

    async def close(self) -> None:
        await self.manager.close()

    def _worker(self) -> SessionManager[Any]:
        store = RedisStore(connect(self.url), policy=POLICY, prefix=self.prefix, clock_ms=self.clock.ms)
        return SessionManager(store, domain=self.domain, vault=Vault.at(self.folder), clock=self.clock.now)


_IN_PLAY: ContextVar[Stage] = ContextVar('stage')


class _ManagerInPlay(SessionManager[Any]):
    """Whichever manager the conversation in play has, so that one agent serves them all."""

    async def contact_id(self, contact: str) -> str:
        return await _IN_PLAY.get().manager.contact_id(contact)

    @asynccontextmanager
    async def turn(self, inbound: Inbound, *, wait: timedelta | None = None) -> AsyncGenerator[Turn[Any] | Replay]:
        async with _IN_PLAY.get().manager.turn(inbound, wait=wait) as turn:
            yield turn


@dataclass(frozen=True)
class Setting:
    """What a suite's agent is made for. One agent plays every conversation of the suite."""

    model: str | Model
    """The model under test: a name, or a model given in Python."""
    memory: SessionMemory[Any]
    """Goes among the agent's capabilities."""
    now: Callable[[], datetime] = lambda: _IN_PLAY.get().clock.now()
    """The time of the conversation in play."""
    today: Callable[[], date] = lambda: _IN_PLAY.get().clock.now().date()


def setting_of(url: str, domain: Domain[Any], model: str | Model) -> Setting:
    """Return what an agent of `domain` is made for."""
    keys = SqliteKeys(Path(tempfile.gettempdir()) / 'none')  # never opened: each conversation has its own
    vault = Vault(keys, MasterKeys([secrets.token_hex(32)]))
    return Setting(model, SessionMemory(_ManagerInPlay(RedisStore(connect(url)), domain=domain, vault=vault)))


@asynccontextmanager
async def open_stage(url: str, prefix: str, domain: Domain[Any], day: date | None) -> AsyncGenerator[Stage]:
    """Open a store and a clock for one conversation, which is then the one in play in this task."""
    at = datetime.combine(day, _NOON) if day else datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix='agent-memory-stage-') as folder:
        stage = Stage(url, prefix, domain, Clock(at), Path(folder))
        token = _IN_PLAY.set(stage)
        try:
            yield stage
        finally:
            _IN_PLAY.reset(token)
            await stage.close()


@asynccontextmanager
async def temporary_server() -> AsyncGenerator[str]:
    """Start a server whose data goes away with it, and yield its URL."""
    with tempfile.TemporaryDirectory(prefix='agent-memory-eval-') as directory:
        async with embedded_server(Path(directory)) as server:
            yield server.url
