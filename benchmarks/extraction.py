"""How long `understand` takes for one turn: the gold utterances of the tests, and texts of 4,096 characters.

usage: python benchmarks/extraction.py [--json]
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from agent_memory.agents.portuguese import understand
from agent_memory.lead import UserProfileData

CASES = Path(__file__).parent.parent / 'evals' / 'datasets'
TODAY = date(2026, 3, 10)
ROUNDS = 5
LONG = (
    'quero um hatch até 50 mil em Campinas, ',
    'não quero nem ',
    'moro em xyzab ',
    '50 mil a 60 mil ',
    'fiat ford gol ',
    '(',
)


def _microseconds(run: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    run()
    return (time.perf_counter_ns() - start) / 1_000


def _turns() -> list[Callable[[], object]]:
    cases: list[dict[str, Any]] = [
        case
        for name in ('utterances_dev.yaml', 'utterances_held_out.yaml')
        for case in yaml.safe_load((CASES / name).read_text(encoding='utf-8'))['utterances']
    ]
    return [_turn(case) for case in cases]


def _turn(case: dict[str, Any]) -> Callable[[], object]:
    said = [case['say']] if isinstance(case['say'], str) else [str(message) for message in case['say']]
    profile = UserProfileData(**case.get('prior', {}))
    return lambda: understand(said, asked=case.get('asked'), profile=profile, today=TODAY)


def measure() -> dict[str, float]:
    turns = _turns()
    first = _microseconds(turns[0])
    times = sorted(_microseconds(turn) for _ in range(ROUNDS) for turn in turns)
    longest = max(min(_microseconds(_turn({'say': (text * 4096)[:4096]})) for _ in range(3)) for text in LONG)
    return {
        'turns': len(times),
        'first_us': round(first),
        'p50_us': round(statistics.median(times)),
        'p99_us': round(times[int(len(times) * 0.99)]),
        'longest_text_us': round(longest),
    }


def main() -> None:
    figures = measure()
    if '--json' in sys.argv:
        print(json.dumps(figures))
        return
    print(f'{figures["turns"]:.0f} turns: p50 {figures["p50_us"]:.0f} us, p99 {figures["p99_us"]:.0f} us')
    print(
        f'first turn, loading the data: {figures["first_us"]:.0f} us; 4,096 characters: {figures["longest_text_us"]:.0f} us'
    )


if __name__ == '__main__':
    main()
