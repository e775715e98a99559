"""A primary that dies under load, watched by Sentinel: what was acknowledged is kept, if a replica was asked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest

from agent_memory.backend._connect import connect
from agent_memory.backend._protocol import Policy
from agent_memory.backend._redis import RedisStore
from agent_memory.errors import LeaseLost, StoreUnavailable
from agent_memory.manager import SessionManager
from tests.fault_proxy import FaultProxy, fault_proxy
from tests.faults.load import EVERY_TURN, Load, answer, phone, store_on, untyped
from tests.servers import QUICK, Server, on_port, running, until
from tests.topologies import SentinelTrio, port, sentinel_trio


def url_of(trio: SentinelTrio) -> str:
    hosts = ','.join(f'{host}:{number}' for host, number in trio.addresses)
    return f'redis+sentinel://{hosts}/{trio.service}'


async def test_no_acknowledged_commit_is_lost_when_the_primary_of_a_sentinel_group_is_killed(tmp_path: Path) -> None:
    async with sentinel_trio(tmp_path) as trio:
        store = RedisStore.from_url(url_of(trio), durability='replica', policy=Policy(kept_turns=EVERY_TURN))
        manager = SessionManager(store, window_turns=EVERY_TURN)
        load = Load(manager)
        async with load.running():
            await load.passes(100)
            trio.primary.kill()
            # The new primary has no replica, so nothing is acknowledged until the old one is back as its replica. Back
            # before the failover and without its data, it would be the primary still, and empty: Redis without
            # persistence must not restart by itself.
            await until(lambda: is_primary(trio, trio.replica))
            await trio.primary.start()
            await load.passes(100)

        assert await load.lost() == []
        # A lease is not confirmed by a replica: one that the primary took with it refuses its turn, which is tried again.
        assert {type(error) for error in load.errors} <= {StoreUnavailable, LeaseLost}
        await manager.close()


async def test_a_primary_that_restarts_empty_before_a_replica_is_promoted_empties_its_replica(tmp_path: Path) -> None:
    """What `durability='replica'` does not protect from: see docs/guarantees.md, which says what does."""
    primary = on_port(tmp_path / 'primary', *QUICK)
    replica = on_port(tmp_path / 'replica', *QUICK, '--replicaof', '127.0.0.1', str(port(primary)))
    kept = on_port(tmp_path / 'kept', *QUICK, '--appendonly', 'yes')
    its_replica = on_port(tmp_path / 'its', *QUICK, '--replicaof', '127.0.0.1', str(port(kept)))
    async with running(primary, replica, kept, its_replica):
        for server, follower, lost in ((primary, replica, True), (kept, its_replica, False)):
            await until(follower.replicates)
            async with store_on(server.url, durability='replica') as store:
                await answer(SessionManager(store), 1, 0)
            await server.restart()
            await until(lambda one=server, other=follower: follows(one, other))
            async with follower.client() as client:
                assert (await untyped(client).dbsize() == 0) is lost


async def follows(primary: Server, replica: Server) -> bool:
    """Whether the replica has what the primary has, after its restart too."""
    async with primary.client() as one, replica.client() as other:
        mine, its = await untyped(one).info('replication'), await untyped(other).info('replication')
    return its['master_link_status'] == 'up' and its['master_replid'] == mine['master_replid']


async def test_a_worker_that_starts_during_the_failover_finds_the_new_primary(tmp_path: Path) -> None:
    async with sentinel_trio(tmp_path) as trio:
        first = SessionManager(RedisStore.from_url(url_of(trio), durability='replica'))
        await answer(first, 1, 1)
        trio.primary.kill()
        second = SessionManager(RedisStore.from_url(url_of(trio)))

        assert await answer(second, 1, 1) == "resposta a ['mensagem 1']"
        await first.close()
        await second.close()


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('agent_memory.backend._scripts._CONFIRM_MS', 100)


def impatient(server: Server, durability: Literal['local', 'replica']) -> RedisStore:
    return RedisStore(connect(server.url), durability=durability, patience=timedelta(seconds=1))


async def pair(tmp_path: Path, proxy: FaultProxy) -> Server:
    """A replica that follows its primary through the proxy."""
    return on_port(tmp_path / 'replica', *QUICK, '--replicaof', '127.0.0.1', str(proxy.port))


async def test_a_commit_that_no_replica_confirms_is_not_reported(tmp_path: Path, quickly: None) -> None:
    primary = on_port(tmp_path / 'primary', *QUICK)
    async with running(primary), fault_proxy(primary.url) as proxy:
        replica = await pair(tmp_path, proxy)
        async with running(replica):
            await until(replica.replicates)
            manager = SessionManager(impatient(primary, 'replica'))
            await answer(manager, 1, 1)
            proxy.black_hole()

            with pytest.raises(StoreUnavailable, match='no replica has confirmed this turn: do not send its reply'):
                await answer(manager, 1, 2)
            # The message is committed on the primary; another worker must not hand out its reply either, although its
            # own connections have written nothing that a replica lacks.
            async with store_on(primary.url, durability='replica', patience=timedelta(seconds=1)) as other:
                with pytest.raises(StoreUnavailable, match='no replica has confirmed'):
                    await answer(SessionManager(other), 1, 2)
            proxy.heal()

            assert await answer(manager, 1, 2) == "resposta a ['mensagem 2']"
            session = await manager.get_session(phone(1))
            assert session is not None
            assert session.turn == 2
            await manager.close()


@pytest.mark.parametrize(('durability', 'kept'), [('local', False), ('replica', True)])
async def test_only_commits_that_a_replica_confirmed_outlive_their_primary(
    tmp_path: Path, durability: Literal['local', 'replica'], kept: bool, quickly: None
) -> None:
    primary = on_port(tmp_path / 'primary', *QUICK)
    async with running(primary), fault_proxy(primary.url) as proxy:
        replica = await pair(tmp_path, proxy)
        async with running(replica):
            await until(replica.replicates)
            manager = SessionManager(impatient(primary, durability))
            await answer(manager, 1, 0)
            await until(lambda: in_step(primary, replica))
            proxy.black_hole()
            acknowledged: list[int] = []
            for number in range(1, 4):
                try:
                    await answer(manager, 1, number)
                except StoreUnavailable:
                    break
                acknowledged.append(number)
            primary.kill()
            async with replica.client() as client:
                await untyped(client).replicaof('NO', 'ONE')
            survivor = SessionManager(RedisStore.from_url(replica.url))
            session = await survivor.get_session(phone(1))
            assert session is not None
            texts = [one.content for one in session.memory.messages]

            assert all(f'mensagem {number}' in texts for number in acknowledged) is kept
            await survivor.close()
            await manager.close()


async def is_primary(trio: SentinelTrio, server: Server) -> bool:
    async with trio.sentinels[0].client() as client:
        address: tuple[str, int] | None = await untyped(client).sentinel_get_master_addr_by_name(trio.service)
        return address is not None and address[1] == port(server)


async def in_step(primary: Server, replica: Server) -> bool:
    async with primary.client() as one, replica.client() as other:
        mine = (await untyped(one).info('replication'))['master_repl_offset']
        return (await untyped(other).info('replication'))['slave_repl_offset'] >= mine
