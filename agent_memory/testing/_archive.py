"""`ArchiveContract`: what every archive must do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from agent_memory.backend._archive import Archive, Batch
from agent_memory.backend._packing import pack
from agent_memory.backend._rows import MessageRow, Rows, SessionRow, TurnRow
from agent_memory.errors import ArchiveUnavailable
from agent_memory.testing._given import refused

_BEGUN = datetime(2026, 1, 1, 12, tzinfo=UTC)


class ArchiveContract:
    """Inherit it and give it a fixture `archive`: an `Archive` with nothing in it."""

    async def test_a_batch_is_kept_with_its_offset(self, archive: Archive) -> None:
        assert await archive.offset(0) == '0-0'
        await archive.append(_batch([_turn(1)], offset='5-0'))
        assert (await archive.offset(0), await archive.offset(1)) == ('5-0', '0-0')
        assert [line.content for line in await archive.messages('ana:1', limit=9)] == ['question 1', 'answer 1']

    async def test_a_batch_sent_twice_is_kept_once(self, archive: Archive) -> None:
        for _ in range(2):
            await archive.append(_batch([_turn(1)], offset='5-0'))
        assert len(await archive.messages('ana:1', limit=9)) == 2

    async def test_a_batch_that_does_not_follow_the_offset_is_refused(self, archive: Archive) -> None:
        await archive.append(_batch([_turn(1)], offset='5-0'))
        with refused(ArchiveUnavailable):
            await archive.append(_batch([_turn(2)], after='4-0', offset='6-0'))
        assert len(await archive.messages('ana:1', limit=9)) == 2

    async def test_the_newest_messages_are_read_oldest_first(self, archive: Archive) -> None:
        await archive.append(_batch([_turn(version) for version in (1, 2, 3)], offset='5-0'))
        lines = await archive.messages('ana:1', limit=3)
        assert [line.content for line in lines] == ['answer 2', 'question 3', 'answer 3'][-len(lines) :]
        assert len(lines) == 3

    async def test_sessions_are_read_newest_first_with_their_reason(self, archive: Archive) -> None:
        await archive.append(_batch([_turn(1), _closed(1), _turn(1, session=2)], offset='5-0'))
        sessions = await archive.sessions('ana', limit=9)
        assert [(row.session_id, row.reason) for row in sessions] == [('ana:2', 'open'), ('ana:1', 'expired')]
        assert await archive.sessions('ana', limit=1) == sessions[:1]
        assert await archive.sessions('bia', limit=9) == []


def _batch(rows: Sequence[Rows], *, after: str = '0-0', offset: str) -> Batch:
    return Batch(0, after, offset, pack(rows))


def _turn(version: int, *, session: int = 1) -> Rows:
    at = _BEGUN + timedelta(days=session, minutes=version)
    session_id = f'ana:{session}'
    turn = TurnRow(
        session_id=session_id,
        contact_id='ana',
        started_at=_BEGUN + timedelta(days=session),
        version=version,
        turn=version,
        commit_id=f'{session}-{version}',
        at=at,
        sent_at=None,
        state='greeting',
        score=None,
        completeness=None,
        model=None,
        usage='{}',
        cost=None,
        duration_ms=None,
        record='{}',
    )
    lines = tuple(
        MessageRow(f'{session_id}:{version}:{place}', session_id, 'ana', role, f'{text} {version}', at)
        for place, (role, text) in enumerate((('user', 'question'), ('assistant', 'answer')))
    )
    return Rows(turns=(turn,), messages=lines)


def _closed(version: int) -> Rows:
    row = SessionRow(
        session_id='ana:1',
        contact_id='ana',
        started_at=_BEGUN + timedelta(days=1),
        version=version,
        state='completed',
        turn=version,
        profile='{}',
        summary='',
        score=None,
        completeness=None,
        created_at=_BEGUN,
        updated_at=_BEGUN,
        reason='expired',
    )
    return Rows(sessions=(row,))
