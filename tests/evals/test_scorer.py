"""The figures of slot filling equal those of the scorer that came with the dialogues, on the same predictions."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from agent_memory import UserProfileData
from agent_memory.evals import Dialogue, Transcript, TurnOutcome
from agent_memory.evals._cars import SLOTS
from agent_memory.evals._conduct import Flags
from agent_memory.evals._dialogues import FLAGS, Flag, read_file
from agent_memory.evals._results import CaseResult, figures_of
from agent_memory.evals._slots import SlotFilling

SHARED = Path(__file__).parents[3] / 'shared' / 'data' / 'dialogues'
WRONG: dict[str, list[JsonValue]] = {
    'budget_min': [30_000, None],
    'budget_max': [45_000, None, 61_000],
    'main_use': ['family', None],
    'city': ['Recife', None, 'LONDRINA'],
    'state': ['PE', None],
    'urgency': ['exploring', None],
    'priorities': [[], ['economy', 'design'], ['comfort']],
    'brands': [[], ['Fiat', 'Honda']],
    'excluded_brands': [[], ['Ford']],
    'body_types': [['hatch'], ['sedan', 'suv']],
}


def guesses(dialogues: list[Dialogue], seed: int) -> dict[str, list[TurnOutcome]]:
    """Predictions that are right, wrong, half right and right by an alternative, in a repeatable mix."""
    chance = random.Random(seed)
    found: dict[str, list[TurnOutcome]] = {}
    for dialogue in dialogues:
        for turn in dialogue.turns:
            assert turn.gold is not None
            assert turn.gold.profile is not None
            profile = dict(turn.gold.profile)
            for slot, values in WRONG.items():
                if chance.random() < 0.15:
                    profile[slot] = chance.choice(values)
                elif slot in turn.alt and chance.random() < 0.5:
                    profile[slot] = chance.choice(turn.alt[slot])
            flags: dict[Flag, bool] = {flag: turn.gold.flags[flag] != (chance.random() < 0.1) for flag in FLAGS}
            outcome = TurnOutcome(messages=turn.messages, profile=profile, flags=flags)
            found.setdefault(dialogue.id, []).append(outcome)
    return found


def scored(predictions: dict[str, list[TurnOutcome]], out: Path) -> dict[str, Any]:
    lines = [
        {'dialogue_id': name, 'turn': number, 'profile': turn.profile, 'flags': turn.flags}
        for name, turns in predictions.items()
        for number, turn in enumerate(turns, start=1)
    ]
    out.write_text('\n'.join(map(json.dumps, lines)))
    command = [sys.executable, str(SHARED / 'score.py'), str(out), '--json']
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not SHARED.exists(), reason='the development dialogues are not beside this checkout')
@pytest.mark.parametrize('seed', [1, 2, 3])
def test_the_figures_are_those_of_the_first_scorer(tmp_path: Path, seed: int) -> None:
    dialogues = read_file(SHARED / 'dialogues.yaml').all_dialogues()
    predictions = guesses(dialogues, seed)
    measures = (SlotFilling(UserProfileData, SLOTS), Flags())
    cases: list[CaseResult] = []
    for dialogue in dialogues:
        transcript = Transcript(dialogue=dialogue.id, turns=predictions[dialogue.id])
        case = CaseResult(dialogue, 1, transcript)
        for measure in measures:
            case.ratios |= measure.judge(dialogue, transcript).ratios
        cases.append(case)
    figures = figures_of(cases)

    want = scored(predictions, tmp_path / 'out.jsonl')

    assert 0.05 < want['jga_turn'] < 0.9  # the mix is neither all right nor all wrong
    found = {name: figure.value for name, figure in figures.items()}
    assert found['joint_goal_accuracy'] == pytest.approx(want['jga_turn'])
    assert found['joint_goal_accuracy_final'] == pytest.approx(want['jga_final'])
    assert found['joint_goal_accuracy_nonempty'] == pytest.approx(want['jga_nonempty_turns'])
    assert found['joint_goal_accuracy_empty'] == pytest.approx(want['jga_empty_turns'])
    assert found['slot_accuracy'] == pytest.approx(want['slot_accuracy'])
    assert found['overfill'] == pytest.approx(want['overfill_rate'])
    assert found['flags'] == pytest.approx(want['flags_joint_accuracy'])
    for ours, theirs in (('', 'all'), ('_final', 'final')):
        micro = want[f'micro_{theirs}']
        assert found[f'slot_precision{ours}'] == pytest.approx(micro['p'])
        assert found[f'slot_recall{ours}'] == pytest.approx(micro['r'])
        assert found[f'slot_f1{ours}'] == pytest.approx(micro['f1'])
        for slot, row in want[f'slots_{theirs}'].items():
            if row['support']:
                assert found[f'slot_f1{ours}.{slot}'] == pytest.approx(row['f1']), slot
                assert found[f'slot_recall{ours}.{slot}'] == pytest.approx(row['r']), slot
    for flag, row in want['flags'].items():
        assert found[f'flags.{flag}'] == pytest.approx(row['accuracy'])
    interval = figures['joint_goal_accuracy']
    assert [interval.low, interval.high] == pytest.approx(want['jga_turn_ci95'])
