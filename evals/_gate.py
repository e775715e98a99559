"""The gate: bounds that figures must keep, and a baseline that they must not fall behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from agent_memory.errors import InvalidInput
from agent_memory.evals._measures import HEADLINES, Ratio, is_better_low, summed
from agent_memory.evals._results import Evaluation, SuiteResult

EVERY = 'every'
"""In the place of a suite's name: all that have the figure."""
_MOST_NAMED = 12


@dataclass(frozen=True)
class Bound:
    """What a figure must be at least, or at most when lower is better."""

    suite: str
    figure: str
    value: float

    def keeps(self, found: float) -> bool:
        """Return whether a figure is within the bound."""
        return found <= self.value if is_better_low(self.figure) else found >= self.value

    def __str__(self) -> str:
        return f'{"at most" if is_better_low(self.figure) else "at least"} {self.value:g}'


@dataclass(frozen=True)
class Broken:
    """One reason why a gate is red."""

    suite: str
    model: str
    figure: str
    found: float | None
    wanted: str
    cases: tuple[str, ...]
    """The conversations behind it; after a regression those that moved. None are named of a suite that is held out."""
    kind: Literal['bound', 'regression', 'error'] = 'bound'

    def __str__(self) -> str:
        found = 'not measured' if self.found is None else f'{self.found:.4g}'
        told = f'{self.suite} ({self.model}): {self.figure} is {found}, must be {self.wanted}'
        if not self.cases:
            return told
        more = f' and {len(self.cases) - _MOST_NAMED} more' if len(self.cases) > _MOST_NAMED else ''
        verb = 'moved' if self.kind == 'regression' else 'cases'
        return f'{told}; {verb}: {", ".join(self.cases[:_MOST_NAMED])}{more}'


class BaselineSuite(BaseModel):
    """One suite of an earlier run."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid')

    figures: dict[str, float]
    cases: dict[str, dict[str, tuple[float, float]]]
    """By conversation and figure: the part, and what it is out of."""


class Baseline(BaseModel):
    """An earlier run, to compare with."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid')

    version: Literal[1] = 1
    model: str
    suites: dict[str, BaselineSuite]


def baseline_of(evaluation: Evaluation) -> Baseline:
    """Return what a run with its first model leaves for later ones."""
    model = evaluation.models[0]
    return Baseline(
        model=model,
        suites={
            suite: BaselineSuite(
                figures={
                    name: figure.value
                    for name, figure in evaluation.of(suite, model).figures.items()
                    if _compared(name)
                },
                cases={
                    case: {name: (ratio.part, ratio.of) for name, ratio in ratios.items() if _compared(name)}
                    for case, ratios in _by_case(evaluation.of(suite, model)).items()
                },
            )
            for suite in evaluation.suites
        },
    )


def read_baseline(path: Path) -> Baseline:
    """Return the baseline in a file that `--save` wrote.

    Raises:
        InvalidInput: It is missing or is none.
    """
    try:
        return Baseline.model_validate_json(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise InvalidInput(f'{path} cannot be read ({error.strerror}); write one with --save {path}') from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise InvalidInput(f'{path} is not a baseline; write one with --save {path}') from error


def read_thresholds(path: Path) -> list[Bound]:
    """Return the bounds of a YAML file: suites, or `every`, with the figures below them.

    Raises:
        InvalidInput: It is missing or malformed.
    """
    shape = TypeAdapter(dict[str, dict[str, float]])
    try:
        told = shape.validate_python(yaml.safe_load(path.read_text(encoding='utf-8')))
    except OSError as error:
        raise InvalidInput(f'{path} cannot be read ({error.strerror})') from error
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f'{path} has no thresholds: it needs suites with figures, such as {EVERY}: {{passed: 0.9}}'
        ) from error
    return [Bound(suite, name, value) for suite, figures in told.items() for name, value in figures.items()]


