"""From entries of the outbox to rows: here, or in a second process while the rows before them are written."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, Any, Self, cast

import anyio
import anyio.lowlevel
from anyio import to_thread

from agent_memory.backend._archive import Entry, Unread
from agent_memory.backend._packing import Packed, Packer
from agent_memory.backend._rows import DeadLetter, Rows
from agent_memory.errors import ArchiveRefused

_AT_ONCE = 50
"""About 2 ms of work."""
_FEWEST = 1000
"""Entries that are worth the way to another process and back."""

_Bare = tuple[Callable[[Entry, Any], Rows], tuple[Any, ...], Any]
"""`Unread` as plain tuples, which take a third of the time on their way to another process."""
_Work = list[Rows | _Bare]


def dead(entry: Entry, error: Exception) -> Rows:
    """Return the dead letter of an entry that no rows can be made of."""
    text = f'{type(error).__name__}: {error}'.encode(errors='replace').decode()
    letter = DeadLetter(entry.id, entry.partition, entry.contact_id, entry.kind, text, entry.body)
    return Rows(dead_letters=(letter,))


async def read_here(found: Sequence[Rows | Unread]) -> Packed:
    """Return what entries become.

    Raises:
        ArchiveRefused: A row of them can never be written.
    """
    packer = Packer()
    for place, one in enumerate(found, start=1):
        packer.add(_made(one))
        if place % _AT_ONCE == 0:
            # In a single-process deployment turns run in this loop too.
            await anyio.lowlevel.checkpoint()
    return packer.packed()


class ReaderProcess:
    """Reads large batches in a second process, which starts with the first of them and ends with the block.

    It is given the keys of the contacts of a batch, and keeps none. Without a second core it is never started, and after a
    failure not again: there may be too little memory for it.
    """

    def __init__(self, *, fewest: int = _FEWEST) -> None:
        """Make it; nothing is started yet.

        Args:
            fewest: Entries from which on a batch is read by the process.
        """
        self._fewest = fewest
        self._failed = False
        self._one_at_a_time = anyio.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._end()

    @property
    def pid(self) -> int | None:
        """The id of the process, while there is one."""
        return self._process.pid if self._process else None

    def takes(self, found: Sequence[Rows | Unread]) -> bool:
        """Return whether a batch is worth it: enough of it is not read yet."""
        unread = sum(isinstance(one, Unread) for one in found)
        return unread >= self._fewest and self.usable

    @property
    def usable(self) -> bool:
        """Whether there can be a second process: not with one core, nor after it failed."""
        return not self._failed and _cores() > 1 and bool(sys.executable)

    def request(self, found: Sequence[Rows | Unread]) -> bytes:
        """Return what the process is asked to read: made while it still reads something else."""
        work: _Work = [one if isinstance(one, Rows) else (one.make, tuple(one.entry), one.key) for one in found]
        return pickle.dumps(work, pickle.HIGHEST_PROTOCOL)

    async def read(self, request: bytes) -> Packed:
        """Return what entries become.

        Raises:
            ArchiveRefused: A row of them can never be written.
            OSError: The process cannot be started, or has ended.
        """
        async with self._one_at_a_time:
            if self._failed:
                raise BrokenPipeError('the process that read has failed')
            try:
                process = self._process = self._process or _started()
                answer = await to_thread.run_sync(_exchange, process, request, abandon_on_cancel=True)
            except Exception as error:  # whatever it is, batches can be read without it
                self._failed = True
                self._end()
                raise BrokenPipeError(f'the process that read has ended ({type(error).__name__})') from error
            except BaseException:
                # Half of an answer may be on its way.
                self._end()
                raise
        if isinstance(answer, ArchiveRefused):
            raise answer
        return answer

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # what was not sent yet cannot be
                    cast('IO[bytes]', pipe).close()


def _exchange(process: subprocess.Popen[bytes], request: bytes) -> Packed | ArchiveRefused:
    to, back = cast('IO[bytes]', process.stdin), cast('IO[bytes]', process.stdout)
    to.write(request)
    to.flush()
    return pickle.load(back)  # noqa: S301 - of a process of our own


def _started() -> subprocess.Popen[bytes]:
    # It imports from where this process does, and from nowhere else: not from the directory that it happens to start in.
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(str(path) or os.getcwd() for path in sys.path)}
    command = [sys.executable, '-P', '-m', __name__]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)  # noqa: S603 - ourselves


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


def _made(one: Rows | Unread | _Bare) -> Rows:
    if isinstance(one, Rows):
        return one
    make, fields, key = cast('_Bare', one)
    entry = Entry(*fields)
    try:
        return make(entry, key)
    except Exception as error:  # noqa: BLE001 - whatever it is, the entries behind this one must go on
        return dead(entry, error)


def _serve(asked: IO[bytes], answers: IO[bytes]) -> None:
    """Read batch after batch until the other process closes its end."""
    while True:
        try:
            # Bound to no name: the keys in it are not to stay while the next batch is waited for.
            answer = _answer(pickle.load(asked))  # noqa: S301 - of the process that started this one
        except EOFError:
            return
        pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()


def _answer(work: _Work) -> Packed | ArchiveRefused:
    packer = Packer()
    try:
        for one in work:
            packer.add(_made(one))
        return packer.packed()
    except ArchiveRefused as error:
        return error


if __name__ == '__main__':
    # Ctrl-C is for the process that started this one, which then ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What it makes of a batch holds no cycles and is let go of at once.
    gc.disable()
    sys.stdout, own = sys.stderr, sys.stdout
    with suppress(BrokenPipeError):
        _serve(sys.stdin.buffer, own.buffer)
