"""`DuckDBArchive`: the history in one DuckDB file."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Condition
from typing import ParamSpec, TypeVar

import anyio
import duckdb

from agent_memory.backend._archive import Batch
from agent_memory.backend._endpoint import (
    ask_holder,
    ask_holder_for_copy,
    ask_holder_to_enter,
    ask_holder_to_erase,
    ask_holder_to_retain,
)
from agent_memory.backend._erasure import Erasing
from agent_memory.backend._history import Answer, Parameter, Question
from agent_memory.backend._layout import copy_into, half_of, has_gaps, unsorted
from agent_memory.backend._ledger import AuditNote, Head, RequestStep
from agent_memory.backend._migrations import migrate
from agent_memory.backend._retention import Outlived, Retention
from agent_memory.backend._threaded import ThreadedArchive, reason
from agent_memory.errors import ArchiveUnavailable

P = ParamSpec('P')
R = TypeVar('R')

CONFIG: dict[str, str | bool | int | float | list[str]] = {
    # Both DuckDB 1.5 and 2.x read and write this format; 1.5 cannot open the one that 2.0 writes by default.
    'storage_compatibility_version': 'v1.5.0',
    # Each checkpoint packs the newest rows anew, which takes a fifth of the time of a backlog at the default of 16 MB. A log
    # of this size is read again within half a second after a kill.
    'wal_autocheckpoint': '64MB',
    # Otherwise sorting ten million messages takes 5 GB from whatever else runs here.
    'memory_limit': '1GB',
}
"""How the file is opened."""

_MOST_UNSORTED = 100_000
"""Messages that a question about one contact has to read through because they are not sorted: about half a ms."""

_LOOKS, _LOOK_AGAIN_S = 40, 0.05
"""How often and how long apart a question is asked of a file that nobody answers for and somebody holds."""

_HELD = re.compile(r'Conflicting lock is held in (?P<program>\S+) \(PID (?P<pid>\d+)\)')


class DuckDBArchive(ThreadedArchive):
    """Keeps the history in the DuckDB file at `path`, which one process at a time may open.

    `offset` and `append` open the file and hold it until `close`. A call that fails lets go of the file.
    """

    def __init__(self, path: str | Path, *, query_limit: timedelta = timedelta(seconds=10)) -> None:
        super().__init__(str(path), query_limit=query_limit)
        self.path = Path(path)
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._opened: tuple[int, int] | None = None
        self._in_use = Condition()
        self._users = 0

    async def ask(self, question: Question, **parameters: Parameter) -> Answer:
        """Answer from the file, or through the process that holds it.

        A process that only reads does not keep the file: it could not be written meanwhile.
        """
        return await self._wherever(
            lambda: self.answer(question, **parameters),
            lambda: ask_holder(self.path, question, parameters),
            lambda: self._timed(
                lambda stop: self._run(self._alone, lambda: self._fetch(self._connect(), question, parameters, stop))
            ),
        )

    async def enter(self, notes: Sequence[AuditNote] = (), steps: Sequence[RequestStep] = ()) -> Head:
        """Write to the ledger, in the file or through the process that holds it, and return the head of its chain."""
        return await self._wherever(
            lambda: self._run(self._enter, notes, steps),
            lambda: ask_holder_to_enter(self.path, notes, steps),
            lambda: self._run(self._alone, self._enter, notes, steps),
        )

    async def erasing(self, what: Erasing) -> dict[str, int]:
        """Do what an erasure asks, in the file or through the process that holds it."""
        return await self._wherever(
            lambda: self._run(self._erased, what),
            lambda: ask_holder_to_erase(self.path, what),
            lambda: self._run(self._alone, self._erased, what),
        )

    async def retaining(self, what: Retention) -> list[Outlived]:
        """Do what a retention asks, in the file or through the process that holds it."""
        return await self._wherever(
            lambda: self._run(self._retained, what),
            lambda: ask_holder_to_retain(self.path, what),
            lambda: self._run(self._alone, self._retained, what),
        )

    async def _wherever(
        self,
        here: Callable[[], Awaitable[R]],
        there: Callable[[], Awaitable[R | None]],
        opened: Callable[[], Awaitable[R]],
    ) -> R:
        """Do something in the file that this process holds, through its holder, or in the file opened for it alone."""
        for _ in range(_LOOKS):
            if self._holds_file():
                return await here()
            found = await there()
            if found is not None:
                return found
            try:
                return await opened()
            except _Occupied:
                # Held by another reader, or by an archiver that does not answer yet, or just being created.
                await asyncio.sleep(_LOOK_AGAIN_S)
        return await opened()

    async def answer(self, question: Question, **parameters: Parameter) -> Answer:
        """Answer from the file, which this process holds or comes to hold.

        Raises:
            ArchiveUnavailable: Another process holds it, or the question took longer than `query_limit`.
        """
        return await self._timed(
            lambda stop: self._beside(lambda connection: self._fetch(connection, question, parameters, stop))
        )

    async def _beside(self, call: Callable[[duckdb.DuckDBPyConnection], R]) -> R:
        """Do something beside the writer, with a file that stays open for so long."""
        loop = asyncio.get_running_loop()
        while True:
            if not self._holds_file():
                await self._run(self._connect)
            try:
                return await loop.run_in_executor(self._readers, self._reading, call)
            except _LetGo:
                continue  # written anew meanwhile

    async def backup(self, directory: Path) -> Path:
        """Write a copy of the history as of now into `directory` and return its file. Archiving goes on meanwhile.

        Raises:
            ArchiveUnavailable: The history cannot be read or the copy not written.
        """
        name = f'{self.path.stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.duckdb'
        target = Path(await anyio.Path(directory).absolute()) / name
        if not self._holds_file() and await ask_holder_for_copy(self.path, target):
            return target
        held = self._connection is not None
        await self.copy(target)
        if not held:
            await self.close()
        return target

    async def copy(self, target: Path) -> None:
        """Write what is committed now to the new file `target`."""
        await self._beside(lambda connection: self._copy(connection, target))

    async def tidy(self, *, most: int = _MOST_UNSORTED) -> bool:
        """Write the file anew if more than `most` messages came since, or a removal did not get to it; return whether.

        Raises:
            ArchiveUnavailable: The file cannot be written anew, such as for lack of room; it stays as it is.
        """
        return await self._run(self._tidy, most)

    @property
    def held(self) -> bool:
        """Whether this process holds the file."""
        return self._holds_file()

    def _holds_file(self) -> bool:
        return self._connection is not None and self._opened == self._identity()

    # What follows runs on the worker thread.

    def _unavailable(self, error: Exception) -> ArchiveUnavailable:
        """Return one sentence; DuckDB's messages go on with advice, links and the statement."""
        if held := _HELD.search(str(error)):
            return _Occupied(f'{self.path}: held by process {held["pid"]} ({held["program"]})')
        kind = _Occupied if 'not a valid DuckDB' in str(error) else ArchiveUnavailable
        return kind(f'{self.path}: {reason(error)}')

    def _connect(self) -> duckdb.DuckDBPyConnection:
        if self._connection is not None and self._holds_file():
            return self._connection
        self._let_go()
        connection = duckdb.connect(str(self.path), config=CONFIG)
        try:
            # Times are stored without a zone; this is the one that they are converted to.
            connection.execute("SET TimeZone = 'UTC'")
            migrate(connection)
            self._clear()
        except BaseException:
            connection.close()
            raise
        self._connection, self._opened = connection, self._identity()
        return connection

    def _clear(self) -> None:
        """Remove what a killed process left of writing the file anew: rows that may have been erased since."""
        half_of(self._smaller).unlink(missing_ok=True)
        self._smaller.unlink(missing_ok=True)
        shutil.rmtree(self.path.with_name(f'{self.path.name}.tmp'), ignore_errors=True)

    @property
    def _smaller(self) -> Path:
        return self.path.with_name(f'{self.path.name}.smaller')

    def _identity(self) -> tuple[int, int] | None:
        """Return which file is at the path now: rows written to a removed file would be lost in silence."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # DuckDB 2 refuses to close what is in use, and another one opened beside it would be of the same old file.
            with self._in_use:
                self._in_use.wait_for(lambda: self._users == 0)
            connection.close()

    def _append(self, batch: Batch) -> None:
        super()._append(batch)
        if self._opened != self._identity():
            self._let_go()
            raise ArchiveUnavailable(f'{self.path}: the file was removed or replaced while rows were written')

    def _alone(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do one thing in the file, and let go of it unless this process held it before."""
        held = self._connection is not None
        try:
            return call(*args, **kwargs)
        finally:
            if not held:
                self._let_go()

    def _tidy(self, most: int) -> bool:
        connection = self._connect()
        due = unsorted(connection) > most or has_gaps(connection)
        if due:
            self._rewrite()
        return due

    def _rewrite(self) -> None:
        smaller = self._smaller
        connection = self._connect()
        copy_into(connection, smaller)
        # With nothing left in the write-ahead log, closing the old file cannot touch the log of the new one.
        connection.execute('CHECKPOINT')
        os.replace(smaller, self.path)
        self._let_go()

    # What follows runs on the threads of the readers too.

    def _reading(self, call: Callable[[duckdb.DuckDBPyConnection], R]) -> R:
        with self._in_use:
            self._users += 1
        try:
            if (connection := self._connection) is None:
                raise _LetGo
            return call(connection)
        finally:
            with self._in_use:
                self._users -= 1
                self._in_use.notify_all()

    def _copy(self, connection: duckdb.DuckDBPyConnection, target: Path) -> None:
        try:
            with connection.cursor() as cursor:
                copy_into(cursor, target)
        except (duckdb.Error, OSError) as error:
            raise ArchiveUnavailable(f'{target}: {reason(error)}') from error


class _LetGo(Exception):
    """The connection was closed before it could be used."""


class _Occupied(ArchiveUnavailable):
    """Another process has the file open, or has not finished creating it."""