def read_bound(text: str) -> Bound:
    """Return the bound of `figure=0.9` or `suite:figure=0.9`.

    Raises:
        InvalidInput: It is neither.
    """
    where, _, value = text.rpartition('=')
    suite, colon, name = where.rpartition(':')
    try:
        bound = Bound(suite if colon else EVERY, name, float(value))
    except ValueError as error:
        raise InvalidInput(f'{text!r} is not a bound; write figure=0.9 or suite:figure=0.9') from error
    if not name:
        raise InvalidInput(f'{text!r} is not a bound; write figure=0.9 or suite:figure=0.9')
    return bound


def broken_bounds(evaluation: Evaluation, bounds: Sequence[Bound]) -> list[Broken]:
    """Return the bounds that a run breaks. Those of suites that were not played are left out.

    Raises:
        InvalidInput: No suite that was played has a figure of that name.
    """
    measured = {name for result in evaluation.results for name in result.figures}
    if unknown := sorted({one.figure for one in bounds if one.suite == EVERY} - measured):
        raise InvalidInput(
            f'no figure {", ".join(unknown)}; measured are {", ".join(n for n in HEADLINES if n in measured)}'
        )
    return [broken for result in evaluation.results for broken in _broken_by(result, bounds)]


def _broken_by(result: SuiteResult, bounds: Iterable[Bound]) -> Iterable[Broken]:
    for bound in bounds:
        figure = result.figures.get(bound.figure)
        if bound.suite not in (EVERY, result.suite) or (figure is None and bound.suite == EVERY):
            continue
        if figure is None or not bound.keeps(figure.value):
            found = figure.value if figure else None
            yield Broken(result.suite, result.model, bound.figure, found, str(bound), _short_of(result, bound.figure))


def _short_of(result: SuiteResult, figure: str) -> tuple[str, ...]:
    """Return the conversations that keep a figure from being perfect."""
    best = 0.0 if is_better_low(figure) else 1.0
    name = 'passed' if figure.startswith('pass^') else figure
    cases = _by_case(result)
    return tuple(case for case, ratios in cases.items() if name in ratios and ratios[name].value != best)


def regressions(evaluation: Evaluation, baseline: Baseline, tolerance: float) -> list[Broken]:
    """Return the figures that are worse than the baseline's by more than `tolerance`, with the cases that moved."""
    found: list[Broken] = []
    for result in evaluation.results:
        earlier = baseline.suites.get(result.suite)
        for name, before in earlier.figures.items() if earlier else ():
            now = result.figures.get(name)
            low = is_better_low(name)
            if now is not None and (now.value - before if low else before - now.value) <= tolerance + 1e-9:
                continue
            wanted = f'{"at most" if low else "at least"} {before + (tolerance if low else -tolerance):.4g} (was {before:.4g})'
            moved = _moved(result, earlier, name) if earlier else ()
            value = now.value if now else None
            found.append(Broken(result.suite, result.model, name, value, wanted, moved, 'regression'))
    return found


def _moved(result: SuiteResult, earlier: BaselineSuite, figure: str) -> tuple[str, ...]:
    name = 'passed' if figure.startswith('pass^') else figure
    moved: list[str] = []
    for case, ratios in _by_case(result).items():
        before = earlier.cases.get(case, {}).get(name)
        if name in ratios and before is not None:
            gap = ratios[name].value - Ratio(*before).value
            moved += [case] if (gap > 0 if is_better_low(name) else gap < 0) else []
    return tuple(moved)


def broken_off(evaluation: Evaluation) -> list[Broken]:
    """Return the suites with conversations that did not end: whatever the figures say, something is wrong."""
    return [
        Broken(result.suite, result.model, 'conversations that broke off', len(cases), 'none', named, 'error')
        for result in evaluation.results
        if (cases := [case.dialogue.id for case in result.cases if case.error])
        for named in [() if result.held_out else tuple(cases)]
    ]


def _by_case(result: SuiteResult) -> Mapping[str, dict[str, Ratio]]:
    """Return what each conversation came to; of a suite that is held out nobody is told."""
    cases: dict[str, dict[str, Ratio]] = {}
    for case in result.cases if not result.held_out else ():
        cases[case.dialogue.id] = summed([cases.get(case.dialogue.id, {}), case.ratios])
    return cases


def _compared(name: str) -> bool:
    # Time is the machine's, and no two runs have the same.
    return not name.startswith('latency')
