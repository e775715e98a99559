"""The contract of an archive on a real DuckDB file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.testing import ArchiveContract


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[DuckDBArchive]:
    held = DuckDBArchive(tmp_path / 'history.duckdb')
    yield held
    await held.close()


class TestDuckDBArchive(ArchiveContract):
    pass
