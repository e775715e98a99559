"""`QuackArchive`: the history of an archiver elsewhere, which answers questions over HTTP by DuckDB's Quack."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import timedelta
from functools import cache
from threading import Thread, current_thread
from typing import TypeVar

import duckdb

from agent_memory.backend._erasure import Erasing
from agent_memory.backend._extensions import load_extension
from agent_memory.backend._history import Answer, Parameter, Question, sql_of
from agent_memory.backend._ledger import AuditNote, Head, RequestStep
from agent_memory.backend._sql import quoted
from agent_memory.backend._tables import aware
from agent_memory.backend._threaded import ThreadedArchive, reason
from agent_memory.errors import ArchiveUnavailable, InvalidInput

R = TypeVar('R')

PREFIX = 'quack:'
SERVED: tuple[Question, ...] = (
    'sessions',
    'messages',
    'transcript',
    'funnel',
    'qualification',
    'scores',
    'response_times',
    'fields',
    'leads',
    'sources',
    'archiving',
)
"""What is answered. The ledger, erasures and whole records stay where the history is."""

_MOST_WAITING = 32
"""Questions of a process whose time is over and that still wait in their threads for a server that hangs."""


class QuackArchive(ThreadedArchive):
    """Asks the archiver at `quack:HOST:PORT`, and changes nothing: what writes raises `ArchiveUnavailable`.

    A question is given up after `query_limit` here, and ended there. Who was looked at is noted there.
    """

    def __init__(self, address: str, token: str, *, query_limit: timedelta = timedelta(seconds=10)) -> None:
        super().__init__(address, query_limit=query_limit)
        self._token = token
        self._client: duckdb.DuckDBPyConnection | None = None
        self._waiting: set[Thread] = set()

    async def ask(self, question: Question, **parameters: Parameter) -> Answer:
        """Ask the archiver.

        Raises:
            ArchiveUnavailable: It does not answer, not in time, or not this question.
            InvalidInput: A parameter cannot be written as SQL.
            SetupError: The extension is missing.
        """
        if question not in SERVED:
            raise ArchiveUnavailable(f'{self.name}: {question} is told only where the history is')
        query = call_of(question, parameters)
        client = await self._run(self._opened)
        if len(self._waiting) >= _MOST_WAITING:
            raise ArchiveUnavailable(f'{self.name}: {len(self._waiting)} questions still wait for an answer')
        try:
            # DuckDB waits for a server that hangs for good, and cannot be interrupted there: so the thread is left.
            return await _in_thread(lambda: self._told(client, query), self.query_limit)
        except TimeoutError as error:
            raise self._late() from error

    async def enter(self, notes: Sequence[AuditNote] = (), steps: Sequence[RequestStep] = ()) -> Head:
        return await self._run(self._enter, notes, steps)

    async def erasing(self, what: Erasing) -> dict[str, int]:
        return await self._run(self._erased, what)

    async def tidy(self) -> bool:
        return False

    @property
    def held(self) -> bool:
        return False

    # What follows runs on the worker thread.

    def _connect(self) -> duckdb.DuckDBPyConnection:
        raise ArchiveUnavailable(f'{self.name}: only read from here; it is written where the history is')

    def _rewrite(self) -> None:
        self._connect()

    def _opened(self) -> duckdb.DuckDBPyConnection:
        if self._client is None:
            client = duckdb.connect()
            for extension in ('httpfs', 'quack'):
                load_extension(client, extension, extra='quack')
            self._client = client
        return self._client

    def _let_go(self) -> None:
        client, self._client = self._client, None
        if client is not None and not self._waiting:  # otherwise it would wait with them
            client.close()

    # What follows runs on a thread of its own.

    def _told(self, client: duckdb.DuckDBPyConnection, query: str) -> Answer:
        self._waiting.add(current_thread())
        try:
            with client.cursor() as cursor:
                found = cursor.execute('FROM quack_query(?, ?, token := ?)', [self.name, query, self._token])
                columns = tuple(str(column[0]) for column in found.description or ())
                return Answer(columns, tuple(tuple(map(aware, row)) for row in found.fetchall()))
        except duckdb.Error as error:
            # What the server says comes as an error about what it was given.
            raise ArchiveUnavailable(f'{self.name}: {reason(error).removeprefix("Invalid Input Error: ")}') from error
        finally:
            self._waiting.discard(current_thread())


@cache
def parameters_of(question: Question) -> tuple[str, ...]:
    """Return the names of a question's parameters in the order in which a call gives them."""
    return tuple(dict.fromkeys(re.findall(r'\$(\w+)', sql_of(question))))


def call_of(question: Question, parameters: dict[str, Parameter]) -> str:
    """Return the text that asks `question`.

    Raises:
        InvalidInput: A parameter cannot be written as SQL.
    """
    return f'FROM {question}({", ".join(literal(parameters[name]) for name in parameters_of(question))})'


def literal(value: Parameter) -> str:
    """Return `value` as a literal of SQL.

    Raises:
        InvalidInput: SQL cannot tell it: a text with a NUL or half a character, or a number that is none.
    """
    if isinstance(value, str):
        if '\0' in value or not _is_whole(value):
            raise InvalidInput('a text that is asked for holds no NUL and no half of a character')
        return quoted(value)
    if not math.isfinite(value):
        raise InvalidInput(f'{value} cannot be asked for')
    return repr(value)


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


async def _in_thread(call: Callable[[], R], limit: timedelta) -> R:
    """Return what comes of `call`, on a thread that keeps no process from ending.

    Raises:
        TimeoutError: Nothing came of it yet; the thread goes on.
    """
    future: Future[R] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            future.set_exception(error)

    thread = Thread(target=run, daemon=True, name='archive-quack')
    thread.start()
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), limit.total_seconds())
    finally:
        if future.done():
            thread.join()  # Python may end now, and would end the process with a thread that is inside DuckDB
