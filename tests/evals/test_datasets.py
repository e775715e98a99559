"""The suites that ship: large enough, well-formed, each told what it is for, and a schema that editors complete."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from agent_memory.errors import InvalidInput
from agent_memory.evals import car_suites
from agent_memory.evals._cars import DATASETS, car_suite
from agent_memory.evals._dialogues import json_schema, read_file
from tests.evals.command import evaluate_here

FILES = sorted((Path(__file__).parents[2] / 'evals' / 'datasets').glob('*.yaml'))


def test_the_suites_are_large_enough() -> None:
    files = [read_file(path) for path in FILES]

    assert sum(len(file.dialogues) for file in files) >= 120
    assert sum(len(file.utterances) for file in files) >= 500
    assert all(one.tags for file in files for one in (*file.dialogues, *file.utterances))
    for suite in ('slots', 'journeys', 'safety', 'privacy', 'memory', 'reliability'):
        assert f'{suite}.yaml' in {path.name for path in FILES}


def test_every_id_is_used_once() -> None:
    names = [one.id for suite in car_suites() for one in suite.dialogues]

    assert len(names) == len(set(names))


def test_every_value_of_the_gold_is_one_that_the_profile_takes() -> None:
    for suite in car_suites():
        blank = suite.domain.profile()
        for dialogue in suite.dialogues:
            golds = [turn.gold for turn in dialogue.turns] + [dialogue.gold]
            alts = [{name: value} for turn in dialogue.turns for name, values in turn.alt.items() for value in values]
            for profile in [dialogue.prior, *alts, *(gold.profile or gold.changes for gold in golds if gold)]:
                suite.domain.profile.model_validate({**blank.values(), **profile})


def test_the_schema_beside_the_suites_is_current() -> None:
    assert json.loads((DATASETS / 'suite.schema.json').read_text()) == json_schema()
    assert json.loads(evaluate_here('--schema').stdout) == json_schema()
    for path in FILES:
        assert path.read_text().startswith('# yaml-language-server: $schema=suite.schema.json'), path.name


def test_the_thresholds_name_suites_and_every_suite_has_some() -> None:
    told = yaml.safe_load((DATASETS.parent / 'thresholds.yaml').read_text())

    assert set(told) - {'every'} == {path.stem for path in FILES}


@pytest.mark.parametrize(
    ('text', 'complaint'),
    [
        ('dialogues: [', 'is not YAML, line'),
        ('version: 1', 'neither dialogues nor utterances'),
        ('dialogues: [{id: a, turns: []}]', 'a dialogue has either turns or a user'),
        ('dialogues: [{id: a, turns: [{messages: [x], golden: {}}]}]', 'golden: Extra inputs are not permitted'),
        ('dialogues: [{id: a, turns: [{messages: [x, y], arrive: [1, 1]}]}]', 'each of the messages 1 to 2 once'),
        ('utterances: [{id: a, say: x, profile: {}}, {id: a, say: y, profile: {}}]', 'used twice: a'),
        ('slots: [colour]\nutterances: [{id: a, say: x, profile: {}}]', 'not fields of the profile: colour'),
    ],
)
def test_a_malformed_suite_is_one_sentence(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / 'mine.yaml'
    path.write_text(text)

    with pytest.raises(InvalidInput, match='mine') as raised:
        car_suite(path)

    assert complaint in str(raised.value)


def test_a_suite_that_is_missing_is_told_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match='no suite nothing; there are journeys, memory'):
        car_suites(('nothing',))
