"""What a store promises of replies, on a real server: each sent once, in order, and none forgotten."""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from agent_memory.backend._channel import Decision, Dispatch, Owed, Settlement
from agent_memory.backend._redis import RedisStore
from tests.servers import admin_url
from tests.whatsapp.memory import Memory, memory_on


@pytest.fixture
async def memory(redis_url: str) -> AsyncIterator[Memory]:
    async with memory_on(redis_url) as opened:
        yield opened


async def test_a_message_given_up_is_answered_with_the_apology(memory: Memory) -> None:
    await memory.receive('1', flush=True)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with memory.manager.take(memory.contact_id):
                raise ZeroDivisionError
        memory.clock.tick(10)
    claimed = await memory.sending()
    assert claimed.failed
    reply, _ = await memory.manager.letter(claimed)
    assert reply.text == memory.manager.domain.apology


async def test_a_reply_is_claimed_once_with_where_it_goes(memory: Memory) -> None:
    await memory.receive('1', flush=True)
    assert await memory.claim() == Owed(left=1, withheld=0, indeterminate=0)
    await memory.answer('olá')
    claimed = await memory.sending('a')
    reply, address = await memory.manager.letter(claimed)
    assert (reply.text, address, claimed.part) == ('olá', b'to Ana', 0)
    assert claimed.seen_at.timestamp() * 1000 == 1_772_452_800_000
    assert isinstance(await memory.claim('b'), Owed)
    assert await memory.sending('a') == claimed  # the same claim, sent twice
    assert await memory.settle(claimed, 'sent')
    assert not await memory.settle(claimed, 'sent')
    assert await memory.claim('c') == Owed(left=0, withheld=0, indeterminate=0)
    memory.clock.tick(60)
    assert await memory.manager.channel.owing() == ()


async def test_one_reply_is_sent_for_a_burst(memory: Memory) -> None:
    for message in range(3):
        await memory.receive(str(message))
    memory.clock.tick(2)
    await memory.answer()
    assert await memory.settle(await memory.sending(), 'sent')
    assert await memory.claim() == Owed(left=0, withheld=0, indeterminate=0)


async def test_a_reply_whose_sender_fell_silent_is_never_sent_again(memory: Memory) -> None:
    await memory.receive('1', flush=True)
    await memory.answer()
    claimed = await memory.sending('dies here')
    memory.clock.tick(119)
    assert await memory.claim('b') == Owed(left=1, withheld=0, indeterminate=0)
    memory.clock.tick(1)
    assert memory.contact_id in await memory.manager.channel.owing()
    assert await memory.claim('b') == Owed(left=0, withheld=0, indeterminate=1)
    assert await memory.settle(claimed, 'sent', token='')  # a status says that it arrived
    assert not await memory.settle(claimed, 'sent', token='')


async def test_a_reply_left_behind_by_a_crash_before_its_claim_is_found(memory: Memory) -> None:
    await memory.receive('1', flush=True)
    await memory.answer()
    assert await memory.manager.channel.owing() == ()
    memory.clock.tick(10)
    assert await memory.manager.channel.owing() == (memory.contact_id,)
    assert (await memory.sending()).part == 0


async def test_a_part_that_was_not_sent_comes_again_after_its_wait(memory: Memory) -> None:
    await memory.receive('1', flush=True)
    await memory.answer()
    assert await memory.settle(await memory.sending('a'), 'later', wait=timedelta(seconds=6))
    assert isinstance(await memory.claim('b'), Owed)
    memory.clock.tick(6)
    assert await memory.manager.channel.owing() == (memory.contact_id,)
    assert (await memory.sending('c')).token == 'c'


async def first_part_sent(memory: Memory) -> Dispatch:
    await memory.receive('1', flush=True)
    await memory.answer()
    first = await memory.sending('a')
    assert await memory.settle(first, 'sent', more=True, wait=timedelta(seconds=5))
    assert isinstance(await memory.claim('b'), Owed)
    return first


