"""What the history costs: `python -m benchmarks.history [--messages 10000000] [--turns 20000] [--json]`.

Archiving: rows a second from a real outbox into a new file, against `executemany` and an Arrow bulk load of the same
rows (needs pyarrow). Reading: one contact's transcript and the funnel over generated messages, and the file's size.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from agent_memory.backend import _history as history
from agent_memory.backend._archive import Batch, Rows
from agent_memory.backend._archiver import Archiver
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._redis import RedisStore
from agent_memory.codec import Codec
from agent_memory.history import rows_of
from agent_memory.lead import CAR_LEAD
from agent_memory.profile import Fact
from agent_memory.turn import TurnRecord, UserMessage
from tests.servers import valkey

BATCH_ROWS = 10_000
TABLES = {'turns': 'turns', 'messages': 'message_history', 'facts': 'facts'}
TEXT = 'Boa tarde, quero um carro automático para a família, até 60 mil reais, de preferência hatch. O que vocês têm?'
STATES = ['greeting', 'collecting_profile', 'generating_recommendations', 'showing_recommendations', 'car_details']


def record(n: int) -> TurnRecord:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n)
    return TurnRecord(
        turn=n,
        at=at,
        messages=[UserMessage(id=f'm{n}', text=f'{TEXT} {n}', at=at - timedelta(seconds=4))],
        reply=f'Anotado! Você tem preferência por alguma marca? {n}',
        state=STATES[n % 5],
        score=n % 100,
        completeness=0.5,
        facts=[Fact(field='budget_max', value=n, at=at, message=f'm{n}')],
        model='rules-pt-br',
        usage={'requests': 2, 'input_tokens': 900, 'output_tokens': 40},
        duration_ms=1200,
    )


async def fill(store: RedisStore, bodies: Sequence[bytes]) -> None:
    """Put entries into the outbox as commits would, without paying for the commits."""
    client: Any = store.client
    for start in range(0, len(bodies), 5000):
        pipeline = client.pipeline(transaction=False)
        for n, body in enumerate(bodies[start : start + 5000], start):
            entry = {'kind': 'turn', 'contact': f'{n % 500:032x}', 'started': 1767225600000, 'version': n, 'commit': n}
            pipeline.xadd('am:{0}:out', {**entry, 'body': body})
        await pipeline.execute()


async def archiving(turns: int, directory: Path) -> dict[str, float | None]:
    """Return rows a second of each way to write the same turns."""
    codec = Codec(CAR_LEAD)
    bodies = [codec.write_turn(record(n)) for n in range(turns)]
    decode = rows_of(codec)
    async with valkey(directory / 'valkey') as server:
        store = RedisStore.from_url(server.url, partitions=1)
        await store.open(None)
        await fill(store, bodies)
        entries = await store.outbox.read(0, after='0-0', count=turns, block=timedelta(0))
        rows = [await decode(entry) for entry in entries]
        count = turns * sum(len(getattr(rows[0], name)) for name in TABLES)
        batch = BATCH_ROWS * turns // count
        archive = DuckDBArchive(directory / 'archiver.duckdb')
        await archive.offset(0)
        end_to_end = await timed(lambda: Archiver(store.outbox, archive, decode, batch=batch).drain())
        await archive.close()
        await store.aclose()

    async def append() -> None:
        after = '0-0'
        for start in range(0, turns, batch):
            offset = entries[min(start + batch, turns) - 1].id
            await alone.append(Batch(0, after, offset, rows[start : start + batch]))
            after = offset

    alone = DuckDBArchive(directory / 'append.duckdb')
    await alone.offset(0)
    appended = await timed(append)
    await alone.close()
    few = max(1, min(turns, 700))
    arrow = await asyncio.to_thread(arrow_load, rows, batch, directory / 'arrow.duckdb')
    many = await asyncio.to_thread(executemany, rows[:few], directory / 'executemany.duckdb')
    return {
        'archiver': count / end_to_end,
        'append': count / appended,
        'arrow': count / arrow if arrow else None,
        'executemany': count * few / turns / many,
    }


def tables_of(rows: Sequence[Rows]) -> dict[str, list[Any]]:
    return {table: [row for entry in rows for row in getattr(entry, name)] for name, table in TABLES.items()}


def columns_of(row: Any) -> str:
    return ', '.join('time' if item.name == 'at' else f'"{item.name}"' for item in fields(row))


def empty(path: Path) -> duckdb.DuckDBPyConnection:
    asyncio.run(_create(path))
    return duckdb.connect(path)


async def _create(path: Path) -> None:
    archive = DuckDBArchive(path)
    await archive.offset(0)
    await archive.close()


def arrow_load(rows: Sequence[Rows], batch: int, path: Path) -> float | None:
    """Return the seconds of a bulk load in transactions of `batch` turns, or `None` without pyarrow."""
    try:
        pa: Any = importlib.import_module('pyarrow')
    except ImportError:
        return None
    connection = empty(path)
    connection.execute("SET TimeZone = 'UTC'")
    started = time.perf_counter()
    for start in range(0, len(rows), batch):
        connection.begin()
        for table, held in tables_of(rows[start : start + batch]).items():
            columns: list[Any] = [list(column) for column in zip(*map(_values, held), strict=True)]
            loaded: Any = pa.table({item.name: column for item, column in zip(fields(held[0]), columns, strict=True)})
            connection.register('loaded', loaded)
            connection.execute(f'INSERT INTO {table} ({columns_of(held[0])}) SELECT * FROM loaded')
        connection.commit()
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


def executemany(rows: Sequence[Rows], path: Path) -> float:
    connection = empty(path)
    started = time.perf_counter()
    connection.begin()
    for table, held in tables_of(rows).items():
        places = ', '.join('?' for _ in fields(held[0]))
        connection.executemany(
            f'INSERT INTO {table} ({columns_of(held[0])}) VALUES ({places})', [list(_values(row)) for row in held]
        )
    connection.commit()
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


def _values(row: Any) -> tuple[Any, ...]:
    return tuple(getattr(row, item.name) for item in fields(row))


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


def generate(path: Path, messages: int) -> None:
    """Write sessions of five turns, ten messages each, 5,000 of them talking at a time, three sessions a contact."""
    connection = empty(path)
    sessions = messages // 10
    connection.execute(
        """
        CREATE TEMP TABLE made AS
        SELECT
            md5((s % ($sessions // 3 + 1))::VARCHAR) AS contact,
            TIMESTAMP '2026-01-01' + to_hours((s // 5000)::INTEGER) AS started,
            contact || ':' || epoch_ms(started) AS session,
            v, started + to_seconds(v * 240 + (hash(s * 7 + v) % 60)::BIGINT) AS at_, (hash(s) % 1000000)::BIGINT AS h
        FROM range($sessions) AS sessions (s), range(1, 6) AS turns (v)
        ORDER BY s // 5000, v, h
        """,
        {'sessions': sessions},
    )
    connection.execute(
        """
        INSERT INTO turns (
            session_id, contact_id, started_at, version, turn, commit_id, time, sent_at, state, score, completeness,
            model, usage, cost, duration_ms, record
        )
        SELECT session, contact, started, v, v, md5(session || v), at_, at_ - to_seconds(4), $states[1 + least(4, v - 1 + h % 2)],
               (h % 5) * 5 + v * 12, v * 0.2, 'rules', '{}', NULL, 900 + h % 500, '{"turn":' || v || '}'
        FROM made
        """,
        {'states': STATES},
    )
    connection.execute(
        """
        INSERT INTO message_history
        SELECT session || ':' || v || ':' || k, session, contact, if(k = 0, 'user', 'assistant'),
               $text || ' ' || (h % 100000) || v || k, at_ + to_seconds(k * 4)
        FROM made, range(2) AS lines (k)
        """,
        {'text': TEXT},
    )
    connection.execute(
        """
        INSERT INTO archived_sessions (
            session_id, contact_id, started_at, version, state, turn, profile, summary, score, completeness,
            created_at, updated_at, reason, archived_at, reached, said
        )
        SELECT session, contact, started, v, $states[1 + least(4, v - 1 + h % 2)], v, '{"city":"Recife"}', '',
               (h % 5) * 5 + v * 12, v * 0.2, started, at_, 'expired', at_,
               array_to_string($states[1 + h % 2:], ','), v
        FROM made WHERE v = 5 AND h % 100 > 0
        """,
        {'states': STATES},
    )
    connection.close()


async def reading(messages: int, directory: Path) -> dict[str, float]:
    """Return latencies in ms and the file's size in MB."""
    path = directory / 'history.duckdb'
    await asyncio.to_thread(generate, path, messages)
    archive = DuckDBArchive(path)
    await archive.offset(0)
    ids = [str(row[0]) for row in (await history.leads(archive, score=80, limit=300)).rows]
    one = sorted(
        [await timed(lambda contact=contact: history.transcript(archive, contact, limit=50)) for contact in ids]
    )
    whole = [await timed(lambda: history.funnel(archive)) for _ in range(7)]
    await archive.close()
    return {
        'messages': messages,
        'contact_p50_ms': statistics.median(one) * 1000,
        'contact_p99_ms': one[int(len(one) * 0.99) - 1] * 1000,
        'funnel_ms': statistics.median(whole) * 1000,
        'file_mb': path.stat().st_size / 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--messages', type=int, default=10_000_000)
    parser.add_argument('--turns', type=int, default=20_000)
    parser.add_argument('--json', action='store_true')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        written = asyncio.run(archiving(options.turns, directory))
        read = asyncio.run(reading(options.messages, directory))
    if options.json:
        print(json.dumps({'rows_per_s': written, 'reading': read}))
        return
    for way, rate in written.items():
        print(f'{way:12} {rate:10,.0f} rows/s' if rate else f'{way:12} not installed')
    for name, value in read.items():
        print(f'{name:15} {value:,.2f}')


if __name__ == '__main__':
    main()
