"""Corners of the gate on a real server whose clock the test holds: what the state machine seldom reaches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agent_memory.backend._channel import Pace
from agent_memory.backend._protocol import Grant, Message, Policy, Queued
from agent_memory.backend._redis import RedisStore
from agent_memory.errors import ContactErased, KeyDestroyed, SessionConflict
from agent_memory.testing._given import CONTACT, granted, leaves, message
from tests.backend.gate_clock import Clock, store_at, waiting
from tests.servers import admin_url

SLOW = Policy(lease=timedelta(minutes=1), backoff=timedelta(minutes=1), max_batch=20)
QUIET = Pace(quiet=timedelta(minutes=2), cap=timedelta(minutes=5), most=20)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def operator(redis_url: str, clock: Clock) -> AsyncIterator[RedisStore]:
    """A store that may do what workers may not."""
    async with store_at(admin_url(redis_url), clock, SLOW) as store:
        yield store


@pytest.fixture
async def store(redis_url: str, clock: Clock) -> AsyncIterator[RedisStore]:
    async with store_at(redis_url, clock, SLOW) as store:
        yield store


async def _answered(store: RedisStore, one: Message, *, ends: str = '') -> Grant:
    grant = granted(await store.begin(CONTACT, one))
    await store.commit(grant, leaves(grant, ends=ends))
    return grant


async def _life(store: RedisStore) -> int:
    """Return how many ms the contact's hash has left; -1 for ever, -2 when there is none."""
    keys = await store._ready()  # pyright: ignore[reportPrivateUsage]
    return await store.client.pttl(keys.session(CONTACT))


async def test_a_session_starts_when_its_first_turn_is_granted(store: RedisStore, clock: Clock) -> None:
    assert (await _answered(store, message('m1'))).started_ms == clock.ms


async def test_two_sessions_of_one_millisecond_are_told_apart(store: RedisStore, clock: Clock) -> None:
    first = await _answered(store, message('m1'), ends='restart')
    second = await _answered(store, message('m2'), ends='restart')
    assert (first.started_ms, second.started_ms) == (clock.ms, clock.ms + 1)
    clock.pass_by(timedelta(hours=1))
    assert (await _answered(store, message('m3'))).started_ms == clock.ms


async def test_a_change_that_crashed_leaves_nothing_for_ever(store: RedisStore, clock: Clock) -> None:
    granted(await store.begin(CONTACT, message('c1'), kind='change'))
    clock.pass_by(SLOW.lease)
    assert (await store.due()).turns == (CONTACT,)
    assert not isinstance(await store.begin(CONTACT, None), Grant)
    assert (await store.due()).turns == ()
    assert 0 < await _life(store) <= SLOW.previous_ttl.total_seconds() * 1000


async def test_a_sweep_over_nothing_leaves_the_end_of_a_session_alone(store: RedisStore) -> None:
    await _answered(store, message('m1'))
    before = await _life(store)
    assert not isinstance(await store.begin(CONTACT, None), Grant)
    assert 0 < await _life(store) <= before


async def test_a_message_that_comes_in_a_pause_is_found_by_sweeps_after_it(store: RedisStore, clock: Clock) -> None:
    grant = granted(await store.begin(CONTACT, message('m1')))
    # It would open a burst of its own, but the turn that runs takes it in and answers it: a pause without mail remains.
    await store.channel.receive(CONTACT, message('m2'), address=b'', pace=QUIET, flush=False)
    late = await store.arrived(grant)
    grant = replace(grant, messages=(*grant.messages, *late))
    await store.commit(grant, leaves(grant))
    assert (await store.due()).turns == ()
    assert isinstance(await store.begin(CONTACT, message('m3')), Queued)
    clock.pass_by(QUIET.quiet)
    assert (await store.due()).turns == (CONTACT,)


