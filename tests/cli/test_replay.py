"""Replay: dialogues in, predictions out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import run

SHARED = Path(__file__).parents[3] / 'shared' / 'data' / 'dialogues'

DIALOGUES = """
version: 1
reference_date: '2026-03-10'
dialogues:
- id: one
  turns:
  - turn: 1
    messages: [oi, 'tenho até 60 mil']
  - turn: 2
    agent: Em qual cidade você mora?
    messages: [Campinas]
  - turn: 3
    agent: Prefere falar com um consultor?
    messages: [quero falar com um atendente]
  - turn: 4
    agent: Aqui é o João. Qual marca você prefere?
    messages: [Fiat]
- id: two
  turns:
  - turn: 1
    messages: [quero um Honda]
"""


def predictions(path: Path) -> dict[tuple[str, int], dict[str, Any]]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {(line['dialogue_id'], line['turn']): line for line in lines}


def test_each_turn_becomes_a_line(tmp_path: Path) -> None:
    script, out = tmp_path / 'dialogues.yaml', tmp_path / 'out.jsonl'
    script.write_text(DIALOGUES)

    done = run('replay', str(script), '-o', str(out), '--data', str(tmp_path / 'data'))

    assert done.returncode == 0, done.stderr
    found = predictions(out)
    assert list(found) == [('one', 1), ('one', 2), ('one', 3), ('one', 4), ('two', 1)]
    assert found['one', 1]['profile']['budget_max'] == 60000
    assert found['one', 2]['profile']['city'] == 'Campinas'
    assert found['one', 3]['flags']['wants_human']
    # A person answered and handed back: the agent hears what comes after.
    assert found['one', 4]['profile']['brands'] == ['Fiat']
    assert found['two', 1]['profile']['budget_max'] is None
    assert set(found['one', 1]) == {
        'dialogue_id',
        'turn',
        'profile',
        'flags',
        'latency_s',
        'tool_calls',
        'invalid_tool_calls',
    }


def test_a_second_replay_on_the_same_data_pays_nothing_and_says_the_same(tmp_path: Path) -> None:
    script, first, second = tmp_path / 'dialogues.yaml', tmp_path / 'first.jsonl', tmp_path / 'second.jsonl'
    script.write_text(DIALOGUES.split('- id: two')[0])
    for out in (first, second):
        assert run('replay', str(script), '-o', str(out), '--data', str(tmp_path / 'data')).returncode == 0

    last = ('one', 4)
    assert predictions(second)[last]['profile'] == predictions(first)[last]['profile']
    assert predictions(second)[last]['tool_calls'] == 0


@pytest.mark.parametrize(
    ('text', 'complaint'),
    [
        ('dialogues: [', 'is not YAML, line 1'),
        ('[]', 'is not a file of dialogues'),
        ('dialogues:\n- id: one\n  turns:\n  - turn: 1\n', 'dialogues.0.turns.0.messages: Field required'),
    ],
)
def test_a_malformed_file_is_one_sentence(tmp_path: Path, text: str, complaint: str) -> None:
    script, out = tmp_path / 'dialogues.yaml', tmp_path / 'out.jsonl'
    script.write_text(text)

    done = run('replay', str(script), '-o', str(out))

    assert done.returncode == 1
    assert complaint in done.stderr
    assert 'Traceback' not in done.stderr
    assert not out.exists()


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    done = run('replay', str(tmp_path / 'none.yaml'), '-o', str(tmp_path / 'out.jsonl'))

    assert done.returncode == 1
    assert 'cannot be read (No such file or directory)' in done.stderr


@pytest.mark.skipif(not SHARED.exists(), reason='the development dialogues are not beside this checkout')
def test_the_development_dialogues_reach_their_score(tmp_path: Path) -> None:
    out = tmp_path / 'out.jsonl'
    assert run('replay', str(SHARED / 'dialogues.yaml'), '-o', str(out)).returncode == 0

    scored = subprocess.run(
        [sys.executable, str(SHARED / 'score.py'), str(out), '--json'], capture_output=True, text=True, check=True
    )

    result = json.loads(scored.stdout)
    assert result['coverage'] == 1.0
    assert result['jga_turn'] >= 0.95
    assert result['flags_joint_accuracy'] == 1.0
