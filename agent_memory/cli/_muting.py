"""`agent-memory mute | unmute`: who answers a contact, a person of the business or the agent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console

from agent_memory.cli._operating import operating
from agent_memory.errors import InvalidInput

_console = Console(highlight=False)


async def run_mute(*, contact: str, hours: float, data: Path | None) -> None:
    """Have the agent say nothing to a contact for so long; what they write is kept."""
    duration = timedelta(hours=hours)
    async with operating(data) as desk:
        contact_id = await desk.manager.contact_id(contact)
        await desk.note('mute', contact_id, hours=str(hours))
        await desk.manager.channel.mute(contact_id, duration)
    _console.print(f'The agent says nothing to them until {datetime.now(UTC) + duration:%Y-%m-%d %H:%M} UTC.')


async def run_unmute(*, contact: str, data: Path | None) -> None:
    """Have the agent answer a contact again, also one that it had handed over."""
    async with operating(data) as desk:
        contact_id = await desk.manager.contact_id(contact)
        muted = (await desk.manager.reach(contact_id)).muted
        await desk.note('unmute', contact_id)
        await desk.manager.channel.mute(contact_id, timedelta(0))
        handed_back = await desk.manager.hand_back(f'contact:{contact_id}')
    if not muted and not handed_back:
        raise InvalidInput('nobody had muted the agent for this contact')
    _console.print('The agent answers their next message.')
