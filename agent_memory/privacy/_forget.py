"""Erasing a person: `Eraser` takes a contact out of every place, in an order that no crash and no late write undoes.

The key goes first: from then on nothing that was kept can be read, wherever a copy of it is. Then a tombstone stops what
comes late, and what is left is removed. Done again after a crash it finishes what was begun.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from agent_memory.backend._archive import Archive
from agent_memory.backend._erasure import Erasable, ErasableArchive, HotTraces, StoreErasure, Tombstone
from agent_memory.backend._ledger import AuditNote, RequestStep
from agent_memory.errors import SetupError
from agent_memory.manager import SessionManager
from agent_memory.privacy._audit import Audit
from agent_memory.privacy._exported import Exports
from agent_memory.privacy._receipt import Receipt, Signer

_PAGE = 200


@dataclass(frozen=True)
class Found:
    """What there is of a person."""

    contact_ids: tuple[str, ...]
    keys: int
    store: dict[str, int]
    history: dict[str, int] | None
    exports: int


@dataclass(frozen=True)
class Eraser:
    """Erases people. It works while workers and archivers run in other processes.

    Args:
        manager: Whose store and keys.
        signer: Signs receipts.
        archive: The history; `None` when it is kept on another machine, whose archiver applies the tombstone.
        exports: The files with data in clear that operators had written.
        audit: Where it is noted.
    """

    manager: SessionManager[Any]
    signer: Signer
    archive: Archive | None = None
    exports: Exports | None = None
    audit: Audit | None = None

    async def plan(self, contact: str) -> Found:
        """Return what `forget` would remove, and remove nothing.

        Raises:
            InvalidContact: It is neither a phone number nor a user id.
        """
        names = await self._store.names(await self.manager.contact_id(contact))
        now = datetime.now(UTC)
        history = None
        if isinstance(self.archive, ErasableArchive):
            history = await self.archive.traces([Tombstone(name, now) for name in names])
        return Found(
            contact_ids=names,
            keys=sum([await self.manager.vault.keys.get(name) is not None for name in names]),
            store=_summed([await self._store.traces(name) for name in names]),
            history=history,
            exports=len(self.exports.of(names)) if self.exports else 0,
        )

    async def forget(self, contact: str) -> Receipt:
        """Erase a person for good, and return the signed receipt. Done again it finds nothing more.

        Whoever writes again later, with a message sent after the erasure, begins anew under a new key.

        Raises:
            InvalidContact: It is neither a phone number nor a user id.
            KeyUnavailable: The key store does not answer. Nothing was erased: do it again.
            StoreUnavailable: The key is destroyed, but the store does not answer: do it again.
            ArchiveUnavailable: The store is done, but the history cannot be written: do it again.
            SetupError: An exported file cannot be removed. Remove it, and do it again.
        """
        found = await self.plan(contact)
        names = found.contact_ids
        keys = [await self.manager.vault.destroy(name) for name in names]
        removed: list[HotTraces] = []
        stones: list[Tombstone] = []
        for key in keys:
            self.manager.drop(key.contact_id)
            traces, stone = await self._store.erase(key.contact_id, key_id=key.key_id)
            removed.append(traces)
            stones.append(stone)
        history = await self.archive.erase(stones) if isinstance(self.archive, ErasableArchive) else None
        exports = self.exports.remove(names) if self.exports else 0
        receipt = Receipt(
            id=secrets.token_urlsafe(12),
            contact_ids=names,
            erased_at=max(stone.at for stone in stones),
            completed_at=datetime.now(UTC),
            # `reconcile` of another task or process may carry out what was begun here before this does.
            keys=max(found.keys, sum(bool(key.key_id) for key in keys)),
            store=_most(found.store, _summed(removed)),
            store_file_rewritten=await self._store.rewrite_file(),
            history=None if history is None else _most(found.history or {}, history),
            exports=exports,
        )
        await self._noted(receipt)
        return self.signer.sign(receipt)

    async def _noted(self, receipt: Receipt) -> None:
        if self.audit is None:
            return
        actor = self.audit.actor
        rows = sum((receipt.history or {}).values())
        data = {
            'receipt': receipt.id,
            'store': sum(receipt.store.values()),
            'history': rows,
            'exports': receipt.exports,
        }
        notes = [AuditNote('erasure', actor, name, dict(data)) for name in receipt.contact_ids]
        steps = [RequestStep(name, 'deletion', 'done', actor) for name in receipt.contact_ids]
        await self.audit.enter(notes, steps)

    @property
    def _store(self) -> StoreErasure:
        return erasure_of(self.manager)


async def reconcile(manager: SessionManager[Any], archive: Archive | None) -> int:
    """Apply every tombstone that the store or the key store has to all three places, and return how many were missing.

    After a restore of one of them the others still know who was erased.
    """
    store = erasure_of(manager)
    erased = await manager.vault.keys.erased()
    stones = await store.tombstones()
    known = {stone.contact_id: stone.at for stone in stones}
    dead = {(stone.contact_id, key_id) for stone in stones for key_id in (*stone.keys, '')}
    missing = 0
    for one in erased:
        if (one.contact_id, one.key_id) not in dead:
            _, stone = await store.erase(one.contact_id, key_id=one.key_id, at=one.at)
            known[stone.contact_id] = stone.at
            missing += 1
    for contact_id, key_id in dead - {(one.contact_id, one.key_id) for one in erased}:
        if key_id:
            await manager.vault.renew(contact_id, key_id)
    if isinstance(archive, ErasableArchive):
        there = {stone.contact_id: stone.at for stone in await archive.tombstones()}
        late = [Tombstone(name, at) for name, at in known.items() if name not in there or there[name] < at]
        # Whoever holds the file takes requests of 64 KB.
        for start in range(0, len(late), _PAGE):
            await archive.erase(late[start : start + _PAGE])
        missing += len(late)
    return missing


def erasure_of(manager: SessionManager[Any]) -> StoreErasure:
    """Return what erases contacts from the store.

    Raises:
        SetupError: The store cannot.
    """
    if not isinstance(manager.store, Erasable):
        raise SetupError(f'{type(manager.store).__name__} cannot erase contacts: it has no `erasure`')
    return manager.store.erasure


def _most(found: dict[str, int], removed: dict[str, int]) -> dict[str, int]:
    """Return what there was before, and what came meanwhile."""
    return {name: max(count, found.get(name, 0)) for name, count in removed.items()}


def _summed(traces: list[HotTraces]) -> dict[str, int]:
    return {item.name: sum(asdict(one)[item.name] for one in traces) for item in fields(HotTraces)}
