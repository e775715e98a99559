"""`Packed`: the rows of a batch as columns of JSON, which is how DuckDB takes them quickest without another package."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from pydantic_core import from_json, to_json

from agent_memory.backend._ledger import FOLLOWED
from agent_memory.backend._progress import Progress, Walk
from agent_memory.backend._rows import DeadLetter, EventRow, FactRow, MessageRow, Rows, SessionRow, TurnRow
from agent_memory.errors import ArchiveRefused

RowT = TypeVar('RowT', SessionRow, EventRow)

Columns = tuple[str, ...]
"""The rows of one table: a JSON array a column, in the order of the fields of its row."""

ROWS: dict[str, type[NamedTuple]] = {
    'turns': TurnRow,
    'messages': MessageRow,
    'facts': FactRow,
    'events': EventRow,
    'dead_letters': DeadLetter,
}
"""What is packed: fields of `Rows`. Sessions are few and merged with those of the archive."""

_AT_ONCE = 50
"""Entries whose rows are held as objects. Of many the garbage collector would look at each again and again."""

Stays = Callable[[str, int], bool]
"""Whether a row stays, by its contact and when its conversation began, in ms."""


@dataclass(frozen=True)
class Packed:
    """What entries became, ready to be written."""

    entries: int
    tables: dict[str, Columns]
    """By field of `Rows`; only those that have rows."""
    alone: Progress
    """The sessions that they touch, as if nothing had been before."""
    followed: tuple[EventRow, ...]
    """Events that the ledger follows."""

    def contacts(self) -> set[str]:
        """Return whose rows these are."""
        held = {row.contact_id for row in (*self.alone.opened, *self.alone.closed)}
        for name, columns in self.tables.items():
            held.update(from_json(columns[_place('contact_id', ROWS[name])]))
        return held

    def dead_letters(self) -> list[DeadLetter]:
        """Return the dead letters. Their bodies are in hex."""
        columns = self.tables.get('dead_letters', ())
        return [DeadLetter(*row) for row in zip(*map(from_json, columns), strict=True)]

    def only(self, stays: Stays) -> Packed:
        """Return it without the rows that do not stay."""

        def left(rows: tuple[RowT, ...]) -> tuple[RowT, ...]:
            return tuple(row for row in rows if stays(row.contact_id, _began_ms(row.session_id)))

        tables = {name: _only(columns, ROWS[name], stays) for name, columns in self.tables.items()}
        return Packed(
            self.entries,
            {name: columns for name, columns in tables.items() if columns},
            Progress(left(self.alone.opened), left(self.alone.closed)),
            left(self.followed),
        )


class Packer:
    """Packs entry by entry."""

    def __init__(self) -> None:
        self._entries = 0
        self._held: list[Rows] = []
        self._parts: dict[str, list[Columns]] = {name: [] for name in ROWS}
        self._walk = Walk()
        self._followed: list[EventRow] = []

    def add(self, rows: Rows) -> None:
        """Add what one entry became.

        Raises:
            ArchiveRefused: A string of the last entries is no text, such as half of a surrogate pair.
        """
        self._held.append(rows)
        self._walk.take(rows)
        if len(self._held) == _AT_ONCE:
            self._pack()

    def packed(self) -> Packed:
        """Return all that was added.

        Raises:
            ArchiveRefused: As above.
        """
        self._pack()
        tables = {name: tuple(map(_joined, zip(*parts, strict=True))) for name, parts in self._parts.items() if parts}
        return Packed(self._entries, tables, self._walk.progress(), tuple(self._followed))

    def _pack(self) -> None:
        held, self._held = self._held, []
        self._entries += len(held)
        for name, parts in self._parts.items():
            if rows := [row for entry in held for row in getattr(entry, name)]:
                parts.append(columns_of(rows))
        self._followed += (event for entry in held for event in entry.events if event.kind in FOLLOWED)


def pack(entries: Iterable[Rows]) -> Packed:
    """Return what entries became, packed.

    Raises:
        ArchiveRefused: A string is no text, such as half of a surrogate pair.
    """
    packer = Packer()
    for rows in entries:
        packer.add(rows)
    return packer.packed()


def columns_of(rows: Iterable[tuple[Any, ...]]) -> Columns:
    """Return rows as columns.

    Raises:
        ArchiveRefused: A string is no text, such as half of a surrogate pair.
    """
    try:
        return tuple(to_json(column, bytes_mode='hex').decode() for column in zip(*rows, strict=True))
    except ValueError as error:
        raise ArchiveRefused(f'a row cannot be written: {error}') from error


def _joined(parts: Sequence[str]) -> str:
    return f'[{",".join(part[1:-1] for part in parts)}]'


def _only(columns: Columns, row: type[NamedTuple], stays: Stays) -> Columns:
    contact = _place('contact_id', row)
    # What has no session was received when its entry was written.
    began = _place('session_id' if 'session_id' in row._fields else 'entry_id', row)
    rows = zip(*map(from_json, columns), strict=True)
    return columns_of(one for one in rows if stays(one[contact], _began_ms(one[began])))


def _place(field: str, row: type[NamedTuple]) -> int:
    return row._fields.index(field)


def _began_ms(id_: str) -> int:
    """Return the time in the id of a session, `contact:ms`, or of an entry, `ms-sequence`."""
    return int(id_.rpartition(':')[2].partition('-')[0])
