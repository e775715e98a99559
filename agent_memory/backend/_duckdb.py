"""`DuckDBArchive`: the history in one DuckDB file."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer
from typing import Any, ParamSpec, TypeVar, cast

import anyio
import duckdb

from agent_memory.backend import _forgetting, _ledger
from agent_memory.backend._archive import Batch, MessageRow, SessionRow
from agent_memory.backend._endpoint import ask_holder, ask_holder_for_copy, ask_holder_to_enter, ask_holder_to_erase
from agent_memory.backend._erasure import Erasing, Tombstone
from agent_memory.backend._history import Answer, Parameter, Question, sql_of
from agent_memory.backend._ledger import AuditNote, Head, RequestStep
from agent_memory.backend._migrations import NewerSchema, migrate
from agent_memory.backend._tables import aware, session_of, write
from agent_memory.backend._upkeep import copy_into
from agent_memory.errors import ArchiveRefused, ArchiveUnavailable

P = ParamSpec('P')
R = TypeVar('R')

START = '0-0'
"""The offset of a partition of which nothing is archived."""

# Both DuckDB 1.5 and 2.x read and write this format; 1.5 cannot open the one that 2.0 writes by default.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {'storage_compatibility_version': 'v1.5.0'}

_LOOKS, _LOOK_AGAIN_S = 40, 0.05
"""How often and how long apart a question is asked of a file that nobody answers for and somebody holds."""

_REFUSALS = (duckdb.DataError, duckdb.IntegrityError, duckdb.InvalidInputException)
_HELD = re.compile(r'Conflicting lock is held in (?P<program>\S+) \(PID (?P<pid>\d+)\)')


class DuckDBArchive:
    """Keeps the history in the DuckDB file at `path`, which one process at a time may open.

    `offset` and `append` open the file and hold it until `close`, on one thread and in order; a call whose caller is
    cancelled still ends. A call that fails lets go of the file, and the next one opens it again. Questions run beside
    them on threads of their own, and see what is committed.
    """

    def __init__(self, path: str | Path, *, query_limit: timedelta = timedelta(seconds=10)) -> None:
        self.path = Path(path)
        self.query_limit = query_limit
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix='archive')
        self._readers = ThreadPoolExecutor(max_workers=4, thread_name_prefix='archive-reader')
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._opened: tuple[int, int] | None = None
        self._stones: dict[str, int] = {}

    async def offset(self, partition: int) -> str:
        return await self._run(self._offset, partition)

    async def append(self, batch: Batch) -> None:
        await self._run(self._append, batch)

    async def sessions(self, contact_id: str, *, limit: int) -> list[SessionRow]:
        found = await self.ask('sessions', contact=contact_id, limit=limit)
        return [session_of(row) for row in found.rows]

    async def messages(self, session_id: str, *, limit: int) -> list[MessageRow]:
        contact_id = session_id.rpartition(':')[0]
        found = await self.ask('messages', contact=contact_id, session=session_id, limit=limit)
        return [MessageRow(*cast('Any', row)) for row in found.rows]

    async def ask(self, question: Question, **parameters: Parameter) -> Answer:
        """Answer from the file, or through the process that holds it.

        A process that only reads does not keep the file: it could not be written meanwhile.
        """
        return await self._wherever(
            lambda: self.answer(question, **parameters),
            lambda: ask_holder(self.path, question, parameters),
            lambda: self._run(self._look, question, parameters),
        )

    async def enter(self, notes: Sequence[AuditNote] = (), steps: Sequence[RequestStep] = ()) -> Head:
        """Write to the ledger, in the file or through the process that holds it, and return the head of its chain."""
        return await self._wherever(
            lambda: self._run(self._enter, notes, steps),
            lambda: ask_holder_to_enter(self.path, notes, steps),
            lambda: self._run(self._enter_and_let_go, notes, steps),
        )

    async def traces(self, stones: Sequence[Tombstone]) -> dict[str, int]:
        """Return the rows of each table that `erase` would remove."""
        return await self.erasing(Erasing(stones=tuple(stones), dry=True))

    async def erase(self, stones: Sequence[Tombstone]) -> dict[str, int]:
        """Remove these contacts' rows, from the bytes of the file too, and whatever still comes of them."""
        return await self.erasing(Erasing(stones=tuple(stones)))

    async def tombstones(self) -> list[Tombstone]:
        """Return who was erased here."""
        found = await self.ask('erasures')
        return [
            Tombstone(str(contact), datetime.fromtimestamp(int(cast('Any', at)) / 1000, UTC))
            for contact, at in found.rows
        ]

    async def erasing(self, what: Erasing) -> dict[str, int]:
        """Do what an erasure asks, in the file or through the process that holds it."""
        return await self._wherever(
            lambda: self._run(self._erased, what),
            lambda: ask_holder_to_erase(self.path, what),
            lambda: self._run(self._erased_and_let_go, what),
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
        """Answer from the file that this process holds already.

        Raises:
            ArchiveUnavailable: It does not hold the file, or the question took longer than `query_limit`.
        """
        if self._connection is None or not self._holds_file():
            raise ArchiveUnavailable(f'{self.path}: this process does not hold the file')
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._fetch, self._connection, question, parameters)

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
        connection = await self._run(self._connect)
        await asyncio.get_running_loop().run_in_executor(self._readers, self._copy, connection, target)

    async def rewrite(self) -> None:
        """Write the file anew, without the bytes of deleted rows."""
        await self._run(self._rewrite)

    async def work(self, call: Callable[[duckdb.DuckDBPyConnection], R]) -> R:
        """Run `call` with the open file on the thread of the writer, between two batches."""
        return await self._run(lambda: call(self._connect()))

    @property
    def held(self) -> bool:
        """Whether this process holds the file."""
        return self._holds_file()

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._worker, self._let_go)

    def _holds_file(self) -> bool:
        return self._connection is not None and self._opened == self._identity()

    async def _run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.get_running_loop().run_in_executor(
            self._worker, lambda: self._guard(call, *args, **kwargs)
        )

    # What follows runs on the worker thread.

    def _guard(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except (duckdb.Error, OSError, NewerSchema) as error:
            self._let_go()
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> ArchiveUnavailable:
        """Return one sentence; DuckDB's messages go on with advice, links and the statement."""
        if held := _HELD.search(str(error)):
            return _Occupied(f'{self.path}: held by process {held["pid"]} ({held["program"]})')
        kind = _Occupied if 'not a valid DuckDB' in str(error) else ArchiveUnavailable
        return kind(f'{self.path}: {_reason(error)}')

    def _connect(self) -> duckdb.DuckDBPyConnection:
        if self._connection is not None and self._holds_file():
            return self._connection
        self._let_go()
        connection = duckdb.connect(str(self.path), config=_CONFIG)
        try:
            # Times are stored without a zone; this is the one that they are converted to.
            connection.execute("SET TimeZone = 'UTC'")
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._opened = connection, self._identity()
        self._stones = _forgetting.stones_of(connection)
        return connection

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
            connection.close()

    def _offset(self, partition: int) -> str:
        found = self._connect().execute('SELECT entry_id FROM offsets WHERE "partition" = ?', [partition]).fetchone()
        return str(found[0]) if found else START

    def _append(self, batch: Batch) -> None:
        stored = self._offset(batch.partition)
        if _order(stored) >= _order(batch.offset):
            return
        if stored != batch.after:
            raise ArchiveUnavailable(
                f'{self.path}: partition {batch.partition} is archived up to {stored}, not {batch.after}; read again'
            )
        connection = self._connect()
        connection.begin()
        try:
            write(connection, _forgetting.without(batch, self._stones))
            connection.commit()
        except (*_REFUSALS, ValueError) as error:
            connection.rollback()
            raise ArchiveRefused(f'{self.path}: {_reason(error)}') from error
        if self._opened != self._identity():
            self._let_go()
            raise ArchiveUnavailable(f'{self.path}: the file was removed or replaced while rows were written')

    def _look(self, question: Question, parameters: dict[str, Parameter]) -> Answer:
        held = self._connection is not None
        found = self._fetch(self._connect(), question, parameters)
        if not held:
            self._let_go()
        return found

    def _erased(self, erasing: Erasing) -> dict[str, int]:
        connection = self._connect()
        if erasing.dry:
            return _forgetting.count(connection, erasing.stones)
        removed = _forgetting.remove(connection, erasing.stones)
        self._rewrite()
        return removed

    def _erased_and_let_go(self, erasing: Erasing) -> dict[str, int]:
        held = self._connection is not None
        try:
            return self._erased(erasing)
        finally:
            if not held:
                self._let_go()

    def _enter(self, notes: Sequence[AuditNote], steps: Sequence[RequestStep]) -> Head:
        connection = self._connect()
        connection.begin()
        try:
            _ledger.take(connection, steps)
            head = _ledger.record(connection, notes)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        return head

    def _enter_and_let_go(self, notes: Sequence[AuditNote], steps: Sequence[RequestStep]) -> Head:
        held = self._connection is not None
        try:
            return self._enter(notes, steps)
        finally:
            if not held:
                self._let_go()

    def _rewrite(self) -> None:
        smaller = self.path.with_name(f'{self.path.name}.smaller')
        connection = self._connect()
        copy_into(connection, smaller)
        # With nothing left in the write-ahead log, closing the old file cannot touch the log of the new one.
        connection.execute('CHECKPOINT')
        os.replace(smaller, self.path)
        self._let_go()

    # What follows runs on the threads of the readers too.

    def _copy(self, connection: duckdb.DuckDBPyConnection, target: Path) -> None:
        try:
            with connection.cursor() as cursor:
                copy_into(cursor, target)
        except (duckdb.Error, OSError) as error:
            raise ArchiveUnavailable(f'{target}: {_reason(error)}') from error

    def _fetch(
        self, connection: duckdb.DuckDBPyConnection, question: Question, parameters: dict[str, Parameter]
    ) -> Answer:
        cursor: duckdb.DuckDBPyConnection | None = None
        try:
            cursor = connection.cursor()
            limit = Timer(self.query_limit.total_seconds(), cursor.interrupt)
            limit.start()
            try:
                found = cursor.execute(sql_of(question), parameters)
                columns = tuple(str(column[0]) for column in found.description or ())
                return Answer(columns, tuple(tuple(map(aware, row)) for row in found.fetchall()))
            finally:
                limit.cancel()
        except duckdb.InterruptException as error:
            seconds = self.query_limit.total_seconds()
            raise ArchiveUnavailable(
                f'{self.path}: no answer within {seconds:g} s; ask for a shorter period'
            ) from error
        except duckdb.Error as error:
            raise self._unavailable(error) from error
        finally:
            if cursor is not None:
                cursor.close()


class _Occupied(ArchiveUnavailable):
    """Another process has the file open, or has not finished creating it."""


def _order(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition('-')
    return int(milliseconds), int(sequence)


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0].partition(' See also ')[0] if str(error) else type(error).__name__
