"""What a store promises a channel, on a real server: nothing lost, nothing twice, one contact for one person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import anyio
import pytest

from agent_memory.backend._channel import Alias
from agent_memory.errors import MailboxFull, MessageMismatch
from tests.whatsapp.memory import Memory, memory_on


@pytest.fixture
async def memory(redis_url: str) -> AsyncIterator[Memory]:
    async with memory_on(redis_url) as opened:
        yield opened


async def test_a_burst_becomes_one_turn_when_the_person_has_been_quiet(memory: Memory) -> None:
    assert (await memory.receive('1', 'oi')).due == timedelta(seconds=2)
    memory.clock.tick(1.5)
    await memory.receive('2', 'tudo bem?')
    memory.clock.tick(1.9)
    assert not await memory.due()
    assert await memory.answer() == []
    memory.clock.tick(0.1)
    assert await memory.due()
    assert await memory.answer() == ['oi', 'tudo bem?']


async def test_a_person_who_keeps_writing_is_answered_after_the_cap(memory: Memory) -> None:
    for message in range(4):
        await memory.receive(str(message))
        memory.clock.tick(1.9)
    assert (await memory.receive('4')).due == timedelta(seconds=0)  # the fifth message also fills the burst
    assert len(await memory.answer()) == 5


async def test_the_cap_counts_from_the_first_message(memory: Memory) -> None:
    await memory.receive('1')
    for message in range(2, 5):
        memory.clock.tick(1.9)
        await memory.receive(str(message))
    assert (memory.clock.ms, await memory.due()) == (1_772_452_800_000 + 5700, False)
    memory.clock.tick(2)
    assert await memory.due()


async def test_a_tapped_button_flushes_the_burst_and_what_still_joins_it(memory: Memory) -> None:
    await memory.receive('1', 'oi')
    assert (await memory.receive('2', 'Aceito', flush=True)).due == timedelta(0)
    assert (await memory.receive('3', 'e agora?')).due == timedelta(0)
    assert len(await memory.answer()) == 3


async def test_what_comes_in_while_a_turn_runs_is_a_burst_of_its_own(memory: Memory) -> None:
    await memory.receive('1', 'oi', flush=True)
    async with memory.manager.take(memory.contact_id) as turn:
        assert turn is not None
        memory.clock.tick(5)
        await memory.receive('2', 'quero um SUV')
        assert [message.text for message in turn.messages] == ['oi']
        memory.clock.tick(1)
        await turn.commit(reply='olá')
    assert await memory.answer() == []
    assert not await memory.due()
    memory.clock.tick(1)
    assert await memory.due()
    assert await memory.answer() == ['quero um SUV']


async def test_messages_are_answered_in_the_order_in_which_they_were_sent(memory: Memory) -> None:
    await memory.receive('2', 'segunda', sent_s=-1)
    await memory.receive('1', 'primeira', sent_s=-2)
    memory.clock.tick(2)
    assert await memory.answer() == ['primeira', 'segunda']


async def test_a_redelivered_message_is_known_before_and_after_its_answer(memory: Memory) -> None:
    assert (await memory.receive('1', flush=True)).new
    assert not (await memory.receive('1', flush=True)).new
    with pytest.raises(MessageMismatch):
        await memory.receive('1', 'outra coisa')
    await memory.answer()
    memory.clock.tick(7 * 86400)
    assert not (await memory.receive('1')).new
    assert await memory.answer() == []


async def test_a_full_mailbox_refuses_and_stores_nothing(memory: Memory) -> None:
    for message in range(10):
        await memory.receive(str(message))
    with pytest.raises(MailboxFull):
        await memory.receive('11')
    assert len(await memory.answer()) == 10


async def test_the_pause_after_a_failure_is_not_shortened_by_a_new_message(memory: Memory) -> None:
    await memory.receive('1', flush=True)
    with pytest.raises(ZeroDivisionError):
        async with memory.manager.take(memory.contact_id):
            raise ZeroDivisionError
    assert (await memory.receive('2', flush=True)).due == timedelta(seconds=1)
    assert await memory.answer() == []
    memory.clock.tick(1)
    assert await memory.answer() == ['oi']


async def test_two_workers_get_one_turn(memory: Memory) -> None:
    await memory.receive('1', flush=True)
    answered: list[list[str]] = []

    async def work() -> None:
        answered.append(await memory.answer())

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(work)
    assert sorted(answered) == [[], [], [], ['oi']]


PHONE, OTHER_PHONE = Alias('phone', 'phone'), Alias('other phone', 'phone')
USER, NEW_USER = Alias('user', 'user'), Alias('new user', 'user')
PARENT = Alias('parent', 'user')
LIKELY = Alias('likely', 'likely')


async def link(memory: Memory, *aliases: Alias, new: str = 'made') -> str:
    return await memory.manager.channel.link(aliases, contact_id=new, spare=f'spare-{new}')


async def test_a_person_is_one_contact_by_phone_by_user_id_and_by_parent_id(memory: Memory) -> None:
    assert await link(memory, PHONE, new='ana') == 'ana'
    assert await link(memory, USER, PHONE, new='x') == 'ana'
    assert await link(memory, USER, new='x') == 'ana'
    assert await link(memory, PARENT, USER, new='x') == 'ana'
    assert await link(memory, PARENT, NEW_USER, new='x') == 'ana'


async def test_a_changed_number_stays_one_contact_and_the_old_number_is_free(memory: Memory) -> None:
    await link(memory, USER, PHONE, new='ana')
    assert await memory.manager.channel.relink((USER, PHONE), (NEW_USER, OTHER_PHONE)) == 'ana'
    assert await link(memory, NEW_USER, OTHER_PHONE, new='x') == 'ana'
    assert await link(memory, USER, PHONE, new='x') == 'ana'  # a message from before, come late
    stranger = Alias('stranger', 'user')
    assert await link(memory, stranger, PHONE, new='ana') == 'spare-ana'
    assert await link(memory, PHONE, new='x') == 'spare-ana'
    assert await memory.manager.channel.merges() == []


async def test_a_change_of_somebody_unknown_makes_no_contact(memory: Memory) -> None:
    assert await memory.manager.channel.relink((PHONE,), (OTHER_PHONE,)) is None
    assert await link(memory, OTHER_PHONE, new='bia') == 'bia'


async def test_a_number_with_another_user_id_may_have_changed_hands(memory: Memory) -> None:
    await link(memory, USER, PHONE, new='ana')
    assert await link(memory, NEW_USER, PHONE, new='ana') == 'spare-ana'
    assert await memory.manager.channel.merges() == [('ana', 'spare-ana')]
    assert await link(memory, USER, new='x') == 'ana'
    assert await link(memory, PHONE, new='x') == 'spare-ana'


async def test_two_contacts_that_turn_out_to_be_one_wait_for_an_operator(memory: Memory) -> None:
    await link(memory, USER, new='by-id')
    await link(memory, PHONE, new='by-phone')
    assert await link(memory, USER, PHONE, new='x') == 'by-id'
    assert await memory.manager.channel.merges() == [('by-id', 'by-phone')]
    await memory.manager.channel.merge('by-phone', 'by-id')
    assert await memory.manager.channel.merges() == []
    assert await link(memory, USER, PHONE, new='x') == 'by-phone'
    await memory.manager.channel.merge('third', 'by-phone')
    assert await link(memory, USER, new='x') == 'third'


async def test_a_number_without_its_ninth_digit_only_makes_a_suspicion(memory: Memory) -> None:
    await link(memory, PHONE, LIKELY, new='ana')
    assert await link(memory, PHONE, LIKELY, new='x') == 'ana'
    assert await link(memory, OTHER_PHONE, LIKELY, new='bia') == 'bia'
    assert await memory.manager.channel.merges() == [('ana', 'bia')]
    await memory.manager.channel.dismiss('bia', 'ana')
    assert await link(memory, OTHER_PHONE, LIKELY, new='x') == 'bia'
    assert await memory.manager.channel.merges() == []
