"""The history in a lake: the contract of an archive on real PostgreSQL processes and Parquet files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_memory.backend._lake import LakeArchive
from agent_memory.testing import ArchiveContract
from tests.postgres import Postgres, new_catalog, postgres


@pytest.fixture(scope='module')
async def server() -> AsyncIterator[Postgres]:
    with postgres() as server:
        await server.start()
        yield server


@pytest.fixture
def catalog(server: Postgres) -> str:
    return new_catalog(server)


@pytest.fixture
async def archive(catalog: str, tmp_path: Path) -> AsyncIterator[LakeArchive]:
    held = LakeArchive(catalog, data=tmp_path / 'lake')
    yield held
    await held.close()


class TestLakeArchive(ArchiveContract):
    pass
