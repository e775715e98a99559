"""A Cluster shard that dies under load, slots that move, and what only a Cluster can get wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.crc import key_slot

from agent_memory.errors import LeaseLost, SetupError, StoreUnavailable
from agent_memory.manager import SessionManager
from tests.faults.load import EVERY_TURN, Load, answer, phone, store_on, untyped
from tests.servers import Server, until
from tests.topologies import SLOTS, Cluster, cluster, port


def url_of(nodes: Cluster) -> str:
    return 'redis+cluster://' + ','.join(f'127.0.0.1:{port(node)}' for node in nodes.nodes)


async def test_no_acknowledged_commit_is_lost_when_a_primary_of_a_cluster_is_killed(tmp_path: Path) -> None:
    async with cluster(tmp_path) as nodes, store_on(url_of(nodes), durability='replica') as store:
        load = Load(SessionManager(store, window_turns=EVERY_TURN), contacts=12)
        async with load.running():
            await load.passes(100)
            nodes.nodes[0].kill()
            # Back before that and without its data, it would be the primary still, and empty.
            await until(lambda: promoted(nodes.nodes[nodes.masters]))
            await nodes.nodes[0].start()
            await load.passes(200)

        assert await load.lost() == []
        # A lease is not confirmed by a replica: one that the primary took with it refuses its turn, which is tried again.
        assert {type(error) for error in load.errors} <= {StoreUnavailable, LeaseLost}


async def promoted(replica: Server) -> bool:
    async with replica.client() as client:
        return 'myself,master' in await run(client, 'CLUSTER', 'NODES')


async def test_partitions_spread_over_the_shards_and_are_fixed_when_the_store_is_made(tmp_path: Path) -> None:
    async with (
        cluster(tmp_path, replicas=0) as nodes,
        store_on(url_of(nodes)) as store,
        store_on(url_of(nodes), partitions=1) as other,
    ):
        manager = SessionManager(store)
        for contact in range(30):
            await answer(manager, contact, 0)
        outbox = store.outbox
        found = [
            entry.version
            for partition in range(64)
            for entry in await outbox.read(partition, after='0-0', count=100, block=timedelta(0))
        ]

        assert await outbox.partitions() == 64
        assert found == [1] * 30
        assert all([await streams(node) >= 3 for node in nodes.nodes])
        with pytest.raises(SetupError, match='created with 64 partitions, not 1'):
            await other.open(None)


async def streams(node: Server) -> int:
    async with node.client() as client:
        return len(await untyped(client).keys('am:*:out'))


async def test_a_session_follows_its_slot_to_another_node(tmp_path: Path) -> None:
    async with cluster(tmp_path, replicas=0) as nodes, store_on(url_of(nodes), partitions=1) as store:
        manager = SessionManager(store)
        await answer(manager, 1, 0)
        await move(nodes, 'am:{0}:out')

        assert await answer(manager, 1, 1) == "resposta a ['mensagem 1']"
        assert await answer(manager, 1, 0) == "resposta a ['mensagem 0']"
        session = await manager.get_session(phone(1))
        assert session is not None
        assert session.turn == 2


async def move(nodes: Cluster, name: str) -> None:
    """Give the slot of a key to the next node, its keys first."""
    slot = key_slot(name.encode())
    giver, taker = owners(nodes, slot)
    async with giver.client() as source, taker.client() as target:
        source_id, target_id = await run(source, 'CLUSTER', 'MYID'), await run(target, 'CLUSTER', 'MYID')
        await run(target, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', source_id)
        await run(source, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', target_id)
        for key in await run(source, 'CLUSTER', 'GETKEYSINSLOT', slot, 1000):
            await run(source, 'MIGRATE', '127.0.0.1', port(taker), key, 0, 5000)
        await run(target, 'CLUSTER', 'SETSLOT', slot, 'NODE', target_id)
        await run(source, 'CLUSTER', 'SETSLOT', slot, 'NODE', target_id)


async def run(client: Any, *words: str | int) -> Any:
    return await client.execute_command(*words)


def owners(nodes: Cluster, slot: int) -> tuple[Server, Server]:
    owner = next(place for place in range(nodes.masters) if slot < SLOTS * (place + 1) // nodes.masters)
    return nodes.nodes[owner], nodes.nodes[(owner + 1) % nodes.masters]
