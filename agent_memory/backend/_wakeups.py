"""Wakes those who wait for a contact's turn to end, across processes, by one connection a process."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import redis.exceptions

from agent_memory.backend._wire import Client

_RECONNECT_S = 0.05
_LOST = (redis.exceptions.RedisError, OSError, RuntimeError, TypeError, AttributeError)


@dataclass(eq=False)
class Waiter:
    """One caller that waits for the end of a contact's turn."""

    channel: str
    woken: bool
    signal: anyio.Event = field(default_factory=anyio.Event)

    def wake(self) -> None:
        self.woken = True
        self.signal.set()


@dataclass
class Wakeups:
    """Shares one connection among all waiters of a process, subscribed to the contacts that somebody waits for.

    No background task: one of the waiters reads the connection for all; when it is done, the next one takes over. The
    server confirms a subscription when it begins and again after a lost connection. The confirmation wakes the
    contact's waiters too: whatever ended before it was not heard, so they have to ask.
    """

    client: Client
    channel: Callable[[str], str]
    """Names the channel of a contact."""
    _pubsub: Any = field(default=None, init=False, repr=False)
    _waiters: dict[str, set[Waiter]] = field(default_factory=dict[str, set[Waiter]], init=False, repr=False)
    _confirmed: set[str] = field(default_factory=set[str], init=False, repr=False)
    _reading: bool = field(default=False, init=False, repr=False)
    _sending: anyio.Lock = field(default_factory=anyio.Lock, init=False, repr=False)

    @asynccontextmanager
    async def watch(self, contact_id: str) -> AsyncGenerator[Waiter]:
        """Yield a waiter that hears of every turn of the contact that ends."""
        channel = self.channel(contact_id)
        # Already subscribed for somebody else: nothing will confirm it, so the first wait ends at once.
        waiter = Waiter(channel, woken=channel in self._confirmed)
        waiters = self._waiters.setdefault(channel, set())
        waiters.add(waiter)
        try:
            if len(waiters) == 1:
                await self._send('subscribe', channel)
            yield waiter
        finally:
            waiters.discard(waiter)
            if not waiters and self._waiters.get(channel) is waiters:
                del self._waiters[channel]
                self._confirmed.discard(channel)
                with anyio.move_on_after(1, shield=True):
                    await self._send('unsubscribe', channel)
            self._pass_on()

    async def wait(self, waiter: Waiter, seconds: float) -> None:
        """Return when a turn of the contact ended or may have ended, or after so many seconds."""
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
        self._confirmed.clear()
        if pubsub is not None:
            await pubsub.aclose()

    async def _send(self, verb: str, *channels: str) -> None:
        """Subscribe or unsubscribe. A lost connection is dropped: whoever reads next makes another."""
        async with self._sending:
            try:
                if self._pubsub is None:
                    if verb == 'unsubscribe':
                        return
                    pubsub: Any = self.client.pubsub()  # pyright: ignore[reportUnknownMemberType]
                    await pubsub.subscribe(*self._waiters)
                    self._pubsub = pubsub
                # Somebody may have begun or ceased to wait while this one waited for its turn to send.
                elif wanted := [one for one in channels if (one in self._waiters) == (verb == 'subscribe')]:
                    await getattr(self._pubsub, verb)(*wanted)
            except _LOST:
                await self.close()

    async def _read_for(self, waiter: Waiter, give_up: float) -> None:
        self._reading = True
        try:
            while not waiter.woken and (left := give_up - time.monotonic()) > 0:
                await self._read_one(left)
        finally:
            self._reading = False
            self._pass_on()

    async def _read_one(self, seconds: float) -> None:
        if self._pubsub is None:
            await self._send('subscribe')
        pubsub = self._pubsub
        try:
            # None while Redis is away, and a bounded read so that a connection that was replaced is noticed.
            message = await pubsub.get_message(timeout=min(seconds, 1)) if pubsub else None
        except _LOST:
            await self.close()
        else:
            if message is not None:
                self._hear(message['type'], message['channel'])
        if self._pubsub is None:
            await anyio.sleep(min(seconds, _RECONNECT_S))

    def _hear(self, kind: str, channel: bytes | str) -> None:
        name = channel.decode() if isinstance(channel, bytes) else channel
        waiters = self._waiters.get(name)
        if waiters is None or kind == 'unsubscribe':
            return
        if kind == 'subscribe':
            self._confirmed.add(name)
        for waiter in waiters:
            waiter.wake()

    def _pass_on(self) -> None:
        """Let another waiter read the connection."""
        if self._reading:
            return
        for waiters in self._waiters.values():
            for waiter in waiters:
                if not waiter.woken:
                    waiter.signal.set()
                    return
