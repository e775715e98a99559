"""Which contact a person of WhatsApp is, and where they are reached."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from agent_memory.backend._channel import Alias, Channel
from agent_memory.errors import InvalidContact
from agent_memory.identity import Identity
from agent_memory.whatsapp._events import Aliases
from agent_memory.whatsapp.sender import Recipient


class Address(BaseModel):
    """Where a reply goes: the person, and the number of the business that they wrote to."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='ignore', frozen=True)

    phone_number_id: str
    wa_id: str | None = None
    bsuid: str | None = None

    def recipient(self) -> Recipient:
        return Recipient(wa_id=self.wa_id, bsuid=self.bsuid)

    def packed(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def unpacked(cls, packed: bytes) -> Self | None:
        """Return a packed address, or `None` when it is none."""
        try:
            return cls.model_validate_json(packed)
        except ValidationError:
            return None


@dataclass(frozen=True)
class Contacts:
    """Finds the contact of a person by parent user id, user id and phone number, in this order.

    A person whom nobody knows yet gets the contact id that the phone number alone would have, so that a session kept
    under `+5511...` by other means is the same one.
    """

    identity: Identity
    channel: Channel

    async def of(self, person: Aliases) -> str:
        """Return the contact id of a person, made when they are new. `person` has at least one id."""
        likely = person.br_match_key
        suspected = (Alias(self.identity.alias('likely', likely), 'likely'),) if likely else ()
        return await self.channel.link(
            (*self._aliases(person), *suspected), contact_id=self._first_id(person), spare=secrets.token_urlsafe(16)
        )

    async def changed(self, old: Aliases, new: Aliases) -> str | None:
        """Give the person the ids they changed to, and return their contact id; `None` when nobody knows them."""
        return await self.channel.relink(self._aliases(old), self._aliases(new))

    def _aliases(self, person: Aliases) -> tuple[Alias, ...]:
        users = [Alias(self.identity.alias('user', id_), 'user') for id_ in (person.parent_bsuid, person.bsuid) if id_]
        phones = [Alias(self.identity.alias('phone', person.wa_id), 'phone')] if person.wa_id else []
        return (*users, *phones)

    def _first_id(self, person: Aliases) -> str:
        name = f'+{person.wa_id}' if person.wa_id else person.bsuid or person.parent_bsuid or ''
        try:
            return self.identity.contact_id(name)
        except InvalidContact:
            # Meta says that this is a person; that our rules for numbers and ids do not know the form loses nobody.
            return self.identity.alias('contact', name)
