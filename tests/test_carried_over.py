"""What a returning contact's session began with is in the history while it is open, and gives way to what is said in it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from agent_memory import DuckDBArchive, Inbound, RedisStore, SessionManager
from agent_memory.backend import _history as history
from agent_memory.backend._archiver import Archiver
from agent_memory.history import opened, rows_of
from agent_memory.privacy import Rights
from agent_memory.profile import Change
from agent_memory.turn import PatchProfile, Restart
from tests.servers import admin_url, url_for

PERSON = '+5511999990000'
KNOWN = [
    Change(field='name', value='Ana'),
    Change(field='city', value='Recife'),
    Change(field='brands', value=['Fiat'], by='model'),
    Change(field='urgency', value='immediate'),
]


class Shop:
    """A manager, its archive, and one person who writes to it."""

    def __init__(self, redis_url: str, directory: Path) -> None:
        self.archive = DuckDBArchive(directory / 'history.duckdb')
        self.store = RedisStore.from_url(url_for(admin_url(redis_url), 'operator'))
        self.manager: SessionManager[Any] = SessionManager(self.store, self.archive)
        self.rights = Rights(self.manager, directory, actor='test')
        self._messages = 0

    async def hear(self, *changes: Change, restart: bool = False) -> None:
        """Commit a turn in which the person says so."""
        self._messages += 1
        inbound = Inbound(contact=PERSON, message_id=f'wamid.{self._messages}', text='oi')
        actions = [PatchProfile(changes=list(changes)), *([Restart()] if restart else [])]
        async with self.manager.turn(inbound) as turn:
            await turn.commit(reply='Certo!', actions=actions)  # type: ignore[union-attr]

    async def archived(self) -> None:
        await Archiver(self.store.outbox, self.archive, rows_of(self.manager.codec, self.manager.vault)).drain()

    async def leads(self) -> list[tuple[str, dict[str, JsonValue]]]:
        """Return why each lead's session ended and its profile, the newest first."""
        await self.archived()
        found = await opened(self.manager.vault, await history.leads(self.archive, score=0))
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
        rows.sort(key=lambda row: str(row['started_at']), reverse=True)
        return [(str(row['reason']), json.loads(str(row['profile']))) for row in rows]


@pytest.fixture
async def shop(redis_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    shop = Shop(redis_url, tmp_path)
    yield shop
    await shop.manager.close()


@pytest.fixture
async def back(shop: Shop) -> Shop:
    """The shop when the person is known from a conversation that is over."""
    await shop.hear(*KNOWN)
    await shop.manager.expire_session(PERSON)
    return shop


async def test_a_returning_lead_has_the_whole_profile_while_the_session_is_open(back: Shop) -> None:
    await back.hear(Change(field='budget_max', value=60_000))

    [now, before] = await back.leads()
    carried = {'name': 'Ana', 'city': 'Recife', 'brands': ['Fiat']}
    assert now == ('open', {'budget_max': 60_000} | carried)
    assert before == ('expired', carried | {'urgency': 'immediate'})


async def test_the_open_lead_is_as_the_closed_one_will_be(back: Shop) -> None:
    await back.hear(
        Change(field='city', value='Olinda', op='correct'),
        Change(field='name', op='forget'),
        Change(field='brands', value=['Fiat'], op='forget'),
        Change(field='priorities', value=['safety']),
    )
    [(_, still_open), _] = await back.leads()
    await back.manager.expire_session(PERSON)

    [(reason, closed), _] = await back.leads()
    assert reason == 'expired'
    assert still_open == closed == {'city': 'Olinda', 'priorities': ['safety']}


async def test_the_first_change_of_a_session_may_be_an_operators(back: Shop) -> None:
    await back.rights.correct(PERSON, {'city': 'Olinda'})

    [(reason, profile), _] = await back.leads()
    assert (reason, profile) == ('open', {'name': 'Ana', 'city': 'Olinda', 'brands': ['Fiat']})


async def test_who_starts_over_carries_nothing(shop: Shop) -> None:
    await shop.hear(*KNOWN, restart=True)
    await shop.hear(Change(field='budget_max', value=60_000))

    assert (await shop.leads())[0] == ('open', {'budget_max': 60_000})


async def test_what_was_carried_tells_where_it_was_said(back: Shop) -> None:
    await back.hear()
    await back.hear(Change(field='city', value='Olinda', op='correct'))
    await back.archived()

    facts = (await back.rights.export(PERSON)).data['facts']
    said = {fact['field']: fact['message'] for fact in facts[:4]}
    told = [(one['version'], one['field'], json.loads(one['new']), one['author'], one['message']) for one in facts[4:]]
    assert told[:3] == [
        (0, 'name', 'Ana', 'user', said['name']),
        (0, 'city', 'Recife', 'user', said['city']),
        (0, 'brands', ['Fiat'], 'model', said['brands']),
    ]
    assert [(one[:3], one[4] != said['city']) for one in told[3:]] == [((2, 'city', 'Olinda'), True)]
    assert facts[0]['old'] is facts[4]['old'] is None
    assert facts[4]['at'] > facts[0]['at']


async def test_what_was_carried_counts_as_filled_in_no_turn(back: Shop) -> None:
    await back.hear(Change(field='budget_max', value=60_000))
    await back.archived()

    found = await history.fields(back.archive)
    rows = {row[0]: dict(zip(found.columns, row, strict=True)) for row in found.rows}
    assert [rows['city'][name] for name in ('filled', 'empty', 'median_turn', 'corrected')] == [2, 0, 1, 0]
    assert [rows['urgency'][name] for name in ('filled', 'empty')] == [1, 1]


async def test_erasure_takes_what_was_carried(back: Shop) -> None:
    await back.hear(Change(field='budget_max', value=60_000))
    await back.archived()
    assert {fact['version'] for fact in (await back.rights.export(PERSON)).data['facts']} == {0, 1}
    await back.rights.forget(PERSON)
    await back.hear(Change(field='budget_max', value=70_000))

    assert await back.leads() == [('open', {'budget_max': 70_000})]
    facts = (await back.rights.export(PERSON)).data['facts']
    assert [(fact['version'], fact['field']) for fact in facts] == [(1, 'budget_max')]
