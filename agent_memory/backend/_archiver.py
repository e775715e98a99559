"""`Archiver`: moves committed turns from the outbox to the archive, each once and in order."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import anyio
import anyio.lowlevel
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from agent_memory import telemetry
from agent_memory._beside import beside
from agent_memory.backend._archive import Archive, Batch, Entry, Outbox, Unread
from agent_memory.backend._packing import Packed, pack
from agent_memory.backend._reading import ReaderProcess, dead, read_here
from agent_memory.backend._rows import Rows
from agent_memory.errors import AgentMemoryError, ArchiveRefused, ArchiveUnavailable, SetupError, StoreUnavailable

_logger = logging.getLogger(__name__)

_NO_WAIT = timedelta(0)
_REST = 9
_AHEAD = 1
"""Batches that wait between two stages, so that none stands still while another takes longer than usual."""
_LOOKED_UP_AT_ONCE = 50
"""Entries whose keys are found, or that are read here as they are not sealed: about 1 ms."""


@dataclass(frozen=True)
class Archiver:
    """Reads each partition from the offset that the archive holds, writes rows and offset together, then trims.

    A crash at any point leaves an entry in the outbox, in the archive, or in both with the offset telling so: nothing
    is lost, doubled or reordered. A second archiver on the same file waits until the first one lets go of it.
    """

    outbox: Outbox
    archive: Archive
    decode: Callable[[Entry], Awaitable[Rows | Unread]]
    """Turns an entry into rows, or finds its key. What that raises, and what reading it raises, sends the entry to the dead
    letters, unless its key is not to be had."""
    reader: ReaderProcess | None = None
    """Reads large batches in a second process; without it all are read here."""
    only: tuple[int, ...] = ()
    """The partitions that it archives; all when empty. A lake takes several archivers, one for each group of them."""
    batch: int = 2000
    """Most entries of one transaction."""
    block: timedelta = timedelta(seconds=1)
    """How long one read waits for a first entry."""
    linger: timedelta = timedelta(milliseconds=50)
    """Shortest pause after a batch that was not full, so that the next one is worth its transaction."""
    max_linger: timedelta = timedelta(seconds=1)
    """Longest one. In between it rests nine times as long as it worked, so that small batches take a tenth of a core."""
    backoff: timedelta = timedelta(milliseconds=100)
    """First pause while the archive or the store is away; it doubles up to `max_backoff`."""
    max_backoff: timedelta = timedelta(seconds=5)

    async def run(self) -> None:
        """Archive until cancelled, through any outage of the archive and the store.

        Raises:
            SetupError: It is to archive a partition that the store does not have.
        """
        async with anyio.create_task_group() as tasks:
            for partition in await self._partitions():
                tasks.start_soon(self._follow, partition)

    async def drain(self) -> int:
        """Archive what the outbox holds now and return how many entries that was.

        Raises:
            ArchiveUnavailable: The archive cannot be written. What is not archived stays in the outbox.
            StoreUnavailable: The store does not answer.
        """
        total = 0
        for partition in await self._own():
            await self._trim_leftovers(partition)
            while moved := (await self._move(partition, _NO_WAIT)).entries:
                total += moved
        return total

    async def _own(self) -> tuple[int, ...]:
        there = await self.outbox.partitions()
        if missing := [one for one in self.only if not 0 <= one < there]:
            raise SetupError(f'the store has the partitions 0 to {there - 1}, and no {missing[0]}')
        return self.only or tuple(range(there))

    async def _partitions(self) -> tuple[int, ...]:
        patience = _Patience(self, 'outbox')
        while True:
            try:
                return await self._own()
            except StoreUnavailable as error:
                await patience.wait(error)

    async def _follow(self, partition: int) -> None:
        patience = _Patience(self, f'partition {partition}')
        while True:
            try:
                await self._trim_leftovers(partition)
                while True:
                    moved = await self._move(partition, self.block)
                    patience.over()
                    await anyio.sleep(self._pause(moved.worked_s))
            except (ArchiveUnavailable, StoreUnavailable) as error:
                await patience.wait(error)

    async def _trim_leftovers(self, partition: int) -> None:
        """Trim what a crash between the transaction and its trim left behind."""
        await self.outbox.trim(partition, upto=await self.archive.offset(partition))

    def _pause(self, worked_s: float) -> float:
        return min(max(_REST * worked_s, self.linger.total_seconds()), self.max_linger.total_seconds())

    async def _move(self, partition: int, block: timedelta) -> _Moved:
        """Archive batch after batch, up to one that is not full: one is written while the next is read and one fetched."""
        # Asked each time: the file may have been removed or replaced, and the offset is whatever it says.
        after = await self.archive.offset(partition)
        first = await self._fetch(partition, after, block)
        started, moved = time.perf_counter(), 0
        if first.entries:
            to_read, fetched = anyio.create_memory_object_stream[_Fetched](_AHEAD)
            to_write, read = anyio.create_memory_object_stream[_Read](_AHEAD)
            # What was written and not trimmed when this fails is trimmed when archiving goes on.
            async with read, beside() as stages:
                stages.start_soon(self._fetch_on, partition, first, to_read)
                stages.start_soon(self._read_on, fetched, to_write)
                async for batch in read:
                    await self._put(partition, batch)
                    moved += len(batch.fetched.entries)
        return _Moved(moved, time.perf_counter() - started)

    async def _fetch_on(self, partition: int, batch: _Fetched, to_read: MemoryObjectSendStream[_Fetched]) -> None:
        async with to_read:
            await to_read.send(batch)
            while len(batch.entries) == self.batch:
                try:
                    batch = await self._fetch(partition, batch.entries[-1].id, _NO_WAIT)
                except StoreUnavailable:
                    # What was fetched before goes to the archive; whoever comes next meets this first.
                    return
                if batch.entries:
                    await to_read.send(batch)

    async def _read_on(
        self, fetched: MemoryObjectReceiveStream[_Fetched], to_write: MemoryObjectSendStream[_Read]
    ) -> None:
        async with fetched, to_write:
            async for batch in fetched:
                try:
                    packed = await self._read(batch)
                except ArchiveRefused:
                    packed = None
                await to_write.send(_Read(batch, packed))

    async def _fetch(self, partition: int, after: str, block: timedelta) -> _Fetched:
        entries = await self.outbox.read(partition, after=after, count=self.batch, block=block)
        found: list[Rows | Unread] = []
        for place, entry in enumerate(entries, start=1):
            try:
                found.append(await self.decode(entry))
            except StoreUnavailable:
                # The key store is away: nothing is wrong with the entry.
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the entries behind this one must go on
                found.append(dead(entry, error))
            if place % _LOOKED_UP_AT_ONCE == 0:
                # In a single-process deployment turns run in this loop too.
                await anyio.lowlevel.checkpoint()
        request = self.reader.request(found) if self.reader and self.reader.takes(found) else b''
        return _Fetched(after, entries, found, request)

    async def _read(self, batch: _Fetched) -> Packed:
        if self.reader and batch.request and self.reader.takes(batch.found):
            try:
                return await self.reader.read(batch.request)
            except OSError as error:
                _logger.warning(telemetry.READS_ALONE, error)
        return await read_here(batch.found)

    async def _put(self, partition: int, batch: _Read) -> None:
        with telemetry.span(telemetry.ARCHIVE, {telemetry.ENTRIES: len(batch.fetched.entries)}):
            await self._store(partition, batch.fetched, batch.packed)
            await self.outbox.trim(partition, upto=batch.fetched.entries[-1].id)

    async def _store(self, partition: int, batch: _Fetched, packed: Packed | None) -> None:
        """Write the entries in order; of those that the archive refuses only the guilty one goes to the dead letters."""
        last, refused = batch.entries[-1], False
        try:
            packed = packed or await read_here(batch.found)
            await self.archive.append(Batch(partition, batch.after, last.id, packed))
        except ArchiveRefused as error:
            if len(batch.entries) > 1:
                for half in batch.halves():
                    await self._store(partition, half, None)
                return
            packed, refused = pack([dead(last, error)]), True
            await self.archive.append(Batch(partition, batch.after, last.id, packed))
        for letter in packed.dead_letters():
            # What was given up before it came here was told of then.
            if letter.kind != 'dead' or refused:
                _logger.error(telemetry.DEAD_ENTRY, letter.entry_id, partition, letter.error.partition(':')[0])


@dataclass(frozen=True)
class _Fetched:
    """Entries behind the id `after`, each with its rows or its key."""

    after: str
    entries: Sequence[Entry]
    found: Sequence[Rows | Unread]
    request: bytes = b''
    """What a second process is asked to read; empty when they are read here."""

    def halves(self) -> tuple[_Fetched, _Fetched]:
        half = len(self.entries) // 2
        return (
            _Fetched(self.after, self.entries[:half], self.found[:half]),
            _Fetched(self.entries[half - 1].id, self.entries[half:], self.found[half:]),
        )


@dataclass(frozen=True)
class _Read:
    """A batch and its rows; `None` when one of them can never be written."""

    fetched: _Fetched
    packed: Packed | None


@dataclass(frozen=True)
class _Moved:
    """Batches that were archived one after the other."""

    entries: int
    worked_s: float
    """From the moment at which their first entries were there."""


class _Patience:
    """Waits longer with each failure in a row, and logs only the first failure and the end."""

    def __init__(self, archiver: Archiver, what: str) -> None:
        self._shortest = archiver.backoff.total_seconds()
        self._longest = archiver.max_backoff.total_seconds()
        self._what = what
        self._pause = 0.0

    async def wait(self, error: AgentMemoryError) -> None:
        if not self._pause:
            _logger.warning(telemetry.ARCHIVING_WAITS, self._what, error)
        self._pause = min(max(self._pause * 2, self._shortest), self._longest)
        await anyio.sleep(self._pause)

    def over(self) -> None:
        if self._pause:
            _logger.info(telemetry.ARCHIVING_GOES_ON, self._what)
        self._pause = 0.0
