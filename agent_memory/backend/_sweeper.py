"""`Sweeper`: finds what no worker holds any more: idle sessions and turns whose worker is gone."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import anyio

from agent_memory import telemetry
from agent_memory.backend._protocol import Sweepable
from agent_memory.errors import StoreUnavailable

_logger = logging.getLogger(__name__)


@dataclass
class Sweeper:
    """Closes sessions past their deadline and hands over contacts whose messages nobody answers.

    Any number may sweep the same store: a session is closed once, and a turn is granted to one worker.
    """

    store: Sweepable
    close: Callable[[str], Awaitable[bool]]
    """Closes the session of a contact, and returns whether it did."""
    answer: Callable[[str], Awaitable[None]] | None = None
    """Answers the first message of a contact; `None` leaves messages to others. It must not raise."""
    every: timedelta = timedelta(seconds=1)
    idle: timedelta = timedelta(seconds=1)
    """How long a message is left to its own caller, who takes its turn within milliseconds."""
    at_once: int = 20
    """Most contacts that are answered at the same time."""
    _answering: set[str] = field(default_factory=set[str], init=False, repr=False)

    async def run(self) -> None:
        """Sweep until cancelled, through any outage of the store."""
        away = False
        async with anyio.create_task_group() as tasks:
            while True:
                try:
                    await self._sweep(tasks)
                    away = False
                except StoreUnavailable as error:
                    if not away:
                        _logger.warning(telemetry.SWEEPING_WAITS, error)
                    away = True
                await anyio.sleep(self.every.total_seconds())

    async def sweep(self) -> int:
        """Sweep once, wait until every message that was found is answered, and return how many sessions it closed."""
        closed = 0
        async with anyio.create_task_group() as tasks:
            closed = await self._sweep(tasks)
        return closed

    async def _sweep(self, tasks: anyio.abc.TaskGroup) -> int:
        due = await self.store.due(idle=self.idle)
        if self.answer is not None:
            for contact_id in due.turns:
                if len(self._answering) < self.at_once and contact_id not in self._answering:
                    self._answering.add(contact_id)
                    tasks.start_soon(self._answer, self.answer, contact_id)
        return sum([await self.close(contact_id) for contact_id in due.sessions])

    async def _answer(self, answer: Callable[[str], Awaitable[None]], contact_id: str) -> None:
        try:
            await answer(contact_id)
        finally:
            self._answering.discard(contact_id)
