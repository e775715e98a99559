"""`agent-memory history | funnel | leads | report | backup | archiver`: what the history answers, and its upkeep."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import anyio
from rich.bar import Bar
from rich.console import Console
from rich.table import Table

from agent_memory.backend import _history as questions
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._history import Answer, HistoryReader, Period
from agent_memory.backend._parquet import write_parquet
from agent_memory.history import opened
from agent_memory.lead import CAR_LEAD
from agent_memory.privacy._audit import Audit, operator
from agent_memory.privacy._exported import EXPORTS, Exports
from agent_memory.settings import MemorySettings

Report = Literal['qualification', 'scores', 'response-times', 'fields', 'sources']

_REPORTS: dict[Report, Callable[[HistoryReader, Period], Awaitable[Answer]]] = {
    'qualification': questions.qualification,
    'scores': questions.scores,
    'response-times': questions.response_times,
    'fields': questions.fields,
    'sources': questions.sources,
}
_console = Console(highlight=False)


@dataclass(frozen=True)
class Output:
    """How an answer is shown: a table unless one of these is asked for."""

    as_json: bool = False
    as_csv: bool = False
    plot: bool = False
    parquet: Path | None = None

    def show(self, answer: Answer) -> None:
        """Print or write the answer."""
        if self.parquet:
            write_parquet(answer, self.parquet)
        elif self.as_json:
            rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
            sys.stdout.write(json.dumps(rows, ensure_ascii=False, default=_text) + '\n')
        elif self.as_csv:
            writer = csv.writer(sys.stdout)
            writer.writerow(answer.columns)
            writer.writerows([_text(value) for value in row] for row in answer.rows)
        else:
            _console.print(_chart(answer) if self.plot else _table(answer))


async def run_history(*, contact: str, limit: int, data: Path | None, output: Output) -> None:
    """Show a contact's newest messages."""
    async with _settings(data).open(CAR_LEAD) as memory:
        contact_id = await memory.manager.contact_id(contact)
        await _audit(data).note('history', contact_id)
        found = await questions.transcript(_archive(data), contact_id, limit=limit)
        _remember(output, data, [contact_id])
        output.show(await opened(memory.manager.vault, found))


async def run_funnel(*, period: Period, data: Path | None, output: Output) -> None:
    """Show how far sessions got."""
    output.show(await questions.funnel(_archive(data), period))


async def run_leads(*, score: float, limit: int, period: Period, data: Path | None, output: Output) -> None:
    """Show the sessions at or above a score."""
    await _audit(data).note('leads')
    found = await questions.leads(_archive(data), period, score=score, limit=limit)
    told = await opened(_settings(data).vault(), found)
    _remember(output, data, [str(row[told.columns.index('contact_id')]) for row in told.rows])
    output.show(told)


async def run_report(*, name: Report, period: Period, data: Path | None, output: Output) -> None:
    """Show one of the other figures."""
    output.show(await _REPORTS[name](_archive(data), period))


async def run_backup(*, directory: Path, data: Path | None) -> None:
    """Copy the history while it is being written."""
    _console.print(str(await _archive(data).backup(directory)), soft_wrap=True)


async def run_archiver(*, data: Path | None) -> None:
    """Archive until interrupted; a second one waits for the first to let go."""
    async with _settings(data).open(CAR_LEAD) as memory:
        _console.print(memory.archive_held_elsewhere or 'Archiving.', soft_wrap=True)
        await anyio.sleep_forever()


def period(since: datetime | None, until: datetime | None) -> Period:
    """Return a period; times without a zone are local."""
    return Period(
        since=since.astimezone(UTC) if since else Period.since, until=until.astimezone(UTC) if until else Period.until
    )


def _settings(data: Path | None) -> MemorySettings:
    return MemorySettings(data_dir=data) if data else MemorySettings()


def _archive(data: Path | None) -> DuckDBArchive:
    return DuckDBArchive(_settings(data).archive_path)


def _audit(data: Path | None) -> Audit:
    """Return the audit, whose anchor moves on with the process that holds the history."""
    return Audit(_archive(data), actor=operator())


def _remember(output: Output, data: Path | None, contact_ids: list[str]) -> None:
    """Note which file gets the data of these contacts, so that their erasure finds it."""
    if output.parquet:
        Exports(_settings(data).data_dir / EXPORTS).note(output.parquet, contact_ids)


def _table(answer: Answer) -> Table:
    table = Table(*answer.columns)
    for row in answer.rows:
        table.add_row(*map(_text, row))
    return table


def _chart(answer: Answer) -> Table:
    """Return bars of the second column, named by the first."""
    counted = [(row[0], row[1]) for row in answer.rows if isinstance(row[1], int | float)]
    most = max((count for _, count in counted), default=0)
    table = Table(box=None, show_header=False)
    for label, count in counted:
        table.add_row(_text(label), Bar(most, 0, count, width=60), _text(count))
    return table


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec='seconds')
    return '' if value is None else str(value)
