"""`agent-memory merges`: contacts that may be one person, for an operator to decide."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agent_memory.cli._operating import Operating, operating
from agent_memory.errors import InvalidInput

_console = Console(highlight=False)


async def run_list(*, data: Path | None, as_json: bool) -> None:
    """Print each pair with what is known of both."""
    async with operating(data) as desk:
        pairs = await desk.manager.channel.merges()
        known = {one: await _known(desk, one) for pair in pairs for one in pair}
    if as_json:
        found = [[{'contact': one, 'known': known[one]} for one in pair] for pair in pairs]
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + '\n')
        return
    if not pairs:
        _console.print('Nobody has to be told apart.')
        return
    table = Table('contact', 'known', 'may be', 'known')
    for one, other in pairs:
        table.add_row(one, known[one], other, known[other])
    _console.print(table)
    _console.print(
        'One person: `agent-memory merges link KEPT OTHER`. Two people: `agent-memory merges keep ONE OTHER`.'
    )


async def run_link(*, kept: str, other: str, data: Path | None) -> None:
    """Decide that two contacts are one person."""
    async with operating(data) as desk:
        await _check(desk, kept, other)
        await desk.note('merge', kept, other=other)
        await desk.manager.channel.merge(kept, other)
    _console.print(f'What {other} writes from now on belongs to {kept}. What was said before stays where it is.')


async def run_keep(*, one: str, other: str, data: Path | None) -> None:
    """Decide that two contacts are two people."""
    async with operating(data) as desk:
        await _check(desk, one, other)
        await desk.note('keep apart', one, other=other)
        await desk.manager.channel.dismiss(one, other)
    _console.print(f'{one} and {other} are two people.')


async def _known(desk: Operating, contact_id: str) -> str:
    await desk.note('merge read', contact_id)
    return await desk.described(contact_id)


async def _check(desk: Operating, one: str, other: str) -> None:
    if tuple(sorted((one, other))) not in {tuple(sorted(pair)) for pair in await desk.manager.channel.merges()}:
        raise InvalidInput(f'{one} and {other} do not wait for a decision; `agent-memory merges list` shows who does')
