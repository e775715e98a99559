"""The real Lua against `gate_model`, step by step, on a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent_memory.backend._connect import connect
from agent_memory.backend._protocol import Answered, Begun, Behind, Commit, Grant, Idle, Message, Policy, Queued
from agent_memory.backend._redis import RedisStore
from agent_memory.errors import LeaseLost, MailboxFull, MessageMismatch, SessionConflict
from tests.backend import gate_model
from tests.backend.gate_model import Gate, Lease
from tests.servers import admin_url

T = TypeVar('T')
CONTACT = 'ana'
POLICY = Policy(
    lease=timedelta(milliseconds=gate_model.LEASE),
    backoff=timedelta(milliseconds=gate_model.BACKOFF),
    max_attempts=gate_model.MAX_ATTEMPTS,
    max_batch=gate_model.MAX_BATCH,
    mailbox_cap=gate_model.CAP,
    kept_turns=3,
)
_GONE, _FOR_EVER = -2, -1
"""What PTTL says of a key that is not there, and of one without an end."""
_WEEK_MS = 7 * 86_400_000
_KEPT_MS = 170 * 86_400_000
BASE = 1_700_000_000_000
NAMES = st.sampled_from([f'm{i}' for i in range(20)])


@dataclass
class Held:
    """A grant of the real gate beside the model's."""

    real: Grant
    model: Lease
    change: str
    sent: Commit | None = None
    ended: str = ''


