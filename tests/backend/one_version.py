"""One process of one DuckDB version: appends turns to a history and prints what is in it then."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import duckdb

from agent_memory.backend._duckdb import DuckDBArchive
from tests.backend.rows import batch, turn


async def append(path: str, turns: list[int], *, killed: bool) -> None:
    """Append `turns`, one batch each, print the DuckDB version, what is archived and the funnel."""
    archive = DuckDBArchive(path)
    offset = await archive.offset(0)
    for number in turns:
        await archive.append(batch(turn(number), after=offset, offset=(offset := f'{number}-0')))
    lines = await archive.messages('ana:1', limit=1000)
    funnel = await archive.ask('funnel', since='1970-01-01', until='9999-01-01')
    found = {'duckdb': duckdb.__version__, 'lines': [line.content for line in lines], 'funnel': funnel.rows}
    sys.stdout.write(json.dumps(found))
    sys.stdout.flush()
    if killed:
        # The write-ahead log stays, for the next process to replay.
        os._exit(9)
    await archive.rewrite()
    await archive.close()


if __name__ == '__main__':
    asyncio.run(append(sys.argv[1], [int(number) for number in sys.argv[2].split(',')], killed=sys.argv[3] == 'killed'))
