"""The contacts, the text and the server that every figure is measured with."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from redis.asyncio import Redis

from agent_memory._turns import Turn
from agent_memory.backend._redis import RedisStore
from agent_memory.lead import UserProfileData
from agent_memory.manager import SessionManager
from agent_memory.profile import Change
from agent_memory.session import Inbound
from agent_memory.turn import Action, PatchProfile
from tests.servers import Server, on_port, running

# 120 characters each, of which no two in a row are the same.
_SAID = (
    'oi, boa tarde! estou procurando um carro usado para a familia, de preferencia automatico e com porta-malas grande, ok',
    'consigo pagar ate uns {number} reais, dando o meu Gol 2014 na troca. voces aceitam? ele esta bem conservado, unico dono',
    'moro em Campinas mas trabalho em Sao Paulo, entao rodo bastante na estrada todo dia; economia de combustivel importa',
    'prefiro Toyota ou Honda, nao quero Fiat de jeito nenhum, tive um problema serio com o ultimo e me deixou na mao demais',
    'quero resolver isso ainda este mes, se aparecer alguma coisa boa eu consigo ir ver no sabado de manha sem problema, {number}',
)
_REPLIES = (
    'Anotado! Voce tem preferencia por alguma marca, ou prefere que eu mostre as opcoes mais economicas que temos por aqui?',
    'Certo, {number} reais. E em qual cidade voce mora? Assim eu vejo o que esta mais perto de voce e ja separo as opcoes.',
    'Perfeito. Para que voce vai usar mais o carro no dia a dia: trabalho, familia, viagem ou aplicativo? Isso ajuda muito.',
)


def inbound(contact: int, number: int) -> Inbound:
    """Return the `number`-th message of a contact."""
    text = _SAID[number % len(_SAID)].format(number=20_000 + 100 * number)
    return Inbound(contact=phone(contact), message_id=f'wamid.HBgNNTUxMTk{contact:06}{number:06}', text=text)


def phone(contact: int) -> str:
    return f'+55119{contact:08}'


def reply(number: int) -> str:
    return _REPLIES[number % len(_REPLIES)].format(number=20_000 + 100 * number)


def actions(number: int) -> list[Action]:
    """Return what a tool call of the turn asks for: one profile change."""
    return [PatchProfile(changes=[Change(field='budget_max', value=20_000 + 100 * number)])]


async def one_turn(manager: SessionManager[UserProfileData], contact: int, number: int) -> float:
    """Take, fill and commit one turn, with no model in it, and return the seconds it took.

    What a channel and a tool would make, the inbound and the actions, is made before the clock starts.
    """
    message, answer, asked = inbound(contact, number), reply(number), actions(number)
    started = time.perf_counter()
    async with manager.turn(message) as turn:
        assert isinstance(turn, Turn)
        await turn.commit(reply=answer, actions=asked)
    return time.perf_counter() - started


@asynccontextmanager
async def server() -> AsyncGenerator[Server]:
    """A Valkey server on loopback with an append-only file, flushed every second."""
    with TemporaryDirectory(prefix='benchmark-') as directory:
        # Where managers that are given no vault keep their keys.
        os.environ['XDG_DATA_HOME'] = directory
        one = on_port(Path(directory) / 'server', '--save', '', '--appendonly', 'yes', '--appendfsync', 'everysec')
        async with running(one):
            yield one


@asynccontextmanager
async def managed(url: str, **options: Any) -> AsyncGenerator[SessionManager[UserProfileData]]:
    manager = SessionManager(RedisStore.from_url(url), **options)
    try:
        yield manager
    finally:
        await manager.close()


@asynccontextmanager
async def bare(url: str) -> AsyncGenerator[Any]:
    """A redis-py client as anybody makes one."""
    client: Any = Redis.from_url(url, max_connections=1000)  # pyright: ignore[reportUnknownMemberType]
    async with client:
        yield client


@dataclass(frozen=True)
class Spread:
    """Microseconds of repeated calls."""

    p50: float
    p99: float


def spread(seconds: Sequence[float]) -> Spread:
    ordered = sorted(seconds)
    return Spread(p50=_at(ordered, 0.50), p99=_at(ordered, 0.99))


def _at(ordered: Sequence[float], share: float) -> float:
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1e6, 1)


@dataclass
class Cost:
    """What a block of calls cost this process and the server, in all."""

    client_s: float = 0.0
    server_s: float = 0.0
    script_s: float = 0.0
    bytes_up: int = 0
    bytes_down: int = 0
    appended: int = 0


@asynccontextmanager
async def cost_on(url: str) -> AsyncGenerator[Cost]:
    """Yield a record that holds, after the block, what it cost."""
    cost = Cost()
    async with bare(url) as client:
        before = await _counters(client)
        started = time.process_time()
        yield cost
        cost.client_s = time.process_time() - started
        after = await _counters(client)
    difference = [late - early for early, late in zip(before, after, strict=True)]
    cost.server_s, cost.script_s = difference[0], difference[1] / 1e6
    # The second reading of the counters is itself traffic, of which the server counts only what went up.
    cost.bytes_up, cost.bytes_down, cost.appended = (int(value) for value in difference[2:])


async def _counters(client: Any) -> list[float]:
    info: dict[str, Any] = await client.info('all')
    script: dict[str, Any] = info.get('cmdstat_evalsha', {})
    return [
        info['used_cpu_sys'] + info['used_cpu_user'],
        script.get('usec', 0),
        info['total_net_input_bytes'],
        info['total_net_output_bytes'],
        info['aof_current_size'],
    ]


async def stored_bytes(client: Any, contact_id: str) -> int:
    """Return what the server keeps for one contact, its answered message ids included."""
    total = 0
    async for key in client.scan_iter(match=f'am:*{contact_id}*', count=10_000):
        total += await client.memory_usage(key, samples=0)
    return total


def machine() -> dict[str, Any]:
    """Return what tells one run from another."""
    load = os.getloadavg()[0]
    return {'cores': os.cpu_count(), 'load': round(load, 2), 'max_rss_kb': resource.getrusage(resource.RUSAGE_SELF)[2]}
