"""`RedisAnchor`: the newest head of the audit's chain, kept in the store and so away from the history's file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from agent_memory.backend._keys import Keys
from agent_memory.backend._ledger import Head
from agent_memory.backend._scripts import Scripts


@dataclass(frozen=True)
class RedisAnchor:
    """Reads and writes the copy of the chain's head."""

    scripts: Scripts
    ready: Callable[[], Awaitable[Keys]]

    async def read(self) -> Head | None:
        """Return the head that was anchored last, or `None` before the first."""
        name = (await self.ready()).audit
        client: Any = self.scripts.client
        found: dict[bytes, bytes] = await self.scripts.attempt(lambda: client.hgetall(name))
        return Head(int(found[b'seq']), found[b'hash'].decode()) if found else None

    async def write(self, head: Head) -> None:
        """Anchor `head`."""
        name = (await self.ready()).audit
        client: Any = self.scripts.client
        await self.scripts.attempt(lambda: client.hset(name, mapping={'seq': head.seq, 'hash': head.hash}))
