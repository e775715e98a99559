"""What every test gets: one real server, a clean database, and no way to the network."""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from tempfile import TemporaryDirectory

import pydantic_ai.models
import pytest
from redis.asyncio import Redis

from tests.network import loopback_only
from tests.servers import admin_url, admit, valkey

pydantic_ai.models.ALLOW_MODEL_REQUESTS = False

# Managers that are given no vault keep their keys in the user's data directory, as do the processes that tests start.
_data = TemporaryDirectory(prefix='agent-memory-tests-')
os.environ['XDG_DATA_HOME'] = _data.name


@pytest.fixture(scope='session')
def anyio_backend() -> str:
    return 'asyncio'


@pytest.fixture(scope='session')
async def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The server that the whole session shares, as the restricted user that a worker is given in production."""
    async with valkey(tmp_path_factory.mktemp('valkey')) as server:
        yield await admit(server)


@pytest.fixture
async def redis_url(valkey_url: str) -> str:
    """The shared server with nothing in it. Its settings are shared: a test that changes them starts its own server.

    It admits the worker's user only, so that every test proves the rules of that user; `admin_url` looks behind it.
    """
    async with Redis.from_url(admin_url(valkey_url)) as client:
        await client.flushall()
    return valkey_url


@pytest.fixture(scope='session', autouse=True)
def no_network() -> Iterator[None]:
    with loopback_only():
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests counted and measured, also those that ran in another process."""
    for report in terminalreporter.getreports('passed'):
        for name, text in report.user_properties:
            if name == 'measured':
                terminalreporter.write_line(str(text))
