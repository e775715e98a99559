"""`Audit`: what was done with people's data, noted before it is done, and whether the notes are still what was noted."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol, cast, runtime_checkable

from pydantic import JsonValue

from agent_memory.backend._history import HistoryReader
from agent_memory.backend._ledger import START, Anchor, AuditNote, AuditRow, Head, Ledger, RequestStep
from agent_memory.errors import StoreUnavailable

_PAGE = 1000


@runtime_checkable
class LedgerReader(HistoryReader, Ledger, Protocol):
    """A history that keeps a ledger and answers questions."""


@dataclass(frozen=True)
class Verdict:
    """Whether the chain of the audit is whole."""

    ok: bool
    rows: int
    head: Head
    reason: str
    """Why it is not, or what was checked."""


def operator() -> str:
    """Return who runs this command: the user of the operating system, whatever the environment says."""
    try:
        import pwd

        return f'os:{pwd.getpwuid(os.getuid()).pw_name}'
    except (ImportError, KeyError):
        return f'os:{os.getuid() if hasattr(os, "getuid") else os.getlogin()}'


@dataclass(frozen=True)
class Audit:
    """The audit of one history.

    `anchor` keeps a copy of the chain's head where whoever can write the history's file cannot; without one the removal
    of the newest rows goes unnoticed.
    """

    history: LedgerReader
    anchor: Anchor | None = None
    actor: str = 'system'

    async def note(self, action: str, contact_id: str | None = None, **data: JsonValue) -> None:
        """Note an action before it is done.

        Args:
            action: What is done, such as `export`.
            contact_id: Whose data.
            data: Counts and names of fields; never a value of a person.

        Raises:
            ArchiveUnavailable: It could not be noted, so it must not be done.
        """
        await self.enter([AuditNote(action, self.actor, contact_id, data)])

    async def enter(self, notes: Sequence[AuditNote], steps: Sequence[RequestStep] = ()) -> None:
        """Write notes and steps of requests together, and anchor the new head.

        Raises:
            ArchiveUnavailable: Nothing was written.
            InvalidInput: A step names a request that is not open.
        """
        head = await self.history.enter(notes, steps)
        await self._anchored(head)

    async def follow(self) -> None:
        """Anchor what was noted elsewhere, such as by the archiver."""
        newest = Head()
        known = await self.anchor.read() if self.anchor else None
        async for row in self.rows(after=max(0, (known.seq if known else 0) - 1)):
            newest = Head(row.seq, row.hash)
        if newest.seq:
            await self._anchored(newest)

    async def rows(self, *, after: int = 0, contact_id: str = '') -> AsyncGenerator[AuditRow]:
        """Yield the chain after a place, oldest first."""
        while True:
            found = await self.history.ask('audit', after=after, contact=contact_id, limit=_PAGE)
            for told in found.rows:
                row = AuditRow(*cast('tuple[int, str, str, str, str | None, str, str, str]', told))
                after = row.seq
                yield row
            if len(found.rows) < _PAGE:
                return

    async def verify(self) -> Verdict:
        """Read the whole chain and say whether anything in it was changed, removed or added by hand."""
        rows = [row async for row in self.rows()]
        head = Head(rows[-1].seq, rows[-1].hash) if rows else Head()
        known = await self.anchor.read() if self.anchor else None
        reason = _broken(rows) or _unlike(rows, known)
        found = await self.history.ask('audit_unchained')
        unchained = int(cast('int', found.rows[0][0]))
        if reason is None and unchained and rows:
            reason = f'{unchained} rows belong to no chain: they were written by hand'
        sure = 'each follows the one before' + (
            f', and row {known.seq} is the one anchored in the store' if known else ''
        )
        return Verdict(reason is None, len(rows), head, reason or sure)

    async def accept(self) -> Head:
        """Anchor the chain as it is now, such as after a backup was restored, and note in it what was anchored before."""
        known = await self.anchor.read() if self.anchor else None
        lost: dict[str, JsonValue] = {'anchored_seq': known.seq, 'anchored_hash': known.hash} if known else {}
        head = await self.history.enter([AuditNote('audit_accepted', self.actor, None, lost)])
        if self.anchor:
            await self.anchor.write(head)
        return head

    async def _anchored(self, head: Head) -> None:
        """Move the anchor on to `head`, but never away from a row that is not in the chain any more."""
        if self.anchor is None:
            return
        try:
            known = await self.anchor.read()
            if known is not None and (head.seq < known.seq or not await self._has(known)):
                return
            await self.anchor.write(head)
        except StoreUnavailable:
            return  # what was noted is noted; the next one anchors it

    async def _has(self, known: Head) -> bool:
        found = await self.history.ask('audit', after=known.seq - 1, contact='', limit=1)
        return bool(found.rows) and found.rows[0][0] == known.seq and found.rows[0][-1] == known.hash


def _broken(rows: Sequence[AuditRow]) -> str | None:
    """Return where the rows are no chain."""
    if not rows:
        return None
    first = rows[0]
    if first.seq != 1 and not _cut(rows, first.seq - 1, first.prev):
        return f'the rows before {first.seq} are gone, and no retention noted that'
    expected, before = first.seq, first.prev if first.seq != 1 else START
    for row in rows:
        if row.seq != expected:
            return f'row {expected} is missing' if row.seq > expected else f'row {row.seq} is there twice'
        if row.prev != before:
            return f'row {row.seq} does not follow row {row.seq - 1}: one of them was replaced'
        if row.hash != row.digest():
            return f'row {row.seq} was changed'
        expected, before = row.seq + 1, row.hash
    return None


def _cut(rows: Sequence[AuditRow], seq: int, prev: str) -> bool:
    """Return whether a retention noted that the chain begins after `seq`."""
    return any(
        row.action == 'retention' and (told := json.loads(row.data)).get('cut_seq') == seq and told['cut_hash'] == prev
        for row in rows
    )


def _unlike(rows: Sequence[AuditRow], known: Head | None) -> str | None:
    """Return how the chain differs from what was anchored."""
    if known is None or (rows and rows[0].seq > known.seq):
        return None
    if not rows or rows[-1].seq < known.seq:
        return (
            f'the newest rows are gone: row {known.seq} was anchored, the chain ends at {rows[-1].seq if rows else 0}'
        )
    if rows[known.seq - rows[0].seq].hash != known.hash:
        return f'the chain was written anew: row {known.seq} is not the one that was anchored'
    return None
