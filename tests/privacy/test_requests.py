"""What people ask for in the chat and what operators note of it: numbered, with a due date, until it is settled."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._ledger import AuditNote, RequestStep
from agent_memory.backend._rows import EventRow, Rows
from agent_memory.privacy._audit import Audit
from tests.backend.rows import BEGUN, batch, turn


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[DuckDBArchive]:
    archive = DuckDBArchive(tmp_path / 'history.duckdb')
    yield archive
    await archive.close()


def event(version: int, kind: str, **data: object) -> Rows:
    at = BEGUN + timedelta(minutes=version)
    return turn(version)._replace(
        events=(EventRow('ana:1', 'ana', version, kind, f'm{version}', json.dumps(data), at),)
    )


async def requests(archive: DuckDBArchive) -> list[tuple[object, ...]]:
    found = await archive.ask('requests', contact='', limit=100)
    return [row[:4] for row in found.rows]


async def test_a_request_in_the_chat_is_due_in_fifteen_days(archive: DuckDBArchive) -> None:
    await archive.append(batch(event(1, 'request', request='erasure', withdrawn=False)))

    found = await archive.ask('requests', contact='ana', limit=10)

    [row] = [dict(zip(found.columns, one, strict=True)) for one in found.rows]
    opened = BEGUN + timedelta(minutes=1)
    assert (row['kind'], row['step'], row['opened'], row['due']) == (
        'deletion',
        'opened',
        opened,
        opened + timedelta(days=15),
    )
    assert (row['opened_by'], row['message']) == ('contact', 'm1')
    assert [(note.action, note.actor, note.data) async for note in Audit(archive).rows()] == [
        ('request', 'contact', '{"request":"erasure","withdrawn":false}')
    ]


async def test_what_is_asked_twice_is_one_request_and_can_be_taken_back(archive: DuckDBArchive) -> None:
    asked = event(1, 'request', request='erasure', withdrawn=False)
    again = event(2, 'request', request='erasure', withdrawn=False)
    back = event(3, 'request', request='erasure', withdrawn=True)
    await archive.append(batch(asked, again, back))

    assert await requests(archive) == [(1, 'ana', 'deletion', 'withdrawn')]


async def test_who_revokes_or_opts_out_is_obeyed_at_once_and_that_is_kept(archive: DuckDBArchive) -> None:
    await archive.append(
        batch(
            event(1, 'request', request='opt_out', withdrawn=False),
            event(2, 'consent', given=False, action='revoked', purpose='sharing'),
        )
    )

    assert await requests(archive) == [(1, 'ana', 'revocation', 'done'), (2, 'ana', 'revocation', 'done')]


async def test_an_operator_opens_and_settles_requests(archive: DuckDBArchive) -> None:
    opened = RequestStep('bia', 'review', 'opened', 'os:ana')
    await archive.enter([AuditNote('request', 'os:ana', 'bia')], [opened, replace(opened, kind='access')])
    await archive.enter(steps=[replace(opened, step='done', number=1)])

    assert await requests(archive) == [(2, 'bia', 'access', 'opened'), (1, 'bia', 'review', 'done')]


async def test_a_wish_to_talk_to_a_person_is_no_request_of_the_ledger(archive: DuckDBArchive) -> None:
    await archive.append(batch(event(1, 'request', request='person', withdrawn=False), event(2, 'handoff', reason='x')))

    assert await requests(archive) == []
    assert [(note.action, note.data) async for note in Audit(archive).rows()] == [
        ('request', '{"request":"person","withdrawn":false}'),
        ('handoff', '{}'),
    ]


async def test_the_agent_hands_over_and_a_person_of_the_business_hands_back(archive: DuckDBArchive) -> None:
    await archive.append(batch(event(1, 'handoff', reason='x'), event(2, 'handback', state='greeting')))

    assert [(note.action, note.actor) async for note in Audit(archive).rows()] == [
        ('handoff', 'agent'),
        ('handback', 'operator'),
    ]
