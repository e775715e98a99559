"""The turn gate does what its model does, whatever order things happen in."""

from __future__ import annotations

import asyncio
import os

import anyio.to_thread
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.backend.gate_machine import GateMachine

EXAMPLES = int(os.environ.get('GATE_EXAMPLES', '40'))


async def test_the_gate_does_what_its_model_does(redis_url: str) -> None:
    await anyio.to_thread.run_sync(check, redis_url, EXAMPLES)


def check(redis_url: str, examples: int, *, quick: bool = False) -> None:
    """Run the state machine; `quick` does not look for the shortest way to a failure."""
    phases = (Phase.generate,) if quick else (Phase.generate, Phase.shrink)
    with asyncio.Runner() as own:

        class Machine(GateMachine):
            url, runner = redis_url, own

        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=60,
                deadline=None,
                phases=phases,
                derandomize=True,
                database=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
            ),
        )
