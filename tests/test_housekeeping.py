"""What an open memory does beside its turns: idle sessions end and are archived, old rows of the history go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent_memory import settings
from agent_memory._turns import Turn
from agent_memory.backend import _history as history
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._rows import Rows
from agent_memory.lead import CAR_LEAD
from agent_memory.profile import Change
from agent_memory.session import Inbound
from agent_memory.settings import MemorySettings
from agent_memory.turn import PatchProfile
from tests.backend.rows import batch, turn
from tests.servers import until

ANA = '+5511999990000'


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep house every few moments instead of every few seconds."""
    monkeypatch.setattr(settings, '_ANCHOR', timedelta(milliseconds=50))
    monkeypatch.setattr(settings, '_SWEEP', timedelta(milliseconds=50))


async def test_an_idle_session_is_archived_and_the_next_one_knows_its_profile(tmp_path: Path) -> None:
    async with MemorySettings(data_dir=tmp_path, session_ttl=timedelta(milliseconds=200)).open(CAR_LEAD) as memory:
        manager = memory.manager
        for number, changes in enumerate(([Change(field='city', value='Recife')], [])):
            inbound = Inbound(contact=ANA, message_id=f'm{number}', text='oi')
            async with manager.turn(inbound) as one:
                assert isinstance(one, Turn)
                outcome = await one.commit(reply='ok', actions=[PatchProfile(changes=changes)] if changes else [])
            assert (outcome.session.turn, outcome.session.profile.city) == (1, 'Recife')

            async def closed(times: int = number + 1) -> bool:
                past = await manager.get_user_history(ANA)
                return [one.reason for one in past] == ['expired'] * times

            await until(closed, seconds=20)
            assert await manager.get_session(ANA) is None


async def test_what_outlived_its_rule_goes_without_a_hand(tmp_path: Path) -> None:
    archive = DuckDBArchive(tmp_path / 'history.duckdb')
    old = datetime.now(UTC) - timedelta(days=2)
    rows = turn(1)
    said = tuple(line._replace(at=old) for line in rows.messages)
    await archive.append(batch(rows._replace(messages=said), Rows(turns=turn(2).turns)))
    await archive.close()

    async with MemorySettings(data_dir=tmp_path, retain_days={'message_history': 1}).open(CAR_LEAD):

        async def gone() -> bool:
            return (await history.transcript(archive, 'ana')).rows == ()

        await until(gone, seconds=20)
        assert (await history.response_times(archive)).rows[0][1] == 2
        noted = await archive.ask('audit', after=0, contact='', limit=10)
        assert [row[2:4] for row in noted.rows] == [('retention', 'system')]
