"""Corners of the gate on a real server whose clock the test holds: what the state machine seldom reaches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest

from agent_memory.backend._channel import Pace
from agent_memory.backend._protocol import Grant, Message, Policy, Queued
from agent_memory.backend._redis import RedisStore
from agent_memory.errors import ContactErased, KeyDestroyed
from agent_memory.testing._given import CONTACT, granted, leaves, message
from tests.servers import admin_url, until

SLOW = Policy(lease=timedelta(minutes=1), backoff=timedelta(minutes=1), max_batch=20)
QUIET = Pace(quiet=timedelta(minutes=2), cap=timedelta(minutes=5), most=20)


class Clock:
    """Milliseconds, moved by the test."""

    def __init__(self) -> None:
        self.ms = 1_772_452_800_000

    def __call__(self) -> int:
        return self.ms

    def pass_by(self, time: timedelta) -> None:
        self.ms += round(time.total_seconds() * 1000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def operator(redis_url: str, clock: Clock) -> AsyncIterator[RedisStore]:
    """A store that may do what workers may not."""
    store = replace(RedisStore.from_url(admin_url(redis_url), policy=SLOW), clock_ms=clock)
    yield store
    await store.aclose()


@pytest.fixture
async def store(redis_url: str, clock: Clock) -> AsyncIterator[RedisStore]:
    store = replace(RedisStore.from_url(redis_url, policy=SLOW), clock_ms=clock)
    yield store
    await store.aclose()


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


async def test_a_turn_given_back_wakes_who_waits_for_it(
    redis_url: str, store: RedisStore, operator: RedisStore
) -> None:
    grant = granted(await store.begin(CONTACT, message('m1')))
    other = replace(RedisStore.from_url(redis_url, policy=SLOW), clock_ms=store.clock_ms)
    got: list[object] = []
    admin: Any = operator.client

    async def heard() -> bool:
        return bool(await admin.pubsub_channels())

    async def wait() -> None:
        # Nothing but being told ends this wait: the clock stands still.
        got.append(await other.begin(CONTACT, message('m1'), wait=timedelta(seconds=20)))

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await until(heard)
        await anyio.sleep(0.1)  # the confirmed subscription makes it ask once more
        await store.abort(grant, error='', reply=b'', outcome='release')
    assert isinstance(got[0], Grant)
    await other.aclose()


async def test_a_message_from_before_the_erasure_of_its_contact_is_refused(
    store: RedisStore, operator: RedisStore, clock: Clock
) -> None:
    sent = replace(message('m1'), order=clock.ms)
    await operator.erasure.erase(CONTACT, key_id='ab12', at=datetime.fromtimestamp(clock.ms / 1000, UTC))
    with pytest.raises(ContactErased):
        await store.begin(CONTACT, sent)
    with pytest.raises(KeyDestroyed):
        await store.begin(CONTACT, replace(sent, order=clock.ms + 1), key='ab12')
    granted(await store.begin(CONTACT, replace(sent, order=clock.ms + 1), key='cd34'))


async def test_a_change_after_the_erasure_is_taken_whenever_it_was_asked_for(
    store: RedisStore, operator: RedisStore, clock: Clock
) -> None:
    await operator.erasure.erase(CONTACT, key_id='ab12', at=datetime.fromtimestamp(clock.ms / 1000, UTC))
    granted(await store.begin(CONTACT, message('c1'), kind='change'))