async def test_a_part_leaves_when_the_one_before_is_delivered(memory: Memory) -> None:
    first = await first_part_sent(memory)
    assert not await memory.settle(first, 'sent', token='', more=True)
    assert isinstance(await memory.claim('b'), Owed)
    assert await memory.settle(first, 'delivered', token='', more=True)
    assert await memory.manager.channel.owing() == (memory.contact_id,)
    assert (await memory.sending('b')).part == 1
    assert not await memory.settle(first, 'delivered', token='', more=True)
    assert not await memory.settle(first, 'failed', token='')  # a late status of the first part


async def test_a_part_waits_five_seconds_at_most(memory: Memory) -> None:
    await first_part_sent(memory)
    memory.clock.tick(4.999)
    assert isinstance(await memory.claim('b'), Owed)
    assert await memory.manager.channel.owing() == ()
    memory.clock.tick(0.001)
    assert await memory.manager.channel.owing() == (memory.contact_id,)
    assert (await memory.sending('b')).part == 1


async def test_a_status_that_is_faster_than_the_answer_of_the_send_counts(memory: Memory) -> None:
    await memory.receive('1', flush=True)
    await memory.answer()
    first = await memory.sending('a')
    assert await memory.settle(first, 'delivered', token='', more=True, wait=timedelta(seconds=5))
    assert not await memory.settle(first, 'sent', more=True, wait=timedelta(seconds=5))
    assert (await memory.sending('b')).part == 1


async def test_the_end_of_a_reply_is_not_sent_without_its_beginning(memory: Memory) -> None:
    first = await first_part_sent(memory)
    assert await memory.settle(first, 'failed', token='', more=True)
    memory.clock.tick(10)
    assert await memory.claim('b') == Owed(left=0, withheld=0, indeterminate=0)


async def test_a_part_that_its_sender_took_for_not_sent_is_not_sent_again_when_a_status_says_otherwise(
    memory: Memory,
) -> None:
    await memory.receive('1', flush=True)
    await memory.answer()
    first = await memory.sending('a')
    assert await memory.settle(first, 'later', wait=timedelta(seconds=6))
    assert not await memory.settle(first, 'failed', token='')
    assert await memory.settle(first, 'sent', token='')
    memory.clock.tick(6)
    assert await memory.claim('b') == Owed(left=0, withheld=0, indeterminate=0)


async def test_the_next_reply_waits_for_the_one_that_is_leaving(memory: Memory) -> None:
    first = await first_part_sent(memory)
    await memory.receive('2', flush=True)
    await memory.answer('e então?')
    assert await memory.claim('b') == Owed(left=2, withheld=0, indeterminate=0)
    assert await memory.settle(first, 'delivered', token='', more=True)
    second = await memory.sending('b')
    assert (second.message_id, second.part) == (first.message_id, 1)
    assert await memory.claim('c') == Owed(left=2, withheld=0, indeterminate=0)
    assert await memory.settle(second, 'sent')
    assert await memory.manager.channel.owing() == (memory.contact_id,)  # at once: somebody waited
    assert (await memory.sending('c')).message_id != first.message_id


async def test_a_reply_whose_sender_fell_silent_holds_the_next_one_up_for_two_minutes(memory: Memory) -> None:
    await memory.receive('1', flush=True)
    await memory.answer()
    first = await memory.sending('dies here')
    await memory.receive('2', flush=True)
    await memory.answer()
    memory.clock.tick(119)
    assert isinstance(await memory.claim('b'), Owed)
    memory.clock.tick(1)
    assert (await memory.sending('b')).message_id != first.message_id


async def test_a_muted_contact_gets_no_reply(memory: Memory) -> None:
    await memory.receive('1', flush=True)
    await memory.answer()
    await memory.manager.channel.mute(memory.contact_id, timedelta(hours=1))
    assert (await memory.manager.channel.reach(memory.contact_id)).muted
    assert await memory.claim() == Owed(left=0, withheld=1, indeterminate=0)
    memory.clock.tick(3600)
    assert not (await memory.manager.channel.reach(memory.contact_id)).muted
    await memory.receive('2', flush=True)
    await memory.answer()
    assert isinstance(await memory.claim(), Dispatch)


