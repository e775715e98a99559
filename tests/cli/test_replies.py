"""Replies that may not have arrived, as an operator sees and decides them: real server, real history, WhatsApp faked."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agent_memory.backend._redis import RedisStore
from agent_memory.cli import _channel_commands
from agent_memory.cli._replies import run_decide, run_list
from agent_memory.errors import InvalidInput
from agent_memory.settings import MemorySettings
from agent_memory.testing.graph import FailsLater, Fault
from agent_memory.whatsapp import Dispatcher
from tests.whatsapp.channel import ANA, BIA, POLICY, Whatsapp, whatsapp

AGO_MS = 130_000


@asynccontextmanager
async def two_replies_in_doubt(redis_url: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Whatsapp]:
    """Yield a channel in which, two minutes ago, one reply got no answer and another failed."""
    monkeypatch.setenv('AGENT_MEMORY_REDIS_URL', redis_url)
    store = RedisStore.from_url(redis_url, policy=POLICY)
    earlier = RedisStore(store.client, POLICY, clock_ms=lambda: int(time.time() * 1000) - AGO_MS)
    async with whatsapp(redis_url, data=data, store=earlier) as channel:
        channel.graph.fail(Fault.accepted_then_timeout, FailsLater(131047))
        for person in (ANA, BIA):
            await channel.deliver(channel.graph.says(person, f'oi de {person}'))
            await channel.work()
        failed = [item for item in channel.graph.statuses() if item['status'] == 'failed']
        await channel.deliver(*failed)
        yield channel


async def shown(capsys: pytest.CaptureFixture[str], data: Path) -> list[dict[str, Any]]:
    capsys.readouterr()
    await run_list(data=data, as_json=True)
    return json.loads(capsys.readouterr().out)


def send_late(dispatcher: Dispatcher) -> None:
    """Have what is claimed from now on leave by this machine's clock."""
    store = dispatcher.manager.store
    assert isinstance(store, RedisStore)
    dispatcher.manager.store = RedisStore(store.client, POLICY)


async def test_an_operator_sees_whose_replies_are_in_doubt_and_why(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with two_replies_in_doubt(redis_url, tmp_path, monkeypatch):
        doubted, failed = await shown(capsys, tmp_path)
        assert (doubted['what'], doubted['text']) == ('may have arrived', f'Você disse: oi de {ANA}')
        assert doubted['to'].startswith(f'+{ANA}; ')
        assert failed['what'].startswith('failed, 131047: more than 24 hours')
        await run_list(data=tmp_path, as_json=False)
        assert 'agent-memory replies again' in capsys.readouterr().out
    archive = MemorySettings(data_dir=tmp_path).history()
    notes = await archive.work(lambda connection: connection.execute('SELECT action FROM audit').fetchall())
    await archive.close()
    assert notes == [('reply read',)] * 4


async def test_what_an_operator_decides_is_done_once(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with two_replies_in_doubt(redis_url, tmp_path, monkeypatch) as channel:
        doubted, failed = [one['reply'] for one in await shown(capsys, tmp_path)]
        await run_decide(reply=doubted, decision='arrived', data=tmp_path)
        await run_decide(reply=failed, decision='again', data=tmp_path)
        assert await shown(capsys, tmp_path) == []
        with pytest.raises(InvalidInput, match='waits for no decision'):
            await run_decide(reply=failed, decision='again', data=tmp_path)
        send_late(channel.dispatcher)
        for _ in range(2):
            await channel.dispatcher.recover()
        assert channel.graph.texts() == [f'Você disse: oi de {ANA}', f'Você disse: oi de {BIA}']


@pytest.mark.parametrize('words', [('replies', 'drop', '-a:b'), ('merges', 'keep', '-a', '-b')])
def test_an_id_may_begin_with_a_dash(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def note(_: object, **options: Any) -> None:
        asked.append(options)

    monkeypatch.setattr(_channel_commands, 'run', note)
    assert CliRunner().invoke(_channel_commands.app, list(words)).exit_code == 0
    assert set(words[2:]) <= set(asked[0].values())
