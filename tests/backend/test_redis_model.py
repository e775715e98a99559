"""The turn gate does what its model does, whatever order things happen in."""

from __future__ import annotations

import asyncio
import os

import anyio.to_thread
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.backend.gate_machine import GateMachine

PHASES = (Phase.generate,) if 'GATE_QUICK' in os.environ else (Phase.generate, Phase.shrink)
EXAMPLES = int(os.environ.get('GATE_EXAMPLES', '60'))


async def test_the_gate_does_what_its_model_does(redis_url: str) -> None:
    await anyio.to_thread.run_sync(check, redis_url, EXAMPLES)


def check(redis_url: str, examples: int) -> None:
    with asyncio.Runner() as own:

        class Machine(GateMachine):
            url, runner = redis_url, own

        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=40,
                deadline=None,
                phases=PHASES,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
