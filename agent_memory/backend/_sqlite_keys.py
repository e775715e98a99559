"""`SqliteKeys`: data keys in one SQLite file, for the processes of one machine."""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from agent_memory.backend._key_store import Erased, WrappedKey
from agent_memory.errors import KeyUnavailable, SetupError

T = TypeVar('T')

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (
    contact_id TEXT PRIMARY KEY, key_id TEXT NOT NULL, wrapped BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS erased (
    contact_id TEXT NOT NULL, key_id TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (contact_id, key_id)
) WITHOUT ROWID;
"""
# `secure_delete` writes zeros over what is deleted, and a truncated journal keeps no copy of it: without the two, a
# destroyed key stays in the file until something else happens to be written there.
_PRAGMAS = ('busy_timeout = 10000', 'secure_delete = ON', 'journal_mode = TRUNCATE', 'synchronous = FULL')


class SqliteKeys:
    """Keeps wrapped data keys in the file at `path`, made on first use with mode 0600.

    Any number of processes of one machine may use it. A copy of the file keeps what is destroyed later: do not copy it
    into backups of the data.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix='keys')
        self._connection: sqlite3.Connection | None = None

    async def fingerprint(self) -> str:
        def found(connection: sqlite3.Connection) -> str:
            [(value,)] = connection.execute("SELECT value FROM meta WHERE name = 'fingerprint'").fetchall()
            return value

        return await self._run(found)

    async def get(self, contact_id: str) -> WrappedKey | None:
        return await self._run(lambda connection: _get(connection, contact_id))

    async def create(self, contact_id: str, key: WrappedKey) -> WrappedKey:
        def kept(connection: sqlite3.Connection) -> WrappedKey:
            with connection:
                connection.execute('INSERT OR IGNORE INTO keys VALUES (?, ?, ?)', (contact_id, key.id, key.wrapped))
            return _get(connection, contact_id) or key

        return await self._run(kept)

    async def destroy(self, contact_id: str, *, at: datetime) -> WrappedKey | None:
        def gone(connection: sqlite3.Connection) -> WrappedKey | None:
            with connection:
                connection.execute('BEGIN IMMEDIATE')
                key = _get(connection, contact_id)
                connection.execute('DELETE FROM keys WHERE contact_id = ?', (contact_id,))
                connection.execute(
                    'INSERT OR IGNORE INTO erased VALUES (?, ?, ?)',
                    (contact_id, key.id if key else '', at.astimezone(UTC).isoformat()),
                )
            return key

        return await self._run(gone)

    async def erased(self, contact_id: str | None = None) -> list[Erased]:
        def found(connection: sqlite3.Connection) -> list[Erased]:
            rows = connection.execute(
                'SELECT contact_id, key_id, at FROM erased WHERE ?1 IS NULL OR contact_id = ?1 ORDER BY at',
                (contact_id,),
            )
            return [Erased(contact, key_id, datetime.fromisoformat(at)) for contact, key_id, at in rows]

        return await self._run(found)

    async def contacts(self, *, after: str = '', limit: int = 500) -> list[tuple[str, WrappedKey]]:
        def found(connection: sqlite3.Connection) -> list[tuple[str, WrappedKey]]:
            rows = connection.execute(
                'SELECT contact_id, key_id, wrapped FROM keys WHERE contact_id > ? ORDER BY contact_id LIMIT ?',
                (after, limit),
            )
            return [(contact, WrappedKey(key_id, wrapped)) for contact, key_id, wrapped in rows]

        return await self._run(found)

    async def count(self) -> int:
        return await self._run(lambda connection: connection.execute('SELECT count(*) FROM keys').fetchone()[0])

    async def rewrap(self, contact_id: str, old: WrappedKey, new: WrappedKey) -> bool:
        def replaced(connection: sqlite3.Connection) -> bool:
            with connection:
                changed = connection.execute(
                    'UPDATE keys SET wrapped = ? WHERE contact_id = ? AND key_id = ? AND wrapped = ?',
                    (new.wrapped, contact_id, old.id, old.wrapped),
                )
            return changed.rowcount == 1

        return await self._run(replaced)

    async def close(self) -> None:
        def let_go() -> None:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

        await asyncio.get_running_loop().run_in_executor(self._worker, let_go)

    async def _run(self, call: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, self._guarded, call)

    def _guarded(self, call: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return call(self._open())
        except sqlite3.Error as error:
            raise KeyUnavailable(f'{self.path}: the keys cannot be read or written ({error})') from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = _opened(self.path)
        return self._connection


def _opened(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path)
    except OSError as error:
        raise SetupError(
            f'{path}: data keys cannot be kept there ({error.strerror}); choose another data directory'
        ) from error
    connection: Any = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    for pragma in _PRAGMAS:
        connection.execute(f'PRAGMA {pragma}')
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'erased'").fetchone():
        connection.executescript(_SCHEMA)
    if not connection.execute("SELECT 1 FROM meta WHERE name = 'fingerprint'").fetchone():
        connection.execute("INSERT OR IGNORE INTO meta VALUES ('fingerprint', ?)", (secrets.token_hex(16),))
    return connection


def _make(path: Path) -> None:
    """Make an empty file of mode 0600: SQLite would make it readable for all, and its journal takes its mode.

    It is closed before it has its name: a process that closes any descriptor of a file loses all its locks on it, those
    of its other connections too.
    """
    if path.exists():
        return
    new = path.with_name(f'{path.name}.{secrets.token_hex(4)}')
    os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        os.link(new, path)
    except FileExistsError:
        pass  # another process was first
    finally:
        new.unlink()


def _get(connection: sqlite3.Connection, contact_id: str) -> WrappedKey | None:
    found = connection.execute('SELECT key_id, wrapped FROM keys WHERE contact_id = ?', (contact_id,)).fetchone()
    return WrappedKey(*found) if found else None
