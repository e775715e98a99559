"""Turns that keep coming while something breaks, and what the history must hold in the end."""

from __future__ import annotations

from pathlib import Path

import anyio

from agent_memory.backend._archiver import Archiver
from agent_memory.backend._open import open_archive
from agent_memory.backend._redis import RedisStore
from tests.backend.outbox import archived_in, backlog, commit
from tests.backend.rows import decode

CONTACTS = 7


class Traffic:
    """Commits turns of several contacts, one after the other, until it is cancelled."""

    def __init__(self, store: RedisStore) -> None:
        self.store = store
        self.sent = 0

    async def run(self) -> None:
        while True:
            with anyio.CancelScope(shield=True):
                await self.one()
            await anyio.sleep(0.001)

    async def one(self) -> None:
        """Commit the next one."""
        self.sent += 1
        await commit(self.store, f'contact{(self.sent - 1) % CONTACTS + 1}', self.sent)

    async def check(self, where: str | Path) -> None:
        """Archive the rest, then compare: lost = doubled = reordered = left behind = 0."""
        archive = open_archive(where)
        await Archiver(self.store.outbox, archive, decode).drain()
        assert await backlog(self.store.outbox) == 0
        numbers = range(1, self.sent + 1)
        expected = {f'contact{own}': list(numbers[own - 1 :: CONTACTS]) for own in range(1, CONTACTS + 1)}
        assert await archived_in(archive) == expected
        await archive.close()
