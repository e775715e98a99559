"""The secret that contacts are hashed with is changed as docs/operations.md says: with a new store and a new history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from agent_memory import CAR_LEAD, Inbound, MemorySettings, Rights
from agent_memory.errors import SetupError
from tests.servers import Server, on_port, running

ANA = '+5511999990000'
OLD, NEW = SecretStr('the secret of last year'), SecretStr('the secret of this year')


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    server = on_port(tmp_path / 'redis')
    async with running(server):
        yield server


def settings(server: Server, data: Path, secret: SecretStr, *, prefix: str = 'am', history: str) -> MemorySettings:
    return MemorySettings(
        redis_url=server.url, data_dir=data, secret=secret, key_prefix=prefix, archive=str(data / history)
    )


async def say(one: MemorySettings, text: str, message_id: str) -> None:
    async with (
        one.open(CAR_LEAD) as memory,
        memory.manager.turn(Inbound(contact=ANA, message_id=message_id, text=text)) as turn,
    ):
        await turn.commit(reply='Certo!')  # type: ignore[union-attr]


async def said(one: MemorySettings) -> list[str]:
    async with one.open(CAR_LEAD) as memory:
        records = await memory.manager.records(ANA)
        return [message.text for record in records for message in record.messages]


async def test_a_changed_secret_needs_a_new_store_and_the_old_one_stays_readable_and_erasable(
    server: Server, tmp_path: Path
) -> None:
    old = settings(server, tmp_path, OLD, history='old.duckdb')
    await say(old, 'até 60 mil', 'wamid.1')
    with pytest.raises(SetupError, match='secret'):
        await say(settings(server, tmp_path, NEW, history='old.duckdb'), 'oi', 'wamid.2')

    new = settings(server, tmp_path, NEW, prefix='am2', history='new.duckdb')
    await say(new, 'oi de novo', 'wamid.3')

    assert (await said(old), await said(new)) == (['até 60 mil'], ['oi de novo'])
    async with old.open(CAR_LEAD) as memory:
        receipt = await Rights(memory.manager, tmp_path).forget(ANA)
        assert (receipt.keys, receipt.store['sessions']) == (1, 1)
    assert (await said(old), await said(new)) == ([], ['oi de novo'])
