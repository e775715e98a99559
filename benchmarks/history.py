"""What the history costs: `python -m benchmarks.history [--messages 10000000] [--turns 100000] [--json]`.

Archiving: rows a second of a backlog in a real outbox, sealed as it is by default, into a new file, by an archiver that
runs already; against `executemany` and an Arrow bulk load of the same rows into a file that is opened with the same
settings (`make bench-history` brings pyarrow). Reading: one contact's transcript and the funnel over generated messages,
the last 100,000 of which came after the file was sorted, how long sorting took, and the file's size.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import importlib
import json
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from agent_memory.backend import _history as history
from agent_memory.backend._archive import Batch, Entry, Unread
from agent_memory.backend._archiver import Archiver
from agent_memory.backend._duckdb import CONFIG, DuckDBArchive
from agent_memory.backend._packing import pack
from agent_memory.backend._reading import ReaderProcess
from agent_memory.backend._redis import RedisStore
from agent_memory.backend._rows import Rows
from agent_memory.codec import Codec
from agent_memory.history import rows_of
from agent_memory.lead import CAR_LEAD
from agent_memory.profile import Fact
from agent_memory.turn import TurnRecord, UserMessage
from agent_memory.vault import Vault
from tests.servers import valkey

BATCH_ROWS = 10_000
STARTED_MS = 1_767_225_600_000
ROUNDS = 5
FEW = 500
"""Turns that `executemany` is given: it takes minutes for more."""
UNSORTED = 100_000
"""Messages that came since the file was sorted; it is sorted again when more did."""
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


def contact(n: int) -> str:
    return f'{n % 500:032x}'


async def sealed(codec: Codec[Any], vault: Vault, n: int) -> bytes:
    """Return the n-th turn as a commit leaves it."""
    return codec.of(await vault.box(contact(n))).write_turn(record(n), started_ms=STARTED_MS, version=n)


async def fill(store: RedisStore, bodies: Sequence[bytes], *, partition: int = 0) -> None:
    """Put entries into the outbox as commits would, without paying for the commits."""
    client: Any = store.client
    for start in range(0, len(bodies), 5000):
        pipeline = client.pipeline(transaction=False)
        for n, body in enumerate(bodies[start : start + 5000], start):
            entry = {'kind': 'turn', 'contact': contact(n), 'started': STARTED_MS, 'version': n, 'commit': n}
            pipeline.xadd(f'am:{{{partition}}}:out', {**entry, 'body': body})
        await pipeline.execute()


async def archiving(turns: int, directory: Path) -> dict[str, float | None]:
    """Return rows a second of each way to write the same turns, each the median of rounds that take turns."""
    codec, vault = Codec(CAR_LEAD), Vault.at(directory / 'keys')
    bodies = [await sealed(codec, vault, n) for n in range(turns)]
    decode = rows_of(codec, vault)
    rates: dict[str, list[float]] = {'archiver': [], 'append': [], 'arrow': [], 'executemany': []}
    async with valkey(directory / 'valkey') as server, ReaderProcess() as reader:
        store = RedisStore.from_url(server.url, partitions=1)
        await store.open(None)
        for turn in range(ROUNDS):
            await fill(store, bodies)
            entries = await store.outbox.read(0, after='0-0', count=turns, block=timedelta(0))
            rows = [await made(decode, entry) for entry in entries]
            each = sum(len(getattr(rows[0], name)) for name in TABLES)
            batch = BATCH_ROWS // each
            into = directory / str(turn)
            into.mkdir()
            end_to_end, appended = (DuckDBArchive(into / name) for name in ('archiver', 'append'))
            for archive in (end_to_end, appended):
                await archive.offset(0)
            archiver = Archiver(store.outbox, end_to_end, decode, reader, batch=batch)
            gc.collect()
            gc.freeze()  # what this benchmark holds is not for the archiver's collector to walk through
            rates['archiver'].append(turns * each / await timed(archiver.drain))
            seconds = await timed(partial(append, appended, entries, rows, batch))
            rates['append'].append(turns * each / seconds)
            for archive in (end_to_end, appended):
                await archive.close()
            loaded = await asyncio.to_thread(arrow_load, rows, batch, into / 'arrow')
            if loaded:
                rates['arrow'].append(turns * each / loaded)
            few = rows[:FEW]
            rates['executemany'].append(len(few) * each / await asyncio.to_thread(executemany, few, into / 'many'))
        await store.aclose()
    await vault.close()
    return {way: statistics.median(found) if found else None for way, found in rates.items()}


async def made(decode: Callable[[Entry], Awaitable[Rows | Unread]], entry: Entry) -> Rows:
    found = await decode(entry)
    return found if isinstance(found, Rows) else found.make(found.entry, found.key)


async def append(archive: DuckDBArchive, entries: Sequence[Entry], rows: Sequence[Rows], batch: int) -> None:
    """Write what is decoded already."""
    after = '0-0'
    for start in range(0, len(rows), batch):
        offset = entries[min(start + batch, len(rows)) - 1].id
        await archive.append(Batch(0, after, offset, pack(rows[start : start + batch])))
        after = offset


def tables_of(rows: Sequence[Rows]) -> dict[str, list[Any]]:
    return {table: [row for entry in rows for row in getattr(entry, name)] for name, table in TABLES.items()}


def columns_of(row: Any) -> str:
    return ', '.join('time' if name == 'at' else f'"{name}"' for name in row._fields)


def empty(path: Path) -> duckdb.DuckDBPyConnection:
    asyncio.run(_create(path))
    return duckdb.connect(path, config=CONFIG)


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
            columns: list[Any] = [list(column) for column in zip(*held, strict=True)]
            loaded: Any = pa.table(dict(zip(held[0]._fields, columns, strict=True)))
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
        places = ', '.join('?' for _ in held[0])
        connection.executemany(
            f'INSERT INTO {table} ({columns_of(held[0])}) VALUES ({places})', [list(row) for row in held]
        )
    connection.commit()
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


def generate(path: Path, *, first: int, last: int, of: int) -> None:
    """Write sessions of five turns, ten messages each, 5,000 of them talking at a time, three sessions a contact."""
    connection = empty(path)
    connection.execute(
        """
        CREATE TEMP TABLE made AS
        SELECT
            md5((s % ($of // 3 + 1))::VARCHAR) AS contact,
            TIMESTAMP '2026-01-01' + to_hours((s // 5000)::INTEGER) AS started,
            contact || ':' || epoch_ms(started) AS session,
            v, started + to_seconds(v * 240 + (hash(s * 7 + v) % 60)::BIGINT) AS at_, (hash(s) % 1000000)::BIGINT AS h
        FROM range($first, $last) AS sessions (s), range(1, 6) AS turns (v)
        ORDER BY s // 5000, v, h
        """,
        {'first': first, 'last': last, 'of': of},
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
    path, sessions = directory / 'history.duckdb', messages // 10
    sorted_ = max(sessions - UNSORTED // 10, 0)
    await asyncio.to_thread(generate, path, first=0, last=sorted_, of=sessions)
    archive = DuckDBArchive(path)
    await archive.offset(0)
    sorting = await timed(archive.rewrite)
    await archive.close()
    await asyncio.to_thread(generate, path, first=sorted_, last=sessions, of=sessions)
    await archive.offset(0)
    contacts = random.Random(1).sample(range(sessions // 3 + 1), 300)
    ids = [hashlib.md5(str(one).encode()).hexdigest() for one in contacts]
    one = sorted(
        [await timed(lambda contact=contact: history.transcript(archive, contact, limit=50)) for contact in ids]
    )
    whole = [await timed(lambda: history.funnel(archive)) for _ in range(7)]
    await archive.close()
    return {
        'messages': messages,
        'sort_s': sorting,
        'contact_p50_ms': statistics.median(one) * 1000,
        'contact_p99_ms': one[int(len(one) * 0.99) - 1] * 1000,
        'funnel_ms': statistics.median(whole) * 1000,
        'file_mb': path.stat().st_size / 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--messages', type=int, default=10_000_000)
    parser.add_argument('--turns', type=int, default=100_000)
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
