"""Who takes over is told of the person what they agreed to share: at once, or when they agree while they wait."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from agent_memory import CAR_LEAD, DuckDBArchive, RedisStore, SessionMemory
from agent_memory.agents import lead_agent
from agent_memory.agents._consents import CONSENT_TEXTS
from agent_memory.backend._archiver import Archiver
from agent_memory.backend._deliveries import DuckDBEventQueue
from agent_memory.cli._channel import RECEPTION
from agent_memory.cli._consent import composed
from agent_memory.handoff import HandoffNote, HandoffRelay
from agent_memory.history import OpenedEvents, rows_of
from agent_memory.whatsapp import answered_by
from tests.whatsapp.channel import ANA, Whatsapp, whatsapp

SHARING = CONSENT_TEXTS[1]
YES, NO = (f'consent:sharing:{SHARING.version}:{word}' for word in ('yes', 'no'))


@dataclass
class Shop:
    """A channel whose hand-overs reach a sales team by way of the history."""

    channel: Whatsapp
    archive: DuckDBArchive
    notes: list[HandoffNote] = field(default_factory=list[HandoffNote])

    async def deliver(self, note: HandoffNote) -> None:
        self.notes.append(note)

    async def say(self, text: str) -> None:
        await self._take(self.channel.graph.says(ANA, text, at=self.channel.graph.clock()))

    async def tap(self, button: str) -> None:
        await self._take(self.channel.graph.taps(ANA, button, 'Sim'))

    async def _take(self, item: dict[str, object]) -> None:
        await self.channel.deliver(item)
        await self.channel.work()

    async def told(self) -> list[HandoffNote]:
        """Return what the sales team is told now."""
        manager = self.channel.manager
        assert isinstance(manager.store, RedisStore)
        await Archiver(manager.store.outbox, self.archive, rows_of(manager.codec, manager.vault)).drain()
        await HandoffRelay(OpenedEvents(DuckDBEventQueue(self.archive), manager.vault), self).drain()
        notes, self.notes = self.notes, []
        return notes


@pytest.fixture
async def shop(redis_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    by_consent = replace(CAR_LEAD, legal_basis={**CAR_LEAD.legal_basis, 'sharing': 'consent'})
    async with whatsapp(redis_url, domain=by_consent) as channel:
        channel.dispatcher.reception, channel.dispatcher.compose = RECEPTION, composed
        channel.dispatcher.answer = answered_by(lead_agent(SessionMemory(channel.manager)))
        archive = DuckDBArchive(tmp_path / 'history.duckdb')
        yield Shop(channel, archive)
        await archive.close()


@pytest.fixture
async def waiting(shop: Shop) -> Shop:
    """The shop when Ana waits for a person, who was told nothing of her."""
    await shop.say('oi, quero um SUV até 60 mil')
    await shop.say('quero falar com um atendente')
    [note] = await shop.told()
    assert (note.withheld, note.profile, note.transcript) == (True, {}, [])
    return shop


async def test_who_agrees_while_they_wait_is_told_of_once(waiting: Shop) -> None:
    assert waiting.channel.graph.texts()[-1].endswith(SHARING.text)
    said = len(waiting.channel.graph.seen)
    await waiting.tap(YES)

    [note] = await waiting.told()
    assert (note.withheld, note.profile['budget_max']) == (False, 60_000)
    said_last = [line.content for line in note.transcript][-3:]
    assert said_last == ['quero falar com um atendente', waiting.channel.graph.texts()[-1], 'Sim']
    assert note.contact_id == await waiting.channel.manager.contact_id(f'+{ANA}')
    for button in (YES, NO, YES):
        await waiting.tap(button)
    await waiting.say('alô?')
    assert await waiting.told() == []
    assert len(waiting.channel.graph.seen) == said


async def test_nobody_is_told_of_who_refuses_or_says_something_else(waiting: Shop) -> None:
    await waiting.say('sim')
    await waiting.tap(NO)

    assert await waiting.told() == []


async def test_nobody_is_told_when_the_agent_has_the_conversation_back(waiting: Shop) -> None:
    await waiting.channel.manager.hand_back(f'+{ANA}')
    await waiting.tap(YES)
    assert await waiting.told() == []

    await waiting.say('quero falar com um atendente')

    [note] = await waiting.told()
    assert note.profile['budget_max'] == 60_000


async def test_who_agreed_before_is_told_of_at_once_and_not_again(shop: Shop) -> None:
    await shop.tap(YES)
    await shop.say('quero um SUV até 60 mil, quero falar com um atendente')
    [note] = await shop.told()
    assert note.profile['budget_max'] == 60_000

    for button in (NO, YES):
        await shop.tap(button)

    assert await shop.told() == []
