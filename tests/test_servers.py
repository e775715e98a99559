# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

import socket
from functools import partial
from pathlib import Path

import anyio
import pytest
from redis.asyncio import Redis, RedisCluster, Sentinel
from redis.asyncio.sentinel import MasterNotFoundError

from tests.servers import Server, admin_url, until, valkey
from tests.topologies import SentinelTrio, cluster, port, sentinel_trio


async def test_the_shared_server_answers(redis_url: str) -> None:
    async with Redis.from_url(admin_url(redis_url)) as client:
        assert await client.dbsize() == 0
        await client.set('left', 'behind')


async def test_each_test_gets_an_empty_database(redis_url: str) -> None:
    async with Redis.from_url(admin_url(redis_url)) as client:
        assert await client.dbsize() == 0


def test_no_test_reaches_the_network() -> None:
    with pytest.raises(pytest.fail.Exception, match=r'reached out to 192\.0\.2\.1'):
        socket.create_connection(('192.0.2.1', 80), timeout=1)
    with pytest.raises(pytest.fail.Exception, match=r'reached out to api\.openai\.com'):
        socket.getaddrinfo('api.openai.com', 443)
    with socket.socket() as connection, pytest.raises(pytest.fail.Exception, match=r'reached out to 192\.0\.2\.1'):
        connection.connect(('192.0.2.1', 80))


async def test_a_restarted_server_keeps_its_address_and_its_append_only_file(tmp_path: Path) -> None:
    async with valkey(tmp_path, '--appendonly', 'yes') as server, server.client() as client:
        await client.set('turn', 'committed')
        before = server.pid
        await server.restart()

        assert server.pid != before
        assert await client.get('turn') == 'committed'


async def test_a_frozen_server_answers_once_it_goes_on(tmp_path: Path) -> None:
    async with valkey(tmp_path) as server, server.client() as client:
        server.stop()
        with pytest.raises(TimeoutError), anyio.fail_after(0.1):
            await client.ping()
        server.cont()

        assert await client.ping()


async def test_sentinels_promote_the_replica_of_a_killed_primary(tmp_path: Path) -> None:
    async with sentinel_trio(tmp_path) as trio, trio.primary.client() as primary, trio.replica.client() as replica:
        await primary.set('turn', 'committed')
        await primary.wait(1, 1000)
        trio.primary.kill()
        await until(partial(_is_primary, trio, trio.replica))

        assert await replica.get('turn') == 'committed'
        assert await replica.set('turn', 'committed again')


async def _is_primary(trio: SentinelTrio, server: Server) -> bool:
    sentinels = Sentinel(trio.addresses)
    try:
        return await sentinels.discover_master(trio.service) == ('127.0.0.1', port(server))
    except MasterNotFoundError:
        return False
    finally:
        for sentinel in sentinels.sentinels:
            await sentinel.aclose()


async def test_a_cluster_serves_every_shard_and_replicates_it(tmp_path: Path) -> None:
    async with cluster(tmp_path) as nodes, RedisCluster.from_url(nodes.url) as client:
        for number in range(20):
            await client.set(f'am:{{{number}}}', number)
        counts: list[int] = []
        for node in nodes.nodes:
            async with node.client() as one:
                counts.append(await one.dbsize())

        assert sum(counts[:3]) == 20
        assert all(counts[:3])
        assert counts[3:] == counts[:3]
