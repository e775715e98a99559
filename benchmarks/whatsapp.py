"""How fast people are answered on WhatsApp under load, and whether a message is lost.

`python -m benchmarks.whatsapp [--people 100] [--rate 1000] [--minutes 3]` delivers signed webhooks over HTTP to
`agent-memory serve` with the rules model on the embedded server, and answers its sends with a fake Graph API. The time
to a reply is counted from the moment at which its burst was due: quiet time is a choice, not a cost.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import resource
import signal
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any, cast

import anyio
import httpx2
import uvicorn

from agent_memory.testing.graph import FakeGraph

QUIET_S = 0.5
TEXTS = ('quero um SUV até {n} mil', 'moro em Campinas SP', 'é para a família', 'pode ser Onix', 'para este mês', 'oi')


@dataclass
class Timed(FakeGraph):
    """Notes when each person got each message."""

    at: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])

    async def answer(self, method: str, path: str, authorization: str, body: bytes) -> httpx2.Response:
        before = len(self.seen)
        response = await super().answer(method, path, authorization, body)
        self.at += [(one.to, time.perf_counter()) for one in self.seen[before:]]
        return response


@dataclass
class Load:
    """People who write, each again only after they were answered."""

    graph: Timed
    http: httpx2.AsyncClient
    url: str
    acks: list[float] = field(default_factory=list[float])
    replies: list[float] = field(default_factory=list[float])
    sent: int = 0
    refused: int = 0
    lost: int = 0

    async def person(self, number: int, every_s: float, until: float) -> None:
        wa_id = f'55119{number:08}'
        await anyio.sleep(every_s * (number % 100) / 100)
        turn = 0
        while time.perf_counter() < until:
            started = time.perf_counter()
            seen = sum(to == wa_id for to, _ in self.graph.at)
            body = self.graph.body([self.graph.says(wa_id, TEXTS[turn % len(TEXTS)].format(n=60 + turn))])
            answer = await self.http.post(self.url, content=body, headers=self.graph.signature(body))
            acked = time.perf_counter()
            self.sent += 1
            self.refused += answer.status_code != 200
            self.acks.append(acked - started)
            turn += 1
            await self._reply(wa_id, seen, acked + QUIET_S)
            await anyio.sleep(max(0, started + every_s - time.perf_counter()))

    async def _reply(self, wa_id: str, seen: int, due: float) -> None:
        with anyio.move_on_after(30):
            while len(own := [at for to, at in self.graph.at if to == wa_id]) <= seen:  # noqa: ASYNC110 - no event
                await anyio.sleep(0.02)
            self.replies.append(own[-1] - due)
            return
        self.lost += 1


async def main(people: int, rate: float, minutes: float) -> None:
    graph = Timed()
    server = uvicorn.Server(uvicorn.Config(cast('Any', graph), port=0, log_level='error', lifespan='off'))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve)
        while not server.started:  # noqa: ASYNC110 - uvicorn tells no event
            await anyio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with tempfile.TemporaryDirectory() as data:
            process, url = await serve(graph, f'http://127.0.0.1:{port}', data)
            limits = httpx2.Limits(max_connections=50)
            async with httpx2.AsyncClient(limits=limits, timeout=30) as http:
                load = Load(graph, http, url)
                until = time.perf_counter() + minutes * 60
                async with anyio.create_task_group() as writers:
                    for number in range(people):
                        writers.start_soon(load.person, number, people / (rate / 60), until)
            process.send_signal(signal.SIGTERM)
            report(load, people, await process.wait())
        server.should_exit = True


async def serve(graph: FakeGraph, graph_url: str, data: str) -> tuple[asyncio.subprocess.Process, str]:
    env = {
        **os.environ,
        'AGENT_MEMORY_WHATSAPP_PHONE_NUMBER_ID': graph.phone_number_id,
        'AGENT_MEMORY_WHATSAPP_TOKEN': graph.token.get_secret_value(),
        'AGENT_MEMORY_WHATSAPP_APP_SECRETS': graph.app_secret.get_secret_value(),
        'AGENT_MEMORY_WHATSAPP_VERIFY_TOKEN': 'benchmark',
        'AGENT_MEMORY_WHATSAPP_GRAPH_URL': graph_url,
        'AGENT_MEMORY_WHATSAPP_QUIET': f'PT{QUIET_S}S',
    }
    program = [sys.executable, '-c', 'from agent_memory.cli import main; main()']
    command = [*program, 'serve', '--port', '0', '--data', data, '--model', 'rules']
    process = await asyncio.create_subprocess_exec(*command, env=env, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    said = ''
    while 'Answering' not in said or 'Deliveries' not in said:
        line = (await process.stderr.readline()).decode()
        if not line:
            raise SystemExit(said)
        said += line
    url = re.search(r'(http://\S+/webhook)', said)
    assert url is not None
    return process, url[1]


def report(load: Load, people: int, code: int) -> None:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    acks, replies = sorted(load.acks), sorted(load.replies)
    print(f'{people} people, {load.sent} messages, {load.refused} refused, {load.lost} without a reply, exit {code}')
    print(f'acknowledged: p50 {at(acks, 50):.0f} ms, p99 {at(acks, 99):.0f} ms')
    print(
        f'replied after the quiet time: p50 {at(replies, 50):.0f} ms, p95 {at(replies, 95):.0f} ms, p99 {at(replies, 99):.0f} ms'
    )
    cpu_s = used.ru_utime + used.ru_stime
    print(f'serve used {cpu_s:.1f} s of CPU with its start, {1000 * cpu_s / load.sent:.0f} ms a message')
    doubles = len(load.graph.seen) - len(replies)
    print(f'{len(load.graph.seen)} replies were seen, {doubles} more than were waited for')


def at(values: list[float], percentile: int) -> float:
    return 1000 * statistics.quantiles(values, n=100)[percentile - 1]


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('--people', type=int, default=100)
    parser.add_argument('--rate', type=float, default=1000, help='messages a minute of all people')
    parser.add_argument('--minutes', type=float, default=3)
    options = parser.parse_args()
    asyncio.run(main(options.people, options.rate, options.minutes))
