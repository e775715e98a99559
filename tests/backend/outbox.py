"""Fills the outbox by committing turns, and looks at what became of them."""

from __future__ import annotations

import multiprocessing
import os
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import anyio.to_thread
import duckdb

from agent_memory.backend._archive import Outbox
from agent_memory.backend._protocol import Commit, Grant, Message
from agent_memory.backend._redis import RedisStore
from agent_memory.backend._threaded import ThreadedArchive
from tests.backend.archiver_process import run_archiver
from tests.servers import until


async def commit(store: RedisStore, contact: str, n: int, body: bytes | None = None) -> None:
    """Answer one message of `contact`."""
    message = Message(id=f'{contact}-{n}', body=b'oi', digest='d', order=n)
    grant = await store.begin(contact, message)
    assert isinstance(grant, Grant)
    record = body or f'{{"n": {n}}}'.encode()
    await store.commit(
        grant,
        Commit(
            id=os.urandom(8).hex(),
            document=b'{}',
            record=record,
            reply=b'ola',
            messages=grant.messages,
            ttl=timedelta(hours=24),
        ),
    )


async def backlog(outbox: Outbox) -> int:
    return sum([await outbox.backlog(partition) for partition in range(await outbox.partitions())])


async def emptied(outbox: Outbox) -> None:
    async def empty() -> bool:
        return await backlog(outbox) == 0

    await until(empty, seconds=20)


async def archived_in(archive: ThreadedArchive) -> dict[str, list[int]]:
    """Return the turns of each contact in the order in which they were archived."""
    turns: dict[str, list[int]] = defaultdict(list)
    query = 'SELECT contact_id, turn FROM turns ORDER BY rowid'
    for contact, number in await archive.work(lambda connection: connection.execute(query).fetchall()):
        turns[contact].append(number)
    return dict(turns)


def archived(path: Path) -> dict[str, list[int]]:
    """Return the turns of each contact in the order of the file."""
    turns: dict[str, list[int]] = defaultdict(list)
    with duckdb.connect(path) as connection:
        for contact, number in connection.execute('SELECT contact_id, turn FROM turns ORDER BY rowid').fetchall():
            turns[contact].append(number)
    return dict(turns)


# Forked from a process that has imported everything: a test that kills twenty of them does not wait for twenty imports.
_PROCESSES = multiprocessing.get_context('forkserver')
_PROCESSES.set_forkserver_preload(['tests.backend.archiver_process'])


@asynccontextmanager
async def running_archiver(
    url: str, where: str | Path, point: str = '', times: int = 0, *, only: tuple[int, ...] = ()
) -> AsyncGenerator[ForkServerProcess]:
    """Run an archiver in a process of its own; `point` is where it kills itself, `times` how often it gets there."""
    ready = _PROCESSES.Event()
    process = _PROCESSES.Process(target=run_archiver, args=(url, str(where), ready, point, times, only), daemon=True)
    process.start()
    try:
        # In a thread: the turns that a test commits meanwhile have deadlines.
        assert await anyio.to_thread.run_sync(ready.wait, 30)
        yield process
    finally:
        process.kill()
        process.join()
        process.close()
