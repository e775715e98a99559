"""What somebody writes into the store by hand is not taken for what a person said, and nothing is lost by it."""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from agent_memory import CAR_LEAD, Inbound, RedisStore, SessionManager, UserProfileData
from agent_memory.backend._keys import Keys
from agent_memory.codec import Codec
from agent_memory.errors import SealBroken
from agent_memory.session import SessionData
from agent_memory.vault import MasterKeys, SqliteKeys, Vault
from tests.servers import Server, on_port, running

ANA, BIA = '+5511999990000', '+5511999990001'
MASTER = '1f' * 32


@dataclass
class House:
    """A server, and the workers on it."""

    server: Server
    managers: list[SessionManager[UserProfileData]] = field(default_factory=list[SessionManager[UserProfileData]])

    def worker(self, *, accepts_plain: bool = False) -> SessionManager[UserProfileData]:
        keys = SqliteKeys(self.server.directory.parent / 'keys.db')
        vault = Vault(keys, MasterKeys([MASTER]), accepts_plain=accepts_plain)
        self.managers.append(SessionManager(RedisStore.from_url(self.server.url), vault=vault))
        return self.managers[-1]

    async def document(self, contact_id: str, written: bytes | None = None) -> bytes:
        """Return the session document of a contact; write another one in its place."""
        key = Keys('am', 1).session(contact_id)
        async with Redis.from_url(self.server.url) as client:
            untyped: Any = client
            found: bytes = await untyped.hget(key, 'document')
            if written is not None:
                await untyped.hset(key, 'document', written)
        return found


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    server = on_port(tmp_path / 'redis')
    async with running(server):
        house = House(server)
        yield house
        for manager in house.managers:
            await manager.close()


async def say(manager: SessionManager[Any], number: int, contact: str = ANA) -> None:
    async with manager.turn(Inbound(contact=contact, message_id=f'wamid.{number}', text='oi')) as turn:
        await turn.commit(reply='olá')  # type: ignore[union-attr]


def forged(session: SessionData[UserProfileData]) -> bytes:
    return Codec(CAR_LEAD).write_session(session.model_copy(update={'profile': UserProfileData(city='Forjada')}))


async def test_a_document_that_is_not_sealed_is_refused_until_it_is_put_right(house: House) -> None:
    manager = house.worker()
    await say(manager, 1)
    contact_id = await manager.contact_id(ANA)
    session = await manager.get_session(ANA)
    assert session is not None
    sealed = await house.document(contact_id, forged(session))

    other = house.worker()
    with pytest.raises(SealBroken, match='AGENT_MEMORY_ACCEPT_UNSEALED'):
        await other.get_session(ANA)
    with pytest.raises(SealBroken):
        await say(other, 2)
    waiting = await other.first_waiting(contact_id)
    assert waiting is not None
    assert waiting.text == 'oi'

    await house.document(contact_id, sealed)
    read = await other.get_session(ANA)
    assert read is not None
    assert read.profile.city is None


async def test_a_document_of_another_contact_is_refused(house: House) -> None:
    manager = house.worker()
    await say(manager, 1)
    await say(manager, 2, BIA)
    ana, bia = await manager.contact_id(ANA), await manager.contact_id(BIA)
    own = await house.document(ana)
    await house.document(bia, own)

    with pytest.raises(SealBroken, match='moved here from another contact'):
        await house.worker().get_session(BIA)

    assert await house.worker().get_session(ANA) is not None


async def test_what_is_older_than_sealing_is_read_when_that_is_allowed_and_sealed_by_its_next_turn(
    house: House,
) -> None:
    manager = house.worker()
    await say(manager, 1)
    contact_id = await manager.contact_id(ANA)
    session = await manager.get_session(ANA)
    assert session is not None
    await house.document(contact_id, forged(session))

    migrating = house.worker(accepts_plain=True)
    read = await migrating.get_session(ANA)
    assert read is not None
    assert read.profile.city == 'Forjada'
    await say(migrating, 2)

    again = await house.worker().get_session(ANA)
    assert again is not None
    assert (again.profile.city, again.turn) == ('Forjada', 2)
