"""What the history keeps of a contact's words, sealed cell by cell. Whatever is not named here as clear is sealed."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from agent_memory.vault._box import TEXT, Box

CLEAR_IN_EVENTS = frozenset(
    {
        'before',
        'after',
        'state',
        'given',
        'purpose',
        'version',
        'sha256',
        'channel',
        'request',
        'withdrawn',
        'action',
        'in_a_row',
    }
)
"""What an event says that is counted and not personal: states, answers of yes and no, kinds of request, counters."""
_REST = 'sealed'
_BLOB = 'am2b:'


class Cells:
    """Seals and opens cells of the rows of one contact. Without a box it leaves them as they are."""

    def __init__(self, box: Box | None) -> None:
        self._box = box

    def text(self, place: str, text: str) -> str:
        """Return what a text column holds."""
        return self._box.seal_text(place, text) if self._box and text else text

    def value(self, place: str, value: Any) -> str | None:
        """Return what a JSON column holds; `None` stays empty, so that what was filled can be counted."""
        if value is None:
            return None
        text = to_json(value).decode()
        return _quoted(self._box.seal_text(place, text)) if self._box else text

    def event(self, place: str, data: Mapping[str, Any]) -> str:
        """Return the data of an event as JSON, with what may be counted in clear."""
        rest = {name: value for name, value in data.items() if name not in CLEAR_IN_EVENTS}
        if self._box is None or not rest:
            return json.dumps(data)
        clear = {name: value for name, value in data.items() if name in CLEAR_IN_EVENTS}
        return json.dumps({**clear, _REST: self._box.seal_text(place, json.dumps(rest))})

    def open_text(self, place: str, cell: str) -> str:
        """Return the text of a column.

        Raises:
            SealBroken: It was changed, moved or sealed with another key.
        """
        return self._box.open_text(place, cell) if self._box and cell.startswith(TEXT) else cell

    def open_value(self, place: str, cell: str) -> Any:
        """Return the value of a JSON column.

        Raises:
            SealBroken: It was changed, moved or sealed with another key.
        """
        value = json.loads(cell)
        if self._box and isinstance(value, str) and value.startswith(TEXT):
            return json.loads(self._box.open_text(place, value))
        return value

    def open_event(self, place: str, cell: str) -> dict[str, Any]:
        """Return the data of an event.

        Raises:
            SealBroken: It was changed, moved or sealed with another key.
        """
        data: dict[str, Any] = json.loads(cell)
        sealed = data.get(_REST)
        if self._box and isinstance(sealed, str) and sealed.startswith(TEXT):
            del data[_REST]
            data |= json.loads(self._box.open_text(place, sealed))
        return data


def blob_cell(blob: bytes) -> str:
    """Return a sealed blob as the value of a JSON column."""
    return _quoted(_BLOB + base64.b64encode(blob).decode())


def _quoted(base64_text: str) -> str:
    """Return a sealed text as JSON. It has no character that JSON writes differently."""
    return f'"{base64_text}"'


def blob_of(cell: str) -> bytes | None:
    """Return the sealed blob in a JSON column, or `None` when there is none."""
    value = json.loads(cell)
    if isinstance(value, str) and value.startswith(_BLOB):
        return base64.b64decode(value.removeprefix(_BLOB))
    return None
