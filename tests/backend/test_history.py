"""What the history answers, in the process that holds the file and in others."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import duckdb
import pytest
from inline_snapshot import snapshot

from agent_memory.backend import _history as history
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._endpoint import serve_history, socket_of
from agent_memory.backend._history import Answer, Period
from agent_memory.backend._redis import RedisStore
from agent_memory.backend._rows import EventRow, FactRow, Rows
from agent_memory.backend._threaded import Stop
from agent_memory.errors import ArchiveUnavailable
from tests.backend.outbox import running_archiver
from tests.backend.rows import BEGUN, CLOSED, batch, turn
from tests.servers import until


@pytest.fixture
async def told(archive: DuckDBArchive) -> DuckDBArchive:
    """Ana qualifies in her third turn and is closed; Bia is greeted; Caio came a month later."""
    ana = [turn(1), turn(2, state='collecting_profile'), turn(3, state='car_details')]
    came = ana[0].turns[0]._replace(source='ad:7', asked='city,urgency')
    ana[0] = ana[0]._replace(turns=(came,))
    ana[1] = ana[1]._replace(turns=(ana[1].turns[0]._replace(asked='urgency'),))
    qualified = ana[2].turns[0]._replace(score=72, sent_at=ana[2].turns[0].at - timedelta(seconds=4))
    ana[2] = ana[2]._replace(
        turns=(qualified,),
        facts=(_fact(2, 'city', '"Recife"'), _fact(3, 'city', '"Olinda"'), _fact(3, 'budget_max', '50000')),
        events=(EventRow('ana:1', 'ana', 3, 'qualified', None, '{}', qualified.at),),
    )
    closed = CLOSED._replace(version=3, turn=3, state='car_details', score=72)
    late = turn(1, session='caio:1')
    caio = late._replace(turns=(late.turns[0]._replace(started_at=BEGUN + timedelta(days=30)),))
    await archive.append(batch(*ana, Rows(sessions=(closed,)), turn(1, session='bia:1'), caio))
    return archive


def _fact(version: int, field: str, new: str) -> FactRow:
    return FactRow('ana:1', 'ana', version, field, None, new, None, 'user', BEGUN)


def plain(answer: Answer) -> list[dict[str, object]]:
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


async def test_the_funnel_counts_each_session_once_per_state(told: DuckDBArchive) -> None:
    assert plain(await history.funnel(told)) == snapshot(
        [
            {'state': 'greeting', 'reached': 3, 'ended': 0, 'drop_off': 0.0},
            {'state': 'car_details', 'reached': 1, 'ended': 1, 'drop_off': 1.0},
            {'state': 'collecting_profile', 'reached': 1, 'ended': 0, 'drop_off': 0.0},
        ]
    )


async def test_a_period_leaves_out_sessions_that_started_elsewhere(told: DuckDBArchive) -> None:
    recent = Period(since=BEGUN + timedelta(days=1))
    assert plain(await history.funnel(told, recent)) == snapshot(
        [{'state': 'greeting', 'reached': 1, 'ended': 0, 'drop_off': 0.0}]
    )
    assert plain(await history.scores(told, recent)) == snapshot([{'score_from': 10, 'sessions': 1, 'share': 1.0}])


async def test_qualification_tells_how_many_and_what_it_took(told: DuckDBArchive) -> None:
    assert plain(await history.qualification(told)) == snapshot(
        [
            {
                'sessions': 3,
                'qualified': 1,
                'share': 0.3333,
                'median_minutes': 3.0,
                'p90_minutes': 3.0,
                'median_messages': 3.0,
                'p90_messages': 3.0,
            }
        ]
    )


async def test_scores_are_spread_over_bands(told: DuckDBArchive) -> None:
    assert plain(await history.scores(told)) == snapshot(
        [
            {'score_from': 10, 'sessions': 2, 'share': 0.6667},
            {'score_from': 70, 'sessions': 1, 'share': 0.3333},
        ]
    )


async def test_response_time_is_from_the_message_to_the_commit(told: DuckDBArchive) -> None:
    assert plain(await history.response_times(told)) == snapshot(
        [{'day': '2026-11-22', 'turns': 5, 'median_s': 3.0, 'p90_s': 3.6, 'longest_s': 4.0}]
    )


async def test_fields_tell_what_is_asked_and_stays_empty(told: DuckDBArchive) -> None:
    asked = [row[0] for row in (await history.fields(told)).rows]
    assert asked == ['urgency', 'budget_max', 'city']
    assert plain(await history.fields(told))[:2] == snapshot(
        [
            {
                'field': 'urgency',
                'asked_sessions': 1,
                'asked_times': 2,
                'filled': 0,
                'empty': 3,
                'asked_and_empty': 1,
                'empty_share': 1.0,
                'corrected': 0,
                'median_turn': None,
            },
            {
                'field': 'budget_max',
                'asked_sessions': 0,
                'asked_times': 0,
                'filled': 1,
                'empty': 2,
                'asked_and_empty': 0,
                'empty_share': None,
                'corrected': 0,
                'median_turn': 3,
            },
        ]
    )


async def test_sources_tell_where_leads_come_from(told: DuckDBArchive) -> None:
    assert plain(await history.sources(told)) == snapshot(
        [
            {
                'source': 'direct',
                'sessions': 2,
                'qualified': 0,
                'share': 0.0,
                'mean_score': 12.5,
                'handed_over': 0,
            },
            {
                'source': 'ad:7',
                'sessions': 1,
                'qualified': 1,
                'share': 1.0,
                'mean_score': 72.0,
                'handed_over': 0,
            },
        ]
    )


async def test_leads_are_the_sessions_above_the_bar(told: DuckDBArchive) -> None:
    assert [(row[0], row[5], row[8]) for row in (await history.leads(told)).rows] == snapshot(
        [('ana', 72.0, 'expired')]
    )


async def test_a_transcript_runs_over_sessions(told: DuckDBArchive) -> None:
    answer = await history.transcript(told, 'ana', limit=3)
    assert [row[5] for row in answer.rows] == ['resposta 2', 'pergunta 3', 'resposta 3']
    assert answer.rows[-1][3] == BEGUN + timedelta(minutes=3)


async def test_a_question_of_an_empty_history_is_answered(archive: DuckDBArchive) -> None:
    assert (await history.funnel(archive)).rows == ()
    assert plain(await history.qualification(archive))[0]['sessions'] == 0


async def test_a_question_that_takes_too_long_is_ended(told: DuckDBArchive, path: Path) -> None:
    await told.close()
    with duckdb.connect(path) as connection:
        connection.execute('INSERT INTO facts SELECT facts.* FROM facts, range(200_000)')
    hasty = DuckDBArchive(path, query_limit=timedelta(milliseconds=5))
    with pytest.raises(ArchiveUnavailable, match=r'no answer within 0\.005 s'):
        await history.fields(hasty)


async def test_a_question_whose_time_is_over_as_it_begins_is_ended() -> None:
    with duckdb.connect() as connection:
        stop = Stop()
        stop.watch(connection)
        stop()
        endless = (
            'SELECT count(*) FROM range(1_000_000_000) AS a, range(1_000_000) AS b WHERE a.range * b.range % 7 = 3'
        )
        with pytest.raises(duckdb.InterruptException):
            await anyio.to_thread.run_sync(connection.execute, endless)


async def test_reading_does_not_keep_the_file_from_a_writer(told: DuckDBArchive, path: Path) -> None:
    await told.close()
    await history.funnel(told)
    with duckdb.connect(path):
        pass


async def test_other_processes_read_through_the_one_that_holds_the_file(
    redis_url: str, told: DuckDBArchive, path: Path
) -> None:
    await told.close()
    here = [await history.funnel(told), await history.leads(told), await history.transcript(told, 'ana')]
    sessions = await told.sessions('ana', limit=5)

    async def is_held() -> bool:
        return await anyio.Path(socket_of(path)).exists()

    async with running_archiver(redis_url, path) as process:
        await until(is_held)
        assert [await history.funnel(told), await history.leads(told), await history.transcript(told, 'ana')] == here
        assert await told.sessions('ana', limit=5) == sessions
        assert [line.content for line in await told.messages('ana:1', limit=1)] == ['resposta 3']
        process.kill()
        process.join()
    assert await history.funnel(told) == here[0]


async def test_the_endpoint_is_private_and_answers_nothing_but_questions(told: DuckDBArchive, path: Path) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve_history, told, path)
        await until(lambda: anyio.Path(socket_of(path)).exists())
        assert (await anyio.Path(socket_of(path)).stat()).st_mode & 0o777 == 0o600
        for request in (b'DROP TABLE turns', b'{"question": "../0001_history", "parameters": {}}', b'x' * 100_000):
            assert json.loads(await exchange(path, request)) == {'error': 'this is no question'}
        tasks.cancel_scope.cancel()


async def exchange(path: Path, request: bytes) -> bytes:
    async with await anyio.connect_unix(socket_of(path)) as stream:
        await stream.send(request)
        await stream.send_eof()
        return b''.join([part async for part in stream])


async def test_a_reader_polls_while_fifty_thousand_turns_are_archived(
    redis_url: str, store: RedisStore, path: Path
) -> None:
    await fill(store, 50_000)
    reader, seen = DuckDBArchive(path), [0]
    async with running_archiver(redis_url, path):
        while seen[-1] < 50_000:
            answer = await history.response_times(reader)
            seen.append(sum(int(str(row[1])) for row in answer.rows))
            await history.transcript(reader, 'contact7')
    assert seen == sorted(seen)
    assert len(set(seen)) > 5


async def fill(store: RedisStore, turns: int) -> None:
    """Put `turns` entries into the outbox as commits would, without paying for the commits."""
    client: Any = store.client
    for start in range(0, turns, 5000):
        pipeline = client.pipeline(transaction=False)
        for n in range(start, start + 5000):
            pipeline.xadd(
                'am:{0}:out',
                {
                    'kind': 'turn',
                    'contact': f'contact{n % 100}',
                    'started': 1,
                    'version': n,
                    'commit': n,
                    'body': json.dumps({'n': n}),
                },
            )
        await pipeline.execute()
