"""Turns under load, and what is left of them: shared by the tests that break servers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio

from agent_memory._turns import Turn
from agent_memory.backend._connect import connect
from agent_memory.backend._protocol import Policy
from agent_memory.backend._redis import RedisStore
from agent_memory.errors import AgentMemoryError, EarlierWaits
from agent_memory.lead import UserProfileData
from agent_memory.manager import SessionManager
from agent_memory.session import Inbound

Manager = SessionManager[UserProfileData]

EVERY_TURN = 1_000_000
"""A store keeps the last 100 turns of a session by default; who looks for a lost one needs them all."""


def phone(contact: int) -> str:
    return f'+55119{contact:08}'


def said(contact: int, number: int) -> Inbound:
    return Inbound(contact=phone(contact), message_id=f'wamid.{contact}.{number}', text=f'mensagem {number}')


async def answer(manager: Manager, contact: int, number: int) -> str:
    """Run the turn of one message and return its reply, whoever committed it."""
    async with manager.turn(said(contact, number)) as turn:
        if not isinstance(turn, Turn):
            assert turn.reply.text is not None
            return turn.reply.text
        texts = [message.text for message in turn.messages]
        await turn.commit(reply=f'resposta a {texts}')
        return f'resposta a {texts}'


@dataclass
class Load:
    """Contacts that write one message after the other, each again and again until it is answered.

    The manager's window and the store's policy must keep every turn: see `EVERY_TURN`.
    """

    manager: Manager
    contacts: int = 8
    acknowledged: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """By contact, the messages whose turn was reported as committed, in order."""
    errors: list[AgentMemoryError] = field(default_factory=list[AgentMemoryError])
    stopping: bool = False

    @property
    def total(self) -> int:
        return sum(len(numbers) for numbers in self.acknowledged.values())

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Write while the block runs; afterwards every message that was begun is answered."""
        async with anyio.create_task_group() as tasks:
            for contact in range(self.contacts):
                tasks.start_soon(self._write, contact)
            yield
            self.stopping = True

    async def passes(self, more: int) -> None:
        """Wait until so many more turns are acknowledged."""
        goal = self.total + more
        with anyio.fail_after(15):
            while self.total < goal:  # noqa: ASYNC110 - the count is shared by all contacts
                await anyio.sleep(0.01)

    async def lost(self) -> list[tuple[int, int]]:
        """Return the acknowledged messages that no stored session knows, and any that it knows twice."""
        missing: list[tuple[int, int]] = []
        for contact, numbers in self.acknowledged.items():
            known = await self.texts(contact)
            missing += [(contact, number) for number in numbers if known.count(f'mensagem {number}') != 1]
        return missing

    async def texts(self, contact: int) -> list[str]:
        """Return what the contact said, as stored."""
        session = await self.manager.get_session(phone(contact))
        return [one.content for one in session.memory.messages if one.role == 'user'] if session else []

    async def _write(self, contact: int) -> None:
        number = 0
        while not self.stopping:
            await self._until_answered(contact, number)
            self.acknowledged.setdefault(contact, []).append(number)
            number += 1

    async def _until_answered(self, contact: int, number: int) -> None:
        while True:
            try:
                await answer(self.manager, contact, number)
            except EarlierWaits as earlier:
                await answer(self.manager, contact, int(earlier.text.split()[-1]))
            except AgentMemoryError as error:
                self.errors.append(error)
                await anyio.sleep(0.02)
            else:
                return


@asynccontextmanager
async def store_on(url: str, **options: Any) -> AsyncGenerator[RedisStore]:
    """A store whose connections are closed with the block. `options` are those of `RedisStore`."""
    options.setdefault('policy', Policy(kept_turns=EVERY_TURN))
    store = RedisStore(connect(url), **options)
    try:
        yield store
    finally:
        await store.aclose()


def untyped(client: Any) -> Any:
    """Return a redis-py client without its types, which leave most arguments unknown."""
    return client
