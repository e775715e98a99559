"""The gate on the command line: green as it stands, red when a bound is raised, when the agent gets worse, after a fall."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from agent_memory.agents.portuguese import _understand
from agent_memory.errors import InvalidInput
from agent_memory.evals._gate import Bound, Broken, read_baseline, read_bound, read_thresholds
from tests.evals.command import evaluate_here

THRESHOLDS = Path(__file__).parents[2] / 'evals' / 'thresholds.yaml'


def test_the_gate_is_green_and_turns_red_when_an_extractor_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, page, junit = tmp_path / 'base.json', tmp_path / 'out.html', tmp_path / 'out.xml'
    suites = ('slots', 'reliability', '--limit', '6')

    sound = evaluate_here(*suites, '--min', 'joint_goal_accuracy=0.95', '--save', str(base))

    assert sound.returncode == 0, sound.stdout + sound.stderr
    assert 'GREEN' in sound.stdout

    monkeypatch.setattr(_understand, '_EXTRACTORS', vars(_understand)['_EXTRACTORS'][1:])  # no more money
    gates = ('--min', 'slots:joint_goal_accuracy=0.9', '--baseline', str(base))
    broken = evaluate_here(*suites, *gates, '--report', str(page), '--junit', str(junit))

    assert broken.returncode == 1, broken.stdout + broken.stderr
    red = [line for line in broken.stdout.splitlines() if line.startswith('RED')]
    assert any('slots (rules): joint_goal_accuracy is' in line for line in red)
    assert any('must be at least 0.9; cases: dev_001, dev_002' in line for line in red)
    assert any(
        'slots (rules): slot_recall' in line and '(was 1); moved: dev_001, dev_002, dev_003' in line for line in red
    )
    assert not any('dev_005' in line for line in red)  # it speaks of no money
    failures = ElementTree.parse(junit).getroot().findall('.//testcase/failure')
    assert any('budget_max should be 52000, is None' in (failure.get('message') or '') for failure in failures)
    assert 'Gate is red' in page.read_text()
    assert '52000' in page.read_text()


def test_the_gate_is_red_when_a_threshold_is_raised(tmp_path: Path) -> None:
    raised = tmp_path / 'thresholds.yaml'
    raised.write_text(
        THRESHOLDS.read_text().replace('utterances_fresh: {passed: 0.9,', 'utterances_fresh: {passed: 0.999,')
    )

    words = ('utterances_fresh', '--tag', 'number_trap', '--thresholds', str(raised), '--show-held-out')
    done = evaluate_here(*words)

    assert done.returncode == 1, done.stdout + done.stderr
    assert 'passed is' in done.stdout
    assert 'must be at least 0.999; cases: f013' in done.stdout


_UNSEEN = """
split: held-out
utterances:
- {id: misread, tags: [alone], say: 'quero gastar até 53 mil', profile: {budget_max: 77001}}
- {id: read, tags: [common], say: 'moro em Natal', profile: {city: Natal, state: RN}}
"""


def test_nothing_tells_which_conversations_of_a_held_out_suite_failed(tmp_path: Path) -> None:
    suite, base = tmp_path / 'unseen.yaml', tmp_path / 'base.json'
    suite.write_text(_UNSEEN.replace('77001', '53000'))
    assert evaluate_here(str(suite), '--save', str(base)).returncode == 0
    suite.write_text(_UNSEEN)
    gates = ('--min', 'passed=0.9', '--baseline', str(base))

    def played(*words: str) -> str:
        files = [tmp_path / name for name in ('out.html', 'out.xml', 'out.json')]
        outputs = [f'--{kind}={file}' for kind, file in zip(('report', 'junit', 'save'), files, strict=True)]
        done = evaluate_here(str(suite), *gates, *outputs, *words)
        assert done.returncode == 1
        assert 'passed is 0.5, must be at least 0.9' in done.stdout
        return '\n'.join([done.stdout, *(file.read_text() for file in files)])

    hidden, told = played(), played('--show-held-out')
    assert '1 with faults; held out' in hidden
    assert 'held out' not in told
    for trace in ('misread', '53 mil', '77001', 'alone'):
        assert trace not in hidden
        assert trace in told


def test_a_bound_is_read_and_a_wrong_one_is_one_sentence(tmp_path: Path) -> None:
    assert read_bound('states=0.9') == Bound('every', 'states', 0.9)
    assert read_bound('memory:slot_f1.city=0.5') == Bound('memory', 'slot_f1.city', 0.5)
    assert Bound('every', 'overfill', 0.1).keeps(0.05)
    assert not Bound('every', 'overfill', 0.1).keeps(0.2)
    for wrong in ('states', '=0.9', 'states=high', 'memory:=1'):
        with pytest.raises(InvalidInput, match='is not a bound'):
            read_bound(wrong)
    bad = tmp_path / 'bad.yaml'
    bad.write_text('slots: 0.9')
    with pytest.raises(InvalidInput, match='has no thresholds'):
        read_thresholds(bad)
    bad.write_text('{}')
    with pytest.raises(InvalidInput, match='is not a baseline; write one with --save'):
        read_baseline(bad)
    with pytest.raises(InvalidInput, match='cannot be read'):
        read_baseline(tmp_path / 'none.json')


def test_a_red_gate_names_a_dozen_cases_and_counts_the_rest() -> None:
    told = str(Broken('slots', 'rules', 'passed', 0.5, 'at least 0.9', tuple(f'd{number}' for number in range(20))))

    assert told.startswith('slots (rules): passed is 0.5, must be at least 0.9; cases: d0, d1,')
    assert told.endswith('d11 and 8 more')


def test_a_figure_that_nothing_measures_is_one_sentence() -> None:
    done = evaluate_here('slots', '--limit', '1', '--min', 'joint_gaol=1')

    assert done.returncode == 1
    assert 'no figure joint_gaol; measured are passed, joint_goal_accuracy' in done.stderr
    assert 'Traceback' not in done.stderr
