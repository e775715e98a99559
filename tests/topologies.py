# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

"""Sentinel and Cluster for tests, on loopback, built from the servers of `tests.servers`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from tests.servers import QUICK, Server, free_port, on_port, running, until

SLOTS = 16384


@dataclass(frozen=True)
class SentinelTrio:
    """A primary with one replica, watched by three Sentinels that promote the replica 0.5 s after the primary's end."""

    primary: Server
    replica: Server
    sentinels: tuple[Server, ...]
    service: str = 'sessions'

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where the Sentinels listen, as `redis.asyncio.Sentinel` takes it."""
        return [('127.0.0.1', port(sentinel)) for sentinel in self.sentinels]


@asynccontextmanager
async def sentinel_trio(tmp: Path) -> AsyncGenerator[SentinelTrio]:
    """Five servers; ready when every Sentinel knows the replica and its two peers."""
    primary = on_port(tmp / 'primary', *QUICK)
    replica = on_port(tmp / 'replica', *QUICK, '--replicaof', '127.0.0.1', str(port(primary)))
    trio = SentinelTrio(primary, replica, tuple(_sentinel(tmp / f'sentinel-{i}') for i in range(3)))
    async with running(primary, replica, *trio.sentinels):
        await until(replica.replicates)
        for sentinel in trio.sentinels:
            await _watch(sentinel, trio)
        for sentinel in trio.sentinels:
            await until(lambda sentinel=sentinel: _knows_all(sentinel, trio.service))
        yield trio


@dataclass(frozen=True)
class Cluster:
    """Nodes that share all slots; the first `masters` nodes own them, the others replicate in turn."""

    nodes: tuple[Server, ...]
    masters: int

    @property
    def url(self) -> str:
        """The first node: the client finds the others."""
        return self.nodes[0].url


@asynccontextmanager
async def cluster(tmp: Path, masters: int = 3, replicas: int = 1) -> AsyncGenerator[Cluster]:
    """A cluster of `masters * (1 + replicas)` nodes; a node is given up after 1 s. Ready in about 3 s."""
    nodes = tuple(_node(tmp / f'node-{i}') for i in range(masters * (1 + replicas)))
    async with running(*nodes):
        ids = [await _join(node, epoch=i + 1) for i, node in enumerate(nodes)]
        for i, node in enumerate(nodes[:masters]):
            first, last = SLOTS * i // masters, SLOTS * (i + 1) // masters - 1
            await _command(node, 'CLUSTER', 'ADDSLOTSRANGE', first, last)
        for one, other in combinations(nodes, 2):
            await _command(one, 'CLUSTER', 'MEET', '127.0.0.1', port(other), _bus_port(other))
        for i, node in enumerate(nodes[masters:]):
            await until(lambda node=node: _knows_nodes(node, ids))
            await _command(node, 'CLUSTER', 'REPLICATE', ids[i % masters])
        for i, node in enumerate(nodes):
            await until(lambda node=node: _serves_all_slots(node))
            if i >= masters:
                await until(node.replicates)
        yield Cluster(nodes, masters)


def port(server: Server) -> int:
    return int(server.url.rpartition(':')[2])


def _sentinel(directory: Path) -> Server:
    directory.mkdir(parents=True)
    state = directory / 'sentinel.conf'
    state.touch()
    return on_port(directory, str(state), '--sentinel')


async def _watch(sentinel: Server, trio: SentinelTrio) -> None:
    await _command(sentinel, 'SENTINEL', 'DEBUG', 'info-period', 100, 'publish-period', 100)
    await _command(sentinel, 'SENTINEL', 'MONITOR', trio.service, '127.0.0.1', port(trio.primary), 2)
    await _command(sentinel, 'SENTINEL', 'SET', trio.service, 'down-after-milliseconds', 500, 'failover-timeout', 3000)


async def _knows_all(sentinel: Server, service: str) -> bool:
    async with sentinel.client() as client:
        state: Any = await client.sentinel_master(service)
        return (state['num-slaves'], state['num-other-sentinels']) == (1, 2)


def _node(directory: Path) -> Server:
    bus = ('--cluster-port', str(free_port()), '--cluster-node-timeout', '1000')
    return on_port(directory, *QUICK, '--cluster-enabled', 'yes', *bus)


def _bus_port(node: Server) -> int:
    return int(node.options[node.options.index('--cluster-port') + 1])


async def _join(node: Server, *, epoch: int) -> str:
    await _command(node, 'CLUSTER', 'SET-CONFIG-EPOCH', epoch)
    return await _command(node, 'CLUSTER', 'MYID')


async def _knows_nodes(node: Server, ids: list[str]) -> bool:
    known: str = await _command(node, 'CLUSTER', 'NODES')
    return all(one in known for one in ids) and 'handshake' not in known


async def _serves_all_slots(node: Server) -> bool:
    info: str = await _command(node, 'CLUSTER', 'INFO')
    return 'cluster_state:ok' in info


async def _command(server: Server, *words: str | int) -> Any:
    async with server.client() as client:
        untyped: Any = client
        # The first word alone names no command that the client knows: it hands the reply over as it came.
        return await untyped.execute_command(*words)
