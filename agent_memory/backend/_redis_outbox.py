"""`RedisOutbox`: the stream of each partition, read from an offset that the reader keeps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from agent_memory.backend._archive import Entry, EntryKind
from agent_memory.backend._keys import Keys
from agent_memory.backend._scripts import Scripts


@dataclass(frozen=True)
class RedisOutbox:
    """Reads and trims the outbox streams."""

    scripts: Scripts
    ready: Callable[[], Awaitable[Keys]]

    async def partitions(self) -> int:
        return (await self.ready()).partitions

    async def read(self, partition: int, *, after: str, count: int, block: timedelta) -> list[Entry]:
        name = (await self.ready()).outbox(partition)
        client: Any = self.scripts.client
        wait_ms = int(block.total_seconds() * 1000) or None
        found: Any = await self.scripts.attempt(lambda: client.xread({name: after}, count=count, block=wait_ms))
        # RESP2 answers pairs of stream and entries; RESP3 answers a map of streams to lists of entries.
        batches: list[Any] = []
        if isinstance(found, dict):
            batches = [entries for lists in cast('dict[Any, Any]', found).values() for entries in lists]
        elif found:
            batches = [entries for _, entries in found]
        return [_entry(partition, id_, fields) for entries in batches for id_, fields in entries]

    async def trim(self, partition: int, *, upto: str) -> None:
        name = (await self.ready()).outbox(partition)
        client: Any = self.scripts.client
        await self.scripts.attempt(lambda: client.xtrim(name, minid=_next(upto), approximate=False))

    async def backlog(self, partition: int) -> int:
        name = (await self.ready()).outbox(partition)
        client: Any = self.scripts.client
        return await self.scripts.attempt(lambda: client.xlen(name))


def _next(entry_id: str) -> str:
    time_ms, _, sequence = entry_id.partition('-')
    return f'{time_ms}-{int(sequence or 0) + 1}'


def _entry(partition: int, id_: bytes, fields: dict[bytes, bytes]) -> Entry:
    # By place: there are many.
    return Entry(
        id_.decode(),
        cast('EntryKind', fields[b'kind'].decode()),
        fields[b'contact'].decode(),
        int(fields[b'started']),
        int(fields[b'version']),
        fields[b'commit'].decode(),
        fields[b'body'],
        fields[b'note'].decode() if b'note' in fields else '',
        partition,
    )
