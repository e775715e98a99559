"""Voice messages, tapped buttons, and the sign that an answer comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import anyio
import pytest

from agent_memory._turns import Turn
from agent_memory.session import Inbound
from agent_memory.whatsapp import Dispatcher
from tests.whatsapp.channel import ANA, RECEPTION, Whatsapp, whatsapp

WORDS = RECEPTION.wording


@pytest.fixture
async def channel(redis_url: str) -> AsyncIterator[Whatsapp]:
    async with whatsapp(redis_url) as opened:
        yield opened


async def test_a_consent_button_is_answered_without_the_model(channel: Whatsapp) -> None:
    await channel.deliver(channel.graph.taps(ANA, 'consent:yes', 'Aceito'))
    await channel.work()
    assert channel.graph.texts() == ['Obrigado!']
    session = await channel.manager.get_session(f'+{ANA}')
    assert session is not None
    assert session.consent.given
    assert channel.asked == []


async def test_another_button_goes_to_the_agent_by_its_title(channel: Whatsapp) -> None:
    await channel.deliver(channel.graph.taps(ANA, 'car:7', 'Ver o Onix'))
    await channel.work()
    assert channel.asked == ['Ver o Onix']


async def test_what_is_written_beside_a_button_is_answered_and_the_button_counts(channel: Whatsapp) -> None:
    await channel.deliver(channel.graph.says(ANA, 'quero um SUV'), channel.graph.taps(ANA, 'consent:yes', 'Aceito'))
    await channel.work()
    assert channel.asked == ['quero um SUV\nAceito']
    session = await channel.manager.get_session(f'+{ANA}')
    assert session is not None
    assert session.consent.given


async def test_the_sign_that_an_answer_comes_is_shown_again_until_it_does(channel: Whatsapp) -> None:
    answered = anyio.Event()

    async def slow(turn: Turn[Any], inbound: Inbound) -> None:
        await answered.wait()
        await turn.commit(reply='pronto')

    channel.dispatcher.answer = slow
    channel.dispatcher.refresh = timedelta(milliseconds=10)
    item = channel.graph.says(ANA, 'oi')
    await channel.deliver(item)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(channel.work)
        with anyio.fail_after(10):
            while len(channel.graph.typing) < 3:  # noqa: ASYNC110 - a phone tells no event
                await anyio.sleep(0.01)
        answered.set()
    shown = list(channel.graph.typing)
    assert set(shown) == {item['id']}
    assert channel.graph.texts() == ['pronto']
    await anyio.sleep(0.05)
    assert channel.graph.typing == shown


def test_the_sign_is_shown_again_before_it_vanishes_and_a_recording_holds_an_answer_for_12_seconds() -> None:
    assert Dispatcher.refresh < timedelta(seconds=25)
    assert Dispatcher.hearing == timedelta(seconds=12)


class Ears:
    """Hears what the recording says, as text."""

    async def transcribe(self, sound: bytes, *, mime_type: str) -> str:
        assert mime_type == 'audio/ogg; codecs=opus'
        return sound.decode()


async def test_a_voice_message_is_answered_by_its_words(redis_url: str) -> None:
    async with whatsapp(redis_url, transcriber=Ears()) as channel:
        voice = channel.graph.sends_voice(ANA, b'quero um SUV')
        await channel.deliver(voice, channel.graph.says(ANA, 'até 90 mil'))
        await channel.work()
        assert channel.asked == ['quero um SUV\naté 90 mil']
        session = await channel.manager.get_session(f'+{ANA}')
        assert session is not None
        assert session.memory.messages[0].content == 'quero um SUV'


async def test_a_voice_message_that_nobody_can_hear_is_answered_with_a_request(channel: Whatsapp) -> None:
    await channel.deliver(channel.graph.sends_voice(ANA, b'...'))
    await channel.work()
    assert (channel.graph.texts(), channel.asked) == ([WORDS.ask_for_text], [])


async def test_who_says_that_they_want_to_be_left_alone_is(redis_url: str) -> None:
    async with whatsapp(redis_url, transcriber=Ears()) as channel:
        await channel.deliver(channel.graph.sends_voice(ANA, b'Parar.'))
        await channel.work()
        assert (channel.graph.texts(), channel.asked) == ([WORDS.opted_out], [])


class Deaf:
    """Hears nothing for as long as it is let."""

    def __init__(self) -> None:
        self.asked = 0

    async def transcribe(self, sound: bytes, *, mime_type: str) -> str:
        self.asked += 1
        if sound == b'clear':
            return 'quero um SUV'
        await anyio.sleep_forever()
        raise AssertionError


async def test_recordings_of_one_burst_share_the_time_that_an_answer_waits_for_them(redis_url: str) -> None:
    ears = Deaf()
    async with whatsapp(redis_url, transcriber=ears) as channel:
        channel.dispatcher.hearing = timedelta(milliseconds=300)
        sounds = (b'noise', b'more noise', b'clear')
        await channel.deliver(*[channel.graph.sends_voice(ANA, sound) for sound in sounds])
        await channel.work()
        assert ears.asked == 3
        assert channel.asked == ['[voice message]\n[voice message]\nquero um SUV']
        await channel.deliver(channel.graph.sends_voice(ANA, b'noise'))
        await channel.work()
        assert channel.graph.texts()[1:] == [WORDS.ask_for_text]


async def test_a_transcriber_that_breaks_fails_no_turn(redis_url: str) -> None:
    class Broken:
        async def transcribe(self, sound: bytes, *, mime_type: str) -> str:
            raise ZeroDivisionError

    async with whatsapp(redis_url, transcriber=Broken()) as channel:
        await channel.deliver(channel.graph.sends_voice(ANA, b'...'))
        await channel.work()
        assert channel.graph.texts() == [WORDS.ask_for_text]
