"""Runs the installed command as a user would: another process, a data directory, text in and out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

COMMAND = [sys.executable, '-c', 'from agent_memory.cli import main; main()']


def environment(**extra: str) -> dict[str, str]:
    """The environment without anything that configures this package or a provider."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(('AGENT_MEMORY_', 'OPENAI_'))}
    return {**kept, 'COLUMNS': '120', 'NO_COLOR': '1', **extra}


def run(*words: str, text: str = '', **extra: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*COMMAND, *words],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(**extra),
    )


def chat(data: Path, *lines: str, contact: str = '+5511999990000') -> str:
    """Say `lines` in one chat and return what it showed."""
    done = run('chat', '--data', str(data), '--contact', contact, text='\n'.join(lines) + '\n')
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_until(stream: IO[str], wanted: str) -> str:
    """Read lines until one holds `wanted`."""
    seen = ''
    while line := stream.readline():
        seen += line
        if wanted in line:
            return seen
    raise AssertionError(f'{wanted!r} never came; got:\n{seen}')
