"""`Link`: one connection that all callers of a process share; a call is one write and one future."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, cast

import redis.exceptions
from hiredis import PushNotification, Reader, pack_command  # pyright: ignore[reportUnknownVariableType] - see `_pack`

_pack = cast(Any, pack_command)
"""The stub of hiredis leaves its result untyped."""
_NO_REPLY = object()
"""What the parser returns while a reply is not there whole."""


class Link(asyncio.Protocol):
    """Takes over a connection that redis-py opened: address, password, TLS and Sentinel are done by then.

    Commands leave in the order of the calls and the server answers in that order, so a queue of futures is all that is
    needed; what redis-py does around it costs more than the rest of a turn. A caller that is cancelled leaves its place
    in the queue: the reply is read and forgotten.

    Args:
        connection: A connection of redis-py, connected, on which no reply is outstanding.
        patience_s: How long the server may take for a reply. Past it the link is closed, for it cannot be told from one
            to a server that is gone.
    """

    def __init__(self, connection: Any, patience_s: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.alive = True
        self._patience_s = patience_s
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._unsent: list[bytes] = []
        self._watch: asyncio.TimerHandle | None = None
        self._reader: Any = Reader(
            protocolError=redis.exceptions.InvalidResponse,
            replyError=connection._parser.parse_error,
            notEnoughData=_NO_REPLY,
        )
        self._transport: asyncio.Transport = connection._writer.transport
        self._below: Any = self._transport.get_protocol()
        self._transport.set_protocol(self)

    def ask(self, words: Sequence[Any]) -> asyncio.Future[Any]:
        """Send one command and return the future of its reply."""
        self._send(packed(words))
        return self._expect()

    async def ask_together(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Send commands at once and return their replies; an error is returned, not raised."""
        self._send(b''.join([packed(words) for words in commands]))
        return await asyncio.gather(*[self._expect() for _ in commands], return_exceptions=True)

    def close(self, why: Exception) -> None:
        """End the link; whoever waits for a reply gets `why`."""
        self.alive = False
        if self._watch is not None:
            self._watch.cancel()
        waiting, self._waiting = self._waiting, deque()
        for future, _ in waiting:
            if not future.done():
                future.set_exception(why)
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while self.alive and (reply := self._reader.gets()) is not _NO_REPLY:
                self._hear(reply)
        except redis.exceptions.InvalidResponse as error:
            self.close(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self.close(redis.exceptions.ConnectionError(f'the connection was lost ({exc or "closed by the server"})'))
        # redis-py waits for the end of what it opened.
        self._below.connection_lost(exc)

    def _hear(self, reply: Any) -> None:
        if isinstance(reply, PushNotification):
            return
        if not self._waiting:
            self.close(redis.exceptions.InvalidResponse('a reply that nobody asked for'))
            return
        future, _ = self._waiting.popleft()
        if future.done():
            return
        if isinstance(reply, Exception):
            future.set_exception(reply)
        else:
            future.set_result(reply)

    def _send(self, packed: bytes) -> None:
        # Alone it leaves at once; while others wait, what is asked in one step of the loop leaves together.
        if not self._waiting:
            self._transport.write(packed)
            return
        if not self._unsent:
            self.loop.call_soon(self._flush)
        self._unsent.append(packed)

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        if self.alive:
            self._transport.write(b''.join(unsent))

    def _expect(self) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self.loop.create_future()
        until = self.loop.time() + self._patience_s
        self._waiting.append((future, until))
        if self._watch is None:
            self._watch = self.loop.call_at(until, self._look)
        return future

    def _look(self) -> None:
        """One timer for all: it looks at the oldest reply that is due, and again when the next one is."""
        self._watch = None
        if not self._waiting:
            return
        until = self._waiting[0][1]
        if until <= self.loop.time():
            self.close(redis.exceptions.TimeoutError(f'no reply within {self._patience_s:g} s'))
        else:
            self._watch = self.loop.call_at(until, self._look)


def packed(words: Sequence[Any]) -> bytes:
    """Return a command as it goes over the wire."""
    return _pack(tuple(words))
