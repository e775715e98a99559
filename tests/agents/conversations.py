"""Conversations with an agent on a real store, said line by line."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai import Agent, AgentRunResult
from pydantic_ai.messages import ToolCallPart, ToolReturnPart

from agent_memory import CAR_LEAD, Domain, Inbound, RedisStore, SessionData, SessionManager

CONTACT = '+5511999990000'


@asynccontextmanager
async def open_manager(url: str, domain: Domain[Any] = CAR_LEAD) -> AsyncGenerator[SessionManager[Any]]:
    manager = SessionManager(RedisStore.from_url(url), domain=domain)
    try:
        yield manager
    finally:
        await manager.close()


@dataclass
class Conversation:
    """One contact who talks to an agent."""

    agent: Agent[Inbound, Any]
    manager: SessionManager[Any]
    contact: str = CONTACT
    first: Inbound | None = None
    """The first message that was sent."""
    results: list[AgentRunResult[Any]] = field(default_factory=list[AgentRunResult[Any]])

    async def say(self, text: str) -> Any:
        """Send one message and return the reply."""
        number = len(self.results) + 1
        inbound = Inbound(contact=self.contact, message_id=f'wamid.{number}', text=text)
        self.first = self.first or inbound
        self.results.append(await self.agent.run(text, deps=inbound))
        return self.results[-1].output

    async def session(self) -> SessionData[Any]:
        session = await self.manager.get_session(self.contact)
        assert session is not None
        return session

    def called(self) -> list[str]:
        """Return the names of the tools called for the last message, in order."""
        return [part.tool_name for part in self._parts() if isinstance(part, ToolCallPart)]

    def refused(self) -> list[str]:
        """Return what the tools of the last message sent back to the model."""
        return [
            str(part.content)
            for part in self._parts()
            if isinstance(part, ToolReturnPart) and part.outcome == 'retried'
        ]

    def returned(self, tool: str) -> Any:
        """Return what `tool` told the model last."""
        parts: list[Any] = [part for part in self._parts() if isinstance(part, ToolReturnPart)]
        return next(part.content for part in reversed(parts) if part.tool_name == tool)

    def _parts(self) -> list[Any]:
        return [part for message in self.results[-1].new_messages() for part in message.parts]
