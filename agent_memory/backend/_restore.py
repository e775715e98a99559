"""Putting a backup in the place of a history that is gone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb
from anyio import to_thread

from agent_memory.backend._migrations import migrations
from agent_memory.errors import ArchiveUnavailable


async def restore(backup: Path, path: Path) -> None:
    """Put a copy of `backup` at `path`, where no history may be.

    The archiver goes on from the offset in the backup. What was archived after the backup and is no longer in the
    outbox is not in the history any more. Who was erased after it has to be erased again: see `reconcile`.

    Raises:
        ArchiveUnavailable: `path` exists, `backup` is no history, or a file cannot be read or written.
    """
    await to_thread.run_sync(_restore, backup, path)


def _restore(backup: Path, path: Path) -> None:
    if path.exists():
        raise ArchiveUnavailable(f'{path}: there is a history already; move it away first')
    half = path.with_name(f'{path.name}.half')
    try:
        shutil.copyfile(backup, half)
        if (schema := _schema(half)) is None or schema > migrations()[-1].version:
            raise ArchiveUnavailable(f'{backup}: this is no history that this version knows')
        # Of a history that was removed after its archiver was killed: DuckDB refuses another file beside it.
        path.with_name(f'{path.name}.wal').unlink(missing_ok=True)
        os.replace(half, path)
    except OSError as error:
        raise ArchiveUnavailable(f'{error.filename}: {error.strerror}') from error
    finally:
        half.unlink(missing_ok=True)


def _schema(path: Path) -> int | None:
    try:
        with duckdb.connect(path, read_only=True) as connection:
            [(version,)] = connection.execute('SELECT max(version) FROM migrations').fetchall()
    except duckdb.Error:
        return None
    return version
