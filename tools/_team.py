"""The team toolset: what the people of a business may ask their own assistant to do with conversations."""

from __future__ import annotations

from typing import Any

from pydantic_ai import FunctionToolset, ModelRetry, RunContext

from agent_memory.errors import SessionBusy, SessionConflict
from agent_memory.manager import SessionManager


def team_toolset(manager: SessionManager[Any]) -> FunctionToolset[Any]:
    """Return a tool that hands a conversation back to the agent.

    It is for an agent that the team talks to, never for the one that customers do: that one is silent until it is
    handed back, and whoever could talk it into this could take a conversation from the person who has it.
    """
    toolset = FunctionToolset[Any](id='team')

    @toolset.tool
    async def hand_back(ctx: RunContext[Any], contact: str) -> str:
        """Give a conversation that a person took over back to the agent, which goes on where it was.

        Args:
            ctx: The run.
            contact: The customer: a phone number with its country code.
        """
        del ctx
        try:
            back = await manager.hand_back(contact)
        except (SessionBusy, SessionConflict) as error:
            raise ModelRetry(f'not handed back, try again: {error}') from error
        return 'the agent goes on' if back else 'nobody has taken this conversation over'

    return toolset
