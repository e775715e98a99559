"""What stands between people and the store: who a contact is, and the seal on what is kept of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic

from agent_memory.backend._protocol import KeyedStore, Message, SessionStore
from agent_memory.codec import Codec
from agent_memory.errors import InvalidInput
from agent_memory.identity import Identity
from agent_memory.profile import ProfileT
from agent_memory.session import Inbound
from agent_memory.vault import Vault


@dataclass
class Intake(Generic[ProfileT]):
    """Names contacts and seals what they send."""

    store: SessionStore
    codec: Codec[ProfileT]
    vault: Vault
    secret: bytes | None = field(repr=False)
    _identity: Identity | None = field(default=None, init=False, repr=False)

    async def identity(self) -> Identity:
        """Return what names contacts, once the store and this worker agreed on the secret and the key store.

        Raises:
            SetupError: The store was created with another secret or key store.
        """
        if self._identity is None:
            secret = await self.store.open(self.secret)
            if isinstance(self.store, KeyedStore):
                await self.store.agree_on_keys(await self.vault.keys.fingerprint())
            self._identity = Identity(secret)
        return self._identity

    async def writer(self, contact_id: str) -> Codec[ProfileT]:
        """Return the codec of a contact, with a key made now if there is none.

        Raises:
            KeyUnavailable: Its key cannot be had.
        """
        box = self.vault.held(contact_id)
        if box is None:
            await self.identity()
            box = await self.vault.box(contact_id)
        return self.codec.of(box)

    async def reader(self, contact_id: str) -> Codec[ProfileT]:
        """Return the codec of a contact, which reads nothing sealed when the contact has no key.

        Raises:
            KeyUnavailable: Its key cannot be had.
        """
        return self.codec.of(await self.vault.find(contact_id))

    async def message(self, inbound: Inbound) -> tuple[str, Message, Codec[ProfileT]]:
        """Return who sent a message, the message as the mailbox keeps it, and the contact's codec."""
        if not inbound.text.strip():
            raise InvalidInput('the message is empty; give the text in the inbound or as the prompt')
        identity = await self.identity()
        contact_id = identity.contact_id(inbound.contact)
        codec = await self.writer(contact_id)
        id_ = identity.message_id(contact_id, inbound.message_id)
        message = Message(
            id=id_,
            body=codec.write_inbound(inbound, id_),
            digest=identity.text_digest(inbound.text),
            order=int(inbound.sent_at.timestamp() * 1000),
        )
        return contact_id, message, codec
