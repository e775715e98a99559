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

_TIMES: dict[Table, str] = {'archived_sessions': 'updated_at'}
"""The column that tells a row's age, where it is not `time`."""


@dataclass(frozen=True)
class Rule:
    """Rows of `table` are kept this long."""

    table: Table
    keep: timedelta


@dataclass(frozen=True)
class Outlived:
    """What one rule does not keep."""

    table: Table
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
    return [_count(connection, rule, what.at) for rule in what.rules]


def remove(connection: duckdb.DuckDBPyConnection, what: Retention) -> list[Outlived]:
    """Remove what outlived its rule, inside the transaction that `connection` is in. The bytes stay for now."""
    gone = count(connection, what)
    last, cut = head_of(connection), cut_of(connection, [one.before for one in gone if one.table == 'audit'])
    for one in gone:
        connection.execute(f'DELETE FROM {one.table} WHERE {_gone(one.table)}', [_naive(one.before)])  # noqa: S608 - our names
    done = AuditNote('retention', what.actor, data={**cut, **{one.table: one.rows for one in gone}})
    record(connection, [done], after=last)
    return gone


def _count(connection: duckdb.DuckDBPyConnection, rule: Rule, now: datetime) -> Outlived:
    before, time = now - rule.keep, _time(rule.table)
    query = f'SELECT count(*) FILTER ({time} < $before), count(*), min({time}) FROM {rule.table}'  # noqa: S608 - our names
    [(rows, of, oldest)] = connection.execute(query, {'before': _naive(before)}).fetchall()
    return Outlived(rule.table, before, rows, of, oldest and oldest.replace(tzinfo=UTC))


def _gone(table: Table) -> str:
    # A clock that was set back must not tear a hole into the chain.
    return 'seq <= (SELECT max(seq) FROM audit WHERE time < ?)' if table == 'audit' else f'{_time(table)} < ?'


def _time(table: Table) -> str:
    return _TIMES.get(table, 'time')


def _naive(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None)
