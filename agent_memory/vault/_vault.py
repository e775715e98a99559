"""`Vault`: the boxes of contacts, made of a key store and a master key."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from agent_memory.backend._key_store import Erased, KeyStore, WrappedKey
from agent_memory.backend._sqlite_keys import SqliteKeys
from agent_memory.errors import KeyUnavailable, SetupError
from agent_memory.vault._box import Box, key_id, new_key
from agent_memory.vault._master import KeyProvider, MasterKeys

KEYS_FILE, MASTER_FILE = 'keys.db', 'master.key'


@dataclass(frozen=True)
class KeyHealth:
    """Whether the keys of contacts can be had."""

    ok: bool
    detail: str
    stale: int = 0
    """Keys that an older master key wraps."""


class Vault:
    """Gives each contact a box with a key of its own, made when something of the contact is first kept.

    Args:
        keys: Where wrapped data keys live.
        master: What wraps them.
        accepts_plain: Whether the store's bytes from before sealing are read as they are. Who can write to the store can
            then put words into it that nobody said, so leave it off when there are none.
        cache_size: Most boxes that are kept open in this process.
    """

    def __init__(
        self, keys: KeyStore, master: KeyProvider, *, accepts_plain: bool = False, cache_size: int = 10_000
    ) -> None:
        self.keys = keys
        self.accepts_plain = accepts_plain
        self.master = master
        self._size = cache_size
        self._boxes: OrderedDict[str, Box] = OrderedDict()

    @classmethod
    def at(cls, directory: Path) -> Self:
        """Return the vault of a data directory, which keeps its keys and its master key in files of mode 0600.

        Raises:
            SetupError: The directory cannot be used.
        """
        return cls(SqliteKeys(directory / KEYS_FILE), MasterKeys.from_file(directory / MASTER_FILE))

    def held(self, contact_id: str) -> Box | None:
        """Return a box that this process has open."""
        return self._boxes.get(contact_id)

    async def box(self, contact_id: str) -> Box:
        """Return the box of a contact, with a new key if it has none.

        Raises:
            KeyUnavailable: The key store does not answer, or the master key does not fit.
        """
        return self._boxes.get(contact_id) or await self.find(contact_id) or await self._made(contact_id)

    async def find(self, contact_id: str, *, key_id: str | None = None) -> Box | None:
        """Return the box of a contact, or `None` when it has no key.

        Args:
            contact_id: Whose.
            key_id: The key that is wanted: when this process holds another one, the key store is asked again.

        Raises:
            KeyUnavailable: The key store does not answer, or the master key does not fit.
        """
        box = self._boxes.get(contact_id)
        if box and key_id in (None, box.key_id):
            return box
        found = await self.keys.get(contact_id)
        return await self._opened(contact_id, found) if found else None

    async def renew(self, contact_id: str, destroyed: str) -> None:
        """Let a contact have a new key after the one with the id `destroyed`, which a restored key store may still have."""
        self.drop(contact_id)
        found = await self.keys.get(contact_id)
        if found and found.id == destroyed:
            await self.destroy(contact_id)

    def drop(self, contact_id: str) -> None:
        """Forget the box of a contact in this process."""
        self._boxes.pop(contact_id, None)

    async def destroy(self, contact_id: str) -> Erased:
        """Destroy the key of a contact for good. What it sealed cannot be opened any more, by anybody."""
        at = datetime.now(UTC)
        self.drop(contact_id)
        key = await self.keys.destroy(contact_id, at=at)
        return Erased(contact_id, key.id if key else '', at)

    async def is_erased(self, contact_id: str, key_id: str) -> bool:
        """Return whether a key of the contact was destroyed, so that what it sealed is nobody's any more."""
        return any(one.key_id == key_id for one in await self.keys.erased(contact_id))

    async def rotate(self) -> int:
        """Wrap every data key with the current master key, and return how many were not. Can be begun again."""
        changed, after = 0, ''
        while page := await self.keys.contacts(after=after):
            for contact_id, old in page:
                if not self.master.is_current(old.wrapped):
                    data_key = await self.master.unwrap(old.wrapped, contact_id=contact_id)
                    new = WrappedKey(old.id, await self.master.wrap(data_key, contact_id=contact_id))
                    changed += await self.keys.rewrap(contact_id, old, new)
                after = contact_id
        return changed

    async def check(self) -> KeyHealth:
        """Return whether the key store answers and its keys can be unwrapped."""
        try:
            known, stale, after = await self.keys.count(), 0, ''
            while page := await self.keys.contacts(after=after):
                for contact_id, key in page:
                    await self.master.unwrap(key.wrapped, contact_id=contact_id)
                    stale += not self.master.is_current(key.wrapped)
                    after = contact_id
        except (KeyUnavailable, SetupError) as error:
            return KeyHealth(ok=False, detail=str(error))
        rest = f', {stale} of them by an older master key: run `agent-memory keys rotate`' if stale else ''
        return KeyHealth(ok=True, detail=f'{known} keys, wrapped by {self.master!r}{rest}', stale=stale)

    async def close(self) -> None:
        """Forget all boxes and release the key store."""
        self._boxes.clear()
        await self.keys.close()

    async def _made(self, contact_id: str) -> Box:
        key = new_key()
        own = WrappedKey(key_id(key), await self.master.wrap(key, contact_id=contact_id))
        # Another process may have been first.
        return await self._opened(contact_id, await self.keys.create(contact_id, own))

    async def _opened(self, contact_id: str, found: WrappedKey) -> Box:
        box = Box(contact_id, await self.master.unwrap(found.wrapped, contact_id=contact_id))
        if box.key_id != found.id:
            raise KeyUnavailable('a data key in the key store was changed')
        self._boxes[contact_id] = box
        if len(self._boxes) > self._size:
            self._boxes.popitem(last=False)
        return box
