"""`RedisStore`: open sessions in Redis or Valkey, one server, Sentinel or Cluster. One method, one script."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, Self

import anyio

from agent_memory.backend._anchor import RedisAnchor
from agent_memory.backend._begin import Begin, message_of
from agent_memory.backend._connect import connect, disconnect
from agent_memory.backend._keys import ContactKeys, Keys
from agent_memory.backend._meta import Agreement, agree, agree_on_keys
from agent_memory.backend._protocol import (
    Aborted,
    Begun,
    Behind,
    Commit,
    Committed,
    Due,
    Grant,
    Held,
    Message,
    Policy,
    Queued,
    Stored,
)
from agent_memory.backend._redis_channel import RedisChannel
from agent_memory.backend._redis_erasure import RedisErasure
from agent_memory.backend._redis_outbox import RedisOutbox
from agent_memory.backend._scripts import Scripts, ms
from agent_memory.backend._wakeups import Wakeups
from agent_memory.backend._wire import Client
from agent_memory.errors import AgentMemoryError, LeaseLost, SessionConflict, SetupError

_BUSY_RETRY = timedelta(minutes=1)
_OWN_CALLER_S = 0.25
"""How long the caller of an earlier message may take to claim its turn before a later one answers it."""
_RELEASE_S = 1


@dataclass
class RedisStore:
    """Keeps open sessions in Redis. The caller owns `client` unless `from_url` made it."""

    client: Client
    policy: Policy = field(default_factory=Policy)
    prefix: str = 'am'
    partitions: int | None = None
    """Fixed when the store is created: 1 on a single server, 64 on a Cluster. `None` takes what the store has."""
    patience: timedelta = timedelta(seconds=5)
    """How long a command is sent again while Redis does not answer."""
    durability: Literal['local', 'replica'] = 'local'
    """`replica` reports a commit, and answers a message that was answered before, only once a replica has it too."""
    clock_ms: Callable[[], int] | None = None
    """Replaces the server's clock, for tests."""
    _scripts: Scripts = field(init=False, repr=False)
    _agreed: Agreement | None = field(default=None, init=False, repr=False)
    _wakeups: Wakeups = field(init=False, repr=False)
    _opening: anyio.Lock = field(default_factory=anyio.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        self._scripts = Scripts(self.client, self.patience, self.clock_ms)
        self._wakeups = Wakeups(self.client, Keys(self.prefix, 1).wake)

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        policy: Policy | None = None,
        prefix: str = 'am',
        partitions: int | None = None,
        durability: Literal['local', 'replica'] = 'local',
    ) -> Self:
        """Return a store on `redis://`, `rediss://`, `unix://`, `redis+sentinel://` or `redis+cluster://`.

        Raises:
            SetupError: The URL has another scheme or lacks a part.
        """
        return cls(connect(url), policy=policy or Policy(), prefix=prefix, partitions=partitions, durability=durability)

    @property
    def kept_turns(self) -> int:
        """Most turn records that an open session keeps."""
        return self.policy.kept_turns

    async def open(self, secret: bytes | None) -> bytes:
        """Check partitions, schema and secret against what the store was created with; create it if it is new."""
        agreed = await self._agree(secret)
        if agreed.secret is None:
            raise SetupError('this store was created with a secret of its own; give the same one (AGENT_MEMORY_SECRET)')
        return agreed.secret

    async def agree_on_keys(self, fingerprint: str) -> None:
        """Note the key store of this worker, or check that it is the one that the store knows."""
        await agree_on_keys(self._scripts, self.prefix, fingerprint)

    async def begin(
        self,
        contact_id: str,
        message: Message | None,
        *,
        kind: Literal['turn', 'change'] = 'turn',
        held: Held | None = None,
        window: int = 0,
        wait: timedelta = timedelta(0),
        key: str = '',
    ) -> Begun:
        keys = await self._ready()
        ask = Begin(
            self._scripts,
            keys,
            self.policy,
            contact_id,
            message,
            kind if message else 'sweep',
            held,
            window,
            key,
            confirm=self.durability == 'replica',
        )
        try:
            return await self._patiently(ask, contact_id, wait)
        except anyio.get_cancelled_exc_class():
            if ask.unanswered:
                # The answer that was given up may have been a grant, which nobody would use until its lease ends.
                with anyio.move_on_after(_RELEASE_S, shield=True), suppress(AgentMemoryError):
                    await self._release(ask)
            raise

    async def _patiently(self, ask: Begin, contact_id: str, wait: timedelta) -> Begun:
        begun = await ask()
        if not wait or not isinstance(begun, (Queued, Behind)):
            return begun
        give_up = time.monotonic() + wait.total_seconds()
        head, since = '', 0.0
        async with self._wakeups.watch(contact_id) as waiter:
            while isinstance(begun, (Queued, Behind)) and (left := give_up - time.monotonic()) > 0:
                if isinstance(begun, Queued):
                    patience = begun.retry_after.total_seconds()
                else:
                    # Who waits for the earlier message is woken too, and goes first.
                    if begun.head.id != head:
                        head, since = begun.head.id, time.monotonic()
                    patience = since + _OWN_CALLER_S - time.monotonic()
                    if patience <= 0:
                        break
                await self._wakeups.wait(waiter, min(left, patience))
                begun = await ask()
        return begun

    async def _release(self, ask: Begin) -> None:
        begun = await ask()
        if isinstance(begun, Grant):
            await self.abort(begun, error='cancelled', reply=b'', outcome='release')

    async def heartbeat(self, grant: Grant) -> bool:
        keys = await self._ready()
        partition = keys.partition(grant.contact_id)
        reply = await self._scripts.run(
            'heartbeat',
            [keys.session(grant.contact_id), keys.leases(partition)],
            [grant.contact_id, grant.token, grant.fence, ms(self.policy.lease), self._scripts.now()],
        )
        return reply[0] == b'OK'

    async def arrived(self, grant: Grant) -> tuple[Message, ...]:
        keys = await self._ready()
        contact = grant.contact_id
        reply = await self._scripts.run(
            'arrived',
            [keys.session(contact), keys.queue(contact), keys.bodies(contact)],
            [grant.token, grant.fence, *(message.id for message in grant.messages)],
        )
        if reply[0] == b'LOST':
            raise LeaseLost('another worker took this turn over; nothing was written')
        return tuple(message_of(id_, body) for id_, body in zip(reply[1], reply[2], strict=True))

    async def commit(self, grant: Grant, commit: Commit) -> Committed:
        keys, policy = (await self._ready()).of(grant.contact_id), self.policy
        reply = await self._run_durably(
            'commit',
            keys,
            [
                keys.session,
                keys.queue,
                keys.bodies,
                keys.leases,
                keys.outbox,
                keys.deadlines,
                keys.turns,
                *[keys.marks + message.id for message in commit.messages],
            ],
            [
                grant.contact_id,
                grant.token,
                grant.fence,
                grant.version,
                commit.id,
                commit.document,
                commit.record,
                commit.reply,
                ms(policy.reply_ttl),
                ms(commit.ttl),
                ms(policy.previous_ttl if commit.ends else commit.ttl + policy.grace),
                policy.kept_turns,
                commit.ends,
                keys.wake,
                self._scripts.now(),
                *[value for message in commit.messages for value in (message.id, message.digest)],
            ],
        )
        match reply[0]:
            case b'OK':
                return Committed(version=reply[1], left=reply[2])
            case b'FENCED':
                raise LeaseLost('another worker took this turn over; nothing was written')
            case _:
                raise SessionConflict(f'the session is at version {reply[1]}, the turn began at {grant.version}')

    async def abort(
        self, grant: Grant, *, error: str, reply: bytes, outcome: Literal['retry', 'release', 'fail']
    ) -> Aborted:
        keys, policy = (await self._ready()).of(grant.contact_id), self.policy
        head = grant.messages[0] if grant.messages else None
        answer = await self._run_durably(
            'abort',
            keys,
            [
                keys.session,
                keys.queue,
                keys.bodies,
                keys.leases,
                keys.outbox,
                keys.counts,
                keys.marks + (head.id if head else ''),
            ],
            [
                grant.contact_id,
                grant.token,
                grant.fence,
                outcome,
                policy.max_attempts,
                error,
                reply,
                ms(policy.reply_ttl),
                ms(policy.backoff),
                head.id if head else '',
                head.digest if head else '',
                keys.wake,
                self._scripts.now(),
            ],
        )
        if answer[0] == b'FENCED':
            return Aborted(dead=False, left=0)
        return Aborted(dead=answer[0] == b'DEAD', left=answer[1])

    async def load(self, contact_id: str, *, window: int) -> Stored:
        keys = await self._ready()
        client: Any = self.client

        async def read() -> list[Any]:
            # Not a transaction: a commit in between makes the turns one newer than the document, which is what is kept.
            pipeline: Any = client.pipeline(transaction=False)
            pipeline.hmget(keys.session(contact_id), 'started_ms', 'version', 'document', 'previous')
            pipeline.lrange(keys.turns(contact_id), -window, -1)
            return await pipeline.execute()

        (started, version, document, previous), turns = await self._scripts.attempt(read)
        if document is None:
            return Stored(0, 0, None, previous, ())
        return Stored(int(started), int(version), document, None, tuple(turns if window else ()))

    async def due(self, *, limit: int = 100, idle: timedelta = timedelta(0)) -> Due:
        """Return contacts that need a worker now, of every partition."""
        keys = await self._ready()
        turns: list[str] = []
        sessions: list[str] = []
        for partition in range(keys.partitions):
            found = await self._scripts.run(
                'due', [keys.leases(partition), keys.deadlines(partition)], [limit, ms(idle), self._scripts.now()]
            )
            turns += [contact.decode() for contact in found[0]]
            sessions += [contact.decode() for contact in found[1]]
        return Due(tuple(turns), tuple(sessions))

    async def head(self, contact_id: str) -> Message | None:
        """Return the contact's first unanswered message, if any."""
        keys = await self._ready()
        found = await self._scripts.run('head', [keys.queue(contact_id), keys.bodies(contact_id)], [])
        return message_of(found[0], found[1]) if found else None

    async def close(self, contact_id: str, *, reason: str, force: bool = False) -> bool:
        """End a session: its close record enters the outbox as its keys go. Returns whether it was closed."""
        keys = await self._ready()
        partition = keys.partition(contact_id)
        reply = await self._scripts.run(
            'close',
            [
                keys.session(contact_id),
                keys.queue(contact_id),
                keys.deadlines(partition),
                keys.outbox(partition),
                keys.turns(contact_id),
            ],
            [contact_id, reason, int(force), ms(self.policy.previous_ttl), ms(_BUSY_RETRY), self._scripts.now()],
        )
        return reply[0] == b'CLOSED'

    @property
    def anchor(self) -> RedisAnchor:
        """Where the head of the audit's chain is kept away from the history."""
        return RedisAnchor(self._scripts, self._ready)

    @property
    def outbox(self) -> RedisOutbox:
        """What commits leave for the archive."""
        return RedisOutbox(self._scripts, self._ready)

    @property
    def channel(self) -> RedisChannel:
        """What a channel needs beside turns."""
        return RedisChannel(self._scripts, self._ready, self.policy)

    @property
    def erasure(self) -> RedisErasure:
        """What takes contacts out for good."""
        return RedisErasure(self._scripts, self._ready, self.policy)

    async def dead_letters(self) -> int:
        """Return how many messages were given up since the store was created."""
        keys = await self._ready()
        client: Any = self.client
        counts: list[bytes | None] = [
            await self._scripts.attempt(lambda partition=partition: client.hget(keys.counts(partition), 'dead'))
            for partition in range(keys.partitions)
        ]
        return sum(int(count or 0) for count in counts)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wakeups.close()
        await disconnect(self.client)

    async def _run_durably(
        self, name: Literal['commit', 'abort'], contact: ContactKeys, keys: list[str], args: list[Any]
    ) -> list[Any]:
        if self.durability == 'local':
            return await self._scripts.run(name, keys, args)
        return await self._scripts.run_confirmed(name, keys, args, note=contact.counts)

    async def _ready(self) -> Keys:
        agreed = self._agreed or await self._agree(None)
        return agreed.keys

    async def _agree(self, secret: bytes | None) -> Agreement:
        async with self._opening:
            if self._agreed is None or secret not in (None, self._agreed.secret):
                self._agreed = await agree(self._scripts, self.prefix, partitions=self.partitions, secret=secret)
            return self._agreed
