"""What `doctor` and `merges` tell an operator, on real servers and a real history."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import anyio
import httpx2
import pytest
import typer
import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from agent_memory.agents.catalogue import DEMO_STOCK
from agent_memory.backend._channel import Alias
from agent_memory.cli._doctor import run_doctor
from agent_memory.cli._doctor_channel import channel_findings
from agent_memory.cli._merges import run_keep, run_link, run_list
from agent_memory.errors import InvalidInput
from agent_memory.lead import CAR_LEAD
from agent_memory.privacy._audit import Audit
from agent_memory.settings import MemorySettings
from agent_memory.testing.graph import FakeGraph
from agent_memory.whatsapp._settings import WhatsAppSettings
from tests.servers import Server, admit, free_port, valkey
from tests.whatsapp.channel import ANA, BIA, whatsapp


@dataclass
class Installation:
    """A business number, its webhook and its Redis, as the environment describes them."""

    graph: FakeGraph
    server: Server
    url: str
    data: Path
    said: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch = field(repr=False)

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self.monkeypatch.setenv(f'AGENT_MEMORY_{name}', value)

    async def doctor(self, *, fails: bool = False) -> dict[str, Any]:
        """Return the findings by what was checked."""
        self.said.readouterr()
        if fails:
            with pytest.raises(typer.Exit):
                await run_doctor(data=self.data, url=self.url, as_json=True)
        else:
            await run_doctor(data=self.data, url=self.url, as_json=True)
        found = json.loads(self.said.readouterr().out)
        return {finding['check']: finding for finding in found}


@asynccontextmanager
async def installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *options: str
) -> AsyncGenerator[Installation]:
    graph = FakeGraph()
    async with (
        valkey(tmp_path / 'redis', *options) as server,
        whatsapp(server.url, graph=graph, data=tmp_path / 'data') as channel,
    ):
        app = Starlette(routes=[Route('/webhook', channel.webhook), Mount('/', cast('Any', graph))])
        port = free_port()
        web = uvicorn.Server(uvicorn.Config(app, port=port, log_level='error', lifespan='off'))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(web.serve)
            while not web.started:  # noqa: ASYNC110 - uvicorn tells no event
                await anyio.sleep(0.01)
            address = f'http://127.0.0.1:{port}'
            found = Installation(graph, server, f'{address}/webhook', tmp_path / 'data', capsys, monkeypatch)
            found.set(
                REDIS_URL=server.url,
                CATALOGUE=str(DEMO_STOCK),
                WHATSAPP_PHONE_NUMBER_ID=graph.phone_number_id,
                WHATSAPP_TOKEN=graph.token.get_secret_value(),
                WHATSAPP_APP_SECRETS=graph.app_secret.get_secret_value(),
                WHATSAPP_VERIFY_TOKEN='verify',
                WHATSAPP_GRAPH_URL=address,
            )
            yield found
            web.should_exit = True


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ('MODEL', 'SECRET', 'ARCHIVE', 'KEY_PREFIX'):
        monkeypatch.delenv(f'AGENT_MEMORY_{name}', raising=False)


async def test_a_whole_installation_has_nothing_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with installed(tmp_path, monkeypatch, capsys, '--appendonly', 'yes') as here:
        # The archiver of this installation keeps the history; the doctor comes beside it.
        async with MemorySettings(data_dir=here.data).open(CAR_LEAD):
            found = await here.doctor()
        assert {check for check, one in found.items() if one['verdict'] != 'ok'} == {'verify token'}
        assert found['number at Meta']['found'] == 'Loja, quality GREEN'
        assert found['webhook signature']['found'] == 'HTTP 200 signed, 401 unsigned'
        assert 'valkey' in found['redis']['found']
        assert found['archive lag']['found'].startswith('0 records wait')
        await run_doctor(data=here.data, url=None, as_json=False)
        assert 'what to do' in capsys.readouterr().out


async def test_each_thing_that_is_wrong_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with installed(
        tmp_path, monkeypatch, capsys, '--maxmemory', '1gb', '--maxmemory-policy', 'allkeys-lru'
    ) as here:
        here.set(
            WHATSAPP_TOKEN='an old token',
            WHATSAPP_APP_SECRETS=f'{here.graph.app_secret.get_secret_value()},{"0" * 32}',
            WHATSAPP_VERIFY_TOKEN='another',
            CATALOGUE=str(tmp_path / 'nothing.csv'),
        )
        found = await here.doctor(fails=True)
        assert {check for check, one in found.items() if one['verdict'] == 'fail'} == {
            'token',
            'number at Meta',
            'token at Meta',
            'webhook handshake',
            'webhook signature',
            'redis durability',
            'redis memory',
            'catalogue',
        }
        assert found['webhook signature']['found'] == 'HTTP 200, 401 signed, 401 unsigned'
        assert all(one['advice'] for one in found.values() if one['verdict'] != 'ok')


async def test_what_is_only_worrying_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with installed(tmp_path, monkeypatch, capsys, '--appendonly', 'yes') as here:
        here.graph.quality, here.graph.token_expires_at = 'RED', int(here.graph.clock()) + 86400
        async with MemorySettings(data_dir=here.data).open(CAR_LEAD) as memory:
            for number, person in enumerate((ANA, BIA)):
                aliases = (Alias(f'phone {number}', 'phone'), Alias('likely', 'likely'))
                await memory.manager.channel.link(aliases, contact_id=f'{person:0>22}', spare='x')
            here.set(REDIS_URL=await admit(here.server))
            found = await here.doctor()
        worrying = {check for check, one in found.items() if one['verdict'] == 'warn'}
        assert worrying >= {'number at Meta', 'token at Meta', 'redis', 'redis durability', 'people to tell apart'}


async def test_a_redis_that_is_away_and_a_channel_that_is_not_set_up_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv('AGENT_MEMORY_REDIS_URL', f'redis://127.0.0.1:{free_port()}')
    with pytest.raises(typer.Exit):
        await run_doctor(data=tmp_path, url=None, as_json=True)
    found = {one['check']: one['verdict'] for one in json.loads(capsys.readouterr().out)}
    assert found == {'whatsapp': 'warn', 'redis': 'fail', 'catalogue': 'warn'}


async def test_an_operator_decides_who_is_one_person(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv('AGENT_MEMORY_REDIS_URL', redis_url)
    async with whatsapp(redis_url, data=tmp_path) as channel:
        with_ninth, without, third = '5511987650001', '551187650001', '5511987650009'
        for person in (with_ninth, without):
            await channel.deliver(channel.graph.says(person, 'oi'))
        await channel.work()
        one, other = [await channel.manager.contact_id(f'+{person}') for person in (with_ninth, without)]
        await run_list(data=tmp_path, as_json=True)
        (pair,) = json.loads(capsys.readouterr().out)
        assert sorted(one['contact'] for one in pair) == sorted((one, other))
        assert '1 turns' in pair[0]['known']

        stranger = await channel.manager.contact_id(f'+{third}')
        with pytest.raises(InvalidInput, match='do not wait for a decision'):
            await run_link(kept=one, other=stranger, data=tmp_path)
        await run_link(kept=one, other=other, data=tmp_path)
        await channel.deliver(channel.graph.says(without, 'sou eu de novo'))
        await channel.work()
        session = await channel.manager.get_session(f'+{with_ninth}')
        assert session is not None
        assert session.memory.messages[-2].content == 'sou eu de novo'
        with pytest.raises(InvalidInput):
            await run_keep(one=one, other=other, data=tmp_path)
        await run_list(data=tmp_path, as_json=False)
        assert 'Nobody has to be told apart.' in capsys.readouterr().out


async def test_two_people_are_kept_apart_and_the_decision_is_in_the_audit(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('AGENT_MEMORY_REDIS_URL', redis_url)
    async with whatsapp(redis_url, data=tmp_path) as channel:
        for person in ('5511987650001', '551187650001'):
            await channel.deliver(channel.graph.says(person, 'oi'))
        ((one, other),) = await channel.manager.channel.merges()
        await run_keep(one=one, other=other, data=tmp_path)
        assert await channel.manager.channel.merges() == []
        assert await channel.work() == 2
    archive = MemorySettings(data_dir=tmp_path).history()
    verdict = await Audit(archive).verify()
    await archive.close()
    assert (verdict.ok, verdict.rows) == (True, 1)


async def test_a_webhook_that_nobody_answers_for_fails() -> None:
    settings = WhatsAppSettings(app_secrets=SecretStr('0' * 32), verify_token=SecretStr('verification'))
    async with httpx2.AsyncClient(trust_env=False) as http:
        url = f'http://127.0.0.1:{free_port()}/webhook'
        found = {one.check: one.verdict async for one in channel_findings(settings, http, url=url)}
    assert found['webhook'] == 'fail'
