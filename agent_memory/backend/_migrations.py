"""Brings a history to the newest schema: numbered SQL files, applied in order, their version kept in the history."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import duckdb


Schema = Literal['file', 'lake']

_FOLDERS: dict[Schema, tuple[str, ...]] = {'file': ('sql',), 'lake': ('sql', 'lake')}


class NewerSchema(Exception):
    """The history was written by a later version of this package."""


@dataclass(frozen=True, order=True)
class Migration:
    """One SQL file. Its version is the number that its name begins with."""

    version: int
    name: str
    script: str


def migrate(connection: duckdb.DuckDBPyConnection, schema: Schema = 'file') -> None:
    """Apply the migrations that the history does not have, each in one transaction.

    Raises:
        NewerSchema: The history has migrations that this version does not know.
        duckdb.Error: A migration failed and was rolled back.
    """
    known = migrations(schema)
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


def is_current(connection: duckdb.DuckDBPyConnection, schema: Schema) -> bool:
    """Return whether the history has every migration already, and change nothing."""
    [(there,)] = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() AND table_name = 'migrations'"
    ).fetchall()
    if not there:
        return False
    [(newest,)] = connection.execute('SELECT max(version) FROM migrations').fetchall()
    return newest == migrations(schema)[-1].version


def migrations(schema: Schema = 'file') -> list[Migration]:
    """Return every migration, in order."""
    folder = files('agent_memory.backend').joinpath(*_FOLDERS[schema])
    found = [item for item in folder.iterdir() if item.name.endswith('.sql')]
    return sorted(Migration(int(item.name.partition('_')[0]), item.name, item.read_text('utf-8')) for item in found)
