"""One command on one connection of a pool: what redis-py's `execute_command` does, without what it does around it.

A begin or a commit has some twenty words, which redis-py packs in Python (120 us; hiredis needs 8); its retries and
metrics are not needed where every script may be sent again. Addresses, passwords, TLS and Sentinel stay redis-py's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import redis.exceptions
from hiredis import pack_command  # pyright: ignore[reportUnknownVariableType] - its stub leaves the result untyped
from redis.asyncio import Redis


@dataclass
class Wire:
    """Sends commands to one server. Its connections belong to the client's pool and are closed with it."""

    client: Redis
    _idle: list[Any] = field(default_factory=list[Any], init=False, repr=False)

    async def call(self, *words: Any) -> Any:
        """Send one command and return its reply.

        Raises:
            redis.exceptions.RedisError: As redis-py raises them. The connection is usable or closed, never in between.
        """
        pool: Any = self.client.connection_pool
        connection = self._idle.pop() if self._idle else await pool.get_connection()
        try:
            # What nobody asked for is the end of the connection.
            if connection.is_connected and await connection.can_read():
                await connection.disconnect(nowait=True)
            if not connection.is_connected:
                # Sending would connect too, but only this asks Sentinel for the primary.
                await connection.connect()
            await connection.send_packed_command(pack_command(words), check_health=False)
            return await connection.read_response()
        except redis.exceptions.ReadOnlyError:
            # The server became a replica. A new connection finds the primary that the address names now.
            await self._drop(connection)
            raise
        except (redis.exceptions.ConnectionError, OSError):
            # Whatever broke this connection may have broken the others without their knowing.
            await self._drop(*self._idle)
            raise
        finally:
            self._idle.append(connection)

    async def _drop(self, *connections: Any) -> None:
        for connection in connections:
            await connection.disconnect(nowait=True)
