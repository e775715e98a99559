"""A few of the mutants that `make mutate` makes: the state machine notices each."""

from __future__ import annotations

import anyio.to_thread
import pytest

from tests.mutate_lua import Mutant, installed, killed_by_model, mutants

CHOSEN = (
    ('commit.lua', 'if s[1] == ARGV[2] or s[2] ~= ARGV[3] then'),
    ('commit.lua', "if s[4] ~= ARGV[5] then return {'OK'"),
    ('begin.lua', 'if held or not mine then'),
    ('begin.lua', 'local limit = attempt <= 1'),
    ('abort.lua', 'attempt < tonumber(ARGV[5])'),
)


@pytest.mark.parametrize(('file', 'after'), CHOSEN)
async def test_a_broken_script_is_noticed(redis_url: str, file: str, after: str) -> None:
    mutant: Mutant = next(one for one in mutants() if one.file == file and after in one.after)
    with installed(mutant):
        assert await anyio.to_thread.run_sync(lambda: killed_by_model(redis_url, examples=30))
