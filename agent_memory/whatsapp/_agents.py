"""Answers turns with a Pydantic AI agent."""

from __future__ import annotations

from typing import Any

from pydantic_ai import Agent

from agent_memory._turns import Turn
from agent_memory.capability import within
from agent_memory.session import Inbound
from agent_memory.whatsapp.dispatcher import Answer


def answered_by(agent: Agent[Inbound, Any]) -> Answer:
    """Return what answers turns with `agent`, which has `SessionMemory` among its capabilities."""

    async def answer(turn: Turn[Any], inbound: Inbound) -> None:
        with within(turn):
            await agent.run(inbound.text, deps=inbound, conversation_id=turn.grant.contact_id)

    return answer
