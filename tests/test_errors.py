"""The tree of errors is the one that its docstring draws."""

from __future__ import annotations

import re

from agent_memory import errors
from agent_memory.errors import AgentMemoryError


def drawn() -> dict[str, str]:
    """Return each class of the docstring's tree with its parent."""
    parents: dict[str, str] = {}
    path: list[str] = ['AgentMemoryError']
    for bars, name in re.findall(r'^((?:\|   )*)\+-- (\w+)', errors.__doc__ or '', flags=re.MULTILINE):
        depth = len(bars) // 4
        path[depth + 1 :] = [name]
        parents[name] = path[depth]
    return parents


def test_the_docstring_draws_the_tree() -> None:
    tree = {
        name: cls.__bases__[0].__name__
        for name, cls in vars(errors).items()
        if isinstance(cls, type) and issubclass(cls, AgentMemoryError) and cls is not AgentMemoryError
    }

    assert drawn() == tree


def test_every_error_says_in_its_docstring_what_was_written() -> None:
    for name in drawn():
        assert getattr(errors, name).__doc__
