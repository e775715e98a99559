"""One turn at a time at a given length of history, between bare calls of the same run."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from agent_memory.lead import UserProfileData
from agent_memory.manager import SessionManager
from benchmarks.bare_calls import BarePair, recorded
from benchmarks.seed_style import SeedStyle
from benchmarks.workload import Spread, bare, cost_on, managed, one_turn, phone, spread, stored_bytes
from tests.fault_proxy import fault_proxy

PER_CONTACT = 4
"""Turns measured on each contact: the history grows by 2 messages with each."""


@dataclass(frozen=True)
class Single:
    """One row of the table."""

    history: int
    turn: Spread
    pair: Spread
    """The two bare EVALSHA calls that the turn itself sends."""
    gets: Spread
    """Two bare GET calls of 10 bytes."""
    seed: Spread
    to_pair: float
    """The turn's p50 over that of the two bare calls."""
    client_us: float
    pair_client_us: float
    server_us: float
    script_us: float
    round_trips: float
    bytes_up: int
    appended: int
    """Bytes that a turn adds to the append-only file."""
    stored: int
    """MEMORY USAGE of all keys of a contact with this history."""
    seed_bytes_up: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


async def measure(url: str, history: int, *, contacts: int) -> Single:
    """Measure turns of `contacts` contacts that have `history` messages each."""
    first = history * 100_000
    before = history // 2
    async with managed(url) as manager, bare(url) as client:
        seed = SeedStyle(client)
        await _build(manager, seed, first, contacts, before)
        pair = BarePair(client, *await recorded(manager, first, before))
        await client.set('ten', 'x' * 10)
        turns, pairs, gets, seeds = await _interleaved(manager, pair, seed, range(first, first + contacts), before + 1)
        number = before + 1 + PER_CONTACT
        async with cost_on(url) as cost:
            for contact in range(first, first + contacts):
                await one_turn(manager, contact, number)
        async with cost_on(url) as seed_cost:
            for contact in range(first, first + contacts):
                await seed.turn(contact, number)
        stored = await stored_bytes(client, await _fresh(manager, first + contacts, before))
        pair_client = await _client_time(pair, contacts)
    turn, two = spread(turns), spread(pairs)
    return Single(
        history=history,
        turn=turn,
        pair=two,
        gets=spread(gets),
        seed=spread(seeds),
        to_pair=round(turn.p50 / two.p50, 2),
        client_us=round(cost.client_s / contacts * 1e6, 1),
        pair_client_us=round(pair_client * 1e6, 1),
        server_us=round(cost.server_s / contacts * 1e6, 1),
        script_us=round(cost.script_s / contacts * 1e6, 1),
        round_trips=await _round_trips(url, first + contacts, before),
        bytes_up=cost.bytes_up // contacts,
        appended=cost.appended // contacts,
        stored=stored,
        seed_bytes_up=seed_cost.bytes_up // contacts,
    )


async def _build(
    manager: SessionManager[UserProfileData], seed: SeedStyle, first: int, contacts: int, turns: int
) -> None:
    for contact in range(first, first + contacts):
        for number in range(turns):
            await one_turn(manager, contact, number)
            if contact == first:
                await seed.turn(contact, number)
        if contact > first and turns:
            await seed.client.copy(f'session:{phone(first)}', f'session:{phone(contact)}')
    # The first turn of each contact after the history is not measured: the recorded one is among them.
    for contact in range(first + 1, first + contacts):
        await one_turn(manager, contact, turns)


async def _interleaved(
    manager: SessionManager[UserProfileData], pair: BarePair, seed: SeedStyle, contacts: range, start: int
) -> tuple[list[float], list[float], list[float], list[float]]:
    turns: list[float] = []
    pairs: list[float] = []
    gets: list[float] = []
    seeds: list[float] = []
    for number in range(start, start + PER_CONTACT):
        for contact in contacts:
            turns.append(await one_turn(manager, contact, number))
            prepared = await pair.prepared()
            pairs.append(await _timed(lambda p=prepared: pair.run(p)))
            gets.append(await _timed(lambda: _two_gets(pair.client)))
            if number == start:
                seeds.append(await _timed(lambda c=contact, n=number: seed.turn(c, n)))
    return turns, pairs, gets, seeds


async def _timed(call: Callable[[], Awaitable[Any]]) -> float:
    started = time.perf_counter()
    await call()
    return time.perf_counter() - started


async def _two_gets(client: Any) -> None:
    await client.get('ten')
    await client.get('ten')


async def _client_time(pair: BarePair, count: int) -> float:
    prepared = [await pair.prepared() for _ in range(count)]
    started = time.process_time()
    for one in prepared:
        await pair.run(one)
    return (time.process_time() - started) / count


async def _fresh(manager: SessionManager[UserProfileData], contact: int, turns: int) -> str:
    for number in range(turns):
        await one_turn(manager, contact, number)
    return await manager.contact_id(phone(contact))


async def _round_trips(url: str, contact: int, start: int, count: int = 20) -> float:
    """Count at a proxy between client and server, on a connection that is open."""
    async with fault_proxy(url) as proxy, managed(proxy.url) as manager:
        await one_turn(manager, contact, start)
        before = proxy.round_trips
        for number in range(start + 1, start + 1 + count):
            await one_turn(manager, contact, number)
        return (proxy.round_trips - before) / count
