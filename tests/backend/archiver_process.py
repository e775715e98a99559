"""An archiver as a process of its own, to be killed from outside or at a chosen step."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.synchronize import Event

import anyio

from agent_memory.backend._archive import Batch, Entry, Outbox
from agent_memory.backend._archiver import Archiver
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._endpoint import serve_history
from agent_memory.backend._open import open_archive
from agent_memory.backend._reading import ReaderProcess
from agent_memory.backend._redis import RedisStore
from agent_memory.backend._rows import MessageRow, SessionRow
from agent_memory.backend._threaded import ThreadedArchive
from tests.backend.rows import decode

POINTS = ('read', 'append', 'transaction', 'appended', 'trimmed')
"""After reading, before writing, while writing, between writing and trimming, after trimming."""


@dataclass
class Death:
    """Kills this process at `point`, when it is passed for the last of `left` times."""

    point: str = ''
    left: int = 0

    def passes(self, point: str) -> bool:
        """Return whether this is the last time that `point` is passed."""
        self.left -= point == self.point
        return point == self.point and self.left == 0

    def at(self, point: str) -> None:
        if self.passes(point):
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class DyingOutbox:
    outbox: Outbox
    death: Death

    async def partitions(self) -> int:
        return await self.outbox.partitions()

    async def read(self, partition: int, *, after: str, count: int, block: timedelta) -> list[Entry]:
        entries = await self.outbox.read(partition, after=after, count=count, block=block)
        if entries:
            self.death.at('read')
        return entries

    async def trim(self, partition: int, *, upto: str) -> None:
        await self.outbox.trim(partition, upto=upto)
        if upto != '0-0':
            self.death.at('trimmed')

    async def backlog(self, partition: int) -> int:
        return await self.outbox.backlog(partition)


@dataclass
class DyingArchive:
    archive: ThreadedArchive
    death: Death

    async def offset(self, partition: int) -> str:
        return await self.archive.offset(partition)

    async def append(self, batch: Batch) -> None:
        self.death.at('append')
        if self.death.passes('transaction'):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._die_soon)
                await self.archive.append(batch)
        else:
            await self.archive.append(batch)
        self.death.at('appended')

    async def sessions(self, contact_id: str, *, limit: int) -> list[SessionRow]:
        return await self.archive.sessions(contact_id, limit=limit)

    async def messages(self, session_id: str, *, limit: int) -> list[MessageRow]:
        return await self.archive.messages(session_id, limit=limit)

    async def close(self) -> None:
        await self.archive.close()

    async def _die_soon(self) -> None:
        await anyio.sleep(random.uniform(0.0005, 0.006))
        os.kill(os.getpid(), signal.SIGKILL)


def run_archiver(url: str, where: str, ready: Event, point: str, times: int, only: tuple[int, ...]) -> None:
    """Archive until killed; `times` passes of `point` do that from inside."""
    asyncio.run(_run(url, open_archive(where), ready, Death(point, times), only))


async def _run(url: str, archive: ThreadedArchive, ready: Event, death: Death, only: tuple[int, ...]) -> None:
    outbox = DyingOutbox(RedisStore.from_url(url).outbox, death)
    # Small batches and no pause: many transactions to be killed in.
    batch = 20 if death.point else 500
    async with ReaderProcess(fewest=batch) as reader, anyio.create_task_group() as tasks:
        archiver = Archiver(
            outbox, DyingArchive(archive, death), decode, reader, only=only, batch=batch, linger=timedelta(0),
            max_backoff=timedelta(milliseconds=200),
        )  # fmt: skip
        ready.set()
        if isinstance(archive, DuckDBArchive):
            tasks.start_soon(serve_history, archive, archive.path)
        await archiver.run()
