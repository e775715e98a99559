"""The tables of the history: which rows go where, and how a batch is written into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args, get_type_hints

from agent_memory.backend import _ledger
from agent_memory.backend._archive import Batch
from agent_memory.backend._packing import Columns, columns_of
from agent_memory.backend._progress import Progress, progress
from agent_memory.backend._rows import DeadLetter, EventRow, FactRow, MessageRow, SessionRow, TurnRow

if TYPE_CHECKING:
    import duckdb

_NOW = 'make_timestamp(epoch_us(now()))'
_TYPES = {str: 'VARCHAR', int: 'BIGINT', float: 'DOUBLE', datetime: 'TIMESTAMPTZ', bytes: 'VARCHAR'}


def write(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    """Write a batch and its offset, inside the transaction that `connection` is in.

    Raises:
        ArchiveRefused: A string is no text, such as half of a surrogate pair.
        duckdb.Error: The rows break a type or a rule of their table.
    """
    packed = batch.packed
    made = _progress(connection, packed.alone)
    for table, rows in ((_CLOSED, made.closed), (_OPEN, made.opened)):
        if rows:
            table.insert(connection, columns_of(rows))
    for of, columns in packed.tables.items():
        _TABLES[of].insert(connection, columns)
    _ledger.follow(connection, packed.followed)
    connection.execute('DELETE FROM offsets WHERE "partition" = ?', [batch.partition])
    connection.execute(
        f'INSERT INTO offsets ("partition", entry_id, entries, updated_at) VALUES (?, ?, ?, {_NOW})',  # noqa: S608 - our own expression
        [batch.partition, batch.offset, packed.entries],
    )


def _progress(connection: duckdb.DuckDBPyConnection, alone: Progress) -> Progress:
    """Take the open sessions that a batch touches out of their table and return what becomes of them."""
    touched = [(row.session_id,) for row in (*alone.opened, *alone.closed)]
    if not touched:
        return alone
    # One text: of a list DuckDB looks for pandas anew with each of its items, which took half of the time of a batch.
    those, listed = f'session_id IN ({_selected((str,))})', columns_of(touched)
    found = connection.execute(f'SELECT {_OPEN.names} FROM open_sessions WHERE {those}', listed).fetchall()  # noqa: S608 - our names
    known = [session_of(row) for row in found]
    if known:
        connection.execute(f'DELETE FROM open_sessions WHERE {those}', listed)  # noqa: S608 - our names
    return progress({row.session_id: row for row in known}, alone)


def session_of(row: Sequence[Any]) -> SessionRow:
    """Return a row of sessions, whose times the database gives without their zone."""
    return SessionRow(*cast('Any', map(aware, row)))


def aware(value: Any) -> Any:
    """Return a time of the database with its zone, UTC, and any other value as it is."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


@dataclass(frozen=True)
class Table:
    """One table, and the row type whose fields are its columns. The field `at` is the column `time`."""

    name: str
    row: type[NamedTuple]
    stamp: str = ''
    """The column that tells when a row was written."""

    @property
    def names(self) -> str:
        return ', '.join('time' if name == 'at' else f'"{name}"' for name in self.row._fields)

    def insert(self, connection: duckdb.DuckDBPyConnection, columns: Columns) -> None:
        """Insert rows: 100 times as fast as `executemany`, with no package but DuckDB."""
        names, also = self.names, ''
        if self.stamp:
            names, also = f'{names}, {self.stamp}', f', {_NOW}'
        connection.execute(f'INSERT INTO {self.name} ({names}) {_selected(_kinds(self.row), also)}', columns)


@cache
def _kinds(row: type[NamedTuple]) -> tuple[type, ...]:
    hints = get_type_hints(row).values()
    return tuple(next(one for one in get_args(hint) or (hint,) if one is not NoneType) for hint in hints)


@cache
def _selected(kinds: tuple[type, ...], also: str = '') -> str:
    """Return what makes rows of one JSON array a column."""
    names = [f'c{place}' for place in range(len(kinds))]
    values = ', '.join(map(_value, names, kinds))
    # Through VALUES: an expression of nothing but parameters is worked out while DuckDB plans, which takes twice as long.
    return f'SELECT {values}{also} FROM (VALUES ({", ".join("?" for _ in names)})) AS given ({", ".join(names)})'  # noqa: S608 - our names


def _value(name: str, kind: type) -> str:
    value = f'unnest(from_json({name}, \'["{_TYPES[kind]}"]\'))'
    return f'unhex({value})' if kind is bytes else value


_CLOSED = Table('archived_sessions', SessionRow, 'archived_at')
_OPEN = Table('open_sessions', SessionRow)
_TABLES = {
    'turns': Table('turns', TurnRow),
    'messages': Table('message_history', MessageRow),
    'facts': Table('facts', FactRow),
    'events': Table('events', EventRow),
    'dead_letters': Table('dead_letters', DeadLetter, 'time'),
}
"""By field of `Rows`."""
