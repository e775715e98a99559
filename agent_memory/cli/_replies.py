"""`agent-memory replies`: replies that failed or may not have arrived, for an operator to decide."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agent_memory.backend._channel import Decision, Undelivered
from agent_memory.cli._operating import Operating, operating
from agent_memory.errors import InvalidInput
from agent_memory.whatsapp._contacts import Address

_console = Console(highlight=False)

_DONE: dict[Decision, str] = {
    'arrived': 'They have it. It is not sent again.',
    'again': 'It is sent again by the next worker that looks.',
    'drop': 'It is not sent any more.',
}
_WHY = {
    0: '',
    131026: 'this number cannot be reached on WhatsApp',
    131047: 'more than 24 hours after their last message; only a template may be sent',
    131049: 'Meta held it back to keep people from too many messages',
    131050: 'they asked Meta for no marketing messages',
}


@dataclass(frozen=True)
class _Shown:
    """A reply as an operator sees it."""

    reply: str
    since: str
    what: str
    to: str
    text: str


async def run_list(*, data: Path | None, as_json: bool) -> None:
    """Print each reply with whom it was for and what it says."""
    async with operating(data) as desk:
        shown = [await _shown(desk, one) for one in await desk.manager.channel.undelivered()]
    if as_json:
        sys.stdout.write(json.dumps([vars(one) for one in shown], ensure_ascii=False) + '\n')
        return
    if not shown:
        _console.print('Every reply has arrived, or is on its way.')
        return
    table = Table('reply', 'since', 'what is known', 'for', 'text')
    for one in shown:
        table.add_row(one.reply, one.since, one.what, one.to, one.text)
    _console.print(table)
    _console.print(
        'They have it: `agent-memory replies arrived REPLY`. They have it not: `agent-memory replies again REPLY`. '
        'Not needed: `agent-memory replies drop REPLY`.'
    )


async def run_decide(*, reply: str, decision: Decision, data: Path | None) -> None:
    """Decide what becomes of one reply."""
    contact_id, _, message_id = reply.partition(':')
    async with operating(data) as desk:
        known = {(one.contact_id, one.message_id) for one in await desk.manager.channel.undelivered()}
        if (contact_id, message_id) not in known:
            raise InvalidInput(f'{reply} waits for no decision; `agent-memory replies list` shows which do')
        await desk.note(f'reply {decision}', contact_id, reply=message_id)
        await desk.manager.channel.decide(contact_id, message_id, decision)
    _console.print(_DONE[decision])


async def _shown(desk: Operating, found: Undelivered) -> _Shown:
    await desk.note('reply read', found.contact_id, reply=found.message_id)
    reply, packed = await desk.manager.letter(found)
    address = Address.unpacked(packed)
    phone = f'+{address.wa_id}; ' if address and address.wa_id else ''
    known = f'failed, {found.code or "no reason given"}' if found.state == 'failed' else 'may have arrived'
    why = _WHY.get(found.code)
    return _Shown(
        reply=f'{found.contact_id}:{found.message_id}',
        since=f'{found.since:%Y-%m-%d %H:%M} UTC',
        what=f'{known}: {why}' if why else known,
        to=f'{phone}{await desk.described(found.contact_id)}',
        text=reply.text or '',
    )
