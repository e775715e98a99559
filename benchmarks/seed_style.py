"""How such a memory is usually first written, kept to compare with: it loses messages.

A lock by SET NX for 10 s under `session:turn`, the whole session as one JSON document, read and written whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent_memory.lead import CAR_LEAD, UserProfileData
from agent_memory.profile import Change
from agent_memory.session import SessionData, utc
from benchmarks.workload import inbound, phone, reply

_LOCK_S = 10
_DAY_S = 86_400


@dataclass
class SeedStyle:
    """Sessions as whole documents."""

    client: Any

    async def turn(self, contact: int, number: int, *, pause: Any = None) -> bool:
        """Run one turn; returns False when its lock was taken, which ends the message there."""
        session = await self.load(contact)
        key = f'lock:{session.get_idempotency_key()}'
        if not await self.client.set(key, '1', nx=True, ex=_LOCK_S):
            return False
        try:
            session = await self.load(contact)
            if pause is not None:
                await pause()
            message = inbound(contact, number)
            patched = session.profile.patch(
                [Change(field='budget_max', value=20_000 + 100 * number)],
                message=message.message_id,
                at=message.sent_at,
            )
            session.profile = patched.profile.count_turn()
            session.add_message('user', message.text, at=message.sent_at)
            session.add_message('assistant', reply(number))
            session.increment_turn()
            await self.client.set(_name(contact), session.model_dump_json(), ex=_DAY_S)
            await self.client.set(f'done:{session.get_idempotency_key()}', reply(number), ex=3600)
        finally:
            await self.client.delete(key)
        return True

    async def load(self, contact: int) -> SessionData[UserProfileData]:
        document = await self.client.get(_name(contact))
        if document is not None:
            return SessionData[UserProfileData].model_validate_json(document)
        return CAR_LEAD.open_session(phone(contact), at=utc(inbound(contact, 0).sent_at))


def _name(contact: int) -> str:
    return f'session:{phone(contact)}'
