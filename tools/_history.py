"""The history toolset: what this person said in earlier sessions."""

from __future__ import annotations

from typing import Any

from pydantic_ai import FunctionToolset, RunContext

from agent_memory.errors import ArchiveUnavailable
from agent_memory.history import PastSession
from agent_memory.manager import SessionManager
from agent_memory.session import Inbound

_LINES = 20
"""Most lines of each session that the model is told."""


def history_toolset(manager: SessionManager[Any], *, sessions: int = 3) -> FunctionToolset[Any]:
    """Return a tool that reads the newest `sessions` closed sessions of the contact in play, and of nobody else."""
    toolset = FunctionToolset[Any](id='history')

    @toolset.tool
    async def earlier_conversations(ctx: RunContext[Any]) -> list[dict[str, Any]] | str:
        """Return what this person wanted and said in earlier conversations, newest first. It may be out of date."""
        inbound = ctx.deps if isinstance(ctx.deps, Inbound) else ctx.deps.inbound
        try:
            past = await manager.get_user_history(inbound.contact, limit=sessions + 1)
        except ArchiveUnavailable:
            return 'the history cannot be read now'
        closed = [session for session in past if session.reason != 'open'][:sessions]
        return [_told(session) for session in closed] or 'this is the first conversation'

    return toolset


def _told(session: PastSession) -> dict[str, Any]:
    said = [line.content for line in session.messages if line.role == 'user']
    return {'ended': session.updated_at.date().isoformat(), 'profile': session.profile, 'said': said[-_LINES:]}
