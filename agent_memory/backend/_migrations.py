"""Brings a DuckDB file to the newest schema: numbered SQL files, applied in order, their version kept in the file."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


class NewerSchema(Exception):
    """The file was written by a later version of this package."""


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Apply the migrations that the file does not have, each in one transaction.

    Raises:
        NewerSchema: The file has migrations that this version does not know.
        duckdb.Error: A migration failed and was rolled back.
    """
    scripts = _scripts()
    connection.execute('CREATE TABLE IF NOT EXISTS migrations (version BIGINT NOT NULL, name VARCHAR NOT NULL)')
    found = connection.execute('SELECT coalesce(max(version), 0) FROM migrations').fetchone()
    current = int(found[0]) if found else 0
    if current > len(scripts):
        raise NewerSchema(f'schema {current} is newer than {len(scripts)}, the newest that this version knows')
    for version, (name, script) in enumerate(scripts[current:], start=current + 1):
        connection.begin()
        try:
            connection.execute(script)
            connection.execute('INSERT INTO migrations VALUES (?, ?)', [version, name])
            connection.commit()
        except BaseException:
            connection.rollback()
            raise


def _scripts() -> list[tuple[str, str]]:
    """Return name and text of every migration; the n-th file brings the schema to version n."""
    found = [item for item in files('agent_memory.backend').joinpath('sql').iterdir() if item.name.endswith('.sql')]
    return [(item.name, item.read_text('utf-8')) for item in sorted(found, key=lambda item: item.name)]
