"""What every test gets: one real server, a clean database, and no way to the network."""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pydantic_ai.models
import pytest
from redis.asyncio import Redis

from tests.servers import valkey

pydantic_ai.models.ALLOW_MODEL_REQUESTS = False


@pytest.fixture(scope='session')
def anyio_backend() -> str:
    return 'asyncio'


@pytest.fixture(scope='session')
async def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The server that the whole session shares."""
    async with valkey(tmp_path_factory.mktemp('valkey')) as server:
        yield server.url


@pytest.fixture
async def redis_url(valkey_url: str) -> str:
    """The shared server with nothing in it. Its settings are shared: a test that changes them starts its own server."""
    async with Redis.from_url(valkey_url) as client:
        await client.flushall()
    return valkey_url


@pytest.fixture(scope='session', autouse=True)
def no_network() -> Iterator[None]:
    """Refuse every connection and every name look-up outside loopback and unix sockets."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _refuse_remote(self, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse_remote(self, address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: str | bytes | None, *args: Any, **kwargs: Any) -> Any:
        _refuse_name(host)
        return getaddrinfo(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, 'connect', guarded_connect)
        patch.setattr(socket.socket, 'connect_ex', guarded_connect_ex)
        patch.setattr(socket, 'getaddrinfo', guarded_getaddrinfo)
        yield


def _refuse_remote(connection: socket.socket, address: Any) -> None:
    if connection.family in (socket.AF_INET, socket.AF_INET6):
        _refuse_name(address[0])


def _refuse_name(host: str | bytes | None) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name not in (None, '', 'localhost') and not _is_loopback(name):
        pytest.fail(f'a test reached out to {name}: only loopback and unix sockets are allowed')


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
