"""The audit is a chain: whoever changes, removes, reorders or cuts it is found out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import duckdb
import pytest

from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._endpoint import serve_history
from agent_memory.backend._ledger import AuditNote, Head, RequestStep
from agent_memory.backend._redis import RedisStore
from agent_memory.backend._retention import Rule, retain
from agent_memory.errors import ArchiveUnavailable, InvalidInput
from agent_memory.privacy._audit import Audit, operator
from tests.servers import until

CONTACT = 'AAAAAAAAAAAAAAAAAAAAAA'


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisStore]:
    store = RedisStore.from_url(redis_url)
    yield store
    await store.aclose()


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[DuckDBArchive]:
    archive = DuckDBArchive(tmp_path / 'history.duckdb')
    yield archive
    await archive.close()


@pytest.fixture
async def audit(archive: DuckDBArchive, store: RedisStore) -> Audit:
    audit = Audit(archive, store.anchor, actor='os:ana')
    for number in range(5):
        await audit.note('history', CONTACT, messages=number)
    return audit


async def by_hand(archive: DuckDBArchive, *statements: str) -> None:
    def change(connection: duckdb.DuckDBPyConnection) -> None:
        for statement in statements:
            connection.execute(statement)

    await archive.work(change)


async def test_a_chain_that_nobody_touched_is_whole(audit: Audit) -> None:
    verdict = await audit.verify()

    assert (verdict.ok, verdict.rows) == (True, 5)
    assert 'row 5 is the one anchored' in verdict.reason
    assert [(row.actor, row.action, row.contact_id, row.data) async for row in audit.rows(after=4)] == [
        ('os:ana', 'history', CONTACT, '{"messages":4}')
    ]


@pytest.mark.parametrize(
    ('statements', 'reason'),
    [
        (["UPDATE audit SET actor = 'os:bia' WHERE seq = 2"], 'row 2 was changed'),
        (['UPDATE audit SET contact_id = NULL WHERE seq = 5'], 'row 5 was changed'),
        (['UPDATE audit SET time = time - INTERVAL 1 DAY WHERE seq = 3'], 'row 3 was changed'),
        (['DELETE FROM audit WHERE seq = 3'], 'row 3 is missing'),
        (
            ['UPDATE audit SET seq = CASE seq WHEN 2 THEN 3 ELSE 2 END WHERE seq IN (2, 3)'],
            'row 2 does not follow row 1',
        ),
        (['INSERT INTO audit FROM audit WHERE seq = 4'], 'row 4 is there twice'),
        (['DELETE FROM audit WHERE seq > 3'], 'the newest rows are gone: row 5 was anchored, the chain ends at 3'),
        (['DELETE FROM audit'], 'the newest rows are gone'),
        (['DELETE FROM audit WHERE seq < 3'], 'the rows before 3 are gone'),
        (["INSERT INTO audit (action, actor, data) VALUES ('x', 'y', '{}')"], '1 rows belong to no chain'),
    ],
)
async def test_tampering_is_found(audit: Audit, archive: DuckDBArchive, statements: list[str], reason: str) -> None:
    await by_hand(archive, *statements)

    verdict = await audit.verify()

    assert not verdict.ok
    assert reason in verdict.reason


async def test_a_chain_written_anew_from_its_start_is_not_the_anchored_one(
    audit: Audit, archive: DuckDBArchive
) -> None:
    await by_hand(archive, 'DELETE FROM audit')
    forged = Audit(archive, actor='os:ana')
    for number in range(5):
        await forged.note('funnel', messages=number)

    assert (await forged.verify()).ok
    assert 'the chain was written anew: row 5' in (await audit.verify()).reason
    # What is noted later must not hide it.
    for _ in range(5):
        await audit.note('history', CONTACT)
    assert not (await audit.verify()).ok


async def test_after_a_restored_backup_the_operator_accepts_the_loss_and_the_chain_tells_so(
    audit: Audit, archive: DuckDBArchive
) -> None:
    await by_hand(archive, 'DELETE FROM audit WHERE seq > 3')

    await audit.accept()

    assert (await audit.verify()).ok
    [accepted] = [row async for row in audit.rows(after=3)]
    assert accepted.action == 'audit_accepted'
    assert '"anchored_seq":5' in accepted.data


async def test_retention_shortens_the_chain_and_notes_where(audit: Audit, archive: DuckDBArchive) -> None:
    await retain(archive, [Rule('audit', timedelta(0))], now=datetime.now(UTC) + timedelta(seconds=1))

    verdict = await audit.verify()

    assert (verdict.ok, verdict.rows) == (True, 1), verdict.reason
    await by_hand(archive, "UPDATE audit SET data = '{}'")
    assert not (await audit.verify()).ok


async def test_what_an_earlier_version_noted_becomes_the_start_of_the_chain(archive: DuckDBArchive) -> None:
    await by_hand(archive, "INSERT INTO audit (action, actor, data) VALUES ('retention', 'system', '{\"turns\":3}')")
    audit = Audit(archive)

    await audit.note('funnel')

    assert ((await audit.verify()).ok, [row.action async for row in audit.rows()]) == (True, ['retention', 'funnel'])


async def test_another_process_notes_through_the_one_that_holds_the_file(tmp_path: Path) -> None:
    holder, other = DuckDBArchive(tmp_path / 'history.duckdb'), DuckDBArchive(tmp_path / 'history.duckdb')
    await holder.offset(0)
    heads: list[Head] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve_history, holder, holder.path)
        await until(anyio.Path(f'{holder.path}.sock').exists)
        heads.append(await other.enter([AuditNote('export', 'os:bia', CONTACT)]))
        opened = RequestStep(CONTACT, 'access', 'opened', 'os:bia')
        await other.enter(steps=[opened])
        with pytest.raises(InvalidInput, match='request 7 is not open'):
            await other.enter(steps=[RequestStep(CONTACT, 'access', 'done', 'os:bia', number=7)])
        tasks.cancel_scope.cancel()
    assert [head.seq for head in heads] == [1]
    assert [row.action async for row in Audit(holder).rows()] == ['export']
    await holder.close()


async def test_nothing_is_done_that_cannot_be_noted(audit: Audit, archive: DuckDBArchive) -> None:
    await archive.close()
    archive.path.unlink()
    archive.path.mkdir()

    with pytest.raises(ArchiveUnavailable, match=r'history\.duckdb'):
        await audit.note('export', CONTACT)


def test_the_operator_is_who_the_system_says_and_not_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    before: Callable[[], str] = operator
    named = before()
    for name in ('LOGNAME', 'USER', 'LNAME', 'USERNAME'):
        monkeypatch.setenv(name, 'somebody-else')

    assert operator() == named
