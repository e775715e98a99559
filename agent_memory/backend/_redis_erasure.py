"""`RedisErasure`: takes a contact out of every key of the store, for good."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import anyio
import redis.exceptions

from agent_memory.backend._erasure import HotTraces, Tombstone
from agent_memory.backend._keys import Keys
from agent_memory.backend._protocol import Policy
from agent_memory.backend._scripts import Scripts, ms
from agent_memory.errors import StoreUnavailable

_PAGE = 1000
_REWRITE_S = 60


@dataclass(frozen=True)
class RedisErasure:
    """Needs more of Redis than a worker: `scan`, `xrange`, `xdel` and, where the server keeps a file, `bgrewriteaof`."""

    scripts: Scripts
    ready: Callable[[], Awaitable[Keys]]
    policy: Policy

    async def names(self, contact_id: str) -> tuple[str, ...]:
        """Return every contact id of the person: those that were merged into this one, or that this one went into."""
        keys, client = await self._plain()
        found: dict[bytes, bytes] = await self.scripts.attempt(lambda: client.hgetall(keys.merged))
        merged = {other.decode(): kept.decode() for other, kept in found.items()}
        first = merged.get(contact_id, contact_id)
        return first, *sorted(other for other, kept in merged.items() if kept == first)

    async def traces(self, contact_id: str) -> HotTraces:
        """Return what the store holds of a contact, and change nothing."""
        keys, client = await self._plain()

        async def counted() -> list[Any]:
            pipeline: Any = client.pipeline(transaction=False)
            pipeline.hexists(keys.session(contact_id), 'document')
            pipeline.llen(keys.turns(contact_id))
            pipeline.zcard(keys.queue(contact_id))
            pipeline.zcard(keys.owed(contact_id))
            pipeline.exists(keys.reach(contact_id))
            return await pipeline.execute()

        session, turns, waiting, owed, address = await self.scripts.attempt(counted)
        return HotTraces(
            sessions=int(session),
            turns=turns,
            waiting=waiting,
            owed=owed,
            addresses=int(address),
            replies=len([name async for name in self._replies(contact_id)]),
            outbox=len([id_ async for id_ in self._entries(contact_id)]),
            aliases=len([name async for name in self._aliases(contact_id)]),
        )

    async def erase(self, contact_id: str, *, key_id: str, at: datetime | None = None) -> tuple[HotTraces, Tombstone]:
        """Remove a contact and leave a tombstone. Done again it finds nothing, and the tombstone stands.

        Args:
            contact_id: Who.
            key_id: The key that was destroyed, so that nothing more is written with it; empty for none.
            at: When they were erased; now, by the server's clock, without it. What was sent before stays out.
        """
        keys = await self.ready()
        partition = keys.partition(contact_id)
        reply = await self.scripts.run(
            'erase',
            [
                keys.session(contact_id),
                keys.turns(contact_id),
                keys.queue(contact_id),
                keys.bodies(contact_id),
                keys.owed(contact_id),
                keys.reach(contact_id),
                keys.leases(partition),
                keys.deadlines(partition),
                keys.owing(partition),
                keys.erased(partition),
            ],
            [contact_id, key_id, _ms(at) if at else '', keys.wake(contact_id), self.scripts.now()],
        )
        at_ms, session, turns, waiting, owed, address = reply
        traces = HotTraces(
            sessions=session,
            turns=turns,
            waiting=waiting,
            owed=owed,
            addresses=address,
            replies=await self._remove_replies(contact_id),
            outbox=await self._remove_entries(contact_id),
            aliases=await self._release_aliases(contact_id),
        )
        return traces, Tombstone(contact_id, _time(at_ms))

    async def tombstones(self) -> list[Tombstone]:
        """Return who was erased, and when."""
        keys, client = await self._plain()
        stones: list[Tombstone] = []
        for partition in range(keys.partitions):
            name = keys.erased(partition)
            found: dict[bytes, bytes] = await self.scripts.attempt(lambda name=name: client.hgetall(name))
            stones += [
                Tombstone(contact.decode(), _time(int(at)), tuple(dead.decode().split()))
                for contact, (at, _, dead) in ((name, text.partition(b':')) for name, text in found.items())
            ]
        return stones

    async def rewrite_file(self) -> bool:
        """Have the server write its append-only file anew, without what was removed; False when it may not be asked."""
        client: Any = self.scripts.client
        try:
            state = await client.info('persistence')
            if not state.get('aof_enabled'):
                return True
            await client.bgrewriteaof()
            with anyio.fail_after(_REWRITE_S):
                while _rewriting(await client.info('persistence')):  # noqa: ASYNC110 - the server tells no event
                    await anyio.sleep(0.02)
        except (redis.exceptions.RedisError, TimeoutError, OSError):
            return False
        return True

    async def _remove_replies(self, contact_id: str) -> int:
        keys, client = await self._plain()
        undelivered = keys.undelivered(keys.partition(contact_id))
        waiting: list[bytes] = await self.scripts.attempt(lambda: client.zrange(undelivered, 0, -1))
        for member in waiting:
            if member.decode().partition(':')[0] == contact_id:
                await self.scripts.attempt(lambda member=member: client.zrem(undelivered, member))
        names = [name async for name in self._replies(contact_id)]
        for start in range(0, len(names), _PAGE):
            page = names[start : start + _PAGE]
            await self.scripts.attempt(lambda page=page: client.unlink(*page))
        return len(names)

    async def _remove_entries(self, contact_id: str) -> int:
        keys, client = await self._plain()
        stream = keys.outbox(keys.partition(contact_id))
        ids = [id_ async for id_ in self._entries(contact_id)]
        for start in range(0, len(ids), _PAGE):
            page = ids[start : start + _PAGE]
            await self.scripts.attempt(lambda page=page: client.xdel(stream, *page))
        return len(ids)

    async def _release_aliases(self, contact_id: str) -> int:
        """Let the contact's names go when the channel delivers no old messages any more.

        Until then they must lead to the tombstone, or such a message would make the person anew under another id.
        """
        keys, client = await self._plain()
        names = [name async for name in self._aliases(contact_id)]
        for name in names:
            await self.scripts.attempt(lambda name=name: client.pexpire(name, ms(self.policy.reply_ttl)))
        pairs: dict[bytes, bytes] = await self.scripts.attempt(lambda: client.hgetall(keys.merges))
        for pair in pairs:
            if contact_id in pair.decode().split(' '):
                await self.scripts.attempt(lambda pair=pair: client.hdel(keys.merges, pair))
        return len(names)

    async def _replies(self, contact_id: str) -> AsyncIterator[bytes]:
        keys = await self.ready()
        for pattern in (keys.mark(contact_id, '*'), keys.reply(contact_id, '*')):
            async for name in self._scan(pattern):
                yield name

    async def _aliases(self, contact_id: str) -> AsyncIterator[bytes]:
        keys, client = await self._plain()
        async for name in self._scan(keys.alias('*')):
            owner: bytes | None = await self.scripts.attempt(lambda name=name: client.get(name))
            if owner and owner.partition(b':')[0].decode() == contact_id:
                yield name

    async def _entries(self, contact_id: str) -> AsyncIterator[bytes]:
        keys, client = await self._plain()
        stream, after = keys.outbox(keys.partition(contact_id)), '-'
        while True:
            page: list[Any] = await self.scripts.attempt(
                lambda after=after: client.xrange(stream, min=after, count=_PAGE)
            )
            for id_, fields in page:
                if fields[b'contact'].decode() == contact_id:
                    yield id_
            if len(page) < _PAGE:
                return
            after = f'({page[-1][0].decode()}'

    async def _scan(self, pattern: str) -> AsyncIterator[bytes]:
        client: Any = self.scripts.client
        # The tag's braces mean nothing to a pattern; nothing else in a key does either.
        try:
            async for name in client.scan_iter(match=pattern, count=_PAGE):
                yield name
        except redis.exceptions.NoPermissionError as error:
            raise StoreUnavailable(
                'this Redis user may not look for keys (SCAN); erase with the operator user of the documentation'
            ) from error
        except (redis.exceptions.RedisError, OSError) as error:
            raise StoreUnavailable(f'Redis does not answer ({type(error).__name__}); erase again') from error

    async def _plain(self) -> tuple[Keys, Any]:
        return await self.ready(), self.scripts.client


def _rewriting(state: dict[str, Any]) -> bool:
    return bool(state['aof_rewrite_in_progress'] or state['aof_rewrite_scheduled'])


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
