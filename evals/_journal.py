"""The journal of a run: conversations that were played are not played again after an interruption."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from pathlib import Path

from pydantic import ValidationError

from agent_memory.errors import InvalidInput
from agent_memory.evals._dialogues import Dialogue
from agent_memory.evals._transcript import Transcript


class Journal:
    """Finished conversations in a file, one JSON line each. Without a file it keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        """Read what the file has.

        Raises:
            InvalidInput: It cannot be read or written.
        """
        self._found: defaultdict[str, list[Transcript]] = defaultdict(list)
        self._file = None
        if path is None:
            return
        try:
            if path.exists():
                self._read(path.read_text(encoding='utf-8'))
            self._file = path.open('a', encoding='utf-8')
        except OSError as error:
            raise InvalidInput(f'{path} cannot be used ({error.strerror})') from error

    @property
    def known(self) -> int:
        """How many conversations are there and were not taken yet."""
        return sum(len(played) for played in self._found.values())

    def take(self, suite: str, model: str, dialogue: Dialogue) -> Transcript | None:
        """Return one time that this very conversation was played, each once; `None` when there is none left."""
        played = self._found[_key(suite, model, dialogue)]
        return played.pop() if played else None

    def add(self, suite: str, model: str, dialogue: Dialogue, transcript: Transcript) -> None:
        """Keep a conversation that was played."""
        if self._file is not None:
            entry = {'key': _key(suite, model, dialogue), 'transcript': transcript.model_dump(mode='json')}
            self._file.write(json.dumps(entry, ensure_ascii=False) + '\n')
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _read(self, text: str) -> None:
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                self._found[entry['key']].append(Transcript.model_validate(entry['transcript']))
            except (ValueError, KeyError, TypeError, ValidationError):
                continue  # the line that a killed run was writing, or one of another version: it is played again


def _key(suite: str, model: str, dialogue: Dialogue) -> str:
    told = f'{suite}\n{model}\n{dialogue.model_dump_json()}'
    return f'{suite}/{dialogue.id}/{hashlib.sha256(told.encode()).hexdigest()[:16]}'
