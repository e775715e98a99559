"""`ThreadedArchive`: what archives over DuckDB have in common: one thread that writes, others that answer questions."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec, TypeVar, cast

import duckdb

from agent_memory.backend import _forgetting, _ledger, _retention
from agent_memory.backend._archive import Batch
from agent_memory.backend._erasure import Erasing, Tombstone
from agent_memory.backend._history import Answer, Parameter, Question, sql_of
from agent_memory.backend._ledger import AuditNote, Head, RequestStep
from agent_memory.backend._migrations import NewerSchema
from agent_memory.backend._retention import Outlived, Retention
from agent_memory.backend._rows import MessageRow, SessionRow
from agent_memory.backend._tables import aware, session_of, write
from agent_memory.errors import ArchiveRefused, ArchiveUnavailable

P = ParamSpec('P')
R = TypeVar('R')

START = '0-0'
"""The offset of a partition of which nothing is archived."""

_INTERRUPT_AGAIN_S = 0.05
_REFUSALS = (duckdb.DataError, duckdb.IntegrityError, duckdb.InvalidInputException)


class ThreadedArchive(ABC):
    """An archive that one connection writes, on one thread and in order; a call whose caller is cancelled still ends.

    A call that fails gives the connection up, and the next one connects again. Questions run beside the writer on
    threads of their own, and see what is committed.
    """

    def __init__(self, name: str, *, query_limit: timedelta) -> None:
        """Make the archive; nothing is opened yet.

        Args:
            name: What errors call it. Holds no password.
            query_limit: When a question is ended.
        """
        self.name = name
        self.query_limit = query_limit
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix='archive')
        self._readers = ThreadPoolExecutor(max_workers=4, thread_name_prefix='archive-reader')

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
        return [MessageRow(*cast('Any', row)) for row in reversed(found.rows)]

    @abstractmethod
    async def ask(self, question: Question, **parameters: Parameter) -> Answer:
        """Answer a question."""

    @abstractmethod
    async def enter(self, notes: Sequence[AuditNote] = (), steps: Sequence[RequestStep] = ()) -> Head:
        """Write to the ledger, and return the head of its chain."""

    @abstractmethod
    async def erasing(self, what: Erasing) -> dict[str, int]:
        """Do what an erasure asks and return the rows of each table that it is about."""

    @abstractmethod
    async def tidy(self) -> bool:
        """Write files anew where that makes reading quicker, and return whether it did."""

    @property
    @abstractmethod
    def held(self) -> bool:
        """Whether this process keeps house: retention, deliveries, tidying."""

    async def traces(self, stones: Sequence[Tombstone]) -> dict[str, int]:
        """Return the rows of each table that `erase` would remove."""
        return await self.erasing(Erasing(stones=tuple(stones), dry=True))

    async def erase(self, stones: Sequence[Tombstone]) -> dict[str, int]:
        """Remove these contacts' rows, from the bytes of every file too, and whatever still comes of them."""
        return await self.erasing(Erasing(stones=tuple(stones)))

    async def tombstones(self) -> list[Tombstone]:
        """Return who was erased here."""
        found = await self.ask('erasures')
        return [
            Tombstone(str(contact), datetime.fromtimestamp(int(cast('Any', at)) / 1000, UTC))
            for contact, at in found.rows
        ]

    async def retaining(self, what: Retention) -> list[Outlived]:
        """Remove what outlived its rule, from the bytes of every file too, or count it."""
        return await self._run(self._retained, what)

    async def rewrite(self) -> None:
        """Write the files anew, without the bytes of deleted rows."""
        await self._run(self._rewrite)

    async def work(self, call: Callable[[duckdb.DuckDBPyConnection], R]) -> R:
        """Run `call` on the thread of the writer, between two batches and in one transaction."""
        return await self._run(self._work, call)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._worker, self._let_go)

    async def _run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.get_running_loop().run_in_executor(
            self._worker, lambda: self._guard(call, *args, **kwargs)
        )

    async def _asked(
        self, connection: duckdb.DuckDBPyConnection, question: Question, parameters: dict[str, Parameter]
    ) -> Answer:
        """Answer on a thread of the readers, beside the writer."""
        loop = asyncio.get_running_loop()
        return await self._timed(
            lambda stop: loop.run_in_executor(self._readers, self._fetch, connection, question, parameters, stop)
        )

    async def _timed(self, call: Callable[[Stop], Awaitable[R]]) -> R:
        """Answer a question within `query_limit`; whoever is cancelled waits for none."""
        stop = Stop()
        late = asyncio.get_running_loop().call_later(self.query_limit.total_seconds(), stop)
        try:
            return await call(stop)
        except BaseException:
            stop()
            raise
        finally:
            late.cancel()

    # What follows runs on the worker thread.

    @abstractmethod
    def _connect(self) -> duckdb.DuckDBPyConnection:
        """Return the connection, made if there is none."""

    @abstractmethod
    def _let_go(self) -> None:
        """Close the connection, if there is one."""

    @abstractmethod
    def _rewrite(self) -> None:
        """See `rewrite`."""

    def _late(self) -> ArchiveUnavailable:
        seconds = self.query_limit.total_seconds()
        return ArchiveUnavailable(f'{self.name}: no answer within {seconds:g} s; ask for a shorter period')

    def _unavailable(self, error: Exception) -> ArchiveUnavailable:
        """Return one sentence; DuckDB's messages go on with advice, links and the statement."""
        return ArchiveUnavailable(f'{self.name}: {reason(error)}')

    def _guard(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except (duckdb.Error, OSError, NewerSchema) as error:
            self._let_go()
            raise self._unavailable(error) from error

    @contextmanager
    def _transaction(self) -> Generator[duckdb.DuckDBPyConnection]:
        """Do what the body does as a whole or not at all."""
        connection = self._connect()
        connection.begin()
        try:
            yield connection
            connection.commit()
        except BaseException:
            # One whose commit failed has ended.
            with suppress(duckdb.Error):
                connection.rollback()
            raise

    def _offset(self, partition: int) -> str:
        found = self._connect().execute('SELECT entry_id FROM offsets WHERE "partition" = ?', [partition]).fetchone()
        return str(found[0]) if found else START

    def _append(self, batch: Batch) -> None:
        with self._transaction() as connection:
            stored = self._offset(batch.partition)
            if _order(stored) >= _order(batch.offset):
                return
            if stored != batch.after:
                raise ArchiveUnavailable(
                    f'{self.name}: partition {batch.partition} is archived up to {stored}, not {batch.after};'
                    ' read again'
                )
            try:
                write(connection, _forgetting.without(batch, _forgetting.stones_of(connection)))
            except _REFUSALS as error:
                raise ArchiveRefused(f'{self.name}: {reason(error)}') from error

    def _work(self, call: Callable[[duckdb.DuckDBPyConnection], R]) -> R:
        with self._transaction() as connection:
            return call(connection)

    def _enter(self, notes: Sequence[AuditNote], steps: Sequence[RequestStep]) -> Head:
        with self._transaction() as connection:
            _ledger.take(connection, steps)
            return _ledger.record(connection, notes)

    def _erased(self, erasing: Erasing) -> dict[str, int]:
        if erasing.dry:
            return _forgetting.count(self._connect(), erasing.stones)
        with self._transaction() as connection:
            removed = _forgetting.remove(connection, erasing.stones)
        self._rewrite()
        return removed

    def _retained(self, what: Retention) -> list[Outlived]:
        if what.dry:
            return _retention.count(self._connect(), what)
        with self._transaction() as connection:
            gone = _retention.remove(connection, what)
        if any(one.rows for one in gone):
            self._rewrite()
        return gone

    # What follows runs on the threads of the readers too.

    def _cursor(self, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
        return connection.cursor()

    def _fetch(
        self, connection: duckdb.DuckDBPyConnection, question: Question, parameters: dict[str, Parameter], stop: Stop
    ) -> Answer:
        cursor: duckdb.DuckDBPyConnection | None = None
        try:
            cursor = self._cursor(connection)
            stop.watch(cursor)
            found = cursor.execute(sql_of(question), parameters)
            columns = tuple(str(column[0]) for column in found.description or ())
            return Answer(columns, tuple(tuple(map(aware, row)) for row in found.fetchall()))
        except duckdb.InterruptException as error:
            raise self._late() from error
        except duckdb.Error as error:
            raise self._unavailable(error) from error
        finally:
            if cursor is not None:
                cursor.close()


class Stop:
    """Ends a question when called, from the loop: a thread that watches each would cost a third of its time."""

    def __init__(self) -> None:
        self._late = False
        self._cursor: duckdb.DuckDBPyConnection | None = None

    def watch(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Let a call end what runs on `cursor`.

        Raises:
            duckdb.InterruptException: It was called before.
        """
        self._cursor = cursor
        if self._late:
            raise duckdb.InterruptException('too late')

    def __call__(self) -> None:
        self._late = True
        if self._cursor is not None:
            with suppress(duckdb.Error):  # it has answered meanwhile, and is closed
                self._cursor.interrupt()
                # What is interrupted just before it begins runs on.
                asyncio.get_running_loop().call_later(_INTERRUPT_AGAIN_S, self)


def reason(error: Exception) -> str:
    """Return what DuckDB says went wrong, as one line."""
    return str(error).splitlines()[0].partition(' See also ')[0] if str(error) else type(error).__name__


def _order(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition('-')
    return int(milliseconds), int(sequence)
