"""What sealing adds to a turn: the time inside it, of turns that are timed in the same run."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from agent_memory.vault import Box
from benchmarks.workload import managed, one_turn, spread

FIRST = 9_000_000
"""Contacts that no other benchmark uses."""


@dataclass(frozen=True)
class Sealing:
    seals: float
    """Blobs sealed in a turn."""
    seal_us: float
    """Spent in them, a turn."""
    turn_p50_us: float
    share: float


async def measure(url: str, *, turns: int) -> Sealing:
    """Time the seals of turns of one contact, whose key this process has already."""
    seal, spent = Box.seal, list[float]()

    def timed(self: Box, *args: Any) -> bytes:
        started = time.perf_counter()
        sealed = seal(self, *args)
        spent.append(time.perf_counter() - started)
        return sealed

    async with managed(url) as manager:
        for number in range(20):
            await one_turn(manager, FIRST, number)
        with patch.object(Box, 'seal', timed):
            took = [await one_turn(manager, FIRST, number) for number in range(20, 20 + turns)]
    # A seal that was interrupted by another process says nothing of sealing: the middle one stands for all.
    median, count = sorted(spent)[len(spent) // 2], len(spent) / turns
    p50 = spread(took).p50
    return Sealing(round(count, 2), round(median * count * 1e6, 1), p50, round(median * count * 1e6 / p50, 4))
