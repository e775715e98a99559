"""`open_archive`: the history that a setting names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._lake import PREFIX, LakeArchive

if TYPE_CHECKING:
    from agent_memory.backend._threaded import ThreadedArchive


def open_archive(where: str | Path, *, data: str | Path | None = None) -> ThreadedArchive:
    """Return the archive at `where`: a file of DuckDB, or `ducklake:postgres:...`, whose files are at `data`.

    Nothing is opened yet.
    """
    if str(where).startswith(PREFIX):
        return LakeArchive(str(where), data=data)
    return DuckDBArchive(where)
