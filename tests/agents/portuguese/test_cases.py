"""The gold utterances, whole profile and flags. The held-out half was never looked at while the rules were written."""

from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from agent_memory.agents.portuguese import Understanding, understand
from agent_memory.lead import UserProfileData

FLAGS = ('consent', 'person', 'opt_out', 'erasure')
KNOWN_FAILURES: frozenset[str] = frozenset()
HELD_OUT_FLOOR = 0.93
DATASETS = Path(__file__).parents[3] / 'evals' / 'datasets'


def _load(name: str) -> list[dict[str, Any]]:
    return yaml.safe_load((DATASETS / name).read_text(encoding='utf-8'))['utterances']


def _comparable(value: Any) -> Any:
    return frozenset(cast('list[str]', value)) or None if isinstance(value, list) else value


def _wrong(case: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What differs from the gold, with the gold beside it."""
    profile = UserProfileData(**case.get('prior', {}))
    said = [case['say']] if isinstance(case['say'], str) else [str(message) for message in case['say']]
    turn = understand(said, asked=case.get('asked'), profile=profile, today=date(2026, 3, 10))
    after = profile.patch(turn.changes).profile.known()
    pairs = {field: (after.get(field), case['profile'].get(field)) for field in UserProfileData.settable()}
    pairs |= {flag: (getattr(turn, flag), case.get(flag)) for flag in FLAGS}
    pairs |= {'restart': (turn.restart, case.get('restart', False)), 'choice': (turn.choice, case.get('choice'))}
    pairs |= {name: (getattr(turn, name), case[name]) for name in ('greeting', 'understood') if name in case}
    also = case.get('alt', {})
    return {
        name: (got, gold)
        for name, (got, gold) in pairs.items()
        if _comparable(got) not in [_comparable(value) for value in (gold, *also.get(name, ()))]
    }


@pytest.mark.parametrize(
    'case', [*_load('utterances_dev.yaml'), *_load('utterances_dev_2.yaml')], ids=lambda case: case['id']
)
def test_a_turn_is_understood_as_annotated(case: dict[str, Any]) -> None:
    assert bool(_wrong(case)) == (case['id'] in KNOWN_FAILURES), _wrong(case)


def test_unseen_turns_are_understood_as_annotated() -> None:
    cases = _load('utterances_held_out.yaml')

    exact = sum(not _wrong(case) for case in cases)

    assert exact / len(cases) >= HELD_OUT_FLOOR, f'{exact} of {len(cases)}'


def test_both_halves_are_large_and_share_no_utterance() -> None:
    seen, unseen = ({str(case['say']) for case in _load(f'utterances_{half}.yaml')} for half in ('dev', 'held_out'))

    assert min(len(seen), len(unseen)) >= 160
    assert len(seen & unseen) <= 4  # bare answers such as "sim", to other questions


def test_nothing_said_is_nothing_understood() -> None:
    turn = understand([], profile=UserProfileData(), today=date(2026, 3, 10))

    assert turn == Understanding((), understood=False)
