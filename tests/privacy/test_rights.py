"""What an operator does for a person from code: shown, corrected, explained, erased, and noted before it is done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_memory import DuckDBArchive, Inbound, RedisStore, Rights, SessionManager, UserProfileData
from agent_memory.backend._archiver import Archiver
from agent_memory.errors import ArchiveUnavailable, InvalidInput, InvalidPatch, SetupError
from agent_memory.history import rows_of
from agent_memory.privacy import verify_receipt
from agent_memory.profile import Change
from agent_memory.turn import Ask, PatchProfile
from agent_memory.vault import Vault
from tests.servers import admin_url, url_for

ANA = '+5511999990000'


@pytest.fixture
async def rights(redis_url: str, tmp_path: Path) -> AsyncIterator[Rights[UserProfileData]]:
    archive = DuckDBArchive(tmp_path / 'history.duckdb')
    manager = SessionManager(
        RedisStore.from_url(url_for(admin_url(redis_url), 'operator')), archive, vault=Vault.at(tmp_path)
    )
    said = PatchProfile(changes=[Change(field='city', value='Recife'), Change(field='budget_max', value=60_000)])
    async with manager.turn(Inbound(contact=ANA, message_id='wamid.1', text='até 60 mil, moro em Recife')) as turn:
        await turn.commit(reply='Anotado!', actions=[said, Ask(request='erasure')])  # type: ignore[union-attr]
    assert isinstance(manager.store, RedisStore)
    await Archiver(manager.store.outbox, archive, rows_of(manager.codec, manager.vault)).drain()
    yield Rights(manager, tmp_path, actor='crm:ana')
    await manager.close()


async def noted(rights: Rights[UserProfileData]) -> list[str]:
    return [row.action async for row in rights.audit.rows() if row.actor == 'crm:ana']


async def test_a_person_is_shown_corrected_and_explained(rights: Rights[UserProfileData]) -> None:
    assert (await rights.export(ANA)).data['open_session']['profile']['city'] == 'Recife'
    assert await rights.correct(ANA, {'city': 'Olinda', 'state': 'PE', 'budget_max': None}) == (
        'city',
        'state',
        'budget_max',
    )

    session = await rights.manager.get_session(ANA)
    assert session is not None
    assert session.profile.known() == {'city': 'Olinda', 'state': 'PE'}
    explained = await rights.explain(ANA)
    assert explained is not None
    assert len(explained.behind()) == len(explained.score.parts)
    assert await noted(rights) == ['export', 'correct', 'explain']
    assert (await rights.audit.verify()).ok


async def test_the_words_behind_a_point_are_told_with_it(rights: Rights[UserProfileData]) -> None:
    explained = await rights.explain(ANA)

    assert explained is not None
    behind = dict(zip([part.rule for part in explained.score.parts], explained.behind(), strict=True))
    assert ['até 60 mil, moro em Recife'] in behind.values()


async def test_an_erasure_settles_its_request_and_its_receipt_can_be_checked(rights: Rights[UserProfileData]) -> None:
    [asked] = await rights.requests(ANA)
    assert (asked.kind, asked.step, asked.opened_by) == ('deletion', 'opened', 'contact')
    planned = await rights.plan(ANA)

    receipt = await rights.forget(ANA)

    assert planned.store == receipt.store
    assert verify_receipt(receipt.model_dump_json()) == receipt
    [settled] = await rights.requests(ANA)
    assert (settled.step, settled.updated_by) == ('done', 'crm:ana')
    assert await noted(rights) == ['requests', 'erasure_planned', 'erasure', 'requests']
    assert 'Recife' not in (await rights.export(ANA)).written()


async def test_a_request_from_elsewhere_is_opened_once_and_settled_once(rights: Rights[UserProfileData]) -> None:
    await rights.open_request(ANA, 'review')
    await rights.open_request(ANA, 'review')
    review = next(one for one in await rights.requests() if one.kind == 'review')

    await rights.settle(review.number, 'done')

    with pytest.raises(InvalidInput, match='is not open'):
        await rights.settle(review.number, 'done')
    with pytest.raises(InvalidInput, match='there is no request 99'):
        await rights.settle(99, 'done')


async def test_a_correction_that_does_not_fit_changes_nothing(rights: Rights[UserProfileData]) -> None:
    with pytest.raises(InvalidPatch, match='cpf'):
        await rights.correct(ANA, {'city': 'Olinda', 'cpf': '1'})

    session = await rights.manager.get_session(ANA)
    assert session is not None
    assert session.profile.city == 'Recife'


async def test_what_cannot_be_noted_is_not_done(rights: Rights[UserProfileData], tmp_path: Path) -> None:
    archive = rights.manager.archive
    assert isinstance(archive, DuckDBArchive)
    await archive.close()
    archive.path.unlink()
    archive.path.mkdir()

    with pytest.raises(ArchiveUnavailable):
        await rights.correct(ANA, {'city': 'Olinda'})

    session = await rights.manager.get_session(ANA)
    assert session is not None
    assert session.profile.city == 'Recife'


async def test_without_a_history_there_is_no_audit_and_nothing_is_done(redis_url: str, tmp_path: Path) -> None:
    manager = SessionManager(RedisStore.from_url(redis_url))

    with pytest.raises(SetupError, match='give it a `DuckDBArchive`'):
        await Rights(manager, tmp_path).export(ANA)
    await manager.close()
