"""Corners of what a store keeps for channels, on a real server whose clock the test holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from agent_memory.backend._channel import Alias, Dispatch, Owed, Pace
from agent_memory.backend._protocol import Grant, Idle, Policy
from agent_memory.backend._redis import RedisStore
from agent_memory.errors import ContactErased
from agent_memory.testing._given import CONTACT, granted, leaves, message
from tests.backend.gate_clock import Clock, store_at, waiting
from tests.servers import admin_url

AT_ONCE = Pace(quiet=timedelta(0), cap=timedelta(0), most=1)
STUCK = timedelta(minutes=2)
_GONE = -2
"""What PTTL says of a key that is not there."""
SLOW = Policy(lease=timedelta(minutes=1))


@dataclass
class Owing:
    """A store that owes one contact one reply."""

    store: RedisStore
    operator: RedisStore
    """The same store for whoever may do more than workers."""
    clock: Clock

    async def owe(self, name: str = 'm1') -> Grant:
        one = message(name)
        await self.store.channel.receive(CONTACT, one, address=b'to Ana', pace=AT_ONCE, flush=True)
        grant = granted(await self.store.begin(CONTACT, None))
        await self.store.commit(grant, leaves(grant))
        return grant

    async def claim(self, token: str = 'a', name: str = 'm1') -> Dispatch | Owed:
        return await self.store.channel.claim(CONTACT, (name,), token=token)

    async def settle(self, outcome: Any, *, token: str = 'a', **more: Any) -> bool:
        return await self.store.channel.settle(CONTACT, 'm1', outcome, token=token, part=0, **more)

    async def undecided(self) -> int:
        """Return how many replies wait for an operator or may come to."""
        keys = await self.store._ready()  # pyright: ignore[reportPrivateUsage]
        client: Any = self.operator.client
        return await client.zcard(keys.undelivered(keys.partition(CONTACT)))

    async def kept_ms(self, what: Literal['owed', 'reach']) -> int:
        """Return how many ms a key of the contact has left; -1 for ever."""
        keys = await self.store._ready()  # pyright: ignore[reportPrivateUsage]
        client: Any = self.operator.client
        return await client.pttl(getattr(keys, what)(CONTACT))

    async def reply(self) -> tuple[str, int]:
        """Return the state of the reply and how many ms it is kept."""
        keys = await self.store._ready()  # pyright: ignore[reportPrivateUsage]
        client: Any = self.operator.client
        name = keys.reply(CONTACT, 'm1')
        return (await client.hget(name, 'state') or b'').decode(), await client.pttl(name)


@pytest.fixture
async def owing(redis_url: str) -> AsyncIterator[Owing]:
    clock = Clock()
    async with store_at(redis_url, clock, SLOW) as store, store_at(admin_url(redis_url), clock, SLOW) as operator:
        owing = Owing(store, operator, clock)
        await owing.owe()
        yield owing


async def test_a_claimed_reply_is_looked_at_again_when_its_sender_has_been_silent_too_long(owing: Owing) -> None:
    assert isinstance(await owing.claim(), Dispatch)
    state, kept_ms = await owing.reply()
    assert (state, kept_ms > 0) == ('dispatching', True)
    owing.clock.pass_by(STUCK - timedelta(seconds=1))
    assert await owing.store.channel.owing() == ()
    owing.clock.pass_by(timedelta(seconds=1))
    assert await owing.store.channel.owing() == (CONTACT,)


async def test_what_became_of_a_reply_is_kept_and_forgotten_in_time(owing: Owing) -> None:
    await owing.claim()
    owing.clock.pass_by(STUCK)
    assert await owing.claim('b') == Owed(left=0, withheld=0, indeterminate=1)
    state, kept_ms = await owing.reply()
    assert (state, kept_ms > 0) == ('indeterminate', True)


async def test_a_reply_that_waits_for_its_next_attempt_is_withheld_from_who_was_muted(owing: Owing) -> None:
    await owing.claim()
    await owing.settle('later', wait=timedelta(seconds=5))
    await owing.store.channel.mute(CONTACT, timedelta(hours=1))
    owing.clock.pass_by(timedelta(seconds=5))
    assert await owing.claim('b') == Owed(left=0, withheld=1, indeterminate=0)
    assert (await owing.reply())[0] == 'failed'


async def test_a_reply_that_is_withheld_at_once_is_forgotten_in_time(owing: Owing) -> None:
    await owing.store.channel.mute(CONTACT, timedelta(hours=1))
    assert await owing.claim() == Owed(left=0, withheld=1, indeterminate=0)
    state, kept_ms = await owing.reply()
    assert (state, kept_ms > 0) == ('failed', True)


async def test_a_send_that_is_under_way_is_not_taken_back_by_a_mute(owing: Owing) -> None:
    await owing.claim()
    await owing.store.channel.mute(CONTACT, timedelta(hours=1))
    assert isinstance(await owing.claim(), Dispatch)


async def test_only_who_claimed_a_reply_says_what_became_of_it(owing: Owing) -> None:
    await owing.claim()
    assert not await owing.settle('sent', token='b')
    assert (await owing.reply())[0] == 'dispatching'


async def test_a_reply_that_is_tried_again_keeps_its_place_before_the_next_one(owing: Owing) -> None:
    await owing.owe('m2')
    await owing.claim()
    await owing.settle('later', wait=timedelta(seconds=5))
    assert await owing.store.channel.owed(CONTACT) == ('m1', 'm2')
    owing.clock.pass_by(timedelta(seconds=4))
    assert await owing.store.channel.owing() == ()
    owing.clock.pass_by(timedelta(seconds=1))
    assert await owing.store.channel.owing() == (CONTACT,)


async def test_the_next_reply_waits_as_long_as_the_one_before_is_put_off(owing: Owing) -> None:
    await owing.owe('m2')
    await owing.claim()
    await owing.settle('later', wait=STUCK + timedelta(minutes=1))
    owing.clock.pass_by(STUCK + timedelta(seconds=30))
    assert isinstance(await owing.claim('b', 'm2'), Owed)


async def test_a_reply_of_which_a_status_tells_goes_on_after_its_sender_gave_it_up(owing: Owing) -> None:
    await owing.claim()
    await owing.settle('indeterminate')
    assert await owing.store.channel.owed(CONTACT) == ()
    assert await owing.settle('delivered', token='', more=True)
    assert await owing.undecided() == 0
    assert await owing.store.channel.owed(CONTACT) == ('m1',)
    assert await owing.kept_ms('owed') > 0
    claimed = await owing.claim('b')
    assert isinstance(claimed, Dispatch)
    assert claimed.part == 1


async def test_nothing_to_say_leaves_nothing(owing: Owing) -> None:
    await owing.claim()
    await owing.settle('nothing')
    assert await owing.reply() == ('', _GONE)


@pytest.mark.parametrize(('decision', 'state'), [('arrived', 'sent'), ('drop', 'failed')])
async def test_what_an_operator_knows_is_what_became_of_a_reply(owing: Owing, decision: Any, state: str) -> None:
    await owing.claim()
    await owing.settle('indeterminate')
    assert await owing.store.channel.decide(CONTACT, 'm1', decision)
    assert (await owing.reply())[0] == state
    assert await owing.store.channel.owed(CONTACT) == ()


async def test_a_reply_that_an_operator_sends_again_is_owed_for_a_while(owing: Owing) -> None:
    await owing.claim()
    await owing.settle('indeterminate')
    assert await owing.store.channel.decide(CONTACT, 'm1', 'again')
    assert await owing.kept_ms('owed') > 0


async def test_a_reply_that_is_not_kept_any_more_is_not_sent_again(owing: Owing) -> None:
    await owing.claim()
    await owing.settle('indeterminate')
    keys = await owing.store._ready()  # pyright: ignore[reportPrivateUsage]
    await owing.operator.client.unlink(keys.mark(CONTACT, 'm1'))
    assert not await owing.store.channel.decide(CONTACT, 'm1', 'again')


async def test_an_erased_contact_is_in_no_index(owing: Owing) -> None:
    await owing.store.channel.receive(CONTACT, message('m2'), address=b'', pace=AT_ONCE, flush=True)
    owing.clock.pass_by(timedelta(days=2))
    due = await owing.store.due()
    assert (due.turns, due.sessions, await owing.store.channel.owing()) == ((CONTACT,), (CONTACT,), (CONTACT,))
    await owing.operator.erasure.erase(CONTACT, key_id='')
    due = await owing.store.due()
    assert (due.turns, due.sessions, await owing.store.channel.owing()) == ((), (), ())


async def test_an_erasure_counts_from_when_it_was_asked_for(owing: Owing) -> None:
    erasure, now = owing.operator.erasure, owing.clock.now()
    _, stone = await erasure.erase(CONTACT, key_id='ab12')
    assert stone.at == now
    # A restored backup tells of an older one: the later time stands, and so does the key.
    _, again = await erasure.erase(CONTACT, key_id='ab12', at=now - timedelta(hours=1))
    assert again.at == now
    assert [(one.at, one.keys) for one in await erasure.tombstones()] == [(now, ('ab12',))]
    _, later = await erasure.erase(CONTACT, key_id='cd34', at=now + timedelta(seconds=1))
    assert later.at == now + timedelta(seconds=1)
    assert (await erasure.tombstones())[0].keys == ('ab12', 'cd34')


async def test_what_was_sent_between_the_request_and_the_erasure_is_taken(owing: Owing) -> None:
    asked = datetime.fromtimestamp(message('m3').order / 1000, UTC)
    await owing.operator.erasure.erase(CONTACT, key_id='', at=asked)
    with pytest.raises(ContactErased):
        await owing.store.begin(CONTACT, message('m3'))
    granted(await owing.store.begin(CONTACT, message('m4', sent=1)))


async def test_an_erasure_wakes_who_waits_for_a_turn(redis_url: str, owing: Owing) -> None:
    granted(await owing.store.begin(CONTACT, message('m2')))
    async with waiting(redis_url, owing.clock, SLOW, None) as got:
        await owing.operator.erasure.erase(CONTACT, key_id='')
    assert got == [Idle()]


async def test_a_person_first_known_by_a_user_id_is_known_by_the_number_that_comes_with_it(owing: Owing) -> None:
    user, number = Alias('user', 'user'), Alias('number', 'phone')

    async def link(*aliases: Alias, new: str) -> str:
        return await owing.store.channel.link(aliases, contact_id=new, spare='spare')

    assert [await link(user, new='bia'), await link(user, number, new='x'), await link(number, new='y')] == ['bia'] * 3


async def test_workers_are_told_when_the_next_mail_is_due(owing: Owing) -> None:
    pace = Pace(quiet=timedelta(seconds=30), cap=timedelta(minutes=1), most=9)
    await owing.store.channel.receive(CONTACT, message('m2'), address=b'', pace=pace, flush=False)

    async def look(limit: int) -> tuple[list[bytes], int]:
        keys = await owing.store._ready()  # pyright: ignore[reportPrivateUsage]
        found = await owing.store._scripts.run(  # pyright: ignore[reportPrivateUsage]
            'mail', [keys.leases(keys.partition(CONTACT))], [limit, 2000, owing.clock.ms]
        )
        return found[0], found[1]

    assert await look(9) == ([], 30_000)
    owing.clock.pass_by(timedelta(seconds=31))
    assert await look(0) == ([], 0)  # overdue, and this worker takes no more
    assert await look(9) == ([CONTACT.encode()], 2_000)
    assert await look(9) == ([], 2_000)  # out of sight of the others


async def test_mail_that_comes_while_a_turn_runs_does_not_show_the_contact_as_free(owing: Owing) -> None:
    grant = granted(await owing.store.begin(CONTACT, message('m2')))
    await owing.store.channel.receive(CONTACT, message('m3'), address=b'', pace=AT_ONCE, flush=True)
    assert (await owing.store.due()).turns == ()
    await owing.store.commit(grant, leaves(grant))
    assert (await owing.store.due()).turns == (CONTACT,)


async def test_new_mail_does_not_put_off_the_look_for_a_reply_that_was_left_behind(owing: Owing) -> None:
    await owing.settle('sent', token=(await _dispatch(owing)).token)
    await owing.store.channel.receive(CONTACT, message('m2'), address=b'', pace=AT_ONCE, flush=True)
    owing.clock.pass_by(timedelta(seconds=9))
    await owing.store.channel.receive(CONTACT, message('m3'), address=b'', pace=AT_ONCE, flush=True)
    assert await owing.store.channel.owing() == ()
    owing.clock.pass_by(timedelta(seconds=1))
    assert await owing.store.channel.owing() == (CONTACT,)


async def _dispatch(owing: Owing) -> Dispatch:
    claimed = await owing.claim()
    assert isinstance(claimed, Dispatch)
    return claimed


async def test_what_a_channel_keeps_of_a_contact_has_an_end(owing: Owing) -> None:
    assert await owing.kept_ms('owed') > 0
    assert await owing.kept_ms('reach') > 0


async def test_a_person_who_only_changes_the_user_id_keeps_the_number(owing: Owing) -> None:
    user, new, number = Alias('user', 'user'), Alias('new', 'user'), Alias('number', 'phone')
    await owing.store.channel.link((user, number), contact_id='bia', spare='spare')
    assert await owing.store.channel.relink((user, number), (new,)) == 'bia'
    assert await owing.store.channel.link((number,), contact_id='x', spare='spare') == 'bia'


async def test_a_changed_number_that_somebody_else_has_stays_theirs_until_an_operator_decides(owing: Owing) -> None:
    channel = owing.store.channel
    user, new, number = Alias('user', 'user'), Alias('new', 'user'), Alias('number', 'phone')
    await channel.link((user,), contact_id='zoe', spare='spare')
    await channel.link((number,), contact_id='bia', spare='spare')
    assert await channel.relink((user,), (new, number)) == 'zoe'
    assert await channel.merges() == [('bia', 'zoe')]
    assert await channel.link((number,), contact_id='x', spare='spare') == 'bia'


async def test_a_changed_number_that_comes_with_a_stranger_has_changed_hands(owing: Owing) -> None:
    channel = owing.store.channel
    user, new, number = Alias('user', 'user'), Alias('new', 'user'), Alias('number', 'phone')
    await channel.link((user,), contact_id='zoe', spare='spare')
    await channel.relink((user,), (new, number))
    assert await channel.link((Alias('stranger', 'user'), number), contact_id='x', spare='spare') == 'spare'
