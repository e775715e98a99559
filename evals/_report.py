"""A run as one HTML file to read: charts, figures, tags, and each failed conversation beside what was expected."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from agent_memory.evals._gate import Baseline, Broken
from agent_memory.evals._measures import HEADLINES, Fault, is_better_low
from agent_memory.evals._results import HELD_OUT, CaseResult, Evaluation, Figure, SuiteResult, difference
from agent_memory.evals._transcript import TurnOutcome

_TILES = ('passed', 'joint_goal_accuracy', 'slot_f1', 'flags', 'states', 'claims', 'answered_once', 'asked_twice')
_TITLES = {
    'passed': 'Passed',
    'joint_goal_accuracy': 'Joint goal accuracy',
    'joint_goal_accuracy_nonempty': 'Joint goal, non-empty',
    'joint_goal_accuracy_final': 'Joint goal, final turn',
    'slot_precision': 'Slot precision',
    'slot_recall': 'Slot recall',
    'slot_f1': 'Slot F1',
    'overfill': 'Over-fill',
    'flags': 'Flags',
    'states': 'States',
    'legal_transitions': 'Legal transitions',
    'events': 'Events',
    'handoff_precision': 'Hand-over precision',
    'handoff_recall': 'Hand-over recall',
    'tool_calls_valid': 'Valid tool calls',
    'asked_twice': 'Asked twice',
    'turns_to_qualified': 'Turns to qualified',
    'claims': 'Grounded claims',
    'replies': 'Replies',
    'answered_once': 'Answered once',
    'degraded': 'Answered by a stand-in',
    'latency_s': 'Seconds a turn',
    'latency_p50_s': 'Seconds a turn, median',
    'latency_p95_s': 'Seconds a turn, 95th percentile',
    'tokens': 'Tokens a conversation',
    'cost_usd': 'USD a conversation',
    'tone': 'Tone, by the judge',
}
_AMOUNTS = frozenset({'turns_to_qualified', 'latency_s', 'latency_p50_s', 'latency_p95_s', 'tokens', 'cost_usd'})
"""Figures that are no share of anything."""


@dataclass(frozen=True)
class _Side:
    """One turn of a failed conversation: what was said on the left, what was wrong on the right."""

    number: int
    turn: TurnOutcome
    faults: list[Fault]


def html_report(evaluation: Evaluation, broken: Sequence[Broken], earlier: Baseline | None) -> str:
    """Return the report; it needs no other file."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    filters: dict[str, Any] = environment.filters
    filters |= {'figure': shown, 'title': _title, 'plain': _plain, 'share': _share}
    template = environment.from_string(files('agent_memory.evals').joinpath('report.html.jinja').read_text('utf-8'))
    return template.render(
        made=datetime.now(UTC),
        version=version('pydantic-ai-agent-memory'),
        evaluation=evaluation,
        broken=broken,
        earlier=earlier,
        tiles=_tiles(evaluation),
        names=_names(evaluation),
        what=HEADLINES,
        slots=_slots(evaluation),
        tags=_tags(evaluation),
        differences=_differences(evaluation),
        held_out=HELD_OUT,
        sides=_sides,
        is_better_low=is_better_low,
    )


def shown(value: float | None, name: str = '') -> str:
    """Return a figure as a reader wants it: shares in percent, amounts as they are."""
    if value is None:
        return '–'
    if name in _AMOUNTS:
        return f'{value:,.0f}' if value >= 100 else f'{value:.4g}' if name == 'cost_usd' else f'{value:.2f}'
    return '100 %' if value == 1 else f'{value * 100:.1f} %'


def _share(value: float) -> float:
    """Return a share as a number of percent within the axis."""
    return round(max(0.0, min(value, 1.0)) * 100, 2)


def _title(name: str) -> str:
    return _TITLES.get(name, name)


def _plain(value: Any) -> str:
    if value is None or value == [] or value == '':
        return 'nothing'
    if isinstance(value, str):
        return value
    return ', '.join(map(str, value)) if isinstance(value, list) else json.dumps(value, ensure_ascii=False, default=str)  # pyright: ignore[reportUnknownArgumentType]


def _tiles(evaluation: Evaluation) -> list[tuple[str, list[tuple[str, float]]]]:
    """Return the first figures over all suites, by model."""
    tiles: list[tuple[str, list[tuple[str, float]]]] = []
    for name in _TILES:
        by_model: list[tuple[str, float]] = []
        for model in evaluation.models:
            ratios = [
                case.ratios[name]
                for result in evaluation.results
                for case in result.cases
                if result.model == model and name in case.ratios
            ]
            of = sum(ratio.of for ratio in ratios)
            by_model += [(model, sum(ratio.part for ratio in ratios) / of)] if of else []
        tiles += [(name, by_model)] if by_model else []
    return tiles


def _names(evaluation: Evaluation) -> list[str]:
    """Return the figures of the large table: the headlines, and what further evaluators measured."""
    found = dict.fromkeys(name for result in evaluation.results for name in result.figures)
    return [
        name
        for name in found
        if name in _TITLES or (name not in HEADLINES and '.' not in name and name.startswith('pass^'))
    ]


def _slots(evaluation: Evaluation) -> list[tuple[SuiteResult, list[tuple[str, Figure, Figure, Figure]]]]:
    found: list[tuple[SuiteResult, list[tuple[str, Figure, Figure, Figure]]]] = []
    for result in evaluation.results:
        figures = result.figures
        names = [name.partition('.')[2] for name in figures if name.startswith('slot_f1.')]
        none = Figure(0.0, 0)
        rows = [
            (
                name,
                figures[f'slot_f1.{name}'],
                figures.get(f'slot_precision.{name}', none),
                figures.get(f'slot_recall.{name}', none),
            )
            for name in names
        ]
        found += [(result, rows)] if rows else []
    return found


def _tags(evaluation: Evaluation) -> list[tuple[str, str, list[tuple[str, dict[str, Figure]]]]]:
    rows: list[tuple[str, str, list[tuple[str, dict[str, Figure]]]]] = []
    # The figures of a tag that one conversation has are those of the conversation.
    for suite in [one for one in evaluation.suites if not evaluation.of(one).held_out]:
        tagged = {model: evaluation.of(suite, model).by_tag() for model in evaluation.models}
        tags = dict.fromkeys(tag for one in tagged.values() for tag in one)
        rows += [(suite, tag, [(model, tagged[model].get(tag, {})) for model in evaluation.models]) for tag in tags]
    return rows


def _differences(evaluation: Evaluation) -> list[tuple[str, str, str, Figure]]:
    first, *others = evaluation.models
    return [
        (suite, other, name, gap)
        for other in others
        for suite in evaluation.suites
        for name in ('passed', 'joint_goal_accuracy', 'slot_f1', 'flags')
        if (gap := difference(evaluation.of(suite, first), evaluation.of(suite, other), name))
    ]


def _sides(case: CaseResult) -> list[_Side]:
    turns = case.transcript.turns if case.transcript else []
    return [
        _Side(number, turn, [fault for fault in case.faults if fault.turn == number])
        for number, turn in enumerate(turns, start=1)
    ]
