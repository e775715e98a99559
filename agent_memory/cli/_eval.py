"""`agent-memory eval`: plays suites, shows what they found, and decides whether the gate is green."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agent_memory.errors import InvalidInput
from agent_memory.evals import Evaluation, Suite, car_suites, evaluate
from agent_memory.evals._cars import car_suite
from agent_memory.evals._dialogues import json_schema
from agent_memory.evals._gate import (
    Baseline,
    Bound,
    Broken,
    baseline_of,
    broken_bounds,
    broken_off,
    read_baseline,
    read_bound,
    read_thresholds,
    regressions,
)
from agent_memory.evals._junit import junit_xml
from agent_memory.evals._report import html_report
from agent_memory.evals._show import show

# A log of CI is no terminal of 80 columns.
_console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)


@dataclass(frozen=True)
class Plan:
    """What is played, and how."""

    suites: tuple[str, ...]
    models: tuple[str, ...]
    repeat: int
    concurrency: int
    tags: frozenset[str]
    limit: int | None
    user_model: str | None
    judge: str | None
    resume: Path | None
    show_held_out: bool


@dataclass(frozen=True)
class Gate:
    """What the figures are held against."""

    at_least: tuple[str, ...]
    thresholds: Path | None
    baseline: Path | None
    tolerance: float


@dataclass(frozen=True)
class Outputs:
    """Which files are written."""

    save: Path | None
    report: Path | None
    junit: Path | None


def schema_text() -> str:
    """Return the JSON schema of a suite's file."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + '\n'


async def run_eval(*, plan: Plan, gate: Gate, outputs: Outputs) -> None:
    """Play, show, write and judge; a broken gate ends with exit code 1."""
    bounds = [read_bound(one) for one in gate.at_least]
    bounds += read_thresholds(gate.thresholds) if gate.thresholds else []
    earlier = read_baseline(gate.baseline) if gate.baseline else None
    suites = [one.only(tags=plan.tags, limit=plan.limit) for one in _suites(plan.suites)]
    suites = [replace(one, held_out=one.held_out and not plan.show_held_out) for one in suites if one.dialogues]
    if not suites:
        raise InvalidInput('no conversation has such a tag')
    for path in (outputs.save, outputs.report, outputs.junit):
        if path is not None and not path.parent.is_dir():
            raise InvalidInput(f'{path} cannot be written: {path.parent} is not a directory')
    with _progress(sum(len(one.dialogues) for one in suites) * plan.repeat * len(plan.models)) as on_played:
        evaluation = await evaluate(
            suites,
            models=plan.models,
            repeat=plan.repeat,
            concurrency=plan.concurrency,
            user_model=plan.user_model,
            judge=plan.judge,
            resume=plan.resume,
            on_played=on_played,
        )
    broken = [*broken_off(evaluation), *_held_against(evaluation, bounds, earlier, gate.tolerance)]
    show(_console, evaluation, broken, earlier)
    _write(evaluation, broken, earlier, outputs)
    if broken:
        raise typer.Exit(1)


def _held_against(
    evaluation: Evaluation, bounds: list[Bound], earlier: Baseline | None, tolerance: float
) -> list[Broken]:
    return [*broken_bounds(evaluation, bounds), *(regressions(evaluation, earlier, tolerance) if earlier else [])]


def _suites(names: tuple[str, ...]) -> list[Suite]:
    """Return the suites of the command line, in its order."""
    if not names:
        return car_suites()
    return [suite for name in names for suite in _suites_of(name)]


def _suites_of(name: str) -> list[Suite]:
    if name.endswith(('.yaml', '.yml')):
        return [car_suite(name)]
    module, colon, attribute = name.partition(':')
    if not colon:
        return car_suites((name,))
    sys.path.insert(0, '')
    try:
        found: Any = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InvalidInput(f'{name}: {error}') from error
    several = cast('list[Any]', found) if isinstance(found, list) else [found]
    if not all(isinstance(one, Suite) for one in several):
        raise InvalidInput(f'{name} is not a Suite, nor a list of them')
    return several


@contextmanager
def _progress(total: int) -> Generator[Callable[[], None]]:
    columns = (TextColumn('conversations'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task('', total=total)
        yield lambda: bar.advance(task)


def _write(evaluation: Evaluation, broken: list[Broken], earlier: Baseline | None, outputs: Outputs) -> None:
    texts = (
        (outputs.save, lambda: baseline_of(evaluation).model_dump_json(indent=1)),
        (outputs.report, lambda: html_report(evaluation, broken, earlier)),
        (outputs.junit, lambda: junit_xml(evaluation, broken)),
    )
    for path, text in texts:
        if path is None:
            continue
        try:
            path.write_text(text(), encoding='utf-8')
        except OSError as error:
            raise InvalidInput(f'{path} cannot be written ({error.strerror})') from error
        _console.print(f'Wrote {path}', markup=False)
