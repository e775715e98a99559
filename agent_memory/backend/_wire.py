"""Commands on a connection of the client's pool: what `execute_command` does, without what it does around it.

A begin or a commit has some twenty words, which redis-py packs in Python (120 us; hiredis needs 8); its retries and
metrics are not needed where every script may be sent again. Addresses, passwords, TLS and Sentinel stay redis-py's.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import redis.exceptions
from hiredis import pack_command  # pyright: ignore[reportUnknownVariableType] - its stub leaves the result untyped
from redis.asyncio import Redis, RedisCluster

Client = Redis | RedisCluster
Words = Sequence[Any]


@dataclass
class Wire:
    """Sends commands. The connections belong to the client and are closed with it."""

    client: Client
    _idle: list[Any] = field(default_factory=list[Any], init=False, repr=False)

    async def call(self, words: Words) -> Any:
        """Send one command and return its reply.

        Raises:
            redis.exceptions.RedisError: As redis-py raises them. The connection is usable or closed, never in between.
        """
        client = self.client
        if isinstance(client, RedisCluster):
            # It finds the node of each command and follows its moves.
            execute: Any = client.execute_command
            return await execute(*words)
        pool: Any = client.connection_pool
        connection = self._idle.pop() if self._idle else await pool.get_connection()
        try:
            await _ready(connection)
            await connection.send_packed_command(pack_command(tuple(words)), check_health=False)
            return await connection.read_response()
        except redis.exceptions.ReadOnlyError:
            # The server became a replica. A new connection finds the primary that the address names now.
            await connection.disconnect(nowait=True)
            raise
        except (redis.exceptions.ConnectionError, OSError):
            # Whatever broke this connection may have broken the others without their knowing.
            for other in self._idle:
                await other.disconnect(nowait=True)
            raise
        finally:
            self._idle.append(connection)

    async def call_together(self, key: str, *commands: Words) -> list[Any]:
        """Send commands on one connection to the server of `key`, in one round trip, and return their replies.

        An error reply is returned, not raised.
        """
        try:
            async with self._connection(key) as connection:
                await _ready(connection)
                packed: list[bytes] = [pack_command(tuple(words)) for words in commands]
                await connection.send_packed_command(b''.join(packed), check_health=False)
                replies = [await _reply(connection) for _ in commands]
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError):
            await self._reroute(commands[0])
            raise
        if isinstance(replies[0], redis.exceptions.AskError):  # MOVED is one too
            await self._reroute(commands[0])
        return replies

    @asynccontextmanager
    async def _connection(self, key: str) -> AsyncGenerator[Any]:
        client: Any = self.client
        if isinstance(self.client, RedisCluster):
            await client.initialize()
            node = client.get_node_from_key(key)
            connection = node.acquire_connection()
            try:
                yield connection
            finally:
                node.release(connection)
        else:
            connection = self._idle.pop() if self._idle else await client.connection_pool.get_connection()
            try:
                yield connection
            finally:
                self._idle.append(connection)

    async def _reroute(self, command: Words) -> None:
        """Let the Cluster client find out who serves the command now."""
        if isinstance(self.client, RedisCluster):
            await self.call(command)


async def _ready(connection: Any) -> None:
    # What nobody asked for is the end of the connection.
    if connection.is_connected and await connection.can_read():
        await connection.disconnect(nowait=True)
    if not connection.is_connected:
        # Sending would connect too, but only this asks Sentinel for the primary.
        await connection.connect()


async def _reply(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except redis.exceptions.ResponseError as error:
        return error
