"""Many turns at once: throughput, hand-over between waiters, messages lost, and growth with open sessions."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass

import anyio

from agent_memory._turns import Turn
from agent_memory.errors import EarlierWaits
from agent_memory.lead import UserProfileData
from agent_memory.manager import SessionManager
from benchmarks.bare_calls import BarePair, recorded
from benchmarks.seed_style import SeedStyle
from benchmarks.workload import Spread, bare, inbound, managed, one_turn, phone, reply, spread, stored_bytes

_THINKING_S = 0.005
"""How long the stand-in for a model thinks in the trial of lost messages."""


@dataclass(frozen=True)
class Rate:
    """Per second, by one process with `contacts` contacts at once."""

    contacts: int
    turns: float
    pairs: float


async def throughput(url: str, *, contacts: int = 16, seconds: float) -> Rate:
    """Run turns of all contacts at once, then as many bare pairs at once, in alternating slices."""
    async with managed(url) as manager, bare(url) as client:
        for contact in range(contacts):
            for number in range(25):
                await one_turn(manager, 800_000 + contact, number)
        begin, commit = await recorded(manager, 800_000, 25)
        pairs = [BarePair(client, begin, commit) for _ in range(contacts)]
        numbers = [26] * contacts

        async def turn(contact: int) -> None:
            numbers[contact] += 1
            await one_turn(manager, 800_000 + contact, numbers[contact])

        async def pair(contact: int) -> None:
            await pairs[contact].run(await pairs[contact].prepared())

        turns_done = pairs_done = 0.0
        slices = 4
        for _ in range(slices):
            turns_done += await _at_once(turn, contacts, seconds / slices)
            pairs_done += await _at_once(pair, contacts, seconds / slices)
    return Rate(contacts, round(turns_done / slices), round(pairs_done / slices))


async def _at_once(call: Callable[[int], Awaitable[None]], contacts: int, seconds: float) -> float:
    done = 0
    end = time.perf_counter() + seconds

    async def work(contact: int) -> None:
        nonlocal done
        while time.perf_counter() < end:
            await call(contact)
            done += 1

    started = time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for contact in range(contacts):
            tasks.start_soon(work, contact)
    return done / (time.perf_counter() - started)


async def handover(url: str, *, turns: int) -> Spread:
    """Measure from one turn's commit to the grant of the next of the same contact, between two workers."""
    gaps: list[float] = []
    committed = 0.0

    async with managed(url) as one, managed(url) as other:

        async def answer(manager: SessionManager[UserProfileData], number: int) -> None:
            nonlocal committed
            async with manager.turn(inbound(900_000, number)) as turn:
                assert isinstance(turn, Turn)
                if committed:
                    gaps.append(time.perf_counter() - committed)
                await anyio.sleep(_THINKING_S)
                await turn.commit(reply=reply(number))
                committed = time.perf_counter()

        async def worker(manager: SessionManager[UserProfileData], numbers: range) -> None:
            for number in numbers:
                await _in_order(lambda number=number: answer(manager, number))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker, one, range(0, turns, 2))
            tasks.start_soon(worker, other, range(1, turns, 2))
    return spread(gaps)


async def _in_order(answer: Callable[[], Awaitable[None]]) -> None:
    """Answer a message after those that stand before it, as the capability does."""
    while True:
        try:
            await answer()
        except EarlierWaits:
            await anyio.sleep(0.001)
        else:
            return


@dataclass(frozen=True)
class Losses:
    """What became of messages that were sent at once, each of them twice."""

    design: str
    sent: int
    kept: int
    twice: int


async def losses(url: str, *, contacts: int, burst: int = 5) -> tuple[Losses, Losses]:
    """Send each contact `burst` messages at once and each of them again, to this package and to the seed-style one."""
    async with managed(url) as manager, bare(url) as client:
        seed = SeedStyle(client)

        async def ours(contact: int, number: int) -> None:
            await _in_order(lambda: our_turn(contact, number))

        async def our_turn(contact: int, number: int) -> None:
            async with manager.turn(inbound(contact, number)) as turn:
                if isinstance(turn, Turn):
                    await anyio.sleep(_THINKING_S)
                    await turn.commit(reply=reply(number))

        async def theirs(contact: int, number: int) -> None:
            await seed.turn(contact, number, pause=lambda: anyio.sleep(_THINKING_S))

        async def our_texts(contact: int) -> list[str]:
            session = await manager.get_session(phone(contact))
            return [one.content for one in session.memory.messages if one.role == 'user'] if session else []

        async def their_texts(contact: int) -> list[str]:
            return [one.content for one in (await seed.load(contact)).memory.messages if one.role == 'user']

        return (
            await _burst('agent_memory', ours, our_texts, range(910_000, 910_000 + contacts), burst),
            await _burst('seed-style', theirs, their_texts, range(910_000, 910_000 + contacts), burst),
        )


async def _burst(
    design: str,
    send: Callable[[int, int], Coroutine[None, None, None]],
    texts: Callable[[int], Awaitable[list[str]]],
    contacts: range,
    burst: int,
) -> Losses:
    async with anyio.create_task_group() as tasks:
        for contact in contacts:
            for number in [*range(burst), *range(burst)]:
                tasks.start_soon(send, contact, number)
    kept = twice = 0
    for contact in contacts:
        said = await texts(contact)
        wanted = [inbound(contact, number).text for number in range(burst)]
        kept += sum(text in said for text in wanted)
        twice += sum(said.count(text) > 1 for text in wanted)
    return Losses(design, len(contacts) * burst, kept, twice)


@dataclass(frozen=True)
class Step:
    """A turn's cost while this many sessions are open."""

    open: int
    turn: Spread
    stored: int


async def growth(url: str, sizes: tuple[int, ...], *, samples: int = 100) -> list[Step]:
    """Open ever more sessions and measure turns of some of them at each size."""
    steps: list[Step] = []
    opened = 0
    async with managed(url, cache_size=max(sizes)) as manager, bare(url) as client:
        await client.flushall()
    async with managed(url, cache_size=max(sizes)) as manager, bare(url) as client:
        for size in sizes:
            await _open(manager, range(opened, size))
            opened = size
            first = 1 + size * samples
            times = [await one_turn(manager, n * size // samples, first + n) for n in range(samples)]
            stored = await stored_bytes(client, await manager.contact_id(phone(size - 1)))
            steps.append(Step(size, spread(times), stored))
    return steps


async def _open(manager: SessionManager[UserProfileData], contacts: range) -> None:
    async def some(part: range) -> None:
        for contact in part:
            await one_turn(manager, contact, 0)

    async with anyio.create_task_group() as tasks:
        for offset in range(min(16, len(contacts))):
            tasks.start_soon(some, contacts[offset::16])
