"""`DuckDBArchive`: the history in one DuckDB file."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import Field, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, ParamSpec, TypeVar

import duckdb
from pydantic_core import to_json

from agent_memory.backend._archive import (
    Batch,
    DeadLetter,
    EventRow,
    FactRow,
    MessageRow,
    SessionRow,
    TurnRow,
)
from agent_memory.backend._migrations import NewerSchema, migrate
from agent_memory.errors import ArchiveRefused, ArchiveUnavailable

P = ParamSpec('P')
R = TypeVar('R')

START = '0-0'
"""The offset of a partition of which nothing is archived."""

# Both DuckDB 1.5 and 2.x read and write this format; 1.5 cannot open the one that 2.0 writes by default.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {'storage_compatibility_version': 'v1.5.0'}

_REFUSALS = (duckdb.DataError, duckdb.IntegrityError, duckdb.InvalidInputException)
_HELD = re.compile(r'Conflicting lock is held in (?P<program>\S+) \(PID (?P<pid>\d+)\)')


class DuckDBArchive:
    """Keeps the history in the DuckDB file at `path`, which one process at a time may open.

    The file is opened by the first call and held until `close`. A call that fails lets go of it, and the next call
    opens it again. All calls run on one thread of their own, in order; a call whose caller is cancelled still ends.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix='archive')
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._opened: tuple[int, int] | None = None

    async def offset(self, partition: int) -> str:
        return await self._run(self._offset, partition)

    async def append(self, batch: Batch) -> None:
        await self._run(self._append, batch)

    async def sessions(self, contact_id: str, *, limit: int) -> list[SessionRow]:
        return await self._run(self._sessions, contact_id, limit)

    async def messages(self, session_id: str, *, limit: int) -> list[MessageRow]:
        return await self._run(self._messages, session_id, limit)

    async def work(self, call: Callable[[duckdb.DuckDBPyConnection], R]) -> R:
        """Run `call` with the open file on the thread of the writer, between two batches."""
        return await self._run(lambda: call(self._connect()))

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._worker, self._let_go)

    async def _run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.get_running_loop().run_in_executor(
            self._worker, lambda: self._guard(call, *args, **kwargs)
        )

    # What follows runs on the worker thread.

    def _guard(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except (duckdb.Error, OSError, NewerSchema) as error:
            self._let_go()
            raise ArchiveUnavailable(f'{self.path}: {_reason(error)}') from error

    def _connect(self) -> duckdb.DuckDBPyConnection:
        if self._connection is not None and self._opened == self._identity():
            return self._connection
        self._let_go()
        connection = duckdb.connect(str(self.path), config=_CONFIG)
        try:
            # Times are stored without a zone; this is the one that they are converted to.
            connection.execute("SET TimeZone = 'UTC'")
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._opened = connection, self._identity()
        return connection

    def _identity(self) -> tuple[int, int] | None:
        """Return which file is at the path now: rows written to a removed file would be lost in silence."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _offset(self, partition: int) -> str:
        found = self._connect().execute('SELECT entry_id FROM offsets WHERE "partition" = ?', [partition]).fetchone()
        return str(found[0]) if found else START

    def _append(self, batch: Batch) -> None:
        stored = self._offset(batch.partition)
        if _order(stored) >= _order(batch.offset):
            return
        if stored != batch.after:
            raise ArchiveUnavailable(
                f'{self.path}: partition {batch.partition} is archived up to {stored}, not {batch.after}; read again'
            )
        connection = self._connect()
        connection.begin()
        try:
            self._insert(connection, batch)
            connection.commit()
        except (*_REFUSALS, ValueError) as error:
            connection.rollback()
            raise ArchiveRefused(f'{self.path}: {_reason(error)}') from error
        if self._opened != self._identity():
            self._let_go()
            raise ArchiveUnavailable(f'{self.path}: the file was removed or replaced while rows were written')

    def _insert(self, connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
        for table in _TABLES:
            rows = [row for entry in batch.rows for row in getattr(entry, table.of)]
            if rows:
                connection.execute(table.insert, table.columns(rows))
        connection.execute('DELETE FROM offsets WHERE "partition" = ?', [batch.partition])
        connection.execute('INSERT INTO offsets ("partition", entry_id) VALUES (?, ?)', [batch.partition, batch.offset])

    def _sessions(self, contact_id: str, limit: int) -> list[SessionRow]:
        found = self._connect().execute(_SESSIONS, [contact_id, limit]).fetchall()
        return [SessionRow(*map(_aware, row)) for row in found]

    def _messages(self, session_id: str, limit: int) -> list[MessageRow]:
        contact_id = session_id.rpartition(':')[0]
        found = self._connect().execute(_MESSAGES, [contact_id, session_id, limit]).fetchall()
        return [MessageRow(*map(_aware, row)) for row in found]


@dataclass(frozen=True)
class _Table:
    """One table, and the row type whose fields are its columns. The field `at` is the column `time`."""

    name: str
    of: str
    """The field of `Rows` that holds its rows."""
    row: type[Any]

    types: ClassVar[dict[str, str]] = {
        'str': 'VARCHAR',
        'int': 'BIGINT',
        'float': 'DOUBLE',
        'datetime': 'TIMESTAMPTZ',
        'bytes': 'VARCHAR',
    }

    @property
    def names(self) -> str:
        return ', '.join('time' if item.name == 'at' else f'"{item.name}"' for item in fields(self.row))

    @property
    def insert(self) -> str:
        """One JSON array a column: 100 times `executemany`, about half of Arrow, and needs no other package."""
        values = ', '.join(self._value(item) for item in fields(self.row))
        return f'INSERT INTO {self.name} ({self.names}) SELECT {values}'

    def columns(self, rows: Iterable[Any]) -> list[str]:
        """Return the parameters of `insert`.

        Raises:
            ValueError: A string is no text, such as half of a surrogate pair.
        """
        held = list(rows)
        return [
            to_json([getattr(row, item.name) for row in held], bytes_mode='hex').decode() for item in fields(self.row)
        ]

    def _value(self, item: Field[Any]) -> str:
        kind = str(item.type).removesuffix(' | None')
        value = f'unnest(from_json(?, \'["{self.types[kind]}"]\'))'
        return f'unhex({value})' if kind == 'bytes' else value


_TABLES = (
    _Table('archived_sessions', 'sessions', SessionRow),
    _Table('turns', 'turns', TurnRow),
    _Table('message_history', 'messages', MessageRow),
    _Table('facts', 'facts', FactRow),
    _Table('events', 'events', EventRow),
    _Table('dead_letters', 'dead_letters', DeadLetter),
)

_SESSIONS = f"""
WITH found AS MATERIALIZED (SELECT {_TABLES[0].names} FROM sessions WHERE contact_id = ?)
FROM found ORDER BY started_at DESC LIMIT ?
"""  # noqa: S608 - names of our own classes

_MESSAGES = f"""
WITH found AS MATERIALIZED (
    SELECT {_TABLES[2].names}, rowid AS place FROM message_history WHERE contact_id = ? AND session_id = ?
), newest AS (FROM found ORDER BY place DESC LIMIT ?)
SELECT {_TABLES[2].names} FROM newest ORDER BY place
"""  # noqa: S608 - names of our own classes


def _order(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition('-')
    return int(milliseconds), int(sequence)


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _reason(error: Exception) -> str:
    """Return one sentence; DuckDB's messages go on with advice, links and the statement."""
    text = str(error)
    if held := _HELD.search(text):
        return f'held by process {held["pid"]} ({held["program"]})'
    return text.splitlines()[0].partition(' See also ')[0] or type(error).__name__