async def test_a_turn_given_back_wakes_who_waits_for_it(redis_url: str, clock: Clock, store: RedisStore) -> None:
    grant = granted(await store.begin(CONTACT, message('m1')))
    async with waiting(redis_url, clock, SLOW, message('m1')) as got:
        await store.abort(grant, error='', reply=b'', outcome='release')
    assert isinstance(got[0], Grant)


async def test_a_message_from_before_the_erasure_of_its_contact_is_refused(
    store: RedisStore, operator: RedisStore, clock: Clock
) -> None:
    sent = replace(message('m1'), order=clock.ms)
    await operator.erasure.erase(CONTACT, key_id='ab12', at=clock.now())
    with pytest.raises(ContactErased):
        await store.begin(CONTACT, sent)
    with pytest.raises(KeyDestroyed):
        await store.begin(CONTACT, replace(sent, order=clock.ms + 1), key='ab12')
    granted(await store.begin(CONTACT, replace(sent, order=clock.ms + 1), key='cd34'))


async def test_a_change_after_the_erasure_is_taken_whenever_it_was_asked_for(
    store: RedisStore, operator: RedisStore, clock: Clock
) -> None:
    await operator.erasure.erase(CONTACT, key_id='ab12', at=clock.now())
    granted(await store.begin(CONTACT, message('c1'), kind='change'))


async def test_a_session_whose_hash_is_gone_leaves_the_index_of_deadlines(
    store: RedisStore, operator: RedisStore, clock: Clock
) -> None:
    await _answered(store, message('m1'))
    keys = await store._ready()  # pyright: ignore[reportPrivateUsage]
    await operator.client.unlink(keys.session(CONTACT))
    clock.pass_by(timedelta(days=2))
    assert (await store.due()).sessions == (CONTACT,)
    assert not await store.close(CONTACT, reason='expired')
    assert (await store.due()).sessions == ()


async def test_a_crashed_change_holds_no_session_open(store: RedisStore, clock: Clock) -> None:
    await _answered(store, message('m1'))
    granted(await store.begin(CONTACT, message('c1'), kind='change'))
    assert not await store.close(CONTACT, reason='closed', force=True)
    clock.pass_by(SLOW.lease)
    assert await store.close(CONTACT, reason='closed', force=True)


async def test_a_close_that_finds_a_turn_running_brings_no_deadline_forward(store: RedisStore, clock: Clock) -> None:
    await _answered(store, message('m1'))
    grant = granted(await store.begin(CONTACT, message('c1'), kind='change'))
    assert not await store.close(CONTACT, reason='closed', force=True)
    await store.abort(grant, error='', reply=b'', outcome='release')
    clock.pass_by(timedelta(minutes=50))
    assert (await store.due()).sessions == ()
    clock.pass_by(timedelta(minutes=10))
    assert (await store.due()).sessions == (CONTACT,)


async def test_a_commit_on_another_version_says_which_one_the_session_has(store: RedisStore) -> None:
    await _answered(store, message('m1'))
    grant = granted(await store.begin(CONTACT, message('m2')))
    wrong = replace(grant, version=7)
    with pytest.raises(SessionConflict, match='at version 1, the turn began at 7'):
        await store.commit(wrong, leaves(wrong))
    await store.commit(grant, leaves(grant))


async def test_the_last_sessions_document_is_kept_until_the_next_one_has_its_own(
    store: RedisStore, operator: RedisStore
) -> None:
    keys = await store._ready()  # pyright: ignore[reportPrivateUsage]
    client: Any = operator.client
    await _answered(store, message('m1'), ends='restart')
    assert await client.hexists(keys.session(CONTACT), 'previous')
    await _answered(store, message('m2'))
    assert not await client.hexists(keys.session(CONTACT), 'previous')


async def test_a_commit_that_ends_its_session_is_known_when_its_answer_was_lost(store: RedisStore) -> None:
    grant = granted(await store.begin(CONTACT, message('m1')))
    last = leaves(grant, ends='restart')
    assert await store.commit(grant, last) == await store.commit(grant, last)
