"""Fills the outbox by committing turns, and looks at what became of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import duckdb

from agent_memory.backend._archive import Outbox
from agent_memory.backend._protocol import Commit, Grant, Message
from agent_memory.backend._redis import RedisStore
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


def archived(path: Path) -> dict[str, list[int]]:
    """Return the turns of each contact in the order of the file."""
    turns: dict[str, list[int]] = defaultdict(list)
    with duckdb.connect(path) as connection:
        for contact, number in connection.execute('SELECT contact_id, turn FROM turns ORDER BY rowid').fetchall():
            turns[contact].append(number)
    return dict(turns)


@contextmanager
def running_archiver(url: str, path: Path, *die_at: str) -> Generator[subprocess.Popen[str]]:
    command = [sys.executable, '-m', 'tests.backend.archiver_process', url, str(path), *die_at]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == 'ready\n'
            yield process
        finally:
            process.kill()