class GateMachine(RuleBasedStateMachine):
    """Subclass it with `url` and `runner` set."""

    url: str
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()
        self.held: list[Held] = []
        self.documents: dict[tuple[int, int], bytes] = {}
        self.started: dict[int, int] = {}
        self.admin: Any = connect(admin_url(self.url))
        self.store = self.call(self._open())

    async def _open(self) -> RedisStore:
        store = RedisStore(connect(self.url), policy=POLICY, clock_ms=lambda: BASE + self.gate.now)
        await self.admin.flushall()
        return store

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    def teardown(self) -> None:
        self.call(self.store.aclose())
        self.call(self.admin.aclose())

    @initialize()
    def a_contact_that_nobody_knows(self) -> None:
        assert self.call(self.store.load(CONTACT, window=9)).version == 0

    @rule(name=NAMES, sent=st.integers(0, 3))
    def deliver(self, name: str, sent: int) -> None:
        expected, lease = self.gate.begin(name, sent)
        self._granted(self._begin(_message(name, sent)), expected, lease, '')

    @precondition(lambda self: self.gate.mail)
    @rule(data=st.data())
    def deliver_with_another_text(self, data: st.DataObject) -> None:
        names = [*self.gate.answers, *(name for _, _, name in self.gate.mail)]
        begun = self._begin(Message(data.draw(st.sampled_from(names)), b'other', 'other', BASE))
        assert begun == 'MISMATCH'

    @rule(
        name=NAMES, sent=st.integers(0, 3), outcome=st.sampled_from(['OK', 'OK', 'OK', 'restart', 'retry', 'release'])
    )
    def take_a_whole_turn(self, name: str, sent: int, outcome: Any) -> None:
        before = len(self.held)
        self.deliver(name, sent)
        if len(self.held) == before:
            return
        if outcome in ('OK', 'restart'):
            self._ended(self.held[-1], ends=outcome == 'restart')
        else:
            self._given_back(self.held[-1], outcome)

    @rule(name=NAMES)
    def change(self, name: str) -> None:
        name = f'c{name}'
        expected, lease = self.gate.change(name)
        self._granted(self._begin(_message(name, 0), kind='change'), expected, lease, name)

    @precondition(lambda self: self.gate.look is not None)
    @rule()
    def sweep(self) -> None:
        expected, lease = self.gate.begin('', 0)
        self._granted(self._begin(None), expected, lease, '')

    @rule(ms=st.sampled_from([1, 10, 39, 41, 99, 101, 300, 501]))
    def time_passes(self, ms: int) -> None:
        self.gate.now += ms

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def heartbeat(self, data: st.DataObject) -> None:
        held = self._pick(data)
        assert self.call(self.store.heartbeat(held.real)) == self.gate.heartbeat(held.model)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def see_what_arrived(self, data: st.DataObject) -> None:
        held = self._pick(data)
        expected: list[str] | str = 'LOST'
        if self.gate.holder is held.model:
            expected = [name for _, _, name in self.gate.mail if name not in held.model.ids]
        try:
            found: list[str] | str = [one.id for one in self.call(self.store.arrived(held.real))]
        except LeaseLost:
            found = 'LOST'
        assert found == expected

    @precondition(lambda self: self.held)
    @rule(data=st.data(), ends=st.sampled_from([False, False, False, True]))
    def commit(self, data: st.DataObject, ends: bool) -> None:
        """A commit is sent again later as often as hypothesis likes: the same one has no further effect."""
        self._ended(self._pick(data), ends=ends)

    def _ended(self, held: Held, *, ends: bool) -> None:
        if held.sent is None:
            held.sent = _commit(held, ends=ends)
            held.ended = self.gate.commit(held.model, held.change, ends)
            if held.ended == 'OK':
                self.documents[held.model.session, held.model.version + 1] = held.sent.document
        assert self._commit(held, held.sent) == held.ended

    @precondition(lambda self: self.held)
    @rule(data=st.data(), outcome=st.sampled_from(['retry', 'retry', 'release', 'fail']))
    def abort(self, data: st.DataObject, outcome: Any) -> None:
        self._given_back(self._pick(data), outcome)

    def _given_back(self, held: Held, outcome: Any) -> None:
        expected = self.gate.abort(held.model, outcome)
        aborted = self.call(self.store.abort(held.real, error='Boom', reply=b'sorry', outcome=outcome))
        assert aborted.dead == (expected == 'DEAD')
        assert aborted.left == (0 if expected == 'FENCED' else len(self.gate.mail))

    @precondition(lambda self: self.gate.version)
    @rule(force=st.booleans())
    def close(self, force: bool) -> None:
        expected = self.gate.close(force=force)
        closed = self.call(self.store.close(CONTACT, reason='closed', force=force))
        assert closed == (expected == 'CLOSED')

    @invariant()
    def what_is_stored_is_what_the_model_has(self) -> None:
        stored, due, dead, outbox, head = self.call(self._look())
        gate = self.gate
        self.call(self._nothing_lives_for_ever())
        assert stored.version == gate.version
        if gate.version:
            assert stored.document == self.documents[gate.session, gate.version]
            assert stored.turns == tuple(
                b'record %d' % version for version in range(max(1, gate.version - 2), gate.version + 1)
            )
        waits, overdue = gate.due()
        assert bool(due.sessions) == overdue
        # Without mail, a change that crashed is looked at once more and forgotten.
        assert bool(due.turns) == waits or not gate.mail
        assert dead == gate.dead
        assert outbox == gate.outbox
        assert (head.id if head else None) == (gate.mail[0][2] if gate.mail else None)

    async def _look(self) -> tuple[Any, Any, int, list[str], Message | None]:
        entries = await self.admin.xrange('am:{0}:out')
        outbox = [self._entry({key.decode(): value.decode() for key, value in entry.items()}) for _, entry in entries]
        return (
            await self.store.load(CONTACT, window=9),
            await self.store.due(),
            await self.store.dead_letters(),
            outbox,
            await self.store.head(CONTACT),
        )

    async def _nothing_lives_for_ever(self) -> None:
        client, gate = self.admin, self.gate
        deadline = await client.zscore('am:{0}:deadlines', CONTACT)
        assert deadline == (None if gate.deadline is None else BASE + gate.deadline)
        lease = await client.zscore('am:{0}:leases', CONTACT)
        assert lease == (None if gate.look is None else BASE + gate.look)
        session, turns = [await client.pttl(f'am:{{0}}:{kind}:{CONTACT}') for kind in 'st']
        if gate.version:
            assert session > gate_model.TTL
            assert turns > gate_model.TTL
        else:
            assert turns == _GONE
            if any(entry.startswith('close') for entry in gate.outbox):
                assert session > _KEPT_MS
        if lease is None:
            assert session != _FOR_EVER
        for name in gate.answers:
            assert await client.pttl(f'am:{{0}}:m:{CONTACT}:{name}') > _WEEK_MS
        assert await client.hlen(f'am:{{0}}:b:{CONTACT}') == len(gate.mail)

    def _entry(self, entry: dict[str, str]) -> str:
        started = int(entry['started'])
        session = next((number for number, begun in self.started.items() if begun == started), 0)
        note = f' {entry["note"]}' if entry['kind'] == 'close' else ''
        if entry['kind'] == 'dead':
            assert entry['body'] in self.gate.answers
        return f'{entry["kind"]} {session} {entry["version"]}{note}'

    def _pick(self, data: st.DataObject) -> Held:
        return data.draw(st.sampled_from([self.held[-1], *self.held[-4:]]))

    def _begin(self, message: Message | None, kind: Any = 'turn') -> Begun | str:
        try:
            return self.call(self.store.begin(CONTACT, message, kind=kind, window=9))
        except MailboxFull:
            return 'FULL'
        except MessageMismatch:
            return 'MISMATCH'

    def _granted(self, begun: Begun | str, expected: str, lease: Lease | None, change: str) -> None:
        kinds: dict[type, str] = {Answered: 'DONE', Queued: 'QUEUED', Behind: 'BEHIND', Idle: 'EMPTY', Grant: 'RUN'}
        assert (begun if isinstance(begun, str) else kinds[type(begun)]) == expected
        if not isinstance(begun, Grant) or lease is None:
            self._refused(begun)
            return
        self.started[lease.session] = begun.started_ms
        assert len(set(self.started.values())) == len(self.started)
        assert (begun.version, begun.fence, begun.attempt) == (lease.version, lease.fence, lease.attempt)
        assert tuple(one.id for one in begun.messages) == lease.ids
        assert [one.body for one in begun.messages] == [one.encode() for one in lease.ids]
        assert begun.document == self.documents.get((lease.session, lease.version))
        self.held.append(Held(begun, lease, change))

    def _refused(self, begun: Begun | str) -> None:
        gate = self.gate
        if isinstance(begun, Queued):
            until = gate.holder.until if gate.holder and gate.holder.until > gate.now else gate.resume
            assert begun.retry_after == timedelta(milliseconds=until - gate.now)
            assert begun.waiting == len(gate.mail)
        elif isinstance(begun, Behind):
            assert begun.head.id == gate.mail[0][2]

    def _commit(self, held: Held, commit: Commit) -> str:
        try:
            done = self.call(self.store.commit(held.real, commit))
        except LeaseLost:
            return 'FENCED'
        except SessionConflict:
            return 'CONFLICT'
        assert done.version == held.model.version + 1
        assert done.left == len(self.gate.mail)
        return 'OK'


def _message(name: str, sent: int) -> Message:
    return Message(name, name.encode(), f'd{name}', BASE + sent)


def _commit(held: Held, *, ends: bool) -> Commit:
    version = held.model.version + 1
    return Commit(
        id=f'commit{held.model.token}',
        document=b'document %d' % held.model.token,
        record=b'record %d' % version,
        reply=b'reply %d' % held.model.token,
        messages=held.real.messages or (_message(held.change, 0),),
        ttl=timedelta(milliseconds=gate_model.TTL),
        ends='restart' if ends else '',
    )
