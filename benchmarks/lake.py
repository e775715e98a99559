"""What a lake gives: `python -m benchmarks.lake [--turns 20000] [--json]`.

Rows a second from a real outbox of two partitions: into one file by one archiver, into a lake by one archiver, and by two
archivers with a partition each. Archivers are processes of their own; PostgreSQL and Parquet are on this machine's disk.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import tempfile
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

from agent_memory.backend._archiver import Archiver
from agent_memory.backend._open import open_archive
from agent_memory.backend._redis import RedisStore
from agent_memory.codec import Codec
from agent_memory.history import rows_of
from agent_memory.lead import CAR_LEAD
from benchmarks.history import fill, record
from tests.postgres import new_catalog, postgres
from tests.servers import valkey

_PROCESSES = multiprocessing.get_context('spawn')
_ROWS_OF_A_TURN = 4


def archive(url: str, where: str, only: tuple[int, ...], start: Barrier) -> None:
    """Archive what the outbox holds, once everybody is ready."""
    asyncio.run(_archive(url, where, only, start))


async def _archive(url: str, where: str, only: tuple[int, ...], start: Barrier) -> None:
    held = open_archive(where)
    store = RedisStore.from_url(url)
    archiver = Archiver(store.outbox, held, rows_of(Codec(CAR_LEAD)), only=only)
    for partition in only:
        await held.offset(partition)
    start.wait()
    await archiver.drain()
    await held.close()
    await store.aclose()


async def timed(url: str, where: str, groups: list[tuple[int, ...]], turns: int) -> float:
    """Return rows a second of one archiver for each group of partitions."""
    codec = Codec(CAR_LEAD)
    store = RedisStore.from_url(url, partitions=2)
    await store.open(None)
    bodies = [codec.write_turn(record(n)) for n in range(turns // 2)]
    for partition in range(2):
        await fill(store, bodies, partition=partition)
    await store.aclose()
    start = _PROCESSES.Barrier(len(groups) + 1)
    processes = [_PROCESSES.Process(target=archive, args=(url, where, only, start)) for only in groups]
    for process in processes:
        process.start()
    start.wait()
    began = time.perf_counter()
    for process in processes:
        process.join()
    return turns * _ROWS_OF_A_TURN / (time.perf_counter() - began)


async def measure(turns: int) -> dict[str, float]:
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name, postgres() as server:
        await server.start()
        ways = {'file': [(0, 1)], 'lake, one archiver': [(0, 1)], 'lake, two archivers': [(0,), (1,)]}
        for way, groups in ways.items():
            directory = Path(name, way.replace(' ', ''))
            where = str(directory / 'history.duckdb')
            if way != 'file':
                where = new_catalog(server)
                made = open_archive(where, data=directory / 'lake')
                await made.ask('erasures')
                await made.close()
            async with valkey(directory) as outbox:
                found[way] = await timed(outbox.url, where, groups, turns)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--turns', type=int, default=20_000)
    parser.add_argument('--json', action='store_true')
    options = parser.parse_args()
    found = asyncio.run(measure(options.turns))
    if options.json:
        print(json.dumps(found))
        return
    for way, rows in found.items():
        print(f'{way:20} {rows:10,.0f} rows/s  {rows / found["file"]:.2f} of the file')


if __name__ == '__main__':
    main()
