"""`Gate`: who writes to a lake and when, by advisory locks of PostgreSQL, which go with the connection of their holder."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import duckdb

from agent_memory.backend._sql import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CLAIM, _WRITE = 0x616D_0001, 0x616D_0002
"""Our classes of advisory locks: an archiver's claim of a partition, and the right to write now."""
_ALIVE = {
    'tcp_keepalives_idle': '10',
    'tcp_keepalives_interval': '5',
    'tcp_keepalives_count': '3',
    'idle_in_transaction_session_timeout': '0',
}
"""A machine that went away without a word loses its locks after 25 s; one that has nothing to do keeps them."""


class Gate:
    """The locks of one process. Claims last until `close`."""

    def __init__(self, connection: DuckDBPyConnection, reached: str, *, patience: timedelta) -> None:
        """Connect to the database of the catalog once more.

        Args:
            connection: DuckDB's, with the extension `postgres_scanner`.
            reached: What PostgreSQL is reached with.
            patience: How long `alone` waits.
        """
        self.claimed: set[int] = set()
        self._settings = _ALIVE | {'lock_timeout': f'{patience.total_seconds():.3f}s'}
        # Under the usual REPEATABLE READ a claim would keep PostgreSQL from removing dead rows for as long as it lasts.
        connection.execute(
            f"ATTACH {quoted(reached)} AS gate (TYPE postgres, READ_ONLY, ISOLATION_LEVEL 'READ COMMITTED')"
        )
        self._connection = connection
        self._claims = self._begun()

    def claim(self, partition: int) -> bool:
        """Claim `partition` and return whether it is ours."""
        if partition in self.claimed:
            return True
        if not _told(self._claims, f'SELECT pg_try_advisory_xact_lock({_CLAIM}, {partition})'):
            return False
        self.claimed.add(partition)
        return True

    @contextmanager
    def alone(self) -> Generator[None]:
        """Be the only one that writes.

        Raises:
            duckdb.Error: Another process writes for longer than `patience`, or PostgreSQL is away.
        """
        turn = self._begun()
        try:
            _told(turn, f'SELECT pg_advisory_xact_lock({_WRITE}, 0)::text')
            yield
        finally:
            end(turn)

    def check(self) -> None:
        """Make sure that the claims still hold.

        Raises:
            duckdb.Error: PostgreSQL has ended the connection, and others may have claimed what was ours.
        """
        _told(self._claims, 'SELECT true')

    def close(self) -> None:
        """Give the claims back."""
        end(self._claims)

    def _begun(self) -> DuckDBPyConnection:
        cursor = self._connection.cursor()
        cursor.begin()
        try:
            for name, value in self._settings.items():
                _told(cursor, f"SELECT set_config('{name}', '{value}', true)")
        except BaseException:
            end(cursor)
            raise
        return cursor


def end(cursor: DuckDBPyConnection) -> None:
    """Roll back and close a cursor."""
    # Not left to the destructor: when PostgreSQL is away it throws there, and that ends the process.
    with suppress(duckdb.Error):
        cursor.rollback()
    cursor.close()


def _told(cursor: DuckDBPyConnection, query: str) -> object:
    [(found, *_)] = cursor.execute(f"FROM postgres_query('gate', {quoted(query)})").fetchall()
    return found
