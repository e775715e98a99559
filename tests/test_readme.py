"""What the documentation shows is what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_examples import CodeExample, EvalExample, find_examples

EXAMPLES = [
    example for example in find_examples('README.md', 'docs') if example.prefix_settings().get('test') != 'skip'
]


@pytest.mark.parametrize('example', EXAMPLES, ids=str)
def test_documented_examples_run(
    example: CodeExample, eval_example: EvalExample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('AGENT_MEMORY_DATA_DIR', str(tmp_path))
    eval_example.set_config(line_length=120, quotes='single', target_version='py310')
    if eval_example.update_examples:
        eval_example.format(example)
        eval_example.run_print_update(example)
    else:
        eval_example.lint(example)
        eval_example.run_print_check(example)


def test_the_two_commands_stand_at_the_top() -> None:
    top = ''.join(Path('README.md').read_text().splitlines(keepends=True)[:30])

    assert 'make chat' in top
    assert 'make test' in top
