"""An archiver as a process of its own, to be killed: `python -m tests.backend.archiver_process REDIS_URL FILE`."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from agent_memory.backend._archiver import Archiver
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._redis import RedisStore
from tests.backend.rows import decode


async def main(url: str, path: str) -> None:
    store = RedisStore.from_url(url)
    # Small batches and no pause: many transactions to be killed in.
    archiver = Archiver(store.outbox, DuckDBArchive(path), decode, batch=20, linger=timedelta(0))
    print('ready', flush=True)  # noqa: T201 - for the parent process
    await archiver.run()


asyncio.run(main(*sys.argv[1:]))
