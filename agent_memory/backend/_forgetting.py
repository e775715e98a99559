"""Erasing contacts from the history: their rows in every table that has a contact, and the bytes of the file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent_memory.backend._archive import Batch
from agent_memory.backend._erasure import Tombstone

if TYPE_CHECKING:
    import duckdb

_KEPT = ('audit', 'requests', 'erasures')
"""What proves an erasure: ids that are keyed hashes, kinds, times and counts."""
_TABLES = """
SELECT table_name, list(column_name) FROM duckdb_columns()
SEMI JOIN duckdb_tables() USING (database_name, schema_name, table_name)
WHERE database_name = current_database() AND schema_name = current_schema() AND table_name NOT IN (SELECT unnest(?))
GROUP BY table_name HAVING list_contains(list(column_name), 'contact_id') ORDER BY table_name
"""
_STONES = (
    """(SELECT unnest(from_json(?, '[{"contact_id": "VARCHAR", "at_ms": "BIGINT"}]'), recursive := true)) AS stone"""
)
"""Who is erased, in one parameter: a statement for each contact takes minutes when a backup of a large shop is restored."""


def count(connection: duckdb.DuckDBPyConnection, stones: Sequence[Tombstone]) -> dict[str, int]:
    """Return the rows of each table that belong to the contacts until their erasure."""
    found: dict[str, int] = {}
    for table, until in _tables(connection):
        query = f'SELECT count(*) FROM {table} WHERE {_of_the_erased(table, until)}'  # noqa: S608 - names of our own schema
        [(found[table],)] = connection.execute(query, [_written(stones)]).fetchall()
    return found


def remove(connection: duckdb.DuckDBPyConnection, stones: Sequence[Tombstone]) -> dict[str, int]:
    """Remove those rows and note the erasures, inside the transaction that `connection` is in.

    The bytes stay until the files are written anew.
    """
    found = count(connection, stones)
    for table, until in _tables(connection):
        if found[table]:
            statement = f'DELETE FROM {table} WHERE {_of_the_erased(table, until)}'  # noqa: S608 - names of our own schema
            connection.execute(statement, [_written(stones)])
    known = stones_of(connection)
    newer = [stone for stone in stones if _ms(stone) > known.get(stone.contact_id, 0)]
    if newer:
        written = _written(newer)
        connection.execute(f'DELETE FROM erasures WHERE contact_id IN (SELECT contact_id FROM {_STONES})', [written])  # noqa: S608 - our own
        connection.execute(f'INSERT INTO erasures SELECT contact_id, at_ms FROM {_STONES}', [written])  # noqa: S608 - our own
    return found


def stones_of(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return who was erased, and when in ms."""
    return dict(connection.execute('SELECT contact_id, at_ms FROM erasures').fetchall())


def tombstones(stones: dict[str, int]) -> list[Tombstone]:
    """Return `stones` as records."""
    return [Tombstone(contact, datetime.fromtimestamp(at / 1000, UTC)) for contact, at in stones.items()]


def without(batch: Batch, stones: dict[str, int]) -> Batch:
    """Return a batch without what was sent by contacts who were erased since."""

    def stays(contact_id: str, began_ms: int) -> bool:
        return began_ms > stones.get(contact_id, -1)

    if not stones or stones.keys().isdisjoint(batch.packed.contacts()):
        return batch
    return replace(batch, packed=batch.packed.only(stays))


def _tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Return each table with contacts, and what tells in ms when the conversation of a row began."""
    found: list[tuple[str, str]] = []
    for table, columns in connection.execute(_TABLES, [list(_KEPT)]).fetchall():
        if 'session_id' in columns:
            found.append((table, "split_part(session_id, ':', 2)::BIGINT"))
        elif 'entry_id' in columns:
            found.append((table, "split_part(entry_id, '-', 1)::BIGINT"))
        else:
            found.append((table, 'epoch_ms(time)'))
    return found


def _of_the_erased(table: str, until: str) -> str:
    """Return which rows of a table go: those of a contact until the erasure."""
    return f'EXISTS (FROM {_STONES} WHERE stone.contact_id = {table}.contact_id AND {until} <= stone.at_ms)'


def _written(stones: Sequence[Tombstone]) -> str:
    newest = {stone.contact_id: _ms(stone) for stone in sorted(stones, key=_ms)}
    return json.dumps([{'contact_id': contact, 'at_ms': at} for contact, at in newest.items()])


def _ms(stone: Tombstone) -> int:
    return int(stone.at.timestamp() * 1000)
