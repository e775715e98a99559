"""Commands on connections of the client's pool: what `execute_command` does, without what it does around it.

A begin or a commit has some twenty words, which redis-py packs in Python (120 us; hiredis needs 8); its retries and
metrics are not needed where every script may be sent again. Addresses, passwords, TLS and Sentinel stay redis-py's,
and so does everything about a Cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import redis.exceptions
from redis.asyncio import Redis, RedisCluster

from agent_memory.backend._link import Link, packed

Client = Redis | RedisCluster
Words = Sequence[Any]


@dataclass(eq=False)
class _Line:
    """One connection of the pool, kept for good, and the link on it while it is open."""

    connection: Any = None
    link: Link | None = None
    opening: anyio.Lock = field(default_factory=anyio.Lock)

    def end(self, why: Exception) -> None:
        if self.link is not None and self.link.alive:
            self.link.close(why)


@dataclass
class Wire:
    """Sends commands. The connections belong to the client and are closed with it."""

    client: Client
    answer_s: float
    """How long a server may take to answer, or to be connected to."""
    _cluster: Any = field(init=False, repr=False)
    """The client if it is one of a Cluster: it finds the node of each command and follows its moves."""
    _shared: _Line = field(default_factory=_Line, init=False, repr=False)
    _idle: list[_Line] = field(default_factory=list[_Line], init=False, repr=False)

    def __post_init__(self) -> None:
        # Asked once: the classes of redis-py are slow to tell.
        self._cluster = self.client if isinstance(self.client, RedisCluster) else None

    async def call(self, words: Words) -> Any:
        """Send one command and return its reply.

        Raises:
            redis.exceptions.RedisError: As redis-py raises them. The connection is usable or closed, never in between.
        """
        if self._cluster is not None:
            async with asyncio.timeout(self.answer_s):
                return await self._cluster.execute_command(*words)
        link = self._shared.link
        if link is None or not link.alive or link.loop is not asyncio.get_running_loop():
            link = await self._open(self._shared)
        try:
            return await link.ask(words)
        except redis.exceptions.ReadOnlyError as error:
            # The server became a replica. A new connection finds the primary that the address names now.
            link.close(error)
            raise

    async def call_together(self, key: str, *commands: Words) -> list[Any]:
        """Send commands on one connection to the server of `key`, in one round trip, and return their replies.

        The connection is this call's alone: a command that blocks keeps nobody waiting. An error reply is returned,
        not raised.
        """
        if self._cluster is not None:
            async with asyncio.timeout(self.answer_s):
                return await self._call_node(key, commands)
        line = self._idle.pop() if self._idle else _Line()
        try:
            link = line.link
            if link is None or not link.alive or link.loop is not asyncio.get_running_loop():
                link = await self._open(line)
            replies = await link.ask_together(commands)
        finally:
            self._idle.append(line)
        for reply in replies:
            if isinstance(reply, redis.exceptions.ReadOnlyError):
                link.close(reply)
            elif isinstance(reply, Exception) and not isinstance(reply, redis.exceptions.ResponseError):
                # What broke this connection may have broken the others without their knowing.
                for other in self._idle:
                    other.end(reply)
                raise reply
        return replies

    async def _open(self, line: _Line) -> Link:
        async with line.opening, asyncio.timeout(self.answer_s):
            loop = asyncio.get_running_loop()
            if line.link is not None and line.link.alive and line.link.loop is loop:
                return line.link
            if line.connection is None:
                client: Any = self.client
                line.connection = await client.connection_pool.get_connection()
            else:
                await line.connection.disconnect(nowait=True)
            # Sending would connect too, but only this asks Sentinel for the primary.
            await line.connection.connect()
            line.link = Link(line.connection, self.answer_s)
            return line.link

    async def _call_node(self, key: str, commands: Sequence[Words]) -> list[Any]:
        client = self._cluster
        try:
            await client.initialize()
            node = client.get_node_from_key(key)
            connection = node.acquire_connection()
            try:
                await _ready(connection)
                sent = b''.join([packed(words) for words in commands])
                await connection.send_packed_command(sent, check_health=False)
                replies = [await _reply(connection) for _ in commands]
            finally:
                node.release(connection)
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError):
            await client.execute_command(*commands[0])
            raise
        if isinstance(replies[0], redis.exceptions.AskError):  # MOVED is one too
            await client.execute_command(*commands[0])
        return replies


async def _ready(connection: Any) -> None:
    # What nobody asked for is the end of the connection.
    if connection.is_connected and await connection.can_read():
        await connection.disconnect(nowait=True)
    if not connection.is_connected:
        await connection.connect()


async def _reply(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except redis.exceptions.ResponseError as error:
        return error
