"""A history that is served over HTTP, for tests of what comes of that."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio

from agent_memory.backend._history import HistoryReader
from agent_memory.backend._quack import QuackArchive
from agent_memory.backend._quack_server import QuackServer
from agent_memory.backend._threaded import ThreadedArchive
from agent_memory.errors import ArchiveUnavailable
from tests.servers import until

TOKEN = 'only for these tests'


def free_address() -> str:
    """Not of `free_port`: what that leaves in TIME_WAIT is refused to Quack for a minute."""
    with socket.create_server(('127.0.0.1', 0)) as free:
        return f'127.0.0.1:{free.getsockname()[1]}'


@asynccontextmanager
async def served(archive: ThreadedArchive, address: str | None = None) -> AsyncGenerator[QuackArchive]:
    """Serve the archive and yield a reader of it."""
    address = address or free_address()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(QuackServer(address, TOKEN).serve, archive)
        reader = QuackArchive(f'quack:{address}', TOKEN)
        await until(lambda: answers(reader))
        yield reader
        await reader.close()
        tasks.cancel_scope.cancel()


async def answers(reader: HistoryReader) -> bool:
    try:
        await reader.ask('archiving')
    except ArchiveUnavailable:
        return False
    return True
