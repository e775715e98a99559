"""How long rows of the history are kept. A row that outlived its rule goes from the bytes of the file too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, Protocol

from agent_memory.backend._ledger import AuditNote, cut_of, head_of, record

if TYPE_CHECKING:
    import duckdb

Table = Literal['archived_sessions', 'turns', 'message_history', 'facts', 'events', 'dead_letters', 'audit']

_TIMES = {'archived_sessions': 'updated_at'}
"""The column that tells a row's age, where it is not `time`."""
_RECORD = 'turns.record'
_REPEATED = ('message_history', 'facts', 'events')
"""What the record of a turn holds too."""
_KEPT = "record::VARCHAR <> 'null'"


@dataclass(frozen=True)
class Rule:
    """Rows of `table` are kept this long."""

    table: Table
    keep: timedelta


@dataclass(frozen=True)
class Outlived:
    """What one rule does not keep."""

    table: str
    """The table, or `turns.record`: what was said stands in the whole record of its turn too."""
    before: datetime
    rows: int
    of: int
    oldest: datetime | None


@dataclass(frozen=True)
class Retention:
    """What a history is asked to keep no longer."""

    rules: tuple[Rule, ...]
    at: datetime
    actor: str = 'system'
    dry: bool = False
    """Whether to count only."""


class Retaining(Protocol):
    """A history that can do so, whichever process holds it."""

    async def retaining(self, what: Retention) -> list[Outlived]:
        """Remove what outlived its rule, or count it.

        Raises:
            ArchiveUnavailable: The history cannot be written.
        """
        ...


async def outlived(archive: Retaining, rules: Sequence[Rule], *, now: datetime | None = None) -> list[Outlived]:
    """Return what `retain` would remove, and remove nothing.

    Raises:
        ArchiveUnavailable: The history cannot be read.
    """
    return await archive.retaining(Retention(tuple(rules), now or datetime.now(UTC), dry=True))


async def retain(
    archive: Retaining, rules: Sequence[Rule], *, now: datetime | None = None, actor: str = 'system'
) -> list[Outlived]:
    """Remove what outlived its rule, from the tables and from the bytes of the file, and note it in `audit`.

    Raises:
        ArchiveUnavailable: The history cannot be written.
    """
    return await archive.retaining(Retention(tuple(rules), now or datetime.now(UTC), actor))


def count(connection: duckdb.DuckDBPyConnection, what: Retention) -> list[Outlived]:
    """Return what outlived its rule."""
    gone = [_count(connection, rule.table, _time(rule.table), what.at - rule.keep) for rule in what.rules]
    return [*gone, *_records(connection, gone)]


def remove(connection: duckdb.DuckDBPyConnection, what: Retention) -> list[Outlived]:
    """Remove what outlived its rule, inside the transaction that `connection` is in. The bytes stay for now."""
    gone = count(connection, what)
    last, cut = head_of(connection), cut_of(connection, [one.before for one in gone if one.table == 'audit'])
    for one in gone:
        if one.table == _RECORD:
            statement = f"UPDATE turns SET record = 'null' WHERE {_KEPT} AND time < ?"  # noqa: S608 - our names
        else:
            statement = f'DELETE FROM {one.table} WHERE {_gone(one.table)}'  # noqa: S608 - our names
        connection.execute(statement, [_naive(one.before)])
    done = AuditNote('retention', what.actor, data={**cut, **{one.table: one.rows for one in gone}})
    record(connection, [done], after=last)
    return gone


def _records(connection: duckdb.DuckDBPyConnection, gone: Sequence[Outlived]) -> list[Outlived]:
    """Return the records of turns that repeat what goes; the turns stay, with what is counted of them."""
    ends = [one.before for one in gone if one.table in _REPEATED]
    return [_count(connection, _RECORD, 'time', max(ends), source=f'turns WHERE {_KEPT}')] if ends else []


def _count(
    connection: duckdb.DuckDBPyConnection, table: str, time: str, before: datetime, *, source: str = ''
) -> Outlived:
    query = f'SELECT count(*) FILTER ({time} < $before), count(*), min({time}) FROM {source or table}'  # noqa: S608 - our names
    [(rows, of, oldest)] = connection.execute(query, {'before': _naive(before)}).fetchall()
    return Outlived(table, before, rows, of, oldest and oldest.replace(tzinfo=UTC))


def _gone(table: str) -> str:
    # A clock that was set back must not tear a hole into the chain.
    return 'seq <= (SELECT max(seq) FROM audit WHERE time < ?)' if table == 'audit' else f'{_time(table)} < ?'


def _time(table: str) -> str:
    return _TIMES.get(table, 'time')


def _naive(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None)
