"""`SessionStoreContract`: what every store of open sessions must do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import anyio

from agent_memory.backend._protocol import Answered, Behind, Grant, Held, Idle, JoinableStore, Queued
from agent_memory.errors import LeaseLost, MailboxFull, MessageMismatch
from agent_memory.testing._given import (
    CONTACT,
    PATIENT,
    QUICK,
    NewStore,
    answer,
    granted,
    leaves,
    message,
    overtaken,
    policy,
    refused,
    until,
)


class SessionStoreContract:
    """Inherit it and give it a fixture `new_store`, a `NewStore`."""

    async def test_a_message_is_granted_once_and_its_reply_is_remembered(self, new_store: NewStore) -> None:
        store = new_store(QUICK)
        grant = granted(await store.begin(CONTACT, message('m1')))
        assert (grant.version, grant.attempt, grant.document, grant.spent) == (0, 1, None, False)
        assert [one.body for one in grant.messages] == [b'm1']
        assert (await store.commit(grant, leaves(grant))).version == 1
        for worker in (store, new_store(QUICK)):
            assert await worker.begin(CONTACT, message('m1')) == Answered(b'reply 1', 1, primary=True)

    async def test_a_redelivery_waits_beside_the_first_delivery(self, new_store: NewStore) -> None:
        store = new_store(QUICK)
        grant = granted(await store.begin(CONTACT, message('m1')))
        begun = await store.begin(CONTACT, message('m1'))
        assert isinstance(begun, Queued)
        assert begun.waiting == 1
        assert timedelta(0) < begun.retry_after <= QUICK.lease
        assert (await store.commit(grant, leaves(grant))).left == 0

    async def test_a_known_id_with_another_body_is_refused(self, new_store: NewStore) -> None:
        store = new_store(QUICK)
        grant = granted(await store.begin(CONTACT, message('m1')))
        with refused(MessageMismatch):
            await store.begin(CONTACT, message('m1', text='other'))
        await store.commit(grant, leaves(grant))
        with refused(MessageMismatch):
            await store.begin(CONTACT, message('m1', text='other'))

    async def test_messages_are_answered_in_the_order_in_which_they_were_sent(self, new_store: NewStore) -> None:
        store = new_store(policy(lease=timedelta(seconds=15)))
        grant = granted(await store.begin(CONTACT, message('m0')))
        for name, sent in (('m3', 3), ('m1', 1), ('m2', 2)):
            assert isinstance(await store.begin(CONTACT, message(name, sent=sent)), Queued)
        assert (await store.commit(grant, leaves(grant))).left == 3
        begun = await store.begin(CONTACT, message('m3', sent=3))
        assert isinstance(begun, Behind)
        assert (begun.head.id, begun.head.body) == ('m1', b'm1')
        answered = await answer(store, *(message(name, sent=i) for i, name in enumerate(('m1', 'm2', 'm3'), start=1)))
        assert [grant.messages[0].id for grant in answered] == ['m1', 'm2', 'm3']

    async def test_messages_sent_at_the_same_time_keep_the_order_in_which_they_came(self, new_store: NewStore) -> None:
        store = new_store(policy(max_batch=9, lease=timedelta(seconds=15)))
        grant = granted(await store.begin(CONTACT, message('z')))
        for name in 'yxwv':
            await store.begin(CONTACT, message(name))
        assert [one.id for one in await store.arrived(grant)] == ['y', 'x', 'w', 'v']

    async def test_a_burst_is_one_turn_and_one_of_its_messages_carries_the_reply(self, new_store: NewStore) -> None:
        store = new_store(policy(max_batch=3, lease=timedelta(seconds=15)))
        first = granted(await store.begin(CONTACT, message('m0')))
        for i in range(1, 5):
            await store.begin(CONTACT, message(f'm{i}', sent=i))
        await store.commit(first, leaves(first))
        burst = granted(await store.begin(CONTACT, message('m2', sent=2)))
        assert [one.id for one in burst.messages] == ['m1', 'm2', 'm3']
        assert (await store.commit(burst, leaves(burst, primary='m2'))).left == 1
        for i in (1, 2, 3):
            assert await store.begin(CONTACT, message(f'm{i}', sent=i)) == Answered(b'reply 2', 2, primary=i == 2)

    async def test_a_turn_may_answer_what_arrived_while_it_ran(self, new_store: NewStore) -> None:
        store = new_store(policy(lease=timedelta(seconds=15)))
        grant = granted(await store.begin(CONTACT, message('m1')))
        assert await store.arrived(grant) == ()
        await store.begin(CONTACT, message('m2', sent=2))
        late = await store.arrived(grant)
        assert [(one.id, one.body) for one in late] == [('m2', b'm2')]
        both = replace(grant, messages=(*grant.messages, *late))
        assert await store.arrived(both) == ()
        assert (await store.commit(both, leaves(both, primary='m1'))).left == 0
        assert await store.begin(CONTACT, message('m2', sent=2)) == Answered(b'reply 1', 1, primary=False)

    async def test_a_commit_sent_twice_is_one_even_when_other_turns_passed(self, new_store: NewStore) -> None:
        store = new_store(QUICK)
        grant = granted(await store.begin(CONTACT, message('m1')))
        commit = leaves(grant)
        assert (await store.commit(grant, commit)).version == 1
        assert (await store.commit(grant, commit)).version == 1
        await answer(store, message('m2'))
        assert (await store.commit(grant, commit)).version == 1
        assert (await store.load(CONTACT, window=9)).turns == (b'record 1', b'record 2')

    async def test_a_turn_that_was_taken_over_cannot_commit(self, new_store: NewStore) -> None:
        worker, other = new_store(QUICK), new_store(QUICK)
        lost, grant = await overtaken(worker, other, message('m1'))
        assert (grant.fence, grant.attempt) == (lost.fence + 1, 2)
        assert not await worker.heartbeat(lost)
        with refused(LeaseLost):
            await worker.arrived(lost)
        with refused(LeaseLost):
            await worker.commit(lost, leaves(lost, reply='late'))
        await other.commit(grant, leaves(grant))
        with refused(LeaseLost):
            await worker.commit(lost, leaves(lost))
        assert (await worker.abort(lost, error='', reply=b'', outcome='fail')).dead is False
        assert await worker.begin(CONTACT, message('m1')) == Answered(b'reply 1', 1, primary=True)

    async def test_a_late_commit_that_nobody_overtook_is_accepted(self, new_store: NewStore) -> None:
        store = new_store(policy(lease=timedelta(milliseconds=1)))
        grant = granted(await store.begin(CONTACT, message('m1')))
        await anyio.sleep(0.01)
        assert (await store.commit(grant, leaves(grant))).version == 1

    async def test_a_renewed_lease_keeps_the_turn(self, new_store: NewStore) -> None:
        store = new_store(QUICK)
        grant = granted(await store.begin(CONTACT, message('m1')))
        with anyio.move_on_after(3 * QUICK.lease.total_seconds()):
            while True:
                assert await store.heartbeat(grant)
                await anyio.sleep(QUICK.lease.total_seconds() / 10)
        assert isinstance(await new_store(QUICK).begin(CONTACT, message('m1')), Queued)

    async def test_a_failed_message_pauses_runs_alone_and_is_given_up(self, new_store: NewStore) -> None:
        store = new_store(policy(max_batch=9, backoff=timedelta(milliseconds=200)))
        grant = granted(await store.begin(CONTACT, message('m1')))
        await store.begin(CONTACT, message('m2', sent=2))
        assert not (await store.abort(grant, error='Boom', reply=b'sorry', outcome='retry')).dead
        paused = await store.begin(CONTACT, message('m2', sent=2))
        assert isinstance(paused, Queued)
        assert timedelta(0) < paused.retry_after <= timedelta(milliseconds=200)
        grant = granted(await store.begin(CONTACT, message('m1'), wait=PATIENT))
        assert (grant.attempt, [one.id for one in grant.messages]) == (2, ['m1'])
        aborted = await store.abort(grant, error='Boom', reply=b'sorry', outcome='retry')
        assert (aborted.dead, aborted.left) == (True, 1)
        assert await store.abort(grant, error='Boom', reply=b'sorry', outcome='retry') == aborted
        assert await store.begin(CONTACT, message('m1')) == Answered(b'sorry', 0, primary=False, failed=True)
        grant = granted(await store.begin(CONTACT, message('m2', sent=2)))
        assert grant.attempt == 1

    async def test_a_turn_given_back_uncounted_is_granted_again_at_once(self, new_store: NewStore) -> None:
        store = new_store(policy(lease=timedelta(seconds=15)))
        for _ in range(3):
            grant = granted(await store.begin(CONTACT, message('m1')))
            assert grant.attempt == 1
            await store.abort(grant, error='cancelled', reply=b'', outcome='release')

    async def test_a_message_whose_workers_all_died_is_spent(self, new_store: NewStore) -> None:
        store = new_store(QUICK)
        spent = [granted(await store.begin(CONTACT, message('m1'), wait=PATIENT)).spent for _ in range(3)]
        assert spent == [False, False, True]

    async def test_a_full_mailbox_refuses_new_messages_only(self, new_store: NewStore) -> None:
        store = new_store(policy(mailbox_cap=2, lease=timedelta(seconds=15)))
        grant = granted(await store.begin(CONTACT, message('m1')))
        await store.begin(CONTACT, message('m2'))
        with refused(MailboxFull):
            await store.begin(CONTACT, message('m3'))
        assert isinstance(await store.begin(CONTACT, message('m2')), Queued)
        assert (await store.commit(grant, leaves(grant))).left == 1

    async def test_a_waiter_of_another_worker_is_woken_by_the_commit(self, new_store: NewStore) -> None:
        worker, other = (new_store(policy(lease=timedelta(seconds=15))) for _ in range(2))
        grant = granted(await worker.begin(CONTACT, message('m1')))
        begun: list[object] = []

        async def wait() -> None:
            begun.append(await other.begin(CONTACT, message('m2'), wait=timedelta(seconds=10)))

        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(wait)
                await until(lambda: _has_mail(worker, grant))
                await worker.commit(grant, leaves(grant))
        assert isinstance(begun[0], Grant)

    async def test_who_holds_a_version_is_sent_only_what_is_newer(self, new_store: NewStore) -> None:
        store = new_store(QUICK)
        first, *_ = await answer(store, message('m1'), message('m2'), message('m3'))
        held = [Held(first.started_ms, version) for version in (1, 3)]
        grant = granted(await store.begin(CONTACT, message('m4'), held=held[0], window=9))
        assert (grant.document, grant.turns) == (b'document 3', (b'record 2', b'record 3'))
        await store.abort(grant, error='', reply=b'', outcome='release')
        grant = granted(await store.begin(CONTACT, message('m4'), held=held[1], window=9))
        assert (grant.version, grant.document, grant.turns) == (3, None, ())
        await store.abort(grant, error='', reply=b'', outcome='release')
        other = Held(first.started_ms - 1, 3)
        grant = granted(await store.begin(CONTACT, message('m4'), held=other, window=2))
        assert (grant.document, grant.turns) == (b'document 3', (b'record 2', b'record 3'))

    async def test_a_turn_that_ends_the_session_leaves_its_document_to_the_next(self, new_store: NewStore) -> None:
        store = new_store(QUICK)
        first, *_ = await answer(store, message('m1'))
        grant = granted(await store.begin(CONTACT, message('m2')))
        assert (await store.commit(grant, leaves(grant, ends='restart'))).version == 2
        assert (await store.load(CONTACT, window=9)).document is None
        grant = granted(await store.begin(CONTACT, message('m3'), window=9))
        assert (grant.version, grant.document, grant.previous, grant.turns) == (0, None, b'document 2', ())
        assert grant.started_ms > first.started_ms

    async def test_a_change_takes_the_lease_without_a_mailbox(self, new_store: NewStore) -> None:
        store = new_store(policy(lease=timedelta(seconds=15)))
        change = granted(await store.begin(CONTACT, message('c1'), kind='change'))
        assert change.messages == ()
        assert isinstance(await store.begin(CONTACT, message('m1')), Queued)
        commit = replace(leaves(change), messages=(message('c1'),))
        assert (await store.commit(change, commit)).left == 1
        assert await store.begin(CONTACT, message('c1'), kind='change') == Answered(b'reply 1', 1, primary=True)
        assert granted(await store.begin(CONTACT, message('m1'))).version == 1

    async def test_a_change_leaves_the_pause_of_a_failed_message_alone(self, new_store: NewStore) -> None:
        store = new_store(policy(backoff=timedelta(seconds=9)))
        grant = granted(await store.begin(CONTACT, message('m1')))
        await store.abort(grant, error='Boom', reply=b'', outcome='retry')
        change = granted(await store.begin(CONTACT, message('c1'), kind='change'))
        await store.commit(change, replace(leaves(change), messages=(message('c1'),)))
        paused = await store.begin(CONTACT, message('m1'))
        assert isinstance(paused, Queued)
        assert paused.retry_after > timedelta(seconds=5)

    async def test_who_brings_no_message_takes_what_waits(self, new_store: NewStore) -> None:
        store = new_store(QUICK)
        assert await store.begin(CONTACT, None) == Idle()
        granted(await store.begin(CONTACT, message('m1')))
        grant = granted(await store.begin(CONTACT, None, wait=PATIENT))
        assert [one.id for one in grant.messages] == ['m1']

    async def test_what_is_loaded_is_what_was_committed(self, new_store: NewStore) -> None:
        store = new_store(QUICK)
        assert (await store.load(CONTACT, window=9)).version == 0
        first, *_ = await answer(store, message('m1'), message('m2'))
        stored = await store.load(CONTACT, window=1)
        assert (stored.started_ms, stored.version, stored.document) == (first.started_ms, 2, b'document 2')
        assert stored.turns == (b'record 2',)
        assert (await store.load(CONTACT, window=0)).turns == ()


async def _has_mail(store: JoinableStore, grant: Grant) -> bool:
    return bool(await store.arrived(grant))
