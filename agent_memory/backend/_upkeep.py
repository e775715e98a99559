"""Upkeep of the history's file: backup, restore, retention.

`DELETE` leaves the bytes in a DuckDB file, so what must be gone is left out of a new file that takes the old one's place.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agent_memory.backend._ledger import AuditNote, cut_of, head_of, record
from agent_memory.errors import ArchiveUnavailable

if TYPE_CHECKING:
    import duckdb

    from agent_memory.backend._duckdb import DuckDBArchive

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


async def outlived(archive: DuckDBArchive, rules: Sequence[Rule], *, now: datetime | None = None) -> list[Outlived]:
    """Return what `retain` would remove, and remove nothing."""
    at = now or datetime.now(UTC)
    return await archive.work(lambda connection: [_count(connection, rule, at) for rule in rules])


async def retain(archive: DuckDBArchive, rules: Sequence[Rule], *, now: datetime | None = None) -> list[Outlived]:
    """Remove what outlived its rule, from the tables and from the bytes of the file, and note it in `audit`."""
    at = now or datetime.now(UTC)

    def remove(connection: duckdb.DuckDBPyConnection) -> list[Outlived]:
        gone = [_count(connection, rule, at) for rule in rules]
        last, cut = head_of(connection), cut_of(connection, [one.before for one in gone if one.table == 'audit'])
        for one in gone:
            connection.execute(f'DELETE FROM {one.table} WHERE {_gone(one.table)}', [_naive(one.before)])  # noqa: S608 - our names
        done = AuditNote('retention', 'system', data={**cut, **{one.table: one.rows for one in gone}})
        record(connection, [done], after=last)
        return gone

    gone = await archive.work(remove)
    await archive.rewrite()
    return gone


def restore(backup: Path, path: Path) -> None:
    """Put a copy of `backup` at `path`, where no history may be.

    The archiver goes on from the offset in the backup. What was archived after the backup and is no longer in the
    outbox is not in the history any more.

    Raises:
        ArchiveUnavailable: `path` exists, or a file cannot be read or written.
    """
    if path.exists():
        raise ArchiveUnavailable(f'{path}: there is a history already; move it away first')
    half = path.with_name(f'{path.name}.half')
    try:
        shutil.copyfile(backup, half)
        # Of a history that was removed after its archiver was killed: DuckDB refuses another file beside it.
        path.with_name(f'{path.name}.wal').unlink(missing_ok=True)
        os.replace(half, path)
    except OSError as error:
        raise ArchiveUnavailable(f'{path}: {error.strerror}') from error


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