async def failed(memory: Memory, outcome: Settlement = 'indeterminate', *, code: int = 0) -> Dispatch:
    await memory.receive('1', flush=True)
    await memory.answer('olá')
    claimed = await memory.sending()
    assert await memory.settle(claimed, outcome, code=code)
    return claimed


@pytest.mark.parametrize(('outcome', 'code'), [('indeterminate', 0), ('failed', 131047)])
async def test_a_reply_that_nobody_may_have_waits_for_an_operator_after_two_minutes(
    memory: Memory, outcome: Settlement, code: int
) -> None:
    claimed = await failed(memory, outcome, code=code)
    memory.clock.tick(119)
    assert await memory.manager.channel.undelivered() == []
    memory.clock.tick(1)
    (found,) = await memory.manager.channel.undelivered()
    assert (found.contact_id, found.message_id) == (memory.contact_id, claimed.message_id)
    assert (found.state, found.code, found.since.timestamp() * 1000) == (outcome, code, memory.clock.ms - 120_000)
    reply, address = await memory.manager.letter(found)
    assert (reply.text, address) == ('olá', b'to Ana')


async def test_a_reply_whose_worker_died_waits_for_an_operator(memory: Memory) -> None:
    await memory.receive('1', flush=True)
    await memory.answer()
    await memory.sending('dies here')
    memory.clock.tick(120)
    assert await memory.claim('b') == Owed(left=0, withheld=0, indeterminate=1)
    memory.clock.tick(120)
    assert len(await memory.manager.channel.undelivered()) == 1


async def test_a_status_takes_a_reply_from_the_operator(memory: Memory) -> None:
    claimed = await failed(memory, 'failed')
    memory.clock.tick(120)
    assert not await memory.settle(claimed, 'sent', token='')  # older than the failure, come late
    assert len(await memory.manager.channel.undelivered()) == 1
    assert await memory.settle(claimed, 'delivered', token='')
    assert await memory.manager.channel.undelivered() == []


@pytest.mark.parametrize('decision', ['arrived', 'drop'])
async def test_what_an_operator_settled_is_not_sent(memory: Memory, decision: Decision) -> None:
    claimed = await failed(memory)
    memory.clock.tick(120)
    other: Decision = 'again'
    for sent_twice in (decision, decision):
        assert await memory.manager.channel.decide(memory.contact_id, claimed.message_id, sent_twice)
    assert not await memory.manager.channel.decide(memory.contact_id, claimed.message_id, other)
    assert await memory.manager.channel.undelivered() == []
    assert await memory.claim('b') == Owed(left=0, withheld=0, indeterminate=0)


async def test_a_reply_is_sent_again_only_when_an_operator_says_so(memory: Memory) -> None:
    claimed = await failed(memory)
    memory.clock.tick(600)
    assert await memory.claim('b') == Owed(left=0, withheld=0, indeterminate=0)
    assert await memory.manager.channel.decide(memory.contact_id, claimed.message_id, 'again')
    assert await memory.manager.channel.owing() == (memory.contact_id,)
    again = await memory.sending('b')
    assert (again.message_id, again.part) == (claimed.message_id, 0)
    assert await memory.settle(again, 'sent')
    assert await memory.manager.channel.undelivered() == []


async def test_a_reply_that_a_person_of_the_business_held_back_is_nobodys_task(memory: Memory) -> None:
    await memory.receive('1', flush=True)
    await memory.answer()
    await memory.manager.channel.mute(memory.contact_id, timedelta(hours=1))
    await memory.claim()
    memory.clock.tick(600)
    assert await memory.manager.channel.undelivered() == []


async def test_an_erased_contact_leaves_no_reply_to_decide(redis_url: str) -> None:
    async with memory_on(admin_url(redis_url)) as memory:
        await failed(memory)
        store = memory.manager.store
        assert isinstance(store, RedisStore)
        await store.erasure.erase(memory.contact_id, key_id='')
        async with Redis.from_url(admin_url(redis_url)) as client:
            assert not await client.exists('am:{0}:undelivered')
