"""`Worker`: the turns that nobody runs any more, and the sessions that nobody ends."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic

from pydantic_ai import AgentRunResult
from pydantic_ai.agent import AbstractAgent

from agent_memory import telemetry
from agent_memory.backend._sweeper import Sweeper
from agent_memory.capability import SessionMemory
from agent_memory.errors import LeaseLost, SessionBusy
from agent_memory.profile import ProfileT
from agent_memory.session import Inbound

_logger = logging.getLogger(__name__)

Deliver = Callable[[Inbound, AgentRunResult[Any]], Awaitable[None]]


@dataclass
class Worker(Generic[ProfileT]):
    """Answers messages whose caller or worker is gone, by the agent's own `run`, and ends idle sessions.

    Run one beside each process that runs agents, or apart from them: `await Worker(memory, agent).run()` in a task
    group. Any number may work on the same store.
    """

    memory: SessionMemory[ProfileT]
    agent: AbstractAgent[Any, Any]
    deps: Callable[[Inbound], Any] = field(default=lambda inbound: inbound)
    """Makes the deps of a run from its inbound."""
    deliver: Deliver | None = None
    """Sends the reply of a turn that was run here. Replies wait under their message id for a redelivery otherwise."""
    every: timedelta = timedelta(seconds=1)
    idle: timedelta = timedelta(seconds=1)
    """How long a message is left to its own caller."""
    _sweeper: Sweeper = field(init=False, repr=False)

    def __post_init__(self) -> None:
        manager = self.memory.manager
        self._sweeper = Sweeper(
            manager.sweepable, manager.close_overdue, self._answer, every=self.every, idle=self.idle
        )

    async def run(self) -> None:
        """Work until cancelled."""
        await self._sweeper.run()

    async def sweep(self) -> int:
        """Do once what is due now, and return how many sessions were ended."""
        return await self._sweeper.sweep()

    async def _answer(self, contact_id: str) -> None:
        try:
            inbound = await self.memory.manager.first_waiting(contact_id)
            if inbound is None:
                return
            result = await self.agent.run(
                inbound.text,
                deps=self.deps(inbound),
                conversation_id=contact_id,
                capabilities=[self.memory],
            )
            if self.deliver is not None and not (result.metadata or {}).get('replayed'):
                await self.deliver(inbound, result)
        except (SessionBusy, LeaseLost):
            return  # somebody else answers
        except Exception as error:  # noqa: BLE001 - the failure of one contact; its turn was given back and counted
            # Only the kind: messages of errors repeat what people say.
            _logger.warning(telemetry.UNANSWERED, type(error).__name__)
