"""Appends turns until the file may not grow any more, then lifts the limit and appends the refused one again."""

from __future__ import annotations

import asyncio
import resource
import sys

from agent_memory.backend._archive import Batch
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._rows import Rows
from agent_memory.errors import ArchiveUnavailable
from tests.backend.rows import TURN, batch


async def main(path: str) -> None:
    archive = DuckDBArchive(path)
    await archive.offset(0)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, hard))
    written = 0
    try:
        while True:
            await archive.append(_batch(written + 1))
            written += 1
    except ArchiveUnavailable:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await archive.append(_batch(written + 1))
    await archive.close()
    print(written + 1)


def _batch(version: int) -> Batch:
    row = TURN._replace(version=version, record='"' + f'{version} ' * 20_000 + '"')
    return batch(Rows(turns=(row,)), after=f'{version - 1}-0', offset=f'{version}-0')


asyncio.run(main(sys.argv[1]))
