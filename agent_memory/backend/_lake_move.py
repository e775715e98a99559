"""Moving a history from its file into a lake."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._lake import LakeArchive
from agent_memory.backend._sql import quoted
from agent_memory.errors import InvalidInput

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TABLES = """SELECT table_name FROM duckdb_tables()
WHERE database_name = current_database() AND table_name <> 'migrations' ORDER BY table_name"""


async def move_into_lake(path: Path, lake: LakeArchive) -> dict[str, int]:
    """Copy the history in the file at `path` into an empty `lake`, whole or not at all, and return the rows a table.

    The lake is closed afterwards. Its archivers go on from the offsets of the file, which stays as it is. No archiver may run meanwhile.

    Raises:
        InvalidInput: The lake has rows already.
        ArchiveUnavailable: The file is held by another process, or the lake cannot be written.
    """
    file = DuckDBArchive(path)
    await file.offset(0)  # brings it to the newest schema
    await file.close()
    await lake.offset(0)
    try:
        return await lake.work(lambda connection: _copied(connection, path))
    finally:
        await lake.close()


def _copied(connection: DuckDBPyConnection, path: Path) -> dict[str, int]:
    moved: dict[str, int] = {}
    connection.execute(f'ATTACH {quoted(str(path))} AS moved (READ_ONLY)')
    for (table,) in connection.execute(_TABLES).fetchall():
        if connection.execute(f'FROM {table} LIMIT 1').fetchall():
            raise InvalidInput(f'the lake has rows in {table} already; a history is moved into an empty one')
        # In the order of the file: it is the order within each conversation.
        statement = f'INSERT INTO {table} BY NAME SELECT * FROM moved.{table} ORDER BY rowid'  # noqa: S608 - names of our own schema
        [(moved[table],)] = connection.execute(statement).fetchall()
    return moved
