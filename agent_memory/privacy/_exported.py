"""`Exports`: which files were written with people's data in clear, so that an erasure finds them wherever they are."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from agent_memory.errors import SetupError

EXPORTS = 'exports'
"""The folder of a data directory that they go to."""
_LIST = 'written.jsonl'


class _Written(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra='ignore', frozen=True)

    path: str
    contacts: tuple[str, ...]


@dataclass(frozen=True)
class Exports:
    """The files that hold what was exported.

    Args:
        directory: Where they go unless somebody says otherwise, and where the list of the others is kept (mode 0600).
    """

    directory: Path

    def note(self, path: Path, contact_ids: Iterable[str]) -> None:
        """Remember that a file holds data of these contacts. Note it before it is written.

        Raises:
            SetupError: The list cannot be written.
        """
        line = _Written(path=str(path.absolute()), contacts=tuple(dict.fromkeys(contact_ids))).model_dump_json()
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._list, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, 'w', encoding='utf-8') as file:
                file.write(line + '\n')
        except OSError as error:
            raise SetupError(f'{self._list} cannot be written ({error.strerror})') from error

    def of(self, contact_ids: Iterable[str]) -> list[Path]:
        """Return the files that there are with data of these contacts; one of several people is among them."""
        wanted = set(contact_ids)
        own = [path for name in sorted(wanted) for path in sorted(self.directory.glob(f'{name}*'))]
        listed = [Path(one.path) for one in self._written() if wanted.intersection(one.contacts)]
        return [path for path in dict.fromkeys((*own, *listed)) if path.is_file()]

    def remove(self, contact_ids: Iterable[str]) -> int:
        """Remove those files, and return how many there were.

        Raises:
            SetupError: One cannot be removed.
        """
        names = tuple(contact_ids)
        found = self.of(names)
        for path in found:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise SetupError(f'{path} cannot be removed ({error.strerror}); remove it and erase again') from error
        self._forget(names)
        return len(found)

    @property
    def _list(self) -> Path:
        return self.directory / _LIST

    def _written(self) -> list[_Written]:
        try:
            lines = self._list.read_text(encoding='utf-8').splitlines()
        except FileNotFoundError:
            return []
        found: list[_Written] = []
        for line in lines:
            try:
                found.append(_Written.model_validate_json(line))
            except ValidationError:
                continue  # half a line, of a process that was killed
        return found

    def _forget(self, contact_ids: Iterable[str]) -> None:
        """Take what was removed off the list."""
        gone, known = set(contact_ids), self._written()
        left = [one for one in known if not gone.intersection(one.contacts)]
        if len(left) == len(known):
            return
        half = self._list.with_name(f'{_LIST}.half')
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, 'w', encoding='utf-8') as file:
            file.writelines(one.model_dump_json() + '\n' for one in left)
        os.replace(half, self._list)
