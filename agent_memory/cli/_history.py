"""`agent-memory history | funnel | leads | report | archiver`: what the history answers, and what fills it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anyio
from rich.console import Console

from agent_memory.backend import _history as questions
from agent_memory.backend._history import Answer, HistoryReader, Period
from agent_memory.backend._ledger import AuditNote
from agent_memory.backend._quack import QuackArchive
from agent_memory.backend._threaded import ThreadedArchive
from agent_memory.cli._options import Output, Plotted
from agent_memory.history import opened
from agent_memory.lead import CAR_LEAD
from agent_memory.privacy._audit import Audit, operator
from agent_memory.privacy._exported import EXPORTS, Exports
from agent_memory.settings import MemorySettings

Report = Literal['funnel', 'qualification', 'scores', 'response-times', 'fields', 'sources']


@dataclass(frozen=True)
class _Report:
    ask: Callable[[HistoryReader, Period], Awaitable[Answer]]
    label: str
    """The column that names a row where it is drawn."""
    bars: tuple[str, ...]
    """The columns that are drawn, all of one unit."""


_REPORTS: dict[Report, _Report] = {
    'funnel': _Report(questions.funnel, 'state', ('reached', 'ended')),
    'qualification': _Report(questions.qualification, '', ('sessions', 'qualified')),
    'scores': _Report(questions.scores, 'score_from', ('sessions',)),
    'response-times': _Report(questions.response_times, 'day', ('median_s', 'p90_s')),
    'fields': _Report(questions.fields, 'field', ('asked_sessions', 'asked_and_empty')),
    'sources': _Report(questions.sources, 'source', ('sessions', 'qualified')),
}
_console = Console(highlight=False)

_NOTED_AT_ONCE = 200
"""Notes: whoever holds the file takes requests of 64 KB."""
_SESSION = (
    'session_id', 'started_at', 'updated_at', 'reason', 'state', 'reached', 'turn', 'said', 'score', 'completeness',
    'source', 'qualified_at', 'summary', 'profile',
)  # fmt: skip


async def run_history(*, contact: str, limit: int, data: Path | None, output: Output) -> None:
    """Show a contact's newest messages."""
    async with _settings(data).open(CAR_LEAD) as memory:
        contact_id = await memory.manager.contact_id(contact)
        await _note(data, 'history', [contact_id])
        found = await questions.transcript(_archive(data), contact_id, limit=limit)
        _remember(output, data, [contact_id])
        output.show(await opened(memory.manager.vault, found))


async def run_sessions(*, contact: str, limit: int, data: Path | None, output: Output) -> None:
    """Show a contact's sessions, the newest first."""
    async with _settings(data).open(CAR_LEAD) as memory:
        contact_id = await memory.manager.contact_id(contact)
        await _note(data, 'history', [contact_id])
        found = await opened(
            memory.manager.vault, await _archive(data).ask('sessions', contact=contact_id, limit=limit)
        )
        _remember(output, data, [contact_id])
        output.show(found.only(_SESSION))


async def run_leads(*, score: float, limit: int, period: Period, data: Path | None, output: Output) -> None:
    """Show the sessions at or above a score."""
    found = await questions.leads(_archive(data), period, score=score, limit=limit)
    contacts = list(dict.fromkeys(str(row[found.columns.index('contact_id')]) for row in found.rows))
    await _note(data, 'leads', contacts or [None])
    _remember(output, data, contacts)
    output.show(await opened(_settings(data).vault(), found))


async def run_report(*, name: Report, period: Period, data: Path | None, output: Plotted) -> None:
    """Show figures over all contacts."""
    report = _REPORTS[name]
    output.show_bars(await report.ask(_archive(data), period), label=report.label, of=report.bars)


async def run_archiver(*, data: Path | None) -> None:
    """Archive until interrupted; a second one waits for the first to let go."""
    async with _settings(data).open(CAR_LEAD) as memory:
        _console.print(memory.archive_held_elsewhere or 'Archiving.', soft_wrap=True)
        await anyio.sleep_forever()


def _settings(data: Path | None) -> MemorySettings:
    return MemorySettings(data_dir=data) if data else MemorySettings()


def _archive(data: Path | None) -> ThreadedArchive:
    return _settings(data).history()


async def _note(data: Path | None, action: str, contacts: Sequence[str | None]) -> None:
    """Note whose data is shown. The anchor moves on with the process that holds the history."""
    archive = _archive(data)
    if isinstance(archive, QuackArchive):
        return  # noted where it is read
    audit = Audit(archive, actor=operator())
    notes = [AuditNote(action, audit.actor, contact) for contact in contacts]
    for start in range(0, len(notes), _NOTED_AT_ONCE):
        await audit.enter(notes[start : start + _NOTED_AT_ONCE])


def _remember(output: Output, data: Path | None, contact_ids: list[str]) -> None:
    """Note which file gets the data of these contacts, so that their erasure finds it."""
    if output.parquet:
        Exports(_settings(data).data_dir / EXPORTS).note(output.parquet, contact_ids)
