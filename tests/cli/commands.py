"""Runs the installed command as a user would: another process, a data directory, text in and out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Talk:
    """A chat in progress, in a process of its own."""

    process: subprocess.Popen[str]

    def say(self, line: str, *, until: str) -> str:
        """Say a line and read what is shown up to the line that holds `until`."""
        self._pipe(self.process.stdin).write(f'{line}\n')
        self._pipe(self.process.stdin).flush()
        seen = ''
        while shown := self._pipe(self.process.stdout).readline():
            seen += shown
            if until in shown:
                return seen
        raise AssertionError(f'{until!r} never came; got:\n{seen}')

    def leave(self) -> str:
        """End the input and return what is still shown."""
        self._pipe(self.process.stdin).close()
        return self._pipe(self.process.stdout).read()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe


@contextmanager
def talking(data: Path) -> Generator[Talk]:
    """Start a chat and end it with the test."""
    with subprocess.Popen(
        [*COMMAND, 'chat', '--data', str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        try:
            yield Talk(process)
        finally:
            process.kill()
