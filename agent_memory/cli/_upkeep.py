"""`agent-memory backup | restore | retention`: the upkeep of the history's file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import get_args

import anyio
from rich.console import Console

from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._history import Answer
from agent_memory.backend._lake import LakeArchive
from agent_memory.backend._lake_move import move_into_lake
from agent_memory.backend._redis import RedisStore
from agent_memory.backend._restore import restore
from agent_memory.backend._retention import Outlived, Rule, Table, outlived, retain
from agent_memory.cli._operating import operating
from agent_memory.cli._options import Output
from agent_memory.errors import InvalidInput, SetupError
from agent_memory.privacy._audit import Audit, operator
from agent_memory.privacy._forget import reconcile
from agent_memory.settings import MemorySettings

_console = Console(highlight=False)


async def run_backup(*, directory: Path, data: Path | None) -> None:
    """Copy the history while it is being written."""
    archive = _file(data)
    await Audit(archive, actor=operator()).note('backup')
    _console.print(str(await archive.backup(directory)), soft_wrap=True)


async def run_restore(*, file: Path, data: Path | None) -> None:
    """Put a backup in place, erase again who was erased since, and anchor its audit."""
    archive = _file(data)
    await restore(file, archive.path)
    try:
        async with operating(data) as at:
            # Whatever else is open may have done so already.
            await reconcile(at.manager, archive)
            erased = len(await archive.tombstones())
            store = at.manager.store
            await Audit(archive, store.anchor if isinstance(store, RedisStore) else None, operator()).accept()
    finally:
        await archive.close()
    _console.print(f'Restored {archive.path}. {erased} people who were erased are not in it.', soft_wrap=True)


async def run_move(*, file: Path, data: Path | None) -> None:
    """Copy the history into a lake."""
    lake = _settings(data).history()
    if not isinstance(lake, LakeArchive):
        raise SetupError('AGENT_MEMORY_ARCHIVE names no lake to move into; see docs/operations.md')
    if not await anyio.Path(file).exists():
        raise InvalidInput(f'{file}: there is no history')
    moved = await move_into_lake(file, lake)
    told = ', '.join(f'{table} {rows}' for table, rows in moved.items() if rows)
    _console.print(f'Moved into the lake: {told or "nothing"}.', soft_wrap=True)


async def run_retention(*, keep: list[str], dry_run: bool, data: Path | None, output: Output) -> None:
    """Remove what outlived its rule, or show what would go."""
    settings = _settings(data)
    rules = [_rule(one) for one in keep] or settings.rules()
    if not rules:
        raise InvalidInput('no rule says how long rows are kept: set AGENT_MEMORY_RETAIN_DAYS or use --keep TABLE=DAYS')
    archive = settings.history()
    try:
        found = await (outlived(archive, rules) if dry_run else retain(archive, rules, actor=operator()))
    finally:
        await archive.close()
    output.show(_answer(found, 'would_go' if dry_run else 'removed'))


def _file(data: Path | None) -> DuckDBArchive:
    archive = _settings(data).history()
    if not isinstance(archive, DuckDBArchive):
        raise SetupError('a lake is copied with the tools of PostgreSQL and of its files; see docs/operations.md')
    return archive


def _answer(found: list[Outlived], gone: str) -> Answer:
    rows = tuple((one.table, one.before, one.rows, one.of, one.oldest) for one in found)
    return Answer(('table', 'before', gone, 'of', 'oldest'), rows)


def _rule(text: str) -> Rule:
    table, _, days = text.partition('=')
    [kept] = [one for one in get_args(Table) if one == table] or [None]
    if kept is None or not days.isdecimal():
        raise InvalidInput(f'{text!r} is no rule; one is TABLE=DAYS, with a table of {", ".join(get_args(Table))}')
    return Rule(kept, timedelta(days=int(days)))


def _settings(data: Path | None) -> MemorySettings:
    return MemorySettings(data_dir=data) if data else MemorySettings()
