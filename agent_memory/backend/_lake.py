"""`LakeArchive`: the history past one machine: Parquet files, and a catalog of them in PostgreSQL (DuckLake)."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import duckdb

from agent_memory.backend import _lake_files
from agent_memory.backend._erasure import Erasing
from agent_memory.backend._extensions import load_extension
from agent_memory.backend._history import Answer, Parameter, Question
from agent_memory.backend._lake_gate import Gate
from agent_memory.backend._ledger import AuditNote, Head, RequestStep
from agent_memory.backend._migrations import is_current, migrate
from agent_memory.backend._sql import quoted
from agent_memory.backend._threaded import ThreadedArchive
from agent_memory.errors import ArchiveUnavailable, SetupError

R = TypeVar('R')

PREFIX = 'ducklake:postgres:'
# Otherwise merging large files takes most of the memory from whatever else runs here.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {'memory_limit': '1GB'}
_HOUSE = 0
"""Whoever archives this partition keeps house: retention, deliveries, compaction."""
_PASSWORD = re.compile(r'password\s*=|://[^/@]*:[^/@]*@')
_INLINED = 200
"""Rows of one table in one batch up to which they stay in the catalog until the next tidying: files would be tiny."""


@dataclass(frozen=True)
class LakeSize:
    """What a lake has in files; rows that are not tidied yet are in its catalog."""

    files: int
    size_bytes: int


class LakeArchive(ThreadedArchive):
    """Keeps the history in a lake, which any number of processes and machines read and write.

    `offset` and `append` claim their partition until `close`: another archiver of it waits. Each write is one
    transaction of the catalog, and one at a time, as the ledger is one chain.
    """

    def __init__(
        self,
        catalog: str,
        *,
        data: str | Path | None = None,
        query_limit: timedelta = timedelta(seconds=10),
        patience: timedelta = timedelta(seconds=30),
    ) -> None:
        """Make the archive; nothing is opened yet.

        Args:
            catalog: `ducklake:postgres:` and what PostgreSQL is reached with: `host=... dbname=...` or its URL. The
                password is in `PGPASSFILE` or `PGPASSWORD`, as libpq repeats the rest in its errors.
            data: Where the Parquet files are: a directory, or a URL such as `s3://bucket/history/`. The catalog knows it
                once it is made.
            query_limit: When a question is ended.
            patience: How long a write waits for one of another process.

        Raises:
            SetupError: `catalog` is not of this kind, or holds a password.
        """
        if not catalog.startswith(PREFIX):
            raise SetupError(f'the catalog of a lake is in PostgreSQL: `{PREFIX}host=... dbname=...`')
        if _PASSWORD.search(catalog):
            raise SetupError("leave the catalog's password out of its address; PGPASSFILE or PGPASSWORD holds it")
        super().__init__(catalog, query_limit=query_limit)
        self._reached = catalog.removeprefix(PREFIX)
        self._data = None if data is None else str(data)
        self._patience = patience
        self._open: _Open | None = None

    async def ask(self, question: Question, **parameters: Parameter) -> Answer:
        """Answer from what is committed.

        On an object store a file may be gone that an erasure removes meanwhile: ask again.
        """
        opened = self._open  # not through the writer's thread, which may be merging files for minutes
        return await self._asked(opened.connection if opened else await self._run(self._connect), question, parameters)

    async def enter(self, notes: Sequence[AuditNote] = (), steps: Sequence[RequestStep] = ()) -> Head:
        """Write to the ledger, and return the head of its chain."""
        return await self._run(self._enter, notes, steps)

    async def erasing(self, what: Erasing) -> dict[str, int]:
        """Do what an erasure asks."""
        return await self._run(self._erased, what)

    async def tidy(self) -> bool:
        """Merge small files, and remove those that were let go an hour ago."""
        await self._run(self._tidy)
        return True

    async def size(self) -> LakeSize:
        """Return how much there is."""
        return await self._run(self._size)

    @property
    def held(self) -> bool:
        """Whether this process keeps house."""
        return self._open is not None and _HOUSE in self._open.gate.claimed

    # What follows runs on the worker thread.

    def _connect(self) -> duckdb.DuckDBPyConnection:
        return self._opened().connection

    def _opened(self) -> _Open:
        if self._open is None:
            connection = duckdb.connect(config=_CONFIG)
            try:
                self._attach(connection)
                self._open = _Open(connection, Gate(connection, self._reached, patience=self._patience))
                if not is_current(connection, 'lake'):
                    with self._open.gate.alone():
                        migrate(connection, 'lake')
            except BaseException:
                self._let_go()
                connection.close()
                raise
        return self._open

    def _attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        for extension in ('ducklake', 'postgres_scanner'):
            load_extension(connection, extension)
        options = [f'DATA_INLINING_ROW_LIMIT {_INLINED}']
        if self._data is not None:
            options.append(f'DATA_PATH {quoted(self._data)}')
            _reach_files(connection, self._data)
        connection.execute(f'ATTACH {quoted(PREFIX + self._reached)} AS lake ({", ".join(options)})')
        [(files,)] = connection.execute(
            "SELECT value FROM ducklake_options('lake') WHERE option_name = 'data_path'"
        ).fetchall()
        _reach_files(connection, files)
        self._enter_lake(connection)

    def _enter_lake(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute('USE lake')
        # Times are stored without a zone; this is the one that they are converted to.
        connection.execute("SET TimeZone = 'UTC'")

    def _let_go(self) -> None:
        opened, self._open = self._open, None
        if opened is not None:
            opened.gate.close()
            opened.connection.close()

    @contextmanager
    def _transaction(self) -> Generator[duckdb.DuckDBPyConnection]:
        gate = self._opened().gate
        with gate.alone(), super()._transaction() as connection:
            yield connection
            gate.check()

    def _claim(self, partition: int) -> None:
        if not self._opened().gate.claim(partition):
            raise ArchiveUnavailable(f'{self.name}: another archiver has partition {partition}')

    def _offset(self, partition: int) -> str:
        self._claim(partition)
        return super()._offset(partition)

    def _work(self, call: Callable[[duckdb.DuckDBPyConnection], R]) -> R:
        if not self.held:
            raise ArchiveUnavailable(f'{self.name}: the archiver of partition {_HOUSE} keeps house')
        return super()._work(call)

    def _rewrite(self) -> None:
        opened = self._opened()
        with opened.gate.alone():
            _lake_files.rewrite(opened.connection)
        _lake_files.vacuum(opened.connection)

    def _tidy(self) -> None:
        opened = self._opened()
        with opened.gate.alone():
            _lake_files.tidy(opened.connection)

    def _size(self) -> LakeSize:
        query = "SELECT sum(file_count)::BIGINT, sum(file_size_bytes)::BIGINT FROM ducklake_table_info('lake')"
        [(files, size)] = self._connect().execute(query).fetchall()
        return LakeSize(files or 0, size or 0)

    # What follows runs on the threads of the readers too.

    def _cursor(self, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
        cursor = connection.cursor()
        self._enter_lake(cursor)
        return cursor


@dataclass(frozen=True)
class _Open:
    connection: duckdb.DuckDBPyConnection
    gate: Gate


def _reach_files(connection: duckdb.DuckDBPyConnection, where: str) -> None:
    if '://' in where:
        load_extension(connection, 'httpfs')
