"""`open_archive`: the history that a setting names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._lake import PREFIX as LAKE
from agent_memory.backend._lake import LakeArchive
from agent_memory.backend._quack import PREFIX as QUACK
from agent_memory.backend._quack import QuackArchive
from agent_memory.errors import SetupError

if TYPE_CHECKING:
    from agent_memory.backend._threaded import ThreadedArchive


def open_archive(where: str | Path, *, data: str | Path | None = None, token: str | None = None) -> ThreadedArchive:
    """Return the archive at `where`; nothing is opened yet.

    Args:
        where: A file of DuckDB, `ducklake:postgres:...`, or `quack:HOST:PORT`, which is only read.
        data: Where the files of a lake are.
        token: What the archiver at `quack:...` admits.

    Raises:
        SetupError: `where` names a lake in a way that cannot be used, or there is no token.
    """
    if str(where).startswith(LAKE):
        return LakeArchive(str(where), data=data)
    if str(where).startswith(QUACK):
        if token is None:
            raise SetupError('the history at `quack:...` is read with the token of its archiver')
        return QuackArchive(str(where), token)
    return DuckDBArchive(where)
