"""Turns and sessions through `SessionManager`, on a real server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import anyio
import pytest

from agent_memory._turns import Replay, Turn
from agent_memory.backend._connect import connect
from agent_memory.backend._protocol import Policy
from agent_memory.backend._redis import RedisStore
from agent_memory.errors import (
    EarlierWaits,
    InvalidPatch,
    LeaseLost,
    MailboxFull,
    MessageMismatch,
    Overloaded,
    SessionBusy,
    SessionConflict,
    SetupError,
    TurnTimedOut,
)
from agent_memory.lead import UserProfileData
from agent_memory.manager import SessionManager
from agent_memory.profile import Change
from agent_memory.turn import Action, PatchProfile, Restart, Summarize
from tests.workers import ANA, QUICK, arrived, inbound, worker

Manager = SessionManager[UserProfileData]


async def say(manager: Manager, name: str, *actions: Action, reply: str = '', second: int = 0) -> str | None:
    """Answer one message with `reply`, or with what it got before."""
    async with manager.turn(inbound(name, second=second)) as turn:
        if isinstance(turn, Replay):
            return turn.reply.text
        return (await turn.commit(reply=reply or f're: {name}', actions=actions)).reply.text


def city(value: str) -> PatchProfile:
    return PatchProfile(changes=[Change(field='city', value=value)])


async def test_a_contact_is_known_to_every_worker(redis_url: str) -> None:
    async with worker(redis_url) as one, worker(redis_url) as other:
        await say(one, 'm1', city('Campinas'))
        await say(other, 'm2')
        session = await one.get_session(ANA)
    assert session is not None
    assert session.profile.city == 'Campinas'
    assert [line.content for line in session.memory.messages] == ['text of m1', 're: m1', 'text of m2', 're: m2']
    assert (session.turn, session.profile.interactions) == (2, 2)


async def test_what_a_summary_covers_is_kept_by_the_worker_that_goes_on(redis_url: str) -> None:
    async with worker(redis_url) as one:
        await say(one, 'm1', Summarize(summary='wants a car', upto=1))
        await say(one, 'm2')
        session = await one.get_session(ANA)
    assert session is not None
    assert (session.memory.summary, session.memory.summarized) == ('wants a car', 1)


async def test_a_window_that_the_store_cannot_fill_is_refused(redis_url: str) -> None:
    with pytest.raises(SetupError, match=r'window_turns=4, but the store keeps 3'):
        async with worker(redis_url, policy=Policy(kept_turns=3), window_turns=4):
            pass


async def test_waiters_of_two_workers_are_answered_in_the_order_they_were_sent(redis_url: str) -> None:
    order: list[str] = []
    async with worker(redis_url) as one, worker(redis_url) as other:

        async def answer(manager: Manager, name: str, second: int) -> None:
            async with manager.turn(inbound(name, second=second)) as turn:
                assert isinstance(turn, Turn)
                order.append(name)
                await turn.commit(reply=name)

        async with anyio.create_task_group() as tasks, one.turn(inbound('m0')) as first:
            for i in (3, 1, 4, 2):
                tasks.start_soon(answer, (one, other)[i % 2], f'm{i}', i)
            await arrived(first, 4)
            assert isinstance(first, Turn)
            await first.commit(reply='m0')
    assert order == ['m1', 'm2', 'm3', 'm4']


async def test_the_next_waiter_is_woken_within_milliseconds(redis_url: str) -> None:
    # Leases, pauses and the grace for callers of earlier messages are all longer than what is allowed here.
    async with worker(redis_url) as one, worker(redis_url) as other:
        taken: list[float] = []
        for i in range(5):
            async with anyio.create_task_group() as tasks, one.turn(inbound(f'a{i}')) as turn:
                tasks.start_soon(say, other, f'b{i}')
                await arrived(turn, 1)
                assert isinstance(turn, Turn)
                await turn.commit(reply='a')
                taken.append(-anyio.current_time())
            taken[-1] += anyio.current_time()
    assert sorted(taken)[2] < 0.1


async def test_a_known_id_with_another_text_is_refused(redis_url: str) -> None:
    async with worker(redis_url) as manager:
        await say(manager, 'm1')
        with pytest.raises(MessageMismatch) as caught:
            async with manager.turn(inbound('m1', 'something else')):
                pass
    assert 'something else' not in str(caught.value)


async def test_a_full_mailbox_and_a_full_outbox_refuse_new_messages(redis_url: str) -> None:
    async with worker(redis_url, policy=Policy(mailbox_cap=1, outbox_cap=1)) as manager:
        async with manager.turn(inbound('m1')) as turn:
            with pytest.raises(MailboxFull):
                await say(manager, 'm2')
            assert isinstance(turn, Turn)
            await turn.commit(reply='ok')  # a full mailbox never refuses a commit
        with pytest.raises(Overloaded):
            await say(manager, 'm2')
        assert await say(manager, 'm1') == 'ok'


async def test_busy_tells_how_long_it_waited(redis_url: str) -> None:
    async with worker(redis_url) as one, worker(redis_url, wait=timedelta(milliseconds=100)) as other:
        async with one.turn(inbound('m1')) as turn:
            with pytest.raises(SessionBusy) as caught:
                await say(other, 'm2')
            assert isinstance(turn, Turn)
            await turn.commit(reply='ok')
        assert timedelta(milliseconds=95) < caught.value.waited < timedelta(seconds=2)
        assert await say(other, 'm2') == 're: m2'


async def test_an_earlier_message_without_a_caller_is_named(redis_url: str) -> None:
    async with worker(redis_url, wait=timedelta(0)) as manager:
        async with manager.turn(inbound('m0')) as turn:
            with pytest.raises(SessionBusy):
                await say(manager, 'm1', second=1)
            assert isinstance(turn, Turn)
            await turn.commit(reply='ok')
        with pytest.raises(EarlierWaits) as caught:
            await say(manager, 'm2', second=2)
    earlier = caught.value
    assert (earlier.contact, earlier.message_id, earlier.text) == (ANA, 'm1', 'text of m1')


async def test_a_worker_that_hangs_loses_its_turn_and_may_write_nothing(redis_url: str) -> None:
    async with worker(redis_url, policy=QUICK) as one, worker(redis_url, policy=QUICK) as other:
        with pytest.raises(LeaseLost):  # noqa: PT012 - the body is what ends
            async with one.turn(inbound('m1')) as turn:
                assert isinstance(turn, Turn)
                one.store.heartbeat = hanging
                assert await say(other, 'm1', reply='the other one') == 'the other one'
                await turn.commit(reply='too late')
        assert await say(one, 'm1') == 'the other one'
        session = await one.get_session(ANA)
    assert session is not None
    assert session.turn == 1


async def test_a_lost_lease_ends_the_body(redis_url: str) -> None:
    async with worker(redis_url, policy=QUICK) as one, worker(redis_url, policy=QUICK) as other:
        with anyio.fail_after(5), pytest.raises(LeaseLost):  # noqa: PT012 - the body is what ends
            async with one.turn(inbound('m1')) as turn:
                assert isinstance(turn, Turn)
                taken = replace(turn.grant, messages=())
                await one.store.abort(taken, error='', reply=b'', outcome='release')
                await say(other, 'm1')
                await anyio.sleep_forever()


async def test_the_heartbeat_keeps_a_turn_that_is_longer_than_its_lease(redis_url: str) -> None:
    async with (
        worker(redis_url, policy=QUICK) as one,
        worker(redis_url, policy=QUICK) as other,
        one.turn(inbound('m1')) as turn,
    ):
        assert isinstance(turn, Turn)
        with pytest.raises(SessionBusy):
            async with other.turn(inbound('m1'), wait=2 * QUICK.lease):
                pass
        await turn.commit(reply='ok')


async def test_a_turn_past_its_hard_deadline_is_ended_and_tried_again(redis_url: str) -> None:
    async with worker(redis_url, policy=QUICK, max_turn=timedelta(milliseconds=50)) as manager:
        with anyio.fail_after(5), pytest.raises(TurnTimedOut):
            async with manager.turn(inbound('m1')):
                await anyio.sleep_forever()
        assert await say(manager, 'm1') == 're: m1'


async def test_a_message_is_given_up_after_its_last_attempt(redis_url: str) -> None:
    async with worker(redis_url, policy=QUICK) as manager:
        for _ in range(QUICK.max_attempts):
            with pytest.raises(ZeroDivisionError):
                async with manager.turn(inbound('m1')):
                    raise ZeroDivisionError
        async with manager.turn(inbound('m1')) as turn:
            assert isinstance(turn, Replay)
            assert (turn.reply.text, turn.failed, turn.deliver) == (manager.domain.apology, True, True)
        assert isinstance(manager.store, RedisStore)
        assert await manager.store.dead_letters() == 1
        assert await say(manager, 'm2') == 're: m2'


async def test_a_message_that_takes_its_workers_down_is_given_up(redis_url: str) -> None:
    async with worker(redis_url, policy=QUICK) as manager:
        contact_id = await manager.contact_id(ANA)
        async with manager.turn(inbound('m1')) as turn:
            assert isinstance(turn, Turn)
            await turn.give_back(error='', outcome='release')
        for _ in range(QUICK.max_attempts):  # workers that take the turn and are never heard of again
            await manager.store.begin(contact_id, None, wait=timedelta(seconds=5))
        async with manager.turn(inbound('m1')) as turn:
            assert isinstance(turn, Replay)
            assert turn.failed


async def test_a_cancelled_turn_is_given_back_at_once_and_uncounted(redis_url: str) -> None:
    async with worker(redis_url) as manager:  # a lease of 15 s: waiting for its end would fail this test
        for _ in range(5):
            with anyio.move_on_after(0.02):
                async with manager.turn(inbound('m1')):
                    await anyio.sleep_forever()
        with anyio.fail_after(5):
            async with manager.turn(inbound('m1')) as turn:
                assert isinstance(turn, Turn)
                assert turn.grant.attempt == 1


async def test_cancelled_waiters_leave_the_others_to_be_woken(redis_url: str) -> None:
    async with worker(redis_url) as one, worker(redis_url) as other:
        async with anyio.create_task_group() as tasks:
            async with one.turn(inbound('m0')) as turn:
                assert isinstance(turn, Turn)
                for i in range(8):
                    async with anyio.create_task_group() as gone:
                        gone.start_soon(say, other, f'gone{i}')
                        await arrived(turn, i + 1)
                        await anyio.wait_all_tasks_blocked()  # each reads the channel for all when it is cancelled
                        gone.cancel_scope.cancel()
                tasks.start_soon(say, other, 'm1')
                await arrived(turn, 9)
                await turn.commit(reply='ok')
            with anyio.fail_after(5):
                for i in range(8):
                    await say(one, f'gone{i}')
        assert (await one.store.load(await one.contact_id(ANA), window=9)).version == 10


async def test_a_change_is_applied_once_for_each_message_id(redis_url: str) -> None:
    async with worker(redis_url) as manager:
        session = await manager.get_or_create_session(ANA)
        session.profile = session.profile.model_copy(update={'city': 'Santos'})
        assert await manager.update_session(session, message_id='edit1')
        assert not await manager.update_session(session, message_id='edit1')
        with pytest.raises(SessionConflict):
            await manager.update_session(session, message_id='edit2')
        fresh = await manager.get_session(ANA)
        assert fresh is not None
        fresh.profile = fresh.profile.model_copy(update={'budget_max': -5})
        with pytest.raises(InvalidPatch):
            await manager.update_session(fresh, message_id='edit3')
        kept = await manager.get_session(ANA)
    assert kept is not None
    assert (kept.profile.city, kept.profile.budget_max) == ('Santos', None)
    assert kept.profile.provenance['city'].by == 'operator'


async def test_a_person_who_starts_over_is_not_known_any_more(redis_url: str) -> None:
    async with worker(redis_url) as manager:
        await say(manager, 'm1', city('Campinas'))
        await say(manager, 'm2', Restart())
        assert await manager.get_session(ANA) is None
        await say(manager, 'm3')
        session = await manager.get_session(ANA)
    assert session is not None
    assert (session.turn, session.profile.city) == (1, None)


async def test_an_expired_session_is_closed_and_the_next_one_knows_the_profile(redis_url: str) -> None:
    async with worker(redis_url) as manager:
        await say(manager, 'm1', city('Campinas'))
        assert await manager.expire_session(ANA)
        assert not await manager.expire_session(ANA)
        assert await manager.get_session(ANA) is None
        await say(manager, 'm2')
        session = await manager.get_session(ANA)
    assert session is not None
    assert (session.turn, session.profile.city) == (1, 'Campinas')


async def test_a_sweep_closes_what_is_past_its_deadline_and_nothing_else(redis_url: str) -> None:
    now = [1_800_000_000_000]
    store = RedisStore(connect(redis_url), clock_ms=lambda: now[0])
    manager = SessionManager(store, clock=lambda: datetime.fromtimestamp(now[0] / 1000, UTC))
    await say(manager, 'm1')
    now[0] += int(timedelta(hours=23).total_seconds() * 1000)
    assert await manager.sweep() == 0
    now[0] += int(timedelta(hours=2).total_seconds() * 1000)
    async with manager.turn(inbound('other', contact='+5521988887777')) as turn:
        assert isinstance(turn, Turn)
        await turn.commit(reply='ok')
    assert [await manager.sweep(), await manager.sweep()] == [1, 0]
    assert await manager.get_session(ANA) is None
    await manager.close()


async def hanging(grant: object) -> bool:
    del grant
    await anyio.sleep_forever()
    return True
