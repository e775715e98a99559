"""On WhatsApp a consent is asked for with buttons, and a tap is an answer to the text above it and to no other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agent_memory import SessionMemory
from agent_memory.agents import lead_agent
from agent_memory.agents._consents import CONSENT_TEXTS
from agent_memory.cli._channel import RECEPTION
from agent_memory.cli._consent import composed
from agent_memory.codec import StoredReply
from agent_memory.whatsapp import answered_by
from tests.whatsapp.channel import ANA, Whatsapp, whatsapp

MARKETING = CONSENT_TEXTS[-1]


@pytest.fixture
async def channel(redis_url: str) -> AsyncIterator[Whatsapp]:
    async with whatsapp(redis_url) as opened:
        opened.dispatcher.reception, opened.dispatcher.compose = RECEPTION, composed
        opened.dispatcher.answer = answered_by(lead_agent(SessionMemory(opened.manager)))
        yield opened


async def say(channel: Whatsapp, text: str) -> None:
    await channel.deliver(channel.graph.says(ANA, text, at=channel.graph.clock()))
    await channel.work()


async def tap(channel: Whatsapp, button: str, title: str) -> None:
    await channel.deliver(channel.graph.taps(ANA, button, title))
    await channel.work()


def buttons(channel: Whatsapp) -> dict[str, str]:
    """Return the buttons that the person sees under the last message, by title."""
    shown: dict[str, Any] = channel.graph.seen[-1].payload
    replies = [one['reply'] for one in shown['interactive']['action']['buttons']]
    return {one['title']: one['id'] for one in replies}


async def consent_events(channel: Whatsapp) -> list[dict[str, Any]]:
    records = await channel.manager.records(f'+{ANA}')
    return [event.data for record in records for event in record.events if event.kind == 'consent']


async def test_the_reply_that_asks_carries_buttons_and_a_tap_is_bound_to_its_text(channel: Whatsapp) -> None:
    await say(channel, 'oi, quero um SUV até 60 mil')
    await say(channel, 'vou pensar')
    assert channel.graph.texts()[-1].endswith(MARKETING.text)

    await tap(channel, buttons(channel)['Sim'], 'Sim')

    [kept] = await consent_events(channel)
    digest = hashlib.sha256(MARKETING.text.encode()).hexdigest()
    assert (kept['action'], kept['purpose'], kept['version']) == ('given', 'marketing', MARKETING.version)
    assert (kept['sha256'], kept['channel'], kept['text']) == (digest, 'button', MARKETING.text)


async def test_a_tap_on_no_refuses_and_the_same_is_not_asked_again(channel: Whatsapp) -> None:
    await say(channel, 'oi, quero um SUV até 60 mil')
    await say(channel, 'vou pensar')

    await tap(channel, buttons(channel)['Não'], 'Não')
    await say(channel, 'vou pensar, tchau')

    [kept] = await consent_events(channel)
    assert (kept['action'], kept['given']) == ('refused', False)
    assert sum(MARKETING.text in text for text in channel.graph.texts()) == 1


async def test_a_button_of_a_text_that_nobody_wrote_records_nothing(channel: Whatsapp) -> None:
    await say(channel, 'oi')

    await tap(channel, 'consent:marketing:1999-01:yes', 'Sim')

    assert await consent_events(channel) == []


def test_every_text_fits_a_message_with_buttons() -> None:
    for text in CONSENT_TEXTS:
        [asked] = composed(StoredReply(text=f'Olá! {text.text}', turn=1))
        assert text.version in json.dumps(asked.payload())
        [*before, asked] = composed(StoredReply(text=f'{"Olá! " * 250}{text.text}', turn=1))
        assert len(before) == 1
        assert asked.payload()['interactive']['body']['text'] == text.text
    assert len(composed(StoredReply(text='Olá!', turn=1))) == 1
    assert composed(StoredReply(text=None, turn=1)) == ()
