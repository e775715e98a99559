# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

import socket

import pytest
from redis.asyncio import Redis


async def test_the_shared_server_answers(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as client:
        assert await client.dbsize() == 0
        await client.set('left', 'behind')


async def test_each_test_gets_an_empty_database(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as client:
        assert await client.dbsize() == 0


def test_no_test_reaches_the_network() -> None:
    with pytest.raises(pytest.fail.Exception, match=r'reached out to 192\.0\.2\.1'):
        socket.create_connection(('192.0.2.1', 80), timeout=1)
