"""How fast people are answered on WhatsApp under load, whether a message is lost, and what one costs in CPU.

`python -m benchmarks.whatsapp` has 100 people write 1,000 messages a minute for 3 minutes; `--short` for 20 seconds. It
delivers signed webhooks over HTTP to `agent-memory serve` with the rules model, and answers its sends with a fake Graph
API that runs, like the people, in this process. `--split` runs webhook, worker and archiver as processes of their own.
`--statuses` delivers what Meta tells of each reply too, three webhooks a reply. `--json` prints one record.

The time to a reply is counted from the moment at which its burst was due: quiet time is a choice, not a cost. CPU is
counted from the end of the start-up to the last reply.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import anyio
import httpx2
import uvicorn

from agent_memory.backend._embedded import embedded_server
from agent_memory.testing.graph import FakeGraph, Seen

QUIET_S = 0.5
PATIENCE_S = 30
GOALS = {'lost': 0, 'doubled': 0, 'ack_p99_ms': 250.0, 'reply_p95_ms': 300.0}
TEXTS = ('quero um SUV até {n} mil', 'moro em Campinas SP', 'é para a família', 'pode ser Onix', 'para este mês', 'oi')


@dataclass
class Phone:
    """What one person was sent, and when."""

    at: list[float] = field(default_factory=list[float])
    rang: anyio.Event = field(default_factory=anyio.Event)


@dataclass
class Timed(FakeGraph):
    """Notes when each person got each message."""

    phones: defaultdict[str, Phone] = field(default_factory=lambda: defaultdict(Phone))

    def _accept(self, payload: dict[str, Any], fault: Any) -> Seen:
        seen = super()._accept(payload, fault)
        phone = self.phones[seen.to]
        phone.at.append(time.perf_counter())
        phone.rang.set()
        return seen


@dataclass
class Load:
    """People who write, each again only after they were answered."""

    graph: Timed
    http: httpx2.AsyncClient
    url: str
    statuses: bool = False
    """Whether Meta tells what becomes of each reply."""
    acks: list[float] = field(default_factory=list[float])
    replies: list[float] = field(default_factory=list[float])
    sent: int = 0
    refused: int = 0
    lost: int = 0

    async def person(self, number: int, every_s: float, until: float) -> None:
        wa_id = f'55119{80_000_000 + number}'
        phone = self.graph.phones[wa_id]
        await anyio.sleep(every_s * (number % 100) / 100)
        turn = 0
        while (started := time.perf_counter()) < until:
            seen = len(phone.at)
            body = self.graph.body([self.graph.says(wa_id, TEXTS[turn % len(TEXTS)].format(n=60 + turn))])
            answer = await self.http.post(self.url, content=body, headers=self.graph.signature(body))
            acked = time.perf_counter()
            self.sent += 1
            self.refused += answer.status_code != 200
            self.acks.append(1000 * (acked - started))
            turn += 1
            await self._reply(phone, seen, acked + QUIET_S)
            await self._report()
            await anyio.sleep(max(0, started + every_s - time.perf_counter()))

    async def _report(self) -> None:
        """Deliver what Meta tells of the replies since: sent, delivered and read, each by itself."""
        for status in self.graph.statuses() if self.statuses else ():
            body = self.graph.body([status])
            await self.http.post(self.url, content=body, headers=self.graph.signature(body))

    async def _reply(self, phone: Phone, seen: int, due: float) -> None:
        with anyio.move_on_after(PATIENCE_S):
            while len(phone.at) <= seen:
                phone.rang = anyio.Event()
                await phone.rang.wait()
            self.replies.append(1000 * (phone.at[seen] - due))
            return
        self.lost += 1


@dataclass
class Serving:
    """The processes of `agent-memory serve`, by role."""

    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict[str, asyncio.subprocess.Process])
    data: str = ''
    url: str = ''

    def cpu_s(self) -> dict[str, float]:
        """Return the CPU time that each process has used, and its Redis; nothing where there is no /proc."""
        used = {role: _cpu_s(process.pid) for role, process in self.processes.items()}
        redis = [pid for pid in _mentioning(self.data) if pid not in {one.pid for one in self.processes.values()}]
        return {**used, 'redis': sum(map(_cpu_s, redis))}


async def main(options: argparse.Namespace) -> dict[str, Any]:
    graph, result = Timed(), dict[str, Any]()
    server = uvicorn.Server(uvicorn.Config(cast('Any', graph), port=0, log_level='error', lifespan='off'))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve)
        while not server.started:  # noqa: ASYNC110 - uvicorn tells no event
            await anyio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with tempfile.TemporaryDirectory() as data:
            async with serving(graph, f'http://127.0.0.1:{port}', Path(data), split=options.split) as served:
                result = await measure(graph, served, options)
        server.should_exit = True
    return result


async def measure(graph: Timed, served: Serving, options: argparse.Namespace) -> dict[str, Any]:
    limits = httpx2.Limits(max_connections=50)
    async with httpx2.AsyncClient(limits=limits, timeout=PATIENCE_S, trust_env=False) as http:
        # The first turn of a process imports and compiles what the others find ready.
        warm = Load(graph, http, served.url)
        await warm.person(99_999, 0.0, time.perf_counter() + 0.01)
        load = Load(graph, http, served.url, statuses=options.statuses)
        before, began, own = served.cpu_s(), time.perf_counter(), time.process_time()
        seen = len(graph.seen)
        until = began + options.minutes * 60
        async with anyio.create_task_group() as writers:
            for number in range(options.people):
                writers.start_soon(load.person, number, options.people / (options.rate / 60), until)
        took = time.perf_counter() - began
        used = {role: cpu - before[role] for role, cpu in served.cpu_s().items()}
    acks, replies = sorted(load.acks), sorted(load.replies)
    return {
        'people': options.people,
        'messages': load.sent,
        'per_minute': round(60 * load.sent / took),
        'refused': load.refused,
        'lost': load.lost,
        'doubled': len(graph.seen) - seen - len(replies),
        'ack_p50_ms': at(acks, 50),
        'ack_p99_ms': at(acks, 99),
        'reply_p50_ms': at(replies, 50),
        'reply_p95_ms': at(replies, 95),
        'reply_p99_ms': at(replies, 99),
        'cpu_ms_per_message': {role: round(1000 * cpu / load.sent, 1) for role, cpu in used.items()},
        'load_generator_cpu_ms_per_message': round(1000 * (time.process_time() - own) / load.sent, 1),
        'load_average': round(os.getloadavg()[0], 1),
        'cores': os.cpu_count(),
    }


@asynccontextmanager
async def serving(graph: FakeGraph, graph_url: str, data: Path, *, split: bool) -> AsyncGenerator[Serving]:
    env = {
        **os.environ,
        'AGENT_MEMORY_WHATSAPP_PHONE_NUMBER_ID': graph.phone_number_id,
        'AGENT_MEMORY_WHATSAPP_TOKEN': graph.token.get_secret_value(),
        'AGENT_MEMORY_WHATSAPP_APP_SECRETS': graph.app_secret.get_secret_value(),
        'AGENT_MEMORY_WHATSAPP_VERIFY_TOKEN': 'benchmark',
        'AGENT_MEMORY_WHATSAPP_GRAPH_URL': graph_url,
        'AGENT_MEMORY_WHATSAPP_QUIET': f'PT{QUIET_S}S',
    }
    served = Serving(data=str(data))
    async with AsyncExitStack() as stack:
        if split:
            redis = await stack.enter_async_context(embedded_server(data))
            env['AGENT_MEMORY_REDIS_URL'] = redis.url
        for role in ('archiver', 'webhook', 'worker') if split else ('all',):
            process, said = await start(role, env, data)
            served.processes[role] = process
            if found := re.search(r'(http://\S+/webhook)', said):
                served.url = found[1]
        yield served
        for process in served.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in served.processes.values():
            await process.wait()


async def start(role: str, env: dict[str, str], data: Path) -> tuple[asyncio.subprocess.Process, str]:
    program = [sys.executable, '-c', 'from agent_memory.cli import main; main()']
    command = [*program, 'serve', '--port', '0', '--data', str(data), '--model', 'rules', '--role', role]
    process = await asyncio.create_subprocess_exec(*command, env=env, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    ready = {'all': ('Deliveries', 'Answering'), 'webhook': ('Deliveries',), 'worker': ('Answering',)}
    said = ''
    while not all(word in said for word in ready.get(role, ('Archiving',))):
        line = (await process.stderr.readline()).decode()
        if not line:
            raise SystemExit(said)
        said += line
    return process, said


def report(result: dict[str, Any]) -> None:
    print(
        '{people} people, {messages} messages ({per_minute} a minute), {refused} refused, {lost} without a reply, '
        '{doubled} doubled'.format(**result)
    )
    print('acknowledged: p50 {ack_p50_ms:.0f} ms, p99 {ack_p99_ms:.0f} ms'.format(**result))
    print(
        'replied after the quiet time: p50 {reply_p50_ms:.0f} ms, p95 {reply_p95_ms:.0f} ms, '
        'p99 {reply_p99_ms:.0f} ms'.format(**result)
    )
    cpu = ', '.join(f'{role} {cost:.1f} ms' for role, cost in result['cpu_ms_per_message'].items())
    print(f'CPU a message: {cpu}; people and Graph API {result["load_generator_cpu_ms_per_message"]:.1f} ms')
    missed = [f'{name} {result[name]:.0f} (goal {goal:.0f})' for name, goal in GOALS.items() if result[name] > goal]
    print(f'missed: {", ".join(missed) or "nothing"}; load average {result["load_average"]} on {result["cores"]} cores')


def at(values: list[float], percentile: int) -> float:
    return statistics.quantiles(values, n=100)[percentile - 1] if len(values) > 1 else 0.0


def _cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process and its threads, without its children."""
    try:
        fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def _mentioning(word: str) -> list[int]:
    """Return the processes that name a directory: a Redis that outlives who started it is nobody's child."""
    found: list[int] = []
    for path in Path('/proc').glob('[0-9]*/cmdline'):
        with suppress(OSError):
            if word.encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=(__doc__ or '').partition('\n')[0])
    parser.add_argument('--people', type=int, default=100)
    parser.add_argument('--rate', type=float, default=1000, help='messages a minute of all people')
    parser.add_argument('--minutes', type=float, default=3)
    parser.add_argument('--short', action='store_true', help='20 seconds')
    parser.add_argument('--statuses', action='store_true', help='deliver three statuses of each reply too')
    parser.add_argument('--split', action='store_true', help='one process for each role')
    parser.add_argument('--json', action='store_true', help='print one record')
    chosen = parser.parse_args()
    chosen.minutes = 1 / 3 if chosen.short else chosen.minutes
    measured = asyncio.run(main(chosen))
    if chosen.json:
        print(json.dumps(measured))
    else:
        report(measured)
