"""Reading the history from another process, while one process holds the file: a unix socket beside it.

One connection carries one question and its answer, both JSON: `{"question", "parameters"}`, then `{"columns", "times",
"rows"}` or `{"error"}`. `times` are the columns that hold times. `{"copy_to"}` asks for a backup instead, `{"notes",
"steps"}` are entries of the ledger, answered with `{"head"}`. `{"erasing"}` takes contacts out, answered with `{"rows_of"}`;
`{"retaining"}` takes old rows out, answered with `{"outlived"}`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol

import anyio
from anyio.abc import SocketStream
from pydantic import BaseModel, ConfigDict, ValidationError

from agent_memory import telemetry
from agent_memory.backend._erasure import Erasing
from agent_memory.backend._history import Answer, Parameter, Question
from agent_memory.backend._ledger import AuditNote, Head, RequestStep
from agent_memory.backend._retention import Outlived, Retention
from agent_memory.errors import ArchiveUnavailable, InvalidInput

_logger = logging.getLogger(__name__)

_MOST_REQUEST_BYTES, _REQUEST_S = 65_536, 10


class Held(Protocol):
    """An archive that can answer if this process holds its file."""

    async def offset(self, partition: int) -> str: ...

    async def answer(self, question: Question, **parameters: Parameter) -> Answer: ...

    async def copy(self, target: Path) -> None: ...

    async def enter(self, notes: Sequence[AuditNote] = (), steps: Sequence[RequestStep] = ()) -> Head: ...

    async def erasing(self, what: Erasing) -> dict[str, int]: ...

    async def retaining(self, what: Retention) -> list[Outlived]: ...


class _Request(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid')

    question: Question | None = None
    parameters: dict[str, Parameter] = {}
    copy_to: Path | None = None
    notes: tuple[AuditNote, ...] = ()
    steps: tuple[RequestStep, ...] = ()
    erasing: Erasing | None = None
    retaining: Retention | None = None


class _Reply(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid')

    error: str | None = None
    refused: bool = False
    """Whether the error is about what was asked, so that asking again changes nothing."""
    head: Head | None = None
    rows_of: dict[str, int] = {}
    """Rows of each table that an erasure found."""
    outlived: tuple[Outlived, ...] = ()
    columns: tuple[str, ...] = ()
    times: tuple[int, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()


def socket_of(path: Path) -> Path:
    """Return where the holder of the archive at `path` answers questions."""
    return path.with_name(f'{path.name}.sock')


async def serve_history(archive: Held, path: Path) -> None:
    """Answer questions of other processes until cancelled, from when this process comes to hold the file at `path`."""
    while not await _holds(archive):  # noqa: ASYNC110 - another process lets go of it, and tells no event
        await anyio.sleep(1)
    try:
        # Also takes the place of a socket that a killed holder left behind.
        listener = await anyio.create_unix_listener(socket_of(path), mode=0o600)
    except OSError as error:
        _logger.warning(telemetry.HISTORY_UNREAD, error)
        return

    async def handle(stream: SocketStream) -> None:
        try:
            async with stream:
                with anyio.fail_after(_REQUEST_S):
                    request = await _all(stream, _MOST_REQUEST_BYTES)
                reply = await _reply(archive, request)
                await stream.send(reply.model_dump_json(exclude_defaults=True).encode())
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, TimeoutError):
            return  # whoever asked is gone

    async with listener:
        await listener.serve(handle)


async def ask_holder(path: Path, question: Question, parameters: dict[str, Parameter]) -> Answer | None:
    """Return the answer of the process that holds the archive at `path`; `None` when no process serves it.

    Raises:
        ArchiveUnavailable: The holder could not answer.
    """
    reply = await _exchange(path, _Request(question=question, parameters=parameters))
    if reply is None:
        return None
    times = frozenset(reply.times)
    return Answer(
        reply.columns, tuple(tuple(_value(row, place, times) for place in range(len(row))) for row in reply.rows)
    )


async def ask_holder_for_copy(path: Path, target: Path) -> bool:
    """Have the process that holds the archive at `path` copy it to `target`; return whether there is one.

    Raises:
        ArchiveUnavailable: The holder could not write the copy.
    """
    return await _exchange(path, _Request(copy_to=target)) is not None


async def ask_holder_to_enter(path: Path, notes: Sequence[AuditNote], steps: Sequence[RequestStep]) -> Head | None:
    """Have the process that holds the archive at `path` write to its ledger; `None` when no process serves it.

    Raises:
        ArchiveUnavailable: The holder could not write.
        InvalidInput: A step names a request that is not open.
    """
    reply = await _exchange(path, _Request(notes=tuple(notes), steps=tuple(steps)))
    return None if reply is None else reply.head or Head()


async def ask_holder_to_erase(path: Path, erasing: Erasing) -> dict[str, int] | None:
    """Have the process that holds the archive at `path` erase contacts; `None` when no process serves it.

    Raises:
        ArchiveUnavailable: The holder could not.
    """
    reply = await _exchange(path, _Request(erasing=erasing))
    return None if reply is None else reply.rows_of


async def ask_holder_to_retain(path: Path, what: Retention) -> list[Outlived] | None:
    """Have the process that holds the archive at `path` remove what is too old; `None` when no process serves it.

    Raises:
        ArchiveUnavailable: The holder could not.
    """
    reply = await _exchange(path, _Request(retaining=what))
    return None if reply is None else list(reply.outlived)


async def _exchange(path: Path, request: _Request) -> _Reply | None:
    try:
        stream = await anyio.connect_unix(socket_of(path))
    except OSError:
        return None
    try:
        async with stream:
            await stream.send(request.model_dump_json(exclude_defaults=True).encode())
            await stream.send_eof()
            reply = _Reply.model_validate_json(await _all(stream))
    except (anyio.BrokenResourceError, ValidationError) as error:
        raise ArchiveUnavailable(f'{path}: the process that holds it went away while it answered') from error
    if reply.error is not None:
        raise InvalidInput(reply.error) if reply.refused else ArchiveUnavailable(reply.error)
    return reply


async def _holds(archive: Held) -> bool:
    try:
        await archive.offset(0)
    except ArchiveUnavailable:
        return False
    return True


async def _reply(archive: Held, request: bytes) -> _Reply:
    try:
        asked = _Request.model_validate_json(request)
        if asked.question is None:
            # After the file was written anew this process does not hold it, and would ask itself through the socket.
            await archive.offset(0)
        if asked.copy_to is not None:
            await archive.copy(asked.copy_to)
            return _Reply()
        if asked.notes or asked.steps:
            return _Reply(head=await archive.enter(asked.notes, asked.steps))
        if asked.erasing is not None:
            return _Reply(rows_of=await archive.erasing(asked.erasing))
        if asked.retaining is not None:
            return _Reply(outlived=tuple(await archive.retaining(asked.retaining)))
        if asked.question is None:
            return _Reply(error='this is no question')
        answer = await archive.answer(asked.question, **asked.parameters)
    except ValidationError:
        return _Reply(error='this is no question')
    except InvalidInput as error:
        return _Reply(error=str(error), refused=True)
    except ArchiveUnavailable as error:
        return _Reply(error=str(error))
    times = {place for row in answer.rows for place, value in enumerate(row) if isinstance(value, datetime)}
    return _Reply(columns=answer.columns, times=tuple(sorted(times)), rows=answer.rows)


async def _all(stream: SocketStream, most: int | None = None) -> bytes:
    received = bytearray()
    async for part in stream:
        received += part
        if most is not None and len(received) > most:
            break
    return bytes(received)


def _value(row: tuple[Any, ...], place: int, times: frozenset[int]) -> Any:
    value = row[place]
    return datetime.fromisoformat(value) if place in times and value is not None else value
