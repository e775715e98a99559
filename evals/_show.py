"""A run in the terminal: a line a suite, the conversations with faults, and the gate."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agent_memory.evals._gate import Baseline, Broken
from agent_memory.evals._results import HELD_OUT, Evaluation, Figure, SuiteResult, difference

COLUMNS = {
    'passed': 'passed',
    'joint_goal_accuracy': 'goal',
    'slot_f1': 'F1',
    'flags': 'flags',
    'states': 'states',
    'events': 'events',
    'replies': 'replies',
    'claims': 'claims',
    'asked_twice': 'twice',
    'answered_once': 'once',
}
"""Figures of a line, by their headings."""
_MOST_CASES = 8


def show(console: Console, evaluation: Evaluation, broken: Sequence[Broken], earlier: Baseline | None) -> None:
    """Print what a run found."""
    console.print(_table(evaluation, earlier))
    for result in evaluation.results:
        _show_faults(console, result)
        _show_costs(console, result)
    _show_differences(console, evaluation)
    for one in broken:
        console.print(f'[bold red]RED[/] {escape(str(one))}', soft_wrap=True)
    if not broken:
        console.print('[bold green]GREEN[/] every figure is within its bounds')


def _table(evaluation: Evaluation, earlier: Baseline | None) -> Table:
    table = Table(box=None, header_style='bold', pad_edge=False)
    shown = [name for name in COLUMNS if any(name in one.figures for one in evaluation.results)]
    for heading in ('suite', *(['model'] if len(evaluation.models) > 1 else []), 'cases'):
        table.add_column(heading, justify='right' if heading == 'cases' else 'left', no_wrap=True)
    for name in shown:
        table.add_column(COLUMNS[name], justify='right', no_wrap=True)
    for result in evaluation.results:
        before = earlier.suites[result.suite].figures if earlier and result.suite in earlier.suites else {}
        cells = [_cell(result.figures.get(name), before.get(name), interval=name == 'passed') for name in shown]
        model = [result.model] if len(evaluation.models) > 1 else []
        table.add_row(result.suite, *model, str(len(result.cases)), *cells)
    return table


def _cell(figure: Figure | None, before: float | None, *, interval: bool) -> str:
    if figure is None:
        return ''
    text = f'{figure.value:.3f}'
    if interval and figure.low is not None:
        text += f' [dim]±{max(figure.value - figure.low, (figure.high or 0) - figure.value):.2f}[/]'
    if before is not None and abs(figure.value - before) >= 0.0005:
        text += f' [yellow]{figure.value - before:+.3f}[/]'
    return text


def _show_faults(console: Console, result: SuiteResult) -> None:
    failed = result.failed
    if failed and result.held_out:
        console.print(f'  {result.suite}: {len(failed)} with faults; {HELD_OUT}', style='dim', soft_wrap=True)
        return
    for case in failed[:_MOST_CASES]:
        first = case.error or str(case.faults[0])
        more = f' (and {len(case.faults) - 1} more)' if len(case.faults) > 1 else ''
        told = f'  {result.suite}/{case.dialogue.id} {first[:160]}{more}'
        console.print(told, markup=False, style='dim', soft_wrap=True)
    if len(failed) > _MOST_CASES:
        console.print(f'  {result.suite}: {len(failed) - _MOST_CASES} more with faults', style='dim')


def _show_costs(console: Console, result: SuiteResult) -> None:
    tokens, cost = result.figures.get('tokens'), result.figures.get('cost_usd')
    degraded = result.figures.get('degraded')
    if tokens and tokens.value:
        p50, p95 = (result.figures[f'latency_{name}_s'].value for name in ('p50', 'p95'))
        money = f', USD {cost.value:.4f}' if cost else ''
        console.print(
            f'  {result.suite} on {result.model}: {p50:.2f} s a turn (p95 {p95:.2f}), {tokens.value:,.0f} tokens{money} a conversation'
        )
    if degraded and degraded.value:
        console.print(
            f'[bold yellow]  {result.suite} on {result.model}: {degraded.value:.0%} of the turns were answered by another '
            'model, because the one under test gave no answer: the figures are not its own[/]'
        )


def _show_differences(console: Console, evaluation: Evaluation) -> None:
    first, *others = evaluation.models
    for other in others:
        for suite in evaluation.suites:
            for name in ('passed', 'joint_goal_accuracy'):
                gap = difference(evaluation.of(suite, first), evaluation.of(suite, other), name)
                if gap is not None:
                    console.print(
                        f'{suite}: {COLUMNS[name]} of {other} against {first}: {gap.value:+.3f}, 95 % {gap.low:+.3f} to {gap.high:+.3f}'
                    )
