"""What comes from outside has an end: longer or larger is refused without being repeated, or cut where it is heard.

docs/security.md has the table; limits of one module alone are tested beside it.
"""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import ValidationError
from pydantic_ai import Agent
from redis.asyncio import Redis
from typer.testing import CliRunner

from agent_memory import CAR_LEAD, DuckDBArchive, Inbound, RedisStore, SessionManager, SessionMemory
from agent_memory.backend._endpoint import serve_history
from agent_memory.cli import app
from agent_memory.cli._privacy import run_correct
from agent_memory.errors import InvalidContact, InvalidInput, InvalidPatch
from agent_memory.lead import UserProfileData
from agent_memory.privacy import reconcile
from agent_memory.profile import Change
from agent_memory.session import MAX_TEXT, Referral, normal_contact
from agent_memory.tools._session import MAX_REASON
from agent_memory.vault import Vault
from tests.agents.conversations import Conversation
from tests.agents.scripted import scripted
from tests.servers import admin_url, until, url_for
from tests.whatsapp.channel import ANA, whatsapp
from tests.whatsapp.test_voice_and_buttons import Ears

SECRET = 'segredo'


@pytest.fixture
async def manager(redis_url: str, tmp_path: Path) -> AsyncIterator[SessionManager[Any]]:
    store = RedisStore.from_url(url_for(admin_url(redis_url), 'operator'))
    manager = SessionManager(store, DuckDBArchive(tmp_path / 'history.duckdb'), vault=Vault.at(tmp_path))
    yield manager
    await manager.close()


@pytest.mark.parametrize(
    'given',
    [
        {'message_id': SECRET * 74},
        {'choice': SECRET * 37},
        {'text': SECRET * 586},
        {'referral': {'kind': SECRET * 5}},
        {'referral': {'kind': 'ad', 'id': SECRET * 37}},
    ],
    ids=lambda given: next(iter(given)),
)
def test_a_message_has_an_end_in_every_part(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match='at most') as refused:
        Inbound.model_validate({'contact': '+5511999990000', 'message_id': 'm', **given})

    assert SECRET not in str(refused.value)
    Referral(kind='ad' * 16, id='1' * 256)


@pytest.mark.parametrize('contact', ['+' + '5' * 33, '+5511' + ' ' * 40 + '999990000', 'BR.' + 'a' * 129])
def test_a_contact_has_an_end(contact: str) -> None:
    with pytest.raises(InvalidContact):
        normal_contact(contact)


@pytest.mark.parametrize(
    ('field', 'value'),
    [
        ('name', 'x' * 81),
        ('city', 'x' * 81),
        ('trade_in', 'x' * 121),
        ('brands', ['x' * 41]),
        ('brands', [f'marca {n}' for n in range(11)]),
        ('excluded_brands', [f'marca {n}' for n in range(21)]),
        ('budget_max', 10_000_001),
        ('budget_max', 10**400),
    ],
    ids=str,
)
def test_a_value_of_the_profile_has_an_end(field: str, value: object) -> None:
    with pytest.raises(InvalidPatch):
        UserProfileData().patch([Change(field=field, value=value)])  # type: ignore[arg-type]


async def test_what_a_model_says_of_a_hand_over_is_cut(manager: SessionManager[Any]) -> None:
    model = scripted([('hand_to_person', {'reason': SECRET * 1000})], 'Já chamo alguém.')
    person = Conversation(Agent(model, deps_type=Inbound, capabilities=[SessionMemory(manager)]), manager)

    await person.say('quero um atendente')

    [record] = await manager.records(person.contact)
    [handed] = [event for event in record.events if event.kind == 'handoff']
    assert len(str(handed.data['reason'])) == MAX_REASON


async def test_an_hour_of_speech_is_heard_to_the_length_of_a_message(redis_url: str) -> None:
    async with whatsapp(redis_url, transcriber=Ears()) as channel:
        await channel.deliver(channel.graph.sends_voice(ANA, b'quero um SUV ' * 1000))
        await channel.work()

        assert len(channel.asked[0]) == MAX_TEXT


async def test_a_corrected_value_has_an_end(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match='city: a value has at most 1000 characters'):
        await run_correct(contact='+5511999990000', changes=[f'city={"x" * 1001}'], data=tmp_path)


async def test_more_erasures_than_one_request_takes_reach_the_process_that_holds_the_history(
    manager: SessionManager[Any], redis_url: str, tmp_path: Path
) -> None:
    at = datetime.now(UTC) - timedelta(minutes=1)
    await manager.identity()
    async with Redis.from_url(admin_url(redis_url)) as client:
        untyped: Any = client
        stones = {f'contact-number-{number:07}': f'{int(at.timestamp() * 1000)}:' for number in range(900)}
        await untyped.hset('am:{0}:erased', mapping=stones)
    holder, other = DuckDBArchive(tmp_path / 'held.duckdb'), DuckDBArchive(tmp_path / 'held.duckdb')
    await holder.offset(0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve_history, holder, holder.path)
        await until(anyio.Path(f'{holder.path}.sock').exists)
        assert await reconcile(manager, other) == 900

        assert len(await other.tombstones()) == 900
        tasks.cancel_scope.cancel()
    await holder.close()


@pytest.mark.parametrize('limit', ['0', '-1', '10001', 'all'])
@pytest.mark.parametrize('words', [['history', '+5511999990000'], ['leads']], ids=' '.join)
def test_a_question_is_answered_with_a_sane_number_of_rows(words: list[str], limit: str) -> None:
    refused = CliRunner().invoke(app, [*words, '--limit', limit])

    assert refused.exit_code == 2


def test_the_domain_s_own_texts_fit_a_message() -> None:
    assert len(CAR_LEAD.apology) <= MAX_TEXT
