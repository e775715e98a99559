"""What `doctor` found, and how it is shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table

Verdict = Literal['ok', 'warn', 'fail']
_COLOURS: dict[Verdict, str] = {'ok': 'green', 'warn': 'yellow', 'fail': 'bold red'}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    check: str
    verdict: Verdict
    found: str
    advice: str = ''
    """What to do about it."""


def judged(check: str, found: str, *problems: tuple[bool, Verdict, str]) -> Finding:
    """Return a finding with the first problem that there is.

    Args:
        check: What was looked at.
        found: What is there.
        problems: Whether it is one, how bad it is, and what to do about it.
    """
    for is_problem, verdict, advice in problems:
        if is_problem:
            return Finding(check, verdict, found, advice)
    return Finding(check, 'ok', found)


def show(findings: Sequence[Finding], *, as_json: bool) -> None:
    """Print findings as a table or as JSON."""
    if as_json:
        sys.stdout.write(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False) + '\n')
        return
    table = Table()
    for name in ('check', '', 'found', 'what to do'):
        # A variable that is cut off cannot be set.
        table.add_column(name, overflow='fold')
    for one in findings:
        table.add_row(one.check, f'[{_COLOURS[one.verdict]}]{one.verdict}[/]', one.found, one.advice)
    Console(highlight=False).print(table)
