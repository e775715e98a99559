"""What a run of suites found: cases with their faults, figures with their intervals."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import comb
from typing import Any

from pydantic_evals.reporting import EvaluationReport, ReportCase

from agent_memory.evals._dialogues import Dialogue
from agent_memory.evals._measures import HEADLINES, Fault, Measure, Ratio, summed
from agent_memory.evals._transcript import Transcript

_DRAWS = 1000
_NO_INTERVAL = frozenset({'latency_s', 'tokens', 'cost_usd'})

HELD_OUT = 'held out: which conversations have faults is hidden, so that nobody tunes on them; --show-held-out shows it'
"""What stands in the place of the faults of a suite that is held out."""

Report = EvaluationReport[Dialogue, Transcript, dict[str, Any]]


@dataclass(frozen=True)
class Figure:
    """A figure of a suite, with the interval that 95 % of bootstrap samples of its dialogues fall into."""

    value: float
    of: float
    """What it is out of, such as a number of turns."""
    low: float | None = None
    high: float | None = None


@dataclass
class CaseResult:
    """One conversation, played once."""

    dialogue: Dialogue
    run: int
    """Which of the repeats, from 1."""
    transcript: Transcript | None = None
    error: str | None = None
    """Why it did not end, when it did not."""
    faults: list[Fault] = field(default_factory=list[Fault])
    ratios: dict[str, Ratio] = field(default_factory=dict[str, Ratio])

    @property
    def passed(self) -> bool:
        return self.error is None and not self.faults


@dataclass
class SuiteResult:
    """One suite, played with one model."""

    suite: str
    about: str
    model: str
    repeat: int
    cases: list[CaseResult]
    report: Report = field(repr=False)
    """As pydantic-evals made it."""
    held_out: bool = False
    """Whether only the figures are shown."""
    figures: dict[str, Figure] = field(default_factory=dict[str, Figure])

    def __post_init__(self) -> None:
        self.figures = figures_of(self.cases, self.repeat)

    @property
    def failed(self) -> list[CaseResult]:
        """The conversations with faults."""
        return [case for case in self.cases if not case.passed]

    def by_tag(self) -> dict[str, dict[str, Figure]]:
        """Return the figures of each tag, without intervals."""
        tagged: dict[str, list[CaseResult]] = defaultdict(list)
        for case in self.cases:
            for tag in (*case.dialogue.tags, f'lang:{case.dialogue.lang}'):
                tagged[tag].append(case)
        return {
            tag: {name: Figure(ratio.value, ratio.of) for name, ratio in summed(one.ratios for one in cases).items()}
            for tag, cases in sorted(tagged.items())
        }


def case_results(report: Report, measures: Sequence[Measure]) -> list[CaseResult]:
    """Return the cases of a report with their faults, in its order; those that broke off come last."""
    seen: dict[str, int] = defaultdict(int)
    found: list[CaseResult] = []
    for case in report.cases:
        seen[case.inputs.id] += 1
        found.append(_case_result(case, seen[case.inputs.id], measures))
    for failure in report.failures:
        seen[failure.inputs.id] += 1
        broken = CaseResult(failure.inputs, seen[failure.inputs.id], error=failure.error_message)
        broken.ratios['passed'] = Ratio(0, 1)
        found.append(broken)
    return found


def _case_result(case: ReportCase[Dialogue, Transcript, Any], run: int, measures: Sequence[Measure]) -> CaseResult:
    result = CaseResult(case.inputs, run, case.output)
    own = {measure.name for measure in measures}
    for measure in measures:
        judged = measure.judge(case.inputs, case.output)
        result.ratios |= judged.ratios
        result.faults += judged.faults
    for name, said in case.assertions.items():
        if name.removesuffix(' holds') not in own:
            result.ratios[name] = Ratio(float(said.value), 1)
            result.faults += [] if said.value else [Fault(name, 'to hold', said.reason or 'it does not')]
    for name, score in case.scores.items():
        result.ratios.setdefault(name, Ratio(float(score.value), 1))
    for failure in case.evaluator_failures:
        result.faults.append(Fault(failure.name, 'a judgement', failure.error_message))
    result.ratios['passed'] = Ratio(float(result.passed), 1)
    return result


def figures_of(cases: Sequence[CaseResult], repeat: int = 1) -> dict[str, Figure]:
    """Return the figures of many cases, in the order of a report."""
    units: dict[str, dict[str, Ratio]] = {}
    for case in cases:
        units[case.dialogue.id] = summed([units.get(case.dialogue.id, {}), case.ratios])
    if repeat > 1:
        for ratios in units.values():
            ratios[f'pass^{repeat}'] = Ratio(*_pass_hat(ratios['passed'], repeat))
    total = summed(units.values())
    found = {name: Figure(total[name].value, total[name].of, *_interval(name, units)) for name in total}
    found |= _latencies(cases)
    ranks = {name: rank for rank, name in enumerate(HEADLINES)}
    return dict(sorted(found.items(), key=lambda item: (ranks.get(item[0], len(ranks)), item[0])))


def _pass_hat(passed: Ratio, k: int) -> tuple[float, float]:
    """Return the chance that k runs of a case all pass, estimated as C(c, k) / C(n, k) (tau-bench, arXiv 2406.12045)."""
    n, c = int(passed.of), int(passed.part)
    return (comb(c, k) / comb(n, k) if n >= k else 0.0), 1.0


def _latencies(cases: Sequence[CaseResult]) -> dict[str, Figure]:
    turns = sorted(turn.latency_s for case in cases if case.transcript for turn in case.transcript.turns)
    if not turns:
        return {}
    at = {'latency_p50_s': len(turns) // 2, 'latency_p95_s': min(len(turns) - 1, int(0.95 * len(turns)))}
    return {name: Figure(turns[place], len(turns)) for name, place in at.items()}


def _interval(name: str, units: Mapping[str, Mapping[str, Ratio]]) -> tuple[float, float] | tuple[None, None]:
    if name not in HEADLINES or name in _NO_INTERVAL or len(units) < 2:
        return None, None
    return bootstrap([ratios.get(name, Ratio(0, 0)) for ratios in units.values()])


def bootstrap(units: Sequence[Ratio]) -> tuple[float, float]:
    """Return the middle 95 % of what samples of `units`, drawn with replacement, come to."""
    values = {unit.value for unit in units if unit.of}
    if len(values) == 1:
        [only] = values
        return only, only
    draw, sampled = random.Random(0), list[float]()  # noqa: S311 - the same interval every time
    pairs = [(unit.part, unit.of) for unit in units]
    for _ in range(_DRAWS):
        chosen = draw.choices(pairs, k=len(pairs))
        of = sum(one[1] for one in chosen)
        sampled.append(sum(one[0] for one in chosen) / of if of else 0.0)
    sampled.sort()
    return sampled[25], sampled[974]


@dataclass
class Evaluation:
    """All suites, played with one or more models."""

    results: list[SuiteResult]

    @property
    def models(self) -> list[str]:
        return list(dict.fromkeys(result.model for result in self.results))

    @property
    def suites(self) -> list[str]:
        return list(dict.fromkeys(result.suite for result in self.results))

    def of(self, suite: str, model: str | None = None) -> SuiteResult:
        """Return what one suite found, with the first model unless another is named."""
        return next(one for one in self.results if one.suite == suite and one.model == (model or self.models[0]))


def difference(first: SuiteResult, second: SuiteResult, name: str) -> Figure | None:
    """Return how much more `second` has of a figure, with the interval of the paired difference by dialogue.

    `None` when not both have it.
    """
    if name not in first.figures or name not in second.figures:
        return None
    ids = [*dict.fromkeys(case.dialogue.id for case in first.cases)]
    pairs = [(_unit(first, one, name), _unit(second, one, name)) for one in ids]
    draw, sampled = random.Random(0), list[float]()  # noqa: S311 - the same interval every time
    for _ in range(_DRAWS):
        chosen = draw.choices(pairs, k=len(pairs))
        sampled.append(_share([pair[1] for pair in chosen]) - _share([pair[0] for pair in chosen]))
    sampled.sort()
    gap = second.figures[name].value - first.figures[name].value
    return Figure(gap, len(ids), sampled[25], sampled[974])


def _unit(result: SuiteResult, dialogue: str, name: str) -> tuple[float, float]:
    ratios = [case.ratios[name] for case in result.cases if case.dialogue.id == dialogue and name in case.ratios]
    return sum(one.part for one in ratios), sum(one.of for one in ratios)


def _share(units: Sequence[tuple[float, float]]) -> float:
    of = sum(unit[1] for unit in units)
    return sum(unit[0] for unit in units) / of if of else 0.0
