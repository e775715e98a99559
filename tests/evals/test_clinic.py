"""The runner knows no cars: a clinic plays its own suite, in Python and on the command line."""

from __future__ import annotations

import ast
from pathlib import Path

from agent_memory.evals import evaluate
from tests.evals.clinic import SUITE
from tests.evals.command import evaluate_here

ROOT = Path(__file__).parents[2]
KNOW_CARS = {'_cars.py', '_car_claims.py', '__init__.py'}


async def test_a_clinic_evaluates_its_own_agent() -> None:
    evaluation = await evaluate([SUITE], models=['receptionist'], repeat=2)

    result = evaluation.of('clinic')
    assert {case.dialogue.id for case in result.cases if not case.passed} == {'loses_the_name'}
    assert [str(fault) for case in result.cases for fault in case.faults] == [
        "turn 1: patient should be 'Zé', is 'Zeca'"
    ] * 2
    figures = {name: round(figure.value, 3) for name, figure in result.figures.items()}
    assert figures['passed'] == 0.75
    assert figures['pass^2'] == 0.75
    assert figures['joint_goal_accuracy'] == 0.8
    assert figures['slot_f1.symptoms'] == figures['slot_f1.specialty'] == 1.0
    assert figures['states'] == figures['events'] == figures['answered_once'] == figures['handoff_recall'] == 1.0
    assert figures['turns_to_qualified'] == 2.0
    [books, again] = [case.transcript for case in result.cases if case.dialogue.id == 'books']
    assert books is not None
    assert again is not None
    assert [turn.delivered for turn in books.turns] == [3, 1]
    assert books.turns[1].events == ['state', 'qualified']
    assert [turn.profile for turn in books.turns] == [turn.profile for turn in again.turns]


def test_a_suite_of_ones_own_runs_from_the_command_line(tmp_path: Path) -> None:
    done = evaluate_here(
        'tests.evals.clinic:SUITE', '--tag', 'handoff', '--min', 'states=1', '--junit', str(tmp_path / 'x')
    )

    assert done.returncode == 0, done.stderr
    assert 'clinic' in done.stdout
    assert 'GREEN' in done.stdout
    assert 'wants_a_nurse' in (tmp_path / 'x').read_text()


def test_only_two_files_of_the_runner_know_cars() -> None:
    for path in (ROOT / 'evals').glob('*.py'):
        if path.name in KNOW_CARS:
            continue
        names = {
            node.module or '' for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)
        }
        assert not [name for name in names if 'lead' in name or '.agents' in name or 'car' in name], path.name
