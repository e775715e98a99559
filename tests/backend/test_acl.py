"""The least that a Redis user must be allowed to do for this package.

The whole suite runs as the worker's user (`redis_url`), which is the proof that it may do enough; here is the proof that
it may do no more, and that the archiver's user sees no session. Erasures run as the operator's (`tests/privacy`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from redis.exceptions import NoPermissionError

from agent_memory.backend._acl import line, rules
from agent_memory.errors import InvalidInput, StoreUnavailable
from agent_memory.manager import SessionManager
from tests.faults.load import answer, store_on
from tests.servers import admin_url, url_for


async def test_the_archiver_reads_and_trims_the_outbox_and_sees_no_session(redis_url: str) -> None:
    async with store_on(redis_url) as workers:
        await answer(SessionManager(workers), 1, 0)
    async with store_on(url_for(admin_url(redis_url), 'archiver')) as store:
        (entry,) = await store.outbox.read(0, after='0-0', count=10, block=timedelta(0))
        await store.outbox.trim(0, upto=entry.id)

        assert await store.outbox.backlog(0) == 0
        with pytest.raises(StoreUnavailable, match='the Redis user may not do this'):
            await store.load(entry.contact_id, window=10)


@pytest.mark.parametrize(
    'words',
    ['FLUSHALL', 'CONFIG GET *', 'KEYS *', 'SCAN 0', 'GET foreign', 'DEL am:meta', 'PUBLISH foreign hello', 'ACL LIST'],
)
async def test_the_worker_may_do_nothing_else(redis_url: str, words: str) -> None:
    async with store_on(redis_url) as store:
        client: Any = store.client
        with pytest.raises(NoPermissionError):
            await client.execute_command(*words.split())


@pytest.mark.parametrize('words', ['FLUSHALL', 'CONFIG GET *', 'GET foreign', 'DEL am:meta', 'ACL LIST', 'SHUTDOWN'])
async def test_the_operator_may_do_nothing_else(redis_url: str, words: str) -> None:
    async with store_on(url_for(admin_url(redis_url), 'operator')) as store:
        client: Any = store.client
        with pytest.raises(NoPermissionError):
            await client.execute_command(*words.split())


def test_the_rules_are_for_one_prefix_and_cannot_be_widened_by_it() -> None:
    assert '~loja:*' in rules('worker', prefix='loja')
    assert line('archiver', prefix='loja').startswith('ACL SETUSER loja-archiver on >PASSWORD resetkeys')
    with pytest.raises(InvalidInput, match='key prefix'):
        rules('worker', prefix='*')
