"""What an operator's decision needs: the store, and the audit that it is noted in before it is carried out."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from agent_memory.backend._redis import RedisStore
from agent_memory.errors import SetupError
from agent_memory.lead import CAR_LEAD, UserProfileData
from agent_memory.manager import SessionManager
from agent_memory.privacy._audit import Audit, operator
from agent_memory.settings import MemorySettings


@dataclass(frozen=True)
class Operating:
    """The store, opened for one command."""

    manager: SessionManager[UserProfileData]
    settings: MemorySettings

    async def note(self, action: str, contact: str, **data: str) -> None:
        """Note in the audit what is about to be done or read."""
        store = self.manager.store
        if not isinstance(store, RedisStore):
            raise SetupError(f'{type(store).__name__} keeps no anchor for the audit')
        archive = self.settings.history()
        try:
            await Audit(archive, store.anchor, operator()).note(action, contact, **data)
        finally:
            await archive.close()

    async def described(self, contact_id: str) -> str:
        """Return what helps to tell a contact apart."""
        session = await self.manager.get_session(f'contact:{contact_id}')
        if session is None:
            return 'no open conversation'
        told = session.profile.known()
        said = ', '.join(str(told[field]) for field in ('name', 'city', 'state') if field in told)
        return f'{said or "no name"}; {session.turn} turns, last on {session.updated_at:%Y-%m-%d %H:%M} UTC'


@asynccontextmanager
async def operating(data: Path | None) -> AsyncGenerator[Operating]:
    """Open the store of a data directory or of the environment."""
    settings = MemorySettings(data_dir=data) if data else MemorySettings()
    async with settings.connect(CAR_LEAD) as manager:
        yield Operating(manager, settings)
