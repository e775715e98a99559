"""`QuackServer`: answers other machines over HTTP, by DuckDB's Quack, from the process that holds the history.

Quack runs in a DuckDB of its own that holds nothing: each question is a macro that hands its parameters to the archive,
which answers as it answers everybody, in time and on threads of its own. So there is nothing else to be read or
written, and a question that runs away is ended.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import anyio
import anyio.to_thread
import duckdb

from agent_memory import telemetry
from agent_memory.backend._extensions import load_extension
from agent_memory.backend._history import Answer, Parameter, Question, sql_of
from agent_memory.backend._ledger import AuditNote
from agent_memory.backend._quack import PREFIX, SERVED, parameters_of
from agent_memory.backend._sql import quoted
from agent_memory.backend._threaded import ThreadedArchive, reason
from agent_memory.errors import AgentMemoryError, ArchiveUnavailable, SetupError

_logger = logging.getLogger(__name__)

MOST_ROWS = 10_000
"""Rows of one answer: as many messages as `get_user_history` asks for of a session."""
MOST_CHARACTERS = 65_536
"""Of a question with its parameters."""

_CONFIG: dict[str, str | bool | int | float | list[str]] = {'threads': 1, 'memory_limit': '256MB'}
_AT_ONCE = 2
"""Questions that are answered beside each other: half of the archive's readers."""
_AGAIN_S = 5
_ACTOR = 'token:quack'
_ENDING = '!the archiver is ending'
_PERSONAL: dict[Question, str] = {
    'sessions': 'history',
    'messages': 'history',
    'transcript': 'history',
    'leads': 'leads',
}
"""What the audit calls a look at somebody's data."""
_LITERAL = r"(?:'(?:[^']|'')*'|-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)"
_ADMITTED = rf'FROM (?:{"|".join(SERVED)})\((?:{_LITERAL}(?:, ?{_LITERAL})*)?\)'


class QuackServer:
    """One server at `HOST:PORT`; whoever has the token may ask what is `SERVED`."""

    def __init__(self, address: str, token: str) -> None:
        """Load what is needed; nothing is served yet.

        Raises:
            SetupError: The extension or numpy is missing.
        """
        self._address, self._token = address, token
        self._connection = duckdb.connect(config=_CONFIG)
        for extension in ('httpfs', 'quack'):
            load_extension(self._connection, extension, extra='quack')
        try:
            create: Any = self._connection.create_function  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            create('told', self._told, ['VARCHAR', 'VARCHAR'], 'VARCHAR', side_effects=True)
        except duckdb.Error as error:
            raise SetupError(f'{reason(error)}: install pydantic-ai-agent-memory[quack]') from error
        self._answers: _Answers | None = None

    async def serve(self, archive: ThreadedArchive) -> None:
        """Answer until cancelled, from when this process comes to hold the history and the address is free."""
        try:
            columns = await _columns(archive)
            await anyio.to_thread.run_sync(self._define, columns)
            answers = self._answers = _Answers(archive)
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(answers.follow)
                    await self._listen()
            finally:
                await self._stop()  # in any case: a process that serves does not end
                await answers.end()
        finally:
            self._connection.close()

    async def _listen(self) -> None:
        refused = False
        while True:
            try:
                return await anyio.to_thread.run_sync(self._start)
            except (OSError, duckdb.Error) as error:
                if not refused:
                    _logger.warning(telemetry.HISTORY_UNSERVED, self._address, reason(error))
                refused = True
            await anyio.sleep(_AGAIN_S)

    async def _stop(self) -> None:
        with anyio.CancelScope(shield=True), suppress(duckdb.Error):  # it may not have started
            await anyio.to_thread.run_sync(self._connection.execute, 'CALL quack_stop(?)', [PREFIX + self._address])

    def _define(self, columns: dict[Question, dict[str, str]]) -> None:
        for question, types in columns.items():
            self._connection.execute(_macro(question, types))
        self._connection.execute(
            f'CREATE MACRO admitted(session, query) AS length(query) <= {MOST_CHARACTERS}'
            f' AND regexp_full_match(query, {quoted(_ADMITTED)})'
        )
        self._connection.execute("SET GLOBAL quack_authorization_function = 'admitted'")
        self._connection.execute('SET enable_external_access = false')
        self._connection.execute('SET lock_configuration = true')

    def _start(self) -> None:
        host, _, port = self._address.rpartition(':')
        host = host.strip('[]')
        [(family, *_, where), *_] = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
        # Quack listens beside another Quack at the same address, and they would share the questions.
        with socket.create_server(where[:2], family=family):
            pass
        self._connection.execute(
            'CALL quack_serve(?, token := ?, allow_other_hostname := ?)',
            [PREFIX + self._address, self._token, not _is_local(host)],
        )

    def _told(self, question: str, parameters: str) -> str:
        """Answer on a thread of Quack: rows as JSON, or `!` and why not."""
        if self._answers is None or question not in SERVED:
            return '!this is no question'
        return self._answers.wait_for(question, parameters)


