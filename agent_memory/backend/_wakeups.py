"""Wakes those who wait for a contact's turn to end, across processes, by one subscription a process."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import redis.exceptions

from agent_memory.backend._wire import Client

_RECONNECT_S = 0.05


@dataclass(eq=False)
class Waiter:
    """One caller that waits for the end of a contact's turn."""

    contact_id: str
    woken: bool = False
    signal: anyio.Event = field(default_factory=anyio.Event)

    def wake(self) -> None:
        self.woken = True
        self.signal.set()


@dataclass
class Wakeups:
    """Shares one subscription among all waiters of a process.

    No background task: one of the waiters reads the channel for all; when it is done, the next one takes over. A lost
    connection wakes everybody, so that nobody sleeps through what was said meanwhile.
    """

    client: Client
    channel: str
    _pubsub: Any = field(default=None, init=False, repr=False)
    _waiters: set[Waiter] = field(default_factory=set[Waiter], init=False, repr=False)
    _reading: bool = field(default=False, init=False, repr=False)
    _opening: anyio.Lock = field(default_factory=anyio.Lock, init=False, repr=False)

    @asynccontextmanager
    async def watch(self, contact_id: str) -> AsyncGenerator[Waiter]:
        """Yield a waiter that hears of every turn of the contact that ends from now on."""
        await self._subscribe()
        waiter = Waiter(contact_id)
        self._waiters.add(waiter)
        try:
            yield waiter
        finally:
            self._waiters.discard(waiter)
            self._pass_on()

    async def wait(self, waiter: Waiter, seconds: float) -> None:
        """Return when a turn of the contact ended, or after so many seconds."""
        give_up = time.monotonic() + seconds
        while not waiter.woken and (left := give_up - time.monotonic()) > 0:
            waiter.signal = anyio.Event()
            if self._reading:
                with anyio.move_on_after(left):
                    await waiter.signal.wait()
            else:
                await self._read_for(waiter, give_up)
        waiter.woken = False

    async def close(self) -> None:
        """Give the connection back."""
        pubsub, self._pubsub = self._pubsub, None
        if pubsub is not None:
            await pubsub.aclose()

    async def _subscribe(self) -> None:
        async with self._opening:
            if self._pubsub is None:
                pubsub: Any = self.client.pubsub()  # pyright: ignore[reportUnknownMemberType]
                await pubsub.subscribe(self.channel)
                # The first message confirms the subscription: what ends from here on is heard.
                await pubsub.get_message(timeout=5)
                self._pubsub = pubsub

    async def _read_for(self, waiter: Waiter, give_up: float) -> None:
        self._reading = True
        try:
            while not waiter.woken and (left := give_up - time.monotonic()) > 0:
                await self._read_one(left)
        finally:
            self._reading = False
            self._pass_on()

    async def _read_one(self, seconds: float) -> None:
        try:
            await self._subscribe()
            message = await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=seconds)
        except (redis.exceptions.RedisError, OSError, RuntimeError):
            await self.close()
            await anyio.sleep(_RECONNECT_S)
            self._wake(None)
            return
        if message is not None:
            data = message['data']
            self._wake(data.decode() if isinstance(data, bytes) else data)

    def _wake(self, contact_id: str | None) -> None:
        for waiter in self._waiters:
            if contact_id is None or waiter.contact_id == contact_id:
                waiter.wake()

    def _pass_on(self) -> None:
        """Let another waiter read the channel."""
        if not self._reading:
            for waiter in self._waiters:
                if not waiter.woken:
                    waiter.signal.set()
                    return
