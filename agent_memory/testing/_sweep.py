"""`SweepContract`: what a store must do for sweeps."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Protocol

import anyio

from agent_memory.backend._protocol import Policy, SessionStore, Sweepable
from agent_memory.testing._given import CONTACT, PATIENT, QUICK, answer, granted, leaves, message, policy, until


class SweptStore(SessionStore, Sweepable, Protocol):
    """A store that can be swept."""


class NewSweptStore(Protocol):
    """Returns one more worker's store on the same storage."""

    def __call__(self, policy: Policy, /) -> SweptStore: ...


class SweepContract:
    """Inherit it beside `SessionStoreContract` and give it the same fixture `new_store`."""

    async def test_mail_without_a_worker_is_due_and_a_running_turn_is_not(self, new_store: NewSweptStore) -> None:
        store = new_store(QUICK)
        grant = granted(await store.begin(CONTACT, message('m1')))
        assert (await store.due()).turns == ()
        await until(lambda: _mail_is_due(store))
        assert (await store.due(idle=timedelta(hours=1))).turns == ()
        head = await store.head(CONTACT)
        assert head is not None
        assert (head.id, head.body) == ('m1', b'm1')
        await store.commit(grant, leaves(grant))
        assert (await store.due()).turns == ()
        assert await store.head(CONTACT) is None

    async def test_a_session_past_its_deadline_is_due_and_closed_once(self, new_store: NewSweptStore) -> None:
        store, other = new_store(QUICK), new_store(QUICK)
        grant = granted(await store.begin(CONTACT, message('m1')))
        await store.commit(grant, replace(leaves(grant), ttl=timedelta(milliseconds=20)))
        assert not await store.close(CONTACT, reason='expired')
        await until(lambda: _session_is_due(store))
        closed: list[bool] = []

        async def close(worker: Sweepable) -> None:
            closed.append(await worker.close(CONTACT, reason='expired'))

        async with anyio.create_task_group() as tasks:
            for worker in (store, other, store, other):
                tasks.start_soon(close, worker)
        assert sorted(closed) == [False, False, False, True]
        assert (await store.due()).sessions == ()
        stored = await store.load(CONTACT, window=9)
        assert (stored.document, stored.previous, stored.turns) == (None, b'document 1', ())

    async def test_a_session_is_not_closed_while_a_turn_runs_or_a_message_waits(self, new_store: NewSweptStore) -> None:
        store = new_store(policy(lease=timedelta(seconds=15)))
        await answer(store, message('m1'))
        grant = granted(await store.begin(CONTACT, message('m2')))
        assert not await store.close(CONTACT, reason='closed', force=True)
        await store.abort(grant, error='', reply=b'', outcome='release')
        assert not await store.close(CONTACT, reason='closed', force=True)
        await answer(store, message('m2'))
        assert await store.close(CONTACT, reason='closed', force=True)
        assert granted(await store.begin(CONTACT, message('m3'))).previous == b'document 2'

    async def test_a_turn_past_the_deadline_opens_a_new_session(self, new_store: NewSweptStore) -> None:
        store = new_store(QUICK)
        grant = granted(await store.begin(CONTACT, message('m1')))
        await store.commit(grant, replace(leaves(grant), ttl=timedelta(milliseconds=1)))
        await anyio.sleep(0.01)
        begun = granted(await store.begin(CONTACT, message('m2'), window=9))
        assert (begun.version, begun.document, begun.previous, begun.turns) == (0, None, b'document 1', ())
        assert begun.started_ms > grant.started_ms
        await store.commit(begun, leaves(begun))
        assert (await store.load(CONTACT, window=9)).turns == (b'record 1',)

    async def test_a_given_up_message_is_counted(self, new_store: NewSweptStore) -> None:
        store = new_store(QUICK)
        before = await store.dead_letters()
        grant = granted(await store.begin(CONTACT, message('m1'), wait=PATIENT))
        await store.abort(grant, error='Boom', reply=b'sorry', outcome='fail')
        assert await store.dead_letters() == before + 1


async def _mail_is_due(store: Sweepable) -> bool:
    return (await store.due()).turns == (CONTACT,)


async def _session_is_due(store: Sweepable) -> bool:
    return (await store.due()).sessions == (CONTACT,)
