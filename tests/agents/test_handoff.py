"""Hand-overs: who asks for one, what the person who takes over is told, and how the agent comes back."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import respx

from agent_memory import (
    CAR_LEAD,
    DuckDBArchive,
    SessionData,
    SessionManager,
    SessionMemory,
    SessionState,
    UserProfileData,
)
from agent_memory.agents import RulesModel, lead_agent
from agent_memory.backend._archiver import Archiver
from agent_memory.backend._deliveries import DuckDBEventQueue
from agent_memory.backend._redis import RedisStore
from agent_memory.errors import HandoffUndelivered
from agent_memory.handoff import HandoffNote, HandoffRelay, LogSink, WebhookSink
from agent_memory.history import OpenedEvents, rows_of
from tests.agents.conversations import Conversation, open_manager
from tests.agents.scripted import scripted

HOOK = 'https://crm.example/handoffs'
_LONG = timedelta(days=1)


@pytest.fixture
async def manager(redis_url: str) -> AsyncGenerator[SessionManager[Any]]:
    async with open_manager(redis_url) as opened:
        yield opened


@pytest.fixture
def talk(manager: SessionManager[Any]) -> Conversation:
    return Conversation(lead_agent(SessionMemory(manager), RulesModel()), manager)


@asynccontextmanager
async def archived(manager: SessionManager[Any], path: Path) -> AsyncGenerator[OpenedEvents]:
    """Archive what was committed, as another process that starts now would."""
    archive = DuckDBArchive(path)
    assert isinstance(manager.store, RedisStore)
    await Archiver(manager.store.outbox, archive, rows_of(manager.codec, manager.vault)).drain()
    try:
        yield OpenedEvents(DuckDBEventQueue(archive), manager.vault)
    finally:
        await archive.close()


async def test_who_asks_for_a_person_gets_one_and_the_agent_is_silent(
    manager: SessionManager[Any], talk: Conversation
) -> None:
    await talk.say('oi, tenho até 60 mil')
    reply = await talk.say('quero falar com um atendente')

    assert 'pessoa' in reply
    assert (await talk.session()).state == SessionState.HUMAN_HANDOFF
    assert await talk.say('alô?') is None
    assert talk.results[-1].usage.requests == 0


async def test_handing_back_goes_on_where_the_conversation_was(
    manager: SessionManager[Any], talk: Conversation
) -> None:
    await talk.say('oi, tenho até 60 mil')
    await talk.say('quero falar com um atendente')

    assert await manager.hand_back(talk.contact)

    assert (await talk.session()).state == SessionState.COLLECTING_PROFILE
    assert 'Campinas' in await talk.say('moro em Campinas')
    assert not await manager.hand_back(talk.contact)


async def test_three_messages_in_a_row_that_nobody_understands_call_a_person(talk: Conversation) -> None:
    await talk.say('oi')
    replies = [await talk.say(text) for text in ('asdf qwer', 'zxcv', 'hjkl uiop')]

    assert replies[0].startswith('Desculpe, não entendi')
    assert replies[0] != replies[1]
    assert 'pessoa da nossa equipe' in replies[2]
    assert (await talk.session()).state == SessionState.HUMAN_HANDOFF


async def test_a_message_that_is_understood_starts_the_count_again(
    manager: SessionManager[Any], talk: Conversation
) -> None:
    for text in ('oi', 'asdf qwer', 'zxcv', 'até 60 mil', 'hjkl uiop', 'tyui'):
        await talk.say(text)

    assert (await talk.session()).state == SessionState.COLLECTING_PROFILE

    await talk.say('bnm fgh')
    assert await manager.hand_back(talk.contact)
    await talk.say('asdf qwer')

    assert (await talk.session()).state == SessionState.COLLECTING_PROFILE


async def test_a_score_that_reaches_the_bar_is_told_once_and_explained(
    manager: SessionManager[Any], talk: Conversation, tmp_path: Path
) -> None:
    for text in ('até 60 mil, preciso pra ontem', 'para a família', 'na verdade até 70 mil', 'prefiro Fiat'):
        await talk.say(text)

    async with archived(manager, tmp_path / 'history.duckdb') as queue:
        [told] = await queue.undelivered('qualified', within=_LONG, limit=10)
    score = json.loads(told.data)['score']
    assert score['total'] >= 60
    parts = {part['rule']: part for part in score['parts']}
    assert parts['budget']['points'] == 30
    assert parts['budget']['messages'] == [told.message]


async def test_the_webhook_is_told_everything_signed_and_once(
    manager: SessionManager[Any], talk: Conversation, tmp_path: Path, httpx2_mock: respx.Router
) -> None:
    route = httpx2_mock.post(HOOK).mock(side_effect=[httpx.Response(500), httpx.Response(204)])
    await talk.say('oi, tenho até 60 mil')
    reply = await talk.say('quero falar com um atendente')

    async with archived(manager, tmp_path / 'history.duckdb') as queue:
        relay = HandoffRelay(queue, WebhookSink(HOOK, secret=b'shared'))
        with pytest.raises(HandoffUndelivered, match='HTTPStatusError'):
            await relay.drain()
        assert await relay.drain() == 1
        assert await relay.drain() == 0
    async with archived(manager, tmp_path / 'history.duckdb') as queue:
        assert await HandoffRelay(queue, WebhookSink(HOOK)).drain() == 0

    first, second = [cast('httpx.Request', call.request) for call in cast('Any', route.calls)]
    assert first.headers['idempotency-key'] == second.headers['idempotency-key']
    signed = hmac.digest(b'shared', second.content, hashlib.sha256).hex()
    assert second.headers['x-hub-signature-256'] == f'sha256={signed}'
    note = HandoffNote.model_validate_json(second.content)
    assert note.profile == {'budget_max': 60_000}
    assert note.score is not None
    assert note.score.total == 40
    assert [line.content for line in note.transcript][-2:] == ['quero falar com um atendente', reply]
    assert note.contact_id == await manager.contact_id(talk.contact)


async def test_a_relay_that_dies_before_it_notes_delivers_again_under_the_same_id(
    manager: SessionManager[Any], talk: Conversation, tmp_path: Path
) -> None:
    seen: list[HandoffNote] = []

    class Dying:
        async def deliver(self, note: HandoffNote) -> None:
            seen.append(note)
            if len(seen) == 1:
                raise KeyboardInterrupt

    await talk.say('quero falar com um atendente')
    async with archived(manager, tmp_path / 'history.duckdb') as queue:
        with pytest.raises(KeyboardInterrupt):
            await HandoffRelay(queue, Dying()).drain()
    async with archived(manager, tmp_path / 'history.duckdb') as queue:
        assert await HandoffRelay(queue, Dying()).drain() == 1

    assert seen[0] == seen[1]


async def test_a_hand_over_of_an_erased_contact_holds_up_no_other(
    manager: SessionManager[Any], talk: Conversation, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = Conversation(talk.agent, manager, contact='+5511888888888')
    await talk.say('quero falar com um atendente')
    await other.say('quero falar com um atendente')

    async with archived(manager, tmp_path / 'history.duckdb') as queue:
        await manager.vault.destroy(await manager.contact_id(talk.contact))
        assert await HandoffRelay(queue, LogSink()).drain() == 1

    assert await manager.contact_id(other.contact) in caplog.text
    assert await manager.contact_id(talk.contact) not in caplog.text


async def test_the_log_says_who_waits_and_nothing_personal(
    manager: SessionManager[Any], talk: Conversation, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await talk.say('meu nome é Ana Souza, quero falar com um atendente')

    async with archived(manager, tmp_path / 'history.duckdb') as queue:
        await HandoffRelay(queue, LogSink()).drain()

    assert await manager.contact_id(talk.contact) in caplog.text
    assert 'Ana' not in caplog.text
    assert '99999' not in caplog.text


async def test_a_rule_of_the_business_hands_over_once(redis_url: str) -> None:
    def is_big(session: SessionData[UserProfileData]) -> str | None:
        return 'big budget' if (session.profile.budget_max or 0) > 200_000 else None

    domain = replace(CAR_LEAD, escalate=is_big)
    async with open_manager(redis_url, domain) as manager:
        model = scripted([('remember', {'budget_max': 300_000})], 'Um consultor fala com você.', 'Sigo por aqui.')
        talk = Conversation(lead_agent(SessionMemory(manager), model), manager)
        await talk.say('tenho 300 mil')
        assert (await talk.session()).state == SessionState.HUMAN_HANDOFF

        await manager.hand_back(talk.contact)
        assert await talk.say('oi') == 'Sigo por aqui.'
        assert (await talk.session()).state == SessionState.COLLECTING_PROFILE
