"""The order of the rows in the history's file: those of one contact lie together, so that a question reads few blocks.

Archiving appends, so contacts are mixed in what came since the file was last written anew. DuckDB skips the blocks whose
smallest and largest contact leave no room for the one that is asked for.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from agent_memory.backend._sql import identifier, quoted

if TYPE_CHECKING:
    import duckdb

_MESSAGES = 'message_history'
_SORTED = ('archived_sessions', 'turns', _MESSAGES, 'facts', 'events')
_TABLES = """
SELECT table_name FROM duckdb_tables()
WHERE database_name = current_database() AND NOT internal AND NOT temporary AND table_name <> 'layout'
"""
_UNSORTED = f"""
SELECT (SELECT count(*) FROM {_MESSAGES}) - coalesce((SELECT rows FROM layout WHERE table_name = '{_MESSAGES}'), 0)
"""  # noqa: S608 - our own names


def copy_into(connection: duckdb.DuckDBPyConnection, target: Path) -> None:
    """Write everything that is committed to a new file, in one snapshot and sorted. Half a copy never has the name `target`.

    Raises:
        duckdb.Error: The copy cannot be written; nothing of it is left.
        OSError: The same.
    """
    half = half_of(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    half.unlink(missing_ok=True)
    try:
        _write(connection, half)
        os.replace(half, target)
    except BaseException:
        half.unlink(missing_ok=True)
        raise


def half_of(target: Path) -> Path:
    """Return where a copy is written before it is whole."""
    return target.with_name(f'{target.name}.half')


def unsorted(connection: duckdb.DuckDBPyConnection) -> int:
    """Return how many messages came since the file was last sorted."""
    [(rows,)] = connection.execute(_UNSORTED).fetchall()
    return int(rows)


def has_gaps(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether rows were removed whose bytes are still in the file, as after a kill in the middle of an erasure."""
    gaps = ' OR '.join(f'(SELECT max(rowid) + 1 > count(*) FROM {table})' for table in _SORTED)  # noqa: S608 - our names
    [(found,)] = connection.execute(f'SELECT {gaps}').fetchall()
    return bool(found)


def _write(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    [(source,)] = connection.execute('SELECT current_database()').fetchall()
    # Named after its file: a backup and a rewrite may run at once.
    copy = identifier(path.name)
    connection.execute(f"ATTACH {quoted(str(path))} AS {copy} (STORAGE_VERSION 'v1.5.0')")
    try:
        # A cursor of its own: closing it ends a transaction that failed.
        with connection.cursor() as cursor:
            cursor.begin()
            cursor.execute(f'COPY FROM DATABASE {identifier(source)} TO {copy} (SCHEMA)')
            for (table,) in cursor.execute(_TABLES).fetchall():
                # Those of one contact keep the order in which they were committed.
                order = 'ORDER BY contact_id, rowid' if table in _SORTED else ''
                cursor.execute(f'INSERT INTO {copy}.{table} FROM {table} {order}')
                if order:
                    cursor.execute(f"INSERT INTO {copy}.layout SELECT '{table}', count(*) FROM {copy}.{table}")  # noqa: S608
            cursor.commit()
    finally:
        connection.execute(f'DETACH {copy}')