class _Answers:
    """What the archive answers, a few at once, each look at a person noted once an hour."""

    def __init__(self, archive: ThreadedArchive) -> None:
        self._archive = archive
        self._loop = asyncio.get_running_loop()
        self._asked: asyncio.Queue[_Asked] = asyncio.Queue()
        self._waiting: set[_Asked] = set()
        self._ended = False
        self._limit_s = archive.query_limit.total_seconds()
        self._at_once = anyio.CapacityLimiter(_AT_ONCE)
        self._hour = 0
        self._noted: set[tuple[str, str | None]] = set()

    def wait_for(self, question: Question, parameters: str) -> str:
        """Wait for an answer on a thread of Quack."""
        asked = _Asked(question, parameters)
        self._waiting.add(asked)  # first: `end` sees it, or is seen
        if self._ended:
            return _ENDING
        try:
            self._loop.call_soon_threadsafe(self._asked.put_nowait, asked)
            return asked.told.result(2 * self._limit_s)
        except (RuntimeError, TimeoutError):  # the loop is closed, or does not come to it
            return _ENDING
        finally:
            self._waiting.discard(asked)

    async def follow(self) -> None:
        """Answer until cancelled."""
        async with anyio.create_task_group() as tasks:
            while True:
                tasks.start_soon(self._tell, await self._asked.get())

    async def end(self) -> None:
        """Refuse what waits and what still comes, and see Quack's threads out of Python, which may end now."""
        self._ended = True
        for asked in tuple(self._waiting):
            if not asked.told.done():
                asked.told.set_result(_ENDING)
        with anyio.move_on_after(1, shield=True):
            while self._waiting:  # noqa: ASYNC110 - what another thread does tells no event
                await anyio.sleep(0.005)

    async def _tell(self, asked: _Asked) -> None:
        asked.told.set_result(await self._answer(asked.question, asked.parameters))

    async def _answer(self, question: Question, parameters: str) -> str:
        asked: dict[str, Parameter] = json.loads(parameters)
        rows = asked.get('limit', 0)
        if not isinstance(rows, int) or rows > MOST_ROWS:
            return f'!an answer has at most {MOST_ROWS} rows'
        try:
            with anyio.fail_after(self._limit_s):
                async with self._at_once:
                    found = await self._archive.ask(question, **asked)
                    await self._note(question, found)
        except TimeoutError:
            return f'!no answer within {self._limit_s:g} s; ask for a shorter period'
        except AgentMemoryError as error:
            return f'!{error}'
        return json.dumps([dict(zip(found.columns, map(_plain, row), strict=True)) for row in found.rows])

    async def _note(self, question: Question, found: Answer) -> None:
        action = _PERSONAL.get(question)
        if action is None:
            return
        hour = int(datetime.now(UTC).timestamp() // 3600)
        if hour != self._hour:
            self._hour, self._noted = hour, set()
        seen = {(action, contact) for contact in _contacts(found)} - self._noted
        if seen:
            # Before anything is told: what cannot be noted is not shown.
            await self._archive.enter([AuditNote(name, _ACTOR, contact) for name, contact in sorted(seen, key=str)])
            self._noted |= seen


@dataclass(frozen=True, eq=False)
class _Asked:
    question: Question
    parameters: str
    told: Future[str] = field(default_factory=Future[str])


async def _columns(archive: ThreadedArchive) -> dict[Question, dict[str, str]]:
    """Return the types of each question's columns, once this process holds the history."""
    while True:
        with suppress(ArchiveUnavailable):
            if archive.held:
                return await archive.work(_described)
        await anyio.sleep(1)  # another process lets go of it, and tells no event


def _described(connection: duckdb.DuckDBPyConnection) -> dict[Question, dict[str, str]]:
    found: dict[Question, dict[str, str]] = {}
    for question in SERVED:
        rows = connection.execute(
            f'DESCRIBE {sql_of(question)}', dict.fromkeys(parameters_of(question), '0')
        ).fetchall()
        found[question] = {str(name): str(type_) for name, type_, *_ in rows}
    return found


def _macro(question: Question, types: dict[str, str]) -> str:
    names = parameters_of(question)
    given = ', '.join(f'"{name}"' for name in names)
    pairs = ', '.join(f'\'{name}\', "{name}"' for name in names)
    return f"""CREATE MACRO {question}({given}) AS TABLE
        SELECT unnest(
            from_json(if(told[1] = '!', error(told[2:]), told), {quoted(json.dumps([types]))}), recursive := true
        )
        FROM (SELECT told('{question}', json_object({pairs})::VARCHAR) AS told)"""  # noqa: S608 - names of our questions and their columns


def _contacts(found: Answer) -> Sequence[str | None]:
    """Return whose data an answer tells. Not who was asked for: that is any text."""
    place = found.columns.index('contact_id')
    return [str(row[place]) for row in found.rows] or [None]


def _plain(value: object) -> object:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() if isinstance(value, datetime) else value


def _is_local(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == 'localhost'
