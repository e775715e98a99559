"""The least that a Redis user must be allowed to do for this package.

`WORKER` runs turns, sweeps and the archiver; `ARCHIVER` reads and trims the outbox and sees no session. Both are
restricted to the store's own keys and, for wake-ups, its own channels.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from redis.exceptions import NoPermissionError

from agent_memory.backend._protocol import Policy
from agent_memory.backend._redis import RedisStore
from agent_memory.errors import StoreUnavailable
from agent_memory.manager import SessionManager
from agent_memory.testing import SessionStoreContract, SweepContract
from tests.faults.load import answer, store_on, untyped
from tests.servers import Server, on_port, running

CONNECTION = '+hello +auth +ping +client|setinfo +client|setname +select'
SCRIPTS = (
    '+evalsha +eval +time +hmget +hget +hset +hsetnx +hgetall +hdel +hincrby +get +set +zadd +zrem +zcard +zrange '
    '+zscore +zrangebyscore +rpush +ltrim +lrange +xadd +xlen +pttl +pexpire +unlink +publish'
)
WORKER = f'~am:* &am:wake* -@all {CONNECTION} {SCRIPTS} +subscribe +unsubscribe +wait +xread +xtrim'
ARCHIVER = f'~am:meta ~am:*:out resetchannels -@all {CONNECTION} +hsetnx +hgetall +xread +xtrim +xlen'


@pytest.fixture(scope='module')
async def restricted(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server with both users; its own URL is the administrator's."""
    server = on_port(tmp_path_factory.mktemp('acl'), '--save', '')
    async with running(server), server.client() as client:
        for name, rules in (('worker', WORKER), ('archiver', ARCHIVER)):
            await untyped(client).execute_command('ACL', 'SETUSER', name, 'on', '>secret', *rules.split())
        yield server


def url_for(server: Server, user: str) -> str:
    return server.url.replace('redis://', f'redis://{user}:secret@')


@pytest.fixture
async def new_store(restricted: Server) -> AsyncIterator[Callable[[Policy], RedisStore]]:
    async with restricted.client() as client:
        await untyped(client).flushall()
    stores: list[RedisStore] = []

    def new(policy: Policy) -> RedisStore:
        stores.append(RedisStore.from_url(url_for(restricted, 'worker'), policy=policy))
        return stores[-1]

    yield new
    for store in stores:
        await store.aclose()


class TestWorkerUser(SessionStoreContract, SweepContract):
    """Everything that a store must do, done by the restricted user."""


async def test_the_archiver_reads_and_trims_the_outbox_and_sees_no_session(
    restricted: Server, new_store: Callable[[Policy], RedisStore]
) -> None:
    manager = SessionManager(new_store(Policy()))
    await answer(manager, 1, 0)
    async with store_on(url_for(restricted, 'archiver')) as store:
        (entry,) = await store.outbox.read(0, after='0-0', count=10, block=timedelta(0))
        await store.outbox.trim(0, upto=entry.id)

        assert await store.outbox.backlog(0) == 0
        with pytest.raises(StoreUnavailable, match='the Redis user may not do this'):
            await store.load(entry.contact_id, window=10)


@pytest.mark.parametrize(
    'words',
    ['FLUSHALL', 'CONFIG GET *', 'KEYS *', 'SCAN 0', 'GET foreign', 'DEL am:meta', 'PUBLISH foreign hello', 'ACL LIST'],
)
async def test_the_worker_may_do_nothing_else(restricted: Server, words: str) -> None:
    async with store_on(url_for(restricted, 'worker')) as store:
        client: Any = store.client
        with pytest.raises(NoPermissionError):
            await client.execute_command(*words.split())
