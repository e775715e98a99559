"""`agent-memory merges`: contacts that may be one person, for an operator to decide."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._redis import RedisStore
from agent_memory.errors import InvalidInput, SetupError
from agent_memory.lead import CAR_LEAD, UserProfileData
from agent_memory.manager import SessionManager
from agent_memory.privacy._audit import Audit, operator
from agent_memory.settings import MemorySettings

_console = Console(highlight=False)


async def run_list(*, data: Path | None, as_json: bool) -> None:
    """Print each pair with what is known of both."""
    async with _manager(_settings(data)) as manager:
        pairs = await manager.channel.merges()
        known = {one: await _described(manager, one) for pair in pairs for one in pair}
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
    settings = _settings(data)
    async with _manager(settings) as manager:
        await _check(manager, kept, other)
        await _note(settings, manager, 'merge', kept, other)
        await manager.channel.merge(kept, other)
    _console.print(f'What {other} writes from now on belongs to {kept}. What was said before stays where it is.')


async def run_keep(*, one: str, other: str, data: Path | None) -> None:
    """Decide that two contacts are two people."""
    settings = _settings(data)
    async with _manager(settings) as manager:
        await _check(manager, one, other)
        await _note(settings, manager, 'keep apart', one, other)
        await manager.channel.dismiss(one, other)
    _console.print(f'{one} and {other} are two people.')


async def _check(manager: SessionManager[UserProfileData], one: str, other: str) -> None:
    if tuple(sorted((one, other))) not in {tuple(sorted(pair)) for pair in await manager.channel.merges()}:
        raise InvalidInput(f'{one} and {other} do not wait for a decision; `agent-memory merges list` shows who does')


async def _note(
    settings: MemorySettings, manager: SessionManager[UserProfileData], action: str, contact: str, other: str
) -> None:
    """Note the decision in the audit before it is carried out."""
    store = manager.store
    if not isinstance(store, RedisStore):
        raise SetupError(f'{type(store).__name__} keeps no anchor for the audit')
    archive = DuckDBArchive(settings.archive_path)
    try:
        await Audit(archive, store.anchor, operator()).note(action, contact, other=other)
    finally:
        await archive.close()


async def _described(manager: SessionManager[UserProfileData], contact_id: str) -> str:
    """Return what helps to tell a contact apart."""
    session = await manager.get_session(f'contact:{contact_id}')
    if session is None:
        return 'no open conversation'
    told = session.profile.known()
    said = ', '.join(str(told[field]) for field in ('name', 'city', 'state') if field in told)
    return f'{said or "no name"}; {session.turn} turns, last on {session.updated_at:%Y-%m-%d %H:%M} UTC'


@asynccontextmanager
async def _manager(settings: MemorySettings) -> AsyncGenerator[SessionManager[UserProfileData]]:
    if settings.redis_url is not None:
        async with settings.connect(CAR_LEAD) as manager:
            yield manager
    else:
        async with settings.open(CAR_LEAD) as memory:
            yield memory.manager


def _settings(data: Path | None) -> MemorySettings:
    return MemorySettings(data_dir=data) if data else MemorySettings()
