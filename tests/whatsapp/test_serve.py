"""The commands as an operator runs them: real processes, real HTTP, Meta's side faked."""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import httpx2
import pytest
from redis.asyncio import Redis

from agent_memory.testing.graph import FakeGraph
from tests.cli.commands import COMMAND, run
from tests.cli.commands import environment as clean
from tests.servers import admin_url
from tests.whatsapp.channel import ANA
from tests.whatsapp.test_crashes import served


def environment(graph: FakeGraph, url: str, **more: str) -> dict[str, str]:
    own = {
        'AGENT_MEMORY_WHATSAPP_PHONE_NUMBER_ID': graph.phone_number_id,
        'AGENT_MEMORY_WHATSAPP_TOKEN': graph.token.get_secret_value(),
        'AGENT_MEMORY_WHATSAPP_APP_SECRETS': f'old,{graph.app_secret.get_secret_value()}',
        'AGENT_MEMORY_WHATSAPP_VERIFY_TOKEN': 'verify',
        'AGENT_MEMORY_WHATSAPP_GRAPH_URL': url,
        'AGENT_MEMORY_WHATSAPP_QUIET': 'PT0.2S',
        'AGENT_MEMORY_MODEL': 'rules',
    }
    return clean(**own, **more)


@asynccontextmanager
async def serving(env: Mapping[str, str], *options: str, until: str) -> AsyncGenerator[re.Match[str]]:
    """Run `serve` and yield what the line says that it is ready with; it must end well when it is told to."""
    process = await anyio.open_process([*COMMAND, 'serve', '--port', '0', *options], env=env, stdout=subprocess.DEVNULL)
    try:
        said = ''
        assert process.stderr is not None
        with anyio.fail_after(60):
            while not (ready := re.search(until, said)):
                said += (await process.stderr.receive()).decode()
        yield ready
        process.send_signal(signal.SIGTERM)
        with anyio.fail_after(40):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
        await process.aclose()


STOCK = """\
id,brand,model,version,year,km,price,body,gearbox,fuel,color,city,state,uses,strengths,features
008,Fiat,Pulse,Drive 1.3,2023,28923,83210,suv,automatic,flex,prata,São Paulo,SP,family;daily_commute,technology;design;economy;low_mileage;newer_year;air_conditioning,direção elétrica;ar-condicionado;central multimídia;câmera de ré;único dono
"""
DELIVERIES = r'Deliveries go to (http://\S+)(?s:.*)Answering with rules'


async def until_seen(graph: FakeGraph, count: int) -> list[str]:
    with anyio.fail_after(30):
        while len(graph.seen) < count:  # noqa: ASYNC110 - the phones of people tell no event
            await anyio.sleep(0.02)
    return graph.texts()


async def test_one_process_answers_remembers_after_it_was_started_again_and_shows_the_cars_of_the_business(
    tmp_path: Path,
) -> None:
    graph, stock = FakeGraph(), tmp_path / 'stock.csv'
    stock.write_text(STOCK, encoding='utf-8')
    async with served(graph) as url, httpx2.AsyncClient() as http:
        env = environment(graph, url, AGENT_MEMORY_CATALOGUE=str(stock))
        async with serving(env, '--data', str(tmp_path), until=DELIVERIES) as ready:
            assert (await http.get(ready[1].replace('webhook', 'health'))).text == 'ok'
            asked = {'hub.mode': 'subscribe', 'hub.challenge': '7', 'hub.verify_token': 'verify'}
            assert (await http.get(ready[1], params=asked)).text == '7'
            assert await graph.deliver(http, ready[1], [graph.says(ANA, 'quero um SUV até 90 mil')]) == [200]
            assert 'SUV' in (await until_seen(graph, 1))[0]
        async with serving(env, '--data', str(tmp_path), until=DELIVERIES) as ready:
            await graph.deliver(http, ready[1], [graph.says(ANA, 'moro em Campinas SP, é para a família')])
            assert 'Campinas' in (await until_seen(graph, 2))[1]
            await graph.deliver(http, ready[1], [graph.says(ANA, 'que carros vocês têm?')])
            assert 'R$ 83.210' in (await until_seen(graph, 3))[2]
            # An operator looks into the embedded store beside it, and keeps no house there.
            beside = await anyio.to_thread.run_sync(lambda: run('replies', 'list', '--data', str(tmp_path), **env))
            assert (beside.stdout, beside.stderr) == ('Every reply has arrived, or is on its way.\n', '')


async def test_webhook_worker_and_archiver_run_apart_on_a_shared_store(redis_url: str) -> None:
    graph = FakeGraph()
    async with served(graph) as url, httpx2.AsyncClient() as http:
        env = environment(graph, url, AGENT_MEMORY_REDIS_URL=redis_url)
        async with serving(env, '--role', 'webhook', until=r'Deliveries go to (\S+)') as ready:
            assert await graph.deliver(http, ready[1], [graph.says(ANA, 'oi')]) == [200]
        async with serving(env, '--role', 'worker', until='Answering with rules'):
            assert len(await until_seen(graph, 1)) == 1
        async with Redis.from_url(admin_url(redis_url)) as client:
            assert await client.xlen('am:{0}:out') == 1
            async with serving(env, '--role', 'archiver', until='Archiving'):
                with anyio.fail_after(30):
                    while await client.xlen('am:{0}:out'):  # noqa: ASYNC110 - a store tells no event
                        await anyio.sleep(0.05)


@pytest.mark.parametrize(
    ('options', 'missing', 'said'),
    [
        ((), 'AGENT_MEMORY_WHATSAPP_TOKEN', 'WhatsApp is not set up: AGENT_MEMORY_WHATSAPP_TOKEN must be set'),
        (
            ('--role', 'archiver'),
            '',
            'several processes need a Redis that they share: set AGENT_MEMORY_REDIS_URL',
        ),
        (('--host', '192.0.2.1'), '', '192.0.2.1:0 cannot be listened on'),
    ],
)
async def test_what_is_not_set_is_named(tmp_path: Path, options: tuple[str, ...], missing: str, said: str) -> None:
    env = environment(FakeGraph(), 'http://127.0.0.1:9')
    env.pop(missing, None)
    command = ('serve', '--port', '0', '--data', str(tmp_path), *options)
    done = await anyio.to_thread.run_sync(lambda: run(*command, **env))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f'agent-memory: {said}')
    assert 'Traceback' not in done.stderr


async def test_dialogues_are_simulated_through_the_whole_channel(tmp_path: Path) -> None:
    file = tmp_path / 'dialogues.yaml'
    file.write_text(
        'dialogues:\n'
        '  - id: a\n    turns:\n'
        "      - {turn: 1, messages: ['oi', 'quero um SUV até 90 mil']}\n"
        "      - {turn: 2, messages: ['parar']}\n"
        "      - {turn: 3, messages: ['oi']}\n",
        encoding='utf-8',
    )
    done = await anyio.to_thread.run_sync(lambda: run('simulate', str(file), '--model', 'rules'))
    assert done.returncode == 0, done.stderr
    assert '1 dialogues, 3 turns, 2 replies, 1 turns in which the bot had to be silent' in done.stdout
