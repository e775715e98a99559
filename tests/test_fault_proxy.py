# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tests.fault_proxy import FaultProxy, fault_proxy
from tests.servers import admin_url, until, valkey


@asynccontextmanager
async def connected(upstream: str) -> AsyncGenerator[tuple[FaultProxy, Redis]]:
    """A proxy and a client of it, whose one connection is open and which never retries."""
    once = Retry(NoBackoff(), 0)
    async with fault_proxy(upstream) as proxy, Redis.from_url(proxy.url, retry=once, max_connections=1) as client:
        await client.ping()
        yield proxy, client


async def test_exactly_the_nth_reply_is_lost_and_its_command_is_executed(redis_url: str) -> None:
    async with connected(admin_url(redis_url)) as (proxy, client):
        proxy.drop_replies(3)
        assert [await client.incr('n'), await client.incr('n')] == [1, 2]
        with pytest.raises(exceptions.ConnectionError):
            await client.incr('n')

        assert await client.incr('n') == 4


async def test_only_replies_to_the_named_command_are_lost(redis_url: str) -> None:
    async with connected(admin_url(redis_url)) as (proxy, client):
        proxy.drop_replies(1, 3, command='incrby')
        outcomes: list[int | None] = []
        for _ in range(4):
            await client.set('other', 'value')
            try:
                outcomes.append(await client.incrby('n', 1))
            except exceptions.ConnectionError:
                outcomes.append(None)

        assert outcomes == [None, 2, None, 4]


async def test_replies_before_the_lost_one_of_a_pipeline_arrive(redis_url: str) -> None:
    async with fault_proxy(admin_url(redis_url)) as proxy, await anyio.connect_tcp('127.0.0.1', proxy.port) as stream:
        proxy.drop_replies(2)
        await stream.send(b'INCR n\r\nINCR n\r\nINCR n\r\n')
        received = b''.join([chunk async for chunk in stream])

        assert received == b':1\r\n'
        async with Redis.from_url(admin_url(redis_url)) as direct:
            assert await direct.get('n') == b'3'


async def test_round_trips_and_bytes_are_counted(redis_url: str) -> None:
    async with connected(admin_url(redis_url)) as (proxy, client):
        trips, sent, received = proxy.round_trips, proxy.bytes_to_server, proxy.bytes_to_client
        await client.set('key', b'x' * 300_000)
        await client.get('key')
        async with client.pipeline(transaction=True) as pipeline:
            pipeline.incr('n')
            pipeline.incr('n')
            await pipeline.execute()

        assert proxy.round_trips - trips == 3
        assert 300_000 < proxy.bytes_to_server - sent < 300_500
        assert 300_000 < proxy.bytes_to_client - received < 300_500


async def test_latency_delays_each_round_trip(redis_url: str) -> None:
    async with connected(admin_url(redis_url)) as (proxy, client):
        proxy.latency = 0.05
        begun = time.monotonic()
        await client.incr('n')
        await client.incr('n')

        assert time.monotonic() - begun >= 0.1


async def test_a_black_hole_holds_everything_back_until_it_heals(redis_url: str) -> None:
    async with connected(admin_url(redis_url)) as (proxy, client), anyio.create_task_group() as tasks:
        proxy.black_hole()
        received = anyio.Event()

        async def increment() -> None:
            assert await client.incr('n') == 1
            received.set()

        tasks.start_soon(increment)
        with anyio.move_on_after(0.05):
            await received.wait()
        assert not received.is_set()
        async with Redis.from_url(admin_url(redis_url)) as direct:
            assert await direct.exists('n') == 0
        proxy.heal()


async def test_a_reset_breaks_open_connections_and_accepts_new_ones(redis_url: str) -> None:
    async with fault_proxy(admin_url(redis_url)) as proxy, await anyio.connect_tcp('127.0.0.1', proxy.port) as stream:
        await stream.send(b'PING\r\n')
        await stream.receive()
        proxy.reset()
        with pytest.raises(anyio.BrokenResourceError) as broken:
            await stream.receive()

        assert isinstance(broken.value.__cause__, ConnectionResetError)
        async with Redis.from_url(proxy.url) as client:
            assert await client.ping()


async def test_a_server_that_is_down_closes_the_connection(tmp_path: Path) -> None:
    async with valkey(tmp_path) as server, connected(server.url) as (_, client):
        server.kill()
        with pytest.raises(exceptions.ConnectionError):
            await client.ping()
        await server.start()

        assert await client.ping()


async def test_replication_stops_in_a_black_hole(tmp_path: Path) -> None:
    async with valkey(tmp_path / 'primary') as primary, fault_proxy(primary.url) as link:
        to_primary = ('--replicaof', '127.0.0.1', str(link.port))
        async with valkey(tmp_path / 'replica', *to_primary) as replica, primary.client() as client:
            await client.set('turn', 'committed')
            await until(replica.replicates)
            assert await client.wait(1, 1000) == 1

            link.black_hole()
            await client.set('turn', 'committed again')
            assert await client.wait(1, 50) == 0

            link.heal()
            assert await client.wait(1, 1000) == 1
