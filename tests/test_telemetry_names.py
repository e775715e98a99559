"""Span, metric and log names stand in one place, where they can be read for what they tell of people."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import agent_memory

ROOT = Path(agent_memory.__file__).parent
_LOGS = {'debug', 'info', 'warning', 'error', 'exception', 'critical', 'log'}
_SPANS = {'span', 'start_span', 'start_as_current_span', 'create_counter', 'create_histogram', 'create_up_down_counter'}


def named_elsewhere(source: str) -> Iterator[str]:
    """Yield the names of logs, spans and metrics that a module gives itself."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or not call.args:
            continue
        name, first = call.func.attr, call.args[0]
        logs = name in _LOGS and isinstance(call.func.value, ast.Name) and 'log' in call.func.value.id
        if (logs or name in _SPANS) and not isinstance(first, ast.Attribute | ast.Name):
            yield ast.unparse(call)


@pytest.mark.parametrize(
    'source',
    ["_logger.warning('oi %s', name)", "logging.info(f'{name}')", "telemetry.span('turn')", "logfire.span('a')"],
)
def test_a_name_given_in_passing_is_found(source: str) -> None:
    assert list(named_elsewhere(source))


def test_every_name_is_in_telemetry() -> None:
    # The last three are links, which a search does not follow everywhere.
    folders = [ROOT, *((ROOT / name).resolve() for name in ('tools', 'agents', 'evals'))]
    modules = {path for folder in folders for path in folder.rglob('*.py') if path.name != 'telemetry.py'}

    assert len(modules) > 100
    assert [(path.name, found) for path in sorted(modules) for found in named_elsewhere(path.read_text())] == []
