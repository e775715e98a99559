"""A proxy in front of a server that delays, black-holes, resets, loses chosen replies, and counts what passes."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import anyio
from anyio.abc import SocketAttribute, SocketStream

from tests.resp import command_name, value_end

_STREAMING = {b'PSYNC', b'SYNC', b'MONITOR'}
"""After these the server talks on its own, not in replies."""
_ANSWERED_BY_PUSH = {b'SUBSCRIBE', b'PSUBSCRIBE', b'SSUBSCRIBE', b'UNSUBSCRIBE', b'PUNSUBSCRIBE', b'SUNSUBSCRIBE'}


@asynccontextmanager
async def fault_proxy(upstream: str) -> AsyncGenerator[FaultProxy]:
    """A proxy on a port of loopback in front of the server at `upstream` (`redis://host:port` or `unix:///path`)."""
    listeners = await anyio.create_tcp_listener(local_host='127.0.0.1')
    proxy = FaultProxy(upstream, port=listeners.extra(SocketAttribute.local_port))
    try:
        async with listeners, anyio.create_task_group() as tasks:
            tasks.start_soon(listeners.serve, proxy.serve)
            yield proxy
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:  # a failing test shows its own error, not the group around it
        raise group.exceptions[0] from None


@dataclass
class FaultProxy:
    """Forwards to `upstream`, and misbehaves as told.

    A reply is a whole reply of the protocol, however the network cuts it. The handshake of a new connection (HELLO,
    CLIENT SETINFO) counts too: take differences on a connection that is already open, or name the command.
    """

    upstream: str
    port: int
    latency: float = 0
    """Seconds that each chunk of replies is held back."""
    round_trips: int = 0
    """Times that a client spoke with no reply outstanding: a pipeline is one."""
    bytes_to_server: int = 0
    bytes_to_client: int = 0
    _lost: list[_LostReplies] = field(default_factory=list['_LostReplies'], init=False, repr=False)
    _connections: set[_Connection] = field(default_factory=set['_Connection'], init=False, repr=False)
    _gate: anyio.Event = field(default_factory=anyio.Event, init=False, repr=False)

    def __post_init__(self) -> None:
        self.heal()

    @property
    def url(self) -> str:
        user, at, _ = urlsplit(self.upstream).netloc.rpartition('@')
        return f'redis://{user}{at}127.0.0.1:{self.port}'

    def drop_replies(self, *ordinals: int, command: str = '') -> None:
        """Lose the n-th replies from now on, the first being 1: to `command` (as 'EVALSHA'), or to any.

        The command reaches the server, its reply does not come back, and the connection breaks.
        """
        self._lost.append(_LostReplies(frozenset(ordinals), command.upper().encode()))

    def black_hole(self) -> None:
        """Let nothing pass in either direction while every connection stays open."""
        self._gate = anyio.Event()

    def heal(self) -> None:
        """End a black hole: what was held back is delivered."""
        self._gate.set()

    def reset(self) -> None:
        """Break every open connection with RST; new ones are accepted."""
        for connection in self._connections:
            connection.reset()

    async def passage(self) -> None:
        """Wait while nothing may pass."""
        await self._gate.wait()

    def loses(self, command: bytes) -> bool:
        """Count one reply to `command` and return whether it is to be lost."""
        verdicts = [lost.counts(command) for lost in self._lost]  # each counts, whatever the others say
        return any(verdicts)

    async def serve(self, client: SocketStream) -> None:
        """Forward one connection until either side ends it."""
        async with client:
            try:
                server = await self._connect()
            except OSError:  # nobody listens: the client sees its connection closed
                return
            async with server:
                connection = _Connection(self, client, server)
                self._connections.add(connection)
                try:
                    await connection.run()
                finally:
                    self._connections.remove(connection)

    async def _connect(self) -> SocketStream | _UnixStream:
        address = urlsplit(self.upstream)
        if address.scheme == 'unix':
            return _UnixStream(*await asyncio.open_unix_connection(unquote(address.path)))
        assert address.hostname is not None
        assert address.port is not None
        return await anyio.connect_tcp(address.hostname, address.port)


@dataclass
class _LostReplies:
    ordinals: frozenset[int]
    command: bytes
    seen: int = 0

    def counts(self, command: bytes) -> bool:
        if self.command not in (b'', command):
            return False
        self.seen += 1
        return self.seen in self.ordinals


@dataclass
class _UnixStream:
    """A unix socket by asyncio: anyio's own fails in the loop when data and the end of its reader come together."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *error: object) -> None:
        self.writer.close()

    def extra(self, attribute: Any) -> Any:
        return {SocketAttribute.raw_socket: self.writer.get_extra_info('socket')}[attribute]

    async def receive(self) -> bytes:
        try:
            data = await self.reader.read(65536)
        except OSError as error:
            raise anyio.BrokenResourceError from error
        if not data:
            raise anyio.EndOfStream
        return data

    async def send(self, data: bytes) -> None:
        try:
            self.writer.write(data)
            await self.writer.drain()
        except OSError as error:
            raise anyio.BrokenResourceError from error


@dataclass(eq=False)
class _Connection:
    proxy: FaultProxy
    client: SocketStream
    server: SocketStream | _UnixStream
    unanswered: deque[bytes] = field(default_factory=deque[bytes])
    streaming: bool = False
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    async def run(self) -> None:
        with self.scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._requests)
                tasks.start_soon(self._replies)

    def reset(self) -> None:
        for raw in (self.client.extra(SocketAttribute.raw_socket), self.server.extra(SocketAttribute.raw_socket)):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))  # closing sends RST
        self.scope.cancel()

    async def _requests(self) -> None:
        buffer = bytearray()
        while chunk := await self._receive(self.client):
            self.proxy.round_trips += not buffer and not self.unanswered
            buffer += chunk
            while (end := value_end(buffer)) is not None:
                self._expect_reply(command_name(bytes(buffer[:end])))
                del buffer[:end]
            self.proxy.bytes_to_server += len(chunk)
            await self._send(self.server, chunk)

    def _expect_reply(self, command: bytes) -> None:
        self.streaming = self.streaming or command in _STREAMING
        if command not in _ANSWERED_BY_PUSH:
            self.unanswered.append(command)

    async def _replies(self) -> None:
        buffer = bytearray()
        while chunk := await self._receive(self.server):
            buffer += chunk
            whole, broken = (len(buffer), False) if self.streaming else self._whole_replies(buffer)
            if self.proxy.latency:
                await anyio.sleep(self.proxy.latency)
            self.proxy.bytes_to_client += whole
            await self._send(self.client, bytes(buffer[:whole]))
            del buffer[:whole]
            if broken:
                self.scope.cancel()

    def _whole_replies(self, buffer: bytearray) -> tuple[int, bool]:
        """Return how many bytes of whole replies may pass, and whether the reply after them is to be lost."""
        whole = 0
        while (end := value_end(buffer, whole)) is not None:
            pushed = buffer.startswith(b'>', whole)
            command = b'' if pushed or not self.unanswered else self.unanswered.popleft()
            if command and self.proxy.loses(command):
                return whole, True
            whole = end
        return whole, False

    async def _receive(self, source: SocketStream | _UnixStream) -> bytes:
        """Return the next chunk once it may pass; empty when the connection is over, which ends its other half too."""
        try:
            chunk = await source.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            self.scope.cancel()
            return b''
        await self.proxy.passage()
        return chunk

    async def _send(self, target: SocketStream | _UnixStream, data: bytes) -> None:
        try:
            await target.send(data)
        except anyio.BrokenResourceError:
            self.scope.cancel()
