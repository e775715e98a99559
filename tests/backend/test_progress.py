"""How sessions got where they are comes out the same however their turns are divided into batches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._rows import EventRow, Rows
from tests.backend.rows import BEGUN, CLOSED, batch, turn


def event(version: int, kind: str, data: str = '{}') -> EventRow:
    return EventRow('ana:1', 'ana', version, kind, None, data, BEGUN)


def closed(reason: str = 'expired', *, session: str = 'ana:1') -> Rows:
    row = CLOSED._replace(session_id=session, contact_id=session.partition(':')[0], state='completed', reason=reason)
    return Rows(sessions=(row,))


STORY = [
    turn(1),
    turn(1, session='bia:1', state='collecting_profile'),
    turn(2, state='collecting_profile')._replace(
        events=(event(2, 'state', '{"before": "greeting", "after": "collecting_profile"}'),)
    ),
    turn(3, state='car_details')._replace(events=(event(3, 'qualified'),)),
    turn(4, state='greeting'),
    closed(session='caio:1'),
    turn(2, session='bia:1', state='greeting'),
    closed(),
    turn(5, state='human_handoff'),
]
"""Ana qualifies, is closed and goes on; Bia goes back and forth; Caio is closed without a turn."""


async def sessions(path: Path, batches: Sequence[Sequence[Rows]]) -> list[tuple[object, ...]]:
    archive, after = DuckDBArchive(path), '0-0'
    for number, rows in enumerate(batches, start=1):
        await archive.append(batch(*rows, after=after, offset=f'{number}-0'))
        after = f'{number}-0'
    query = 'SELECT session_id, reason, version, state, reached, said, said_to_qualify FROM sessions ORDER BY ALL'
    found = await archive.work(lambda connection: connection.execute(query).fetchall())
    await archive.close()
    return found


@pytest.mark.parametrize('size', [1, 2, 3, 4])
async def test_sessions_are_the_same_in_batches_of_any_size(tmp_path: Path, size: int) -> None:
    whole = await sessions(tmp_path / 'whole', [STORY])
    parts = await sessions(tmp_path / 'parts', [STORY[n : n + size] for n in range(0, len(STORY), size)])
    assert parts == whole
    assert whole == [
        ('ana:1', 'expired', 2, 'completed', 'greeting,collecting_profile,car_details,completed', 4, 3),
        ('ana:1', 'open', 5, 'human_handoff', 'human_handoff', 1, None),
        ('bia:1', 'open', 2, 'greeting', 'collecting_profile,greeting', 2, None),
        ('caio:1', 'expired', 2, 'completed', 'completed', 0, None),
    ]


async def test_a_session_is_closed_whatever_the_reason_is_called(tmp_path: Path) -> None:
    path = tmp_path / 'history'
    await sessions(path, [[turn(1)], [closed('open')]])
    archive = DuckDBArchive(path)
    query = 'SELECT (SELECT count(*) FROM open_sessions), (SELECT count(*) FROM archived_sessions)'
    await archive.offset(0)
    assert await archive.work(lambda connection: connection.execute(query).fetchall()) == [(0, 1)]
    await archive.close()


async def test_a_change_of_state_that_does_not_say_where_to_goes_where_the_turn_ended(tmp_path: Path) -> None:
    moved = turn(1, state='car_details')._replace(events=(event(1, 'state'),))
    [(*_, reached, _, _)] = await sessions(tmp_path / 'history', [[moved]])
    assert reached == 'car_details'
