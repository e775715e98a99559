"""Runs `agent-memory eval` in this process: its imports take seconds, which each test would pay again."""

from __future__ import annotations

from dataclasses import dataclass

from typer.testing import CliRunner

from agent_memory.cli import app


@dataclass(frozen=True)
class Done:
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


def evaluate_here(*words: str) -> Done:
    """Run `agent-memory eval` with `words`. Only outside a running event loop."""
    result = CliRunner().invoke(app, ['eval', *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)
