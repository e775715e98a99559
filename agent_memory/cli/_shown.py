"""Answers of the history as a terminal shows them, or as other programs read them."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich.bar import Bar
from rich.console import Console
from rich.table import Table

from agent_memory.backend import _parquet
from agent_memory.backend._history import Answer

_COLORS = ('blue', 'magenta')
_WIDE = 9
"""Most columns beside each other."""
_JSON = frozenset({'profile', 'data'})
"""Columns that hold JSON."""
_console = Console(highlight=False)


def write_parquet(answer: Answer, path: Path) -> None:
    """Write a Parquet file."""
    _parquet.write_parquet(answer, path)


def print_json(answer: Answer) -> None:
    """Print a list of objects; a column that is JSON itself becomes part of its object."""
    rows = [
        {
            name: json.loads(str(value)) if name in _JSON and value else value
            for name, value in zip(answer.columns, row, strict=True)
        }
        for row in answer.rows
    ]
    sys.stdout.write(json.dumps(rows, ensure_ascii=False, default=_text) + '\n')


def print_csv(answer: Answer) -> None:
    """Print a header and a line a row."""
    writer = csv.writer(sys.stdout)
    writer.writerow(answer.columns)
    writer.writerows([_text(value) for value in row] for row in answer.rows)


def print_table(answer: Answer) -> None:
    """Print a table, or a line for each value where the columns do not fit beside each other."""
    if len(answer.columns) > _WIDE:
        table = Table(show_header=False)
        for row in answer.rows:
            for name, value in zip(answer.columns, row, strict=True):
                table.add_row(name, _text(value))
            table.add_section()
    else:
        table = Table(*answer.columns)
        for row in answer.rows:
            table.add_row(*map(_text, row))
    _console.print(table)


def print_bars(answer: Answer, *, label: str, of: Sequence[str]) -> None:
    """Print a bar for each row and each of the columns `of`, all on one scale; rows are named by the column `label`."""
    rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    most = max((_number(row[name]) for row in rows for name in of), default=0)
    table = Table(box=None, show_header=False)
    for row in rows:
        for place, name in enumerate(of):
            length = _number(row[name])
            bar = Bar(most or 1, 0, length, width=60, color=_COLORS[place % len(_COLORS)])
            table.add_row(_text(row.get(label)) if place == 0 else '', name, bar, f'{length:g}')
    _console.print(table)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec='seconds')
    return '' if value is None else str(value)
