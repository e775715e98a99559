"""The history of one test: a file, its archive, and the store that it is filled from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._redis import RedisStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / 'history.duckdb'


@pytest.fixture
async def archive(path: Path) -> AsyncIterator[DuckDBArchive]:
    held = DuckDBArchive(path)
    yield held
    await held.close()


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisStore]:
    held = RedisStore.from_url(redis_url)
    await held.open(None)
    yield held
    await held.aclose()
