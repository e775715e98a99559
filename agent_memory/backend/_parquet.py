"""Writes an answer as a Parquet file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb

from agent_memory.backend._history import Answer, Value
from agent_memory.errors import ArchiveUnavailable

_TYPES: tuple[tuple[type, str], ...] = (
    (bool, 'BOOLEAN'),
    (int, 'BIGINT'),
    (float, 'DOUBLE'),
    (datetime, 'TIMESTAMPTZ'),
    (str, 'VARCHAR'),
)


def write_parquet(answer: Answer, path: Path) -> None:
    """Write `answer` to `path`, replacing what is there.

    Raises:
        ArchiveUnavailable: The file cannot be written.
    """
    columns = ', '.join(
        f'"{name}" {_type([row[place] for row in answer.rows])}' for place, name in enumerate(answer.columns)
    )
    with duckdb.connect() as connection:
        connection.execute(f'CREATE TABLE answer ({columns})')
        if answer.rows:
            places = ', '.join('?' for _ in answer.columns)
            connection.executemany(f'INSERT INTO answer VALUES ({places})', [list(row) for row in answer.rows])  # noqa: S608 - only placeholders
        try:
            connection.table('answer').write_parquet(str(path))
        except (duckdb.Error, OSError) as error:
            raise ArchiveUnavailable(f'{path}: {str(error).splitlines()[0]}') from error


def _type(values: list[Value]) -> str:
    for value in values:
        for kind, name in _TYPES:
            if isinstance(value, kind):
                return name
    return 'VARCHAR'
