"""Break the Lua scripts one place at a time, and see that the tests notice: `make mutate`.

A mutant is killed by the state machine on the real server, or else by the contract of the store and the tests of its callers. Those that live are
printed. The run fails below 95 %.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread

import agent_memory.backend._scripts as scripts
from tests.servers import valkey

FOLDER = Path(scripts.__file__).parent / 'lua'
REQUIRED = 0.95
_SWAPS = (
    (r' == ', ' ~= '),
    (r' ~= ', ' == '),
    (r' <= ', ' > '),
    (r' >= ', ' < '),
    (r' > ', ' <= '),
    (r' < ', ' >= '),
    (r' and ', ' or '),
    (r' or ', ' and '),
    (r' \+ 1\b', ' + 0'),
    (r' - 1\b', ' - 0'),
    (r'math\.max', 'math.min'),
    (r'math\.min', 'math.max'),
    (r'\bnot ', ''),
    (r"'C' or 'D'", "'D' or 'C'"),
    (r"'NX', ", ''),
)
_WRITE = re.compile(
    r"^\s*redis\.call\('(HSET|HDEL|ZADD|ZREM|XADD|SET|PEXPIRE|UNLINK|HINCRBY|RPUSH|LTRIM|PUBLISH)'.*\)$"
)


@dataclass(frozen=True)
class Mutant:
    """One script with one change."""

    file: str
    line: int
    before: str
    after: str
    text: str

    def __str__(self) -> str:
        return f'{self.file}:{self.line}\n  - {self.before.strip()}\n  + {self.after.strip()}'


def mutants() -> Iterator[Mutant]:
    """Yield every mutant of every script."""
    for path in sorted(FOLDER.glob('*.lua')):
        lines = path.read_text(encoding='utf-8').splitlines()
        comment = False
        for place, line in enumerate(lines):
            comment = comment or line.startswith('--[[')
            if comment or line.strip().startswith(('--', '#!')):
                comment = comment and line != ']]'
                continue
            for after in _mutated(line):
                text = '\n'.join([*lines[:place], after, *lines[place + 1 :]]) + '\n'
                yield Mutant(path.name, place + 1, line, after, text)


def _mutated(line: str) -> Iterator[str]:
    for pattern, replacement in _SWAPS:
        for found in re.finditer(pattern, line):
            yield line[: found.start()] + replacement + line[found.end() :]
    if _WRITE.match(line):
        yield ''


@contextmanager
def installed(mutant: Mutant) -> Generator[Path]:
    """Let stores that are made in the block run the mutant."""
    original = scripts._FOLDER  # pyright: ignore[reportPrivateUsage] - the one place that scripts are read from
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in FOLDER.glob('*.lua'):
            (folder / path.name).write_text(path.read_text(encoding='utf-8'), encoding='utf-8')
        (folder / mutant.file).write_text(mutant.text, encoding='utf-8')
        scripts._FOLDER = folder  # pyright: ignore[reportPrivateUsage]
        try:
            yield folder
        finally:
            scripts._FOLDER = original  # pyright: ignore[reportPrivateUsage]


def killed_by_model(url: str, *, examples: int) -> bool:
    """Return whether the state machine notices the scripts that are installed."""
    from tests.backend.test_redis_model import check

    try:
        check(url, examples, quick=True)
    except Exception:  # noqa: BLE001 - whatever it is, it was noticed
        return True
    return False


_CONTRACT = """
import pathlib, sys
import agent_memory.backend._scripts as scripts
scripts._FOLDER = pathlib.Path(sys.argv[1])
import pytest
sys.exit(pytest.main(['-x', '-q', '-W', 'ignore::pytest.PytestAssertRewriteWarning', *sys.argv[2:]]))
"""
_OF_TURNS = (
    'tests/backend/test_gate_edges.py',
    'tests/backend/test_redis.py',
    'tests/test_manager.py',
    'tests/test_worker.py',
)
_OF_CHANNELS = (
    'tests/backend/test_channel_edges.py',
    'tests/whatsapp/test_channel_store.py',
    'tests/whatsapp/test_reply_store.py',
    'tests/whatsapp/test_mail.py',
)
_OF_ERASURE = (
    'tests/backend/test_channel_edges.py',
    'tests/backend/test_gate_edges.py',
    'tests/privacy/test_forget.py',
)
_CHANNEL = frozenset({'receive.lua', 'claim.lua', 'settle.lua', 'decide.lua', 'link.lua', 'relink.lua', 'mail.lua'})
_ERASURE = frozenset({'erase.lua', '_erased.lua'})
"""Scripts that the state machine does not run."""


def killed_by_tests(folder: Path, file: str) -> bool:
    """Return whether the tests of the script `file` notice the scripts in `folder`."""
    judges = _OF_ERASURE if file in _ERASURE else _OF_CHANNELS if file in _CHANNEL else _OF_TURNS
    command = [sys.executable, '-c', _CONTRACT, str(folder), *judges]
    return subprocess.run(command, capture_output=True, check=False, timeout=300).returncode != 0


async def run(wanted: Sequence[str]) -> float:
    """Try every mutant, those of the scripts that are named, or about so many of all; return the share that was killed."""
    names = {name for name in wanted if name.endswith('.lua')}
    every = [mutant for mutant in mutants() if not names or mutant.file in names]
    limit = next((int(number) for number in wanted if number.isdigit()), len(every))
    chosen = every[:: max(1, len(every) // limit)]
    lived: list[Mutant] = []
    with tempfile.TemporaryDirectory() as tmp:
        async with valkey(Path(tmp)) as server:

            def noticed_by_model() -> bool:
                return killed_by_model(server.url, examples=30)

            # What notices the scripts as they are would notice anything.
            assert not await anyio.to_thread.run_sync(noticed_by_model), (
                'the state machine fails on the scripts as they are'
            )
            for mutant in chosen:
                with installed(mutant) as folder:
                    noticed = mutant.file not in _CHANNEL | _ERASURE and await anyio.to_thread.run_sync(
                        noticed_by_model
                    )
                    if not noticed:
                        noticed = await anyio.to_thread.run_sync(killed_by_tests, folder, mutant.file)
                print('.' if noticed else 'L', end='', flush=True)
                if not noticed:
                    lived.append(mutant)
            assert not await anyio.to_thread.run_sync(noticed_by_model), 'the server or the scripts changed meanwhile'
    share = 1 - len(lived) / len(chosen)
    print(f'\n{len(chosen)} mutants, {len(chosen) - len(lived)} killed ({share:.1%})')
    for mutant in lived:
        print(mutant)
    return share


if __name__ == '__main__':
    sys.exit(anyio.run(run, sys.argv[1:]) < REQUIRED)
