"""The tables of the history: which rows go where, and how a batch is written into them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args, get_type_hints

from pydantic_core import to_json

from agent_memory.backend import _ledger
from agent_memory.backend._archive import Batch, DeadLetter, EventRow, FactRow, MessageRow, SessionRow, TurnRow
from agent_memory.backend._progress import Progress, progress, touched

if TYPE_CHECKING:
    import duckdb

_NOW = 'make_timestamp(epoch_us(now()))'


_TYPES = {str: 'VARCHAR', int: 'BIGINT', float: 'DOUBLE', datetime: 'TIMESTAMPTZ', bytes: 'VARCHAR'}


def write(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    """Write a batch and its offset, inside the transaction that `connection` is in.

    Raises:
        ValueError: A string is no text, such as half of a surrogate pair.
        duckdb.Error: The rows break a type or a rule of their table.
    """
    made = _progress(connection, batch)
    for table, rows in ((_CLOSED, made.closed), (_OPEN, made.opened)):
        table.insert(connection, rows)
    for table in _TABLES:
        table.insert(connection, [row for entry in batch.rows for row in getattr(entry, table.of)])
    _ledger.follow(connection, [event for entry in batch.rows for event in entry.events])
    connection.execute('DELETE FROM offsets WHERE "partition" = ?', [batch.partition])
    connection.execute(
        f'INSERT INTO offsets ("partition", entry_id, entries, updated_at) VALUES (?, ?, ?, {_NOW})',  # noqa: S608 - our own expression
        [batch.partition, batch.offset, len(batch.rows)],
    )


def _progress(connection: duckdb.DuckDBPyConnection, batch: Batch) -> Progress:
    """Take the open sessions that the batch touches out of their table and return what becomes of them."""
    ids = touched(batch.rows)
    if not ids:
        return Progress((), ())
    # One text: of a list DuckDB looks for pandas anew with each of its items, which took half of the time of a batch.
    names, those, listed = _OPEN.names, f'session_id IN (SELECT {_value(str)})', [to_json(ids).decode()]
    found = connection.execute(f'SELECT {names} FROM open_sessions WHERE {those}', listed).fetchall()  # noqa: S608 - our names
    known = [session_of(row) for row in found]
    if known:
        connection.execute(f'DELETE FROM open_sessions WHERE {those}', listed)  # noqa: S608 - our names
    return progress({row.session_id: row for row in known}, batch.rows)


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
    of: str
    """The field of `Rows` that holds its rows."""
    row: type[NamedTuple]
    stamp: str = ''
    """The column that tells when a row was written."""

    @property
    def names(self) -> str:
        return ', '.join('time' if name == 'at' else f'"{name}"' for name in self.row._fields)

    def insert(self, connection: duckdb.DuckDBPyConnection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert `rows`: one JSON array a column, 100 times as fast as `executemany`, with no package but DuckDB."""
        if rows:
            names, values = self.names, _unnested(self.row)
            if self.stamp:
                names, values = f'{names}, {self.stamp}', f'{values}, {_NOW}'
            connection.execute(f'INSERT INTO {self.name} ({names}) SELECT {values}', _columns(rows))


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[str]:
    return [to_json(column, bytes_mode='hex').decode() for column in zip(*rows, strict=True)]


@cache
def _unnested(row: type[NamedTuple]) -> str:
    return ', '.join(map(_column, get_type_hints(row).values()))


def _column(hint: Any) -> str:
    kind = next(one for one in get_args(hint) or (hint,) if one is not NoneType)
    return f'unhex({_value(kind)})' if kind is bytes else _value(kind)


def _value(kind: type) -> str:
    """Return what makes rows of a JSON array of `kind`."""
    return f'unnest(from_json(?, \'["{_TYPES[kind]}"]\'))'


_CLOSED = Table('archived_sessions', 'sessions', SessionRow, 'archived_at')
_OPEN = Table('open_sessions', 'sessions', SessionRow)
_TABLES = (
    Table('turns', 'turns', TurnRow),
    Table('message_history', 'messages', MessageRow),
    Table('facts', 'facts', FactRow),
    Table('events', 'events', EventRow),
    Table('dead_letters', 'dead_letters', DeadLetter, 'time'),
)
