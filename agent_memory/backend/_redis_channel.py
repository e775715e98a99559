"""`RedisChannel`: what a channel needs of a store, in Redis. One method, one script."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from agent_memory.backend._channel import (
    Alias,
    Decision,
    Dispatch,
    Owed,
    Pace,
    Reach,
    Received,
    Settlement,
    Undelivered,
)
from agent_memory.backend._keys import Keys
from agent_memory.backend._mail import RedisMail
from agent_memory.backend._protocol import Message, Policy
from agent_memory.backend._scripts import Scripts, ms
from agent_memory.errors import KeyDestroyed, MailboxFull, MessageMismatch, Overloaded

_STUCK = timedelta(minutes=2)
"""A send that its worker says nothing of for so long has an unknown outcome."""
_LOOK = timedelta(seconds=10)
"""How long after a message became due its reply is looked for, if its worker is gone."""
_KIND = {'user': 'u', 'phone': 'p', 'likely': 'm'}


@dataclass(frozen=True)
class RedisChannel:
    """Takes messages in, keeps track of replies and knows who is who."""

    scripts: Scripts
    ready: Callable[[], Awaitable[Keys]]
    policy: Policy

    async def link(self, aliases: tuple[Alias, ...], *, contact_id: str, spare: str) -> str:
        keys = await self.ready()
        reply = await self.scripts.run(
            'link',
            [keys.merges, keys.merged, *(keys.alias(alias.digest) for alias in aliases)],
            [contact_id, spare, _user(aliases), self._alias_ttl, self.scripts.now(), *_kinds(aliases)],
        )
        return reply[0].decode()

    async def known(self, alias: str) -> str | None:
        keys, client = await self._plain()
        found: bytes | None = await self.scripts.attempt(lambda: client.get(keys.alias(alias)))
        owner = (found or b'').partition(b':')[0]
        if owner in (b'', b'-'):
            return None
        into: bytes | None = await self.scripts.attempt(lambda: client.hget(keys.merged, owner))
        return (into or owner).decode()

    async def relink(self, old: tuple[Alias, ...], new: tuple[Alias, ...]) -> str | None:
        keys = await self.ready()
        reply = await self.scripts.run(
            'relink',
            [keys.merges, keys.merged, *(keys.alias(alias.digest) for alias in (*old, *new))],
            [len(old), _user(new), self._alias_ttl, self.scripts.now(), *_kinds((*old, *new))],
        )
        return reply[0].decode() or None

    async def merges(self) -> list[tuple[str, str]]:
        keys, client = await self._plain()
        found: dict[bytes, bytes] = await self.scripts.attempt(lambda: client.hgetall(keys.merges))
        pairs = (pair.decode().partition(' ') for pair in found)
        return [(one, other) for one, _, other in pairs]

    async def merge(self, kept: str, other: str) -> None:
        keys, client = await self._plain()
        merged: dict[bytes, bytes] = await self.scripts.attempt(lambda: client.hgetall(keys.merged))
        moved = {name: kept for name, into in merged.items() if into.decode() == other}
        await self.scripts.attempt(lambda: client.hset(keys.merged, mapping={**moved, other: kept}))
        await self.dismiss(kept, other)

    async def dismiss(self, one: str, other: str) -> None:
        keys, client = await self._plain()
        await self.scripts.attempt(lambda: client.hdel(keys.merges, ' '.join(sorted((one, other)))))

    async def receive(
        self, contact_id: str, message: Message, *, address: bytes, pace: Pace, flush: bool, key: str = ''
    ) -> Received:
        keys, policy = await self.ready(), self.policy
        partition = keys.partition(contact_id)
        reply = await self.scripts.run(
            'receive',
            [
                keys.session(contact_id),
                keys.queue(contact_id),
                keys.bodies(contact_id),
                keys.mark(contact_id, message.id),
                keys.leases(partition),
                keys.outbox(partition),
                keys.owed(contact_id),
                keys.owing(partition),
                keys.reach(contact_id),
                keys.erased(partition),
            ],
            [
                contact_id,
                message.id,
                message.digest,
                message.body,
                message.order,
                policy.mailbox_cap,
                policy.outbox_cap,
                0 if flush else ms(pace.quiet),
                ms(pace.cap),
                pace.most,
                address,
                ms(_LOOK),
                ms(policy.reply_ttl),
                ms(policy.previous_ttl),
                self.scripts.now(),
                keys.mail,
                partition,
                key,
            ],
        )
        match reply[0]:
            case b'NEW':
                return Received(new=True, due=timedelta(milliseconds=reply[2]))
            case b'KNOWN':
                return Received(new=False, due=timedelta(0))
            case b'ERASED':
                # A redelivery: to answer that it is known stops the channel from sending it for ever.
                return Received(new=False, due=timedelta(0))
            case b'DESTROYED':
                raise KeyDestroyed('the key of this contact was destroyed; what it sealed cannot be kept')
            case b'MISMATCH':
                raise MessageMismatch(message.id)
            case b'FULL':
                raise MailboxFull('this contact has too many unanswered messages; the channel should redeliver later')
            case _:
                raise Overloaded('too many turns wait for the archive; start the archiver, then redeliver')

    def mail(self) -> RedisMail:
        return RedisMail(self.scripts, self.ready)

    async def mute(self, contact_id: str, duration: timedelta) -> None:
        keys, client = await self._plain()
        until = self._now_ms() + ms(duration)
        name = keys.reach(contact_id)
        await self.scripts.attempt(lambda: client.hset(name, 'muted_ms', until))
        await self.scripts.attempt(lambda: client.pexpire(name, ms(self.policy.previous_ttl)))

    async def reach(self, contact_id: str) -> Reach:
        keys, client = await self._plain()
        address, until = await self.scripts.attempt(lambda: client.hmget(keys.reach(contact_id), 'address', 'muted_ms'))
        return Reach(address or b'', muted=int(until or 0) > self._now_ms())

    async def claim(self, contact_id: str, message_ids: tuple[str, ...], *, token: str) -> Dispatch | Owed:
        keys = await self.ready()
        names = [name for id_ in message_ids for name in (keys.mark(contact_id, id_), keys.reply(contact_id, id_))]
        reply = await self.scripts.run(
            'claim',
            [
                keys.owed(contact_id),
                keys.owing(keys.partition(contact_id)),
                keys.reach(contact_id),
                keys.undelivered(keys.partition(contact_id)),
                *names,
            ],
            [
                contact_id,
                token,
                ms(_STUCK),
                ms(self.policy.reply_ttl),
                ms(_LOOK),
                self.scripts.now(),
                *message_ids,
            ],
        )
        if reply[0] == b'NONE':
            return Owed(left=reply[1], withheld=reply[2], indeterminate=reply[3])
        return Dispatch(
            contact_id=contact_id,
            message_id=reply[1].decode(),
            token=token,
            part=reply[2],
            reply=reply[4],
            failed=reply[3] == b'F',
            address=reply[5],
            seen_at=datetime.fromtimestamp(reply[6] / 1000, UTC),
        )

    async def settle(
        self,
        contact_id: str,
        message_id: str,
        outcome: Settlement,
        *,
        token: str,
        part: int,
        more: bool = False,
        code: int | None = None,
        wait: timedelta = timedelta(0),
    ) -> bool:
        keys = await self.ready()
        reply = await self.scripts.run(
            'settle',
            [
                keys.reply(contact_id, message_id),
                keys.owed(contact_id),
                keys.owing(keys.partition(contact_id)),
                keys.reach(contact_id),
                keys.undelivered(keys.partition(contact_id)),
            ],
            [
                contact_id,
                message_id,
                token,
                part,
                outcome,
                int(more),
                code or 0,
                ms(wait),
                ms(self.policy.reply_ttl),
                ms(_STUCK),
                self.scripts.now(),
            ],
        )
        return reply[0] == b'OK'

    async def owing(self, *, limit: int = 100) -> tuple[str, ...]:
        keys, client = await self._plain()
        now = self._now_ms()
        found: list[bytes] = []
        for partition in range(keys.partitions):
            name = keys.owing(partition)
            found += await self.scripts.attempt(
                lambda name=name: client.zrangebyscore(name, '-inf', now, start=0, num=limit)
            )
        return tuple(contact.decode() for contact in found)

    async def owed(self, contact_id: str) -> tuple[str, ...]:
        keys, client = await self._plain()
        found: list[bytes] = await self.scripts.attempt(lambda: client.zrange(keys.owed(contact_id), 0, -1))
        return tuple(id_.decode() for id_ in found)

    async def undelivered(self, *, limit: int = 100) -> list[Undelivered]:
        keys, client = await self._plain()
        until = self._now_ms() - ms(_STUCK)
        found: list[Undelivered | None] = []
        for partition in range(keys.partitions):
            name = keys.undelivered(partition)
            members: list[tuple[bytes, float]] = await self.scripts.attempt(
                lambda name=name: client.zrangebyscore(name, '-inf', until, start=0, num=limit, withscores=True)
            )
            found += [await self._undelivered(member.decode(), since_ms) for member, since_ms in members]
        return sorted((one for one in found if one), key=lambda one: one.since)[:limit]

    async def decide(self, contact_id: str, message_id: str, decision: Decision) -> bool:
        keys = await self.ready()
        partition = keys.partition(contact_id)
        reply = await self.scripts.run(
            'decide',
            [
                keys.reply(contact_id, message_id),
                keys.owed(contact_id),
                keys.owing(partition),
                keys.undelivered(partition),
                keys.mark(contact_id, message_id),
            ],
            [contact_id, message_id, decision, ms(self.policy.reply_ttl), self.scripts.now()],
        )
        return reply[0] == b'OK'

    async def _undelivered(self, member: str, since_ms: float) -> Undelivered | None:
        """Return what is known of such a reply; `None` when it has been kept long enough."""
        keys, client = await self._plain()
        contact_id, _, message_id = member.partition(':')
        state, part, code = await self.scripts.attempt(
            lambda: client.hmget(keys.reply(contact_id, message_id), 'state', 'part', 'code')
        )
        mark: bytes | None = await self.scripts.attempt(lambda: client.get(keys.mark(contact_id, message_id)))
        if state not in (b'failed', b'indeterminate') or mark is None:
            return None
        status, _, _, _, reply = mark.split(b':', 4)
        return Undelivered(
            contact_id=contact_id,
            message_id=message_id,
            part=int(part),
            reply=reply,
            failed=status == b'F',
            address=(await self.reach(contact_id)).address,
            state='failed' if state == b'failed' else 'indeterminate',
            code=int(code or 0),
            since=datetime.fromtimestamp(since_ms / 1000, UTC),
        )

    @property
    def _alias_ttl(self) -> int:
        return ms(self.policy.previous_ttl)

    async def _plain(self) -> tuple[Keys, Any]:
        return await self.ready(), self.scripts.client

    def _now_ms(self) -> int:
        """Return this worker's time, near enough for mutes of hours and looks every few seconds."""
        return int(self.scripts.now() or time.time() * 1000)


def _user(aliases: tuple[Alias, ...]) -> str:
    """Return the user id that changes with the number, which is named after the portfolio's own."""
    return next((alias.digest for alias in reversed(aliases) if alias.kind == 'user'), '')


def _kinds(aliases: tuple[Alias, ...]) -> list[str]:
    return [_KIND[alias.kind] for alias in aliases]
