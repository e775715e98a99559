"""Brings a DuckDB file to the newest schema: numbered SQL files, applied in order, their version kept in the file."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


class NewerSchema(Exception):
    """The file was written by a later version of this package."""


@dataclass(frozen=True, order=True)
class Migration:
    """One SQL file. Its version is the number that its name begins with."""

    version: int
    name: str
    script: str


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Apply the migrations that the file does not have, each in one transaction.

    Raises:
        NewerSchema: The file has migrations that this version does not know.
        duckdb.Error: A migration failed and was rolled back.
    """
    known = migrations()
    connection.execute('CREATE TABLE IF NOT EXISTS migrations (version BIGINT NOT NULL, name VARCHAR NOT NULL)')
    applied = {int(row[0]) for row in connection.execute('SELECT version FROM migrations').fetchall()}
    newest = max(applied, default=0)
    if newest > known[-1].version:
        raise NewerSchema(f'schema {newest} is newer than {known[-1].version}, the newest that this version knows')
    for migration in known:
        if migration.version in applied:
            continue
        connection.begin()
        try:
            connection.execute(migration.script)
            connection.execute('INSERT INTO migrations VALUES (?, ?)', [migration.version, migration.name])
            connection.commit()
        except BaseException:
            connection.rollback()
            raise


def migrations() -> list[Migration]:
    """Return every migration, in order."""
    found = [item for item in files('agent_memory.backend').joinpath('sql').iterdir() if item.name.endswith('.sql')]
    return sorted(Migration(int(item.name.partition('_')[0]), item.name, item.read_text('utf-8')) for item in found)
