"""What stands between people and the store: who a contact is, and the seal on what is kept of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, Literal, TypeVar

from agent_memory import telemetry
from agent_memory._snapshots import Snapshot, SnapshotCache, held
from agent_memory.backend._channel import HasChannel
from agent_memory.backend._protocol import Begun, Grant, KeyedStore, Message, SessionStore
from agent_memory.codec import Codec, StoredReply
from agent_memory.errors import InvalidInput, KeyDestroyed
from agent_memory.identity import Identity
from agent_memory.profile import ProfileT
from agent_memory.session import Inbound
from agent_memory.vault import Vault, sealed_with

T = TypeVar('T')


@dataclass(frozen=True)
class Beginning(Generic[ProfileT]):
    """What became of a begin, and what it was asked with."""

    begun: Begun
    message: Message | None
    cached: Snapshot[ProfileT] | None
    codec: Codec[ProfileT]

    @property
    def message_id(self) -> str:
        return self.message.id if self.message else ''


@dataclass
class Intake(Generic[ProfileT]):
    """Names contacts and seals what they send."""

    store: SessionStore
    codec: Codec[ProfileT]
    vault: Vault
    window: int
    """Most past turns that a turn knows."""
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

    async def contact_id(self, contact: str) -> str:
        """Return the id of the contact that a phone number or user id leads to: the channel may have linked it to one.

        Raises:
            InvalidContact: It is neither, nor a contact id.
        """
        identity = await self.identity()
        alias, store = identity.alias_of(contact), self.store
        known = await store.channel.known(alias) if alias and isinstance(store, HasChannel) else None
        return known or identity.contact_id(contact)

    async def writer(self, contact_id: str) -> Codec[ProfileT]:
        """Return the codec of a contact, with a key made now if there is none.

        Raises:
            KeyUnavailable: Its key cannot be had.
        """
        box = self.vault.held(contact_id)
        if box is None:
            await self.identity()
            box = await self.vault.box(contact_id)
        return self.codec.of(box, accepts_plain=self.vault.accepts_plain)

    async def reader(self, contact_id: str, blob: bytes) -> Codec[ProfileT]:
        """Return the codec that reads a blob of a contact, if the contact still has the key.

        Raises:
            KeyUnavailable: Its key cannot be had.
        """
        box = await self.vault.find(contact_id, key_id=sealed_with(blob))
        return self.codec.of(box, accepts_plain=self.vault.accepts_plain)

    async def keyed(
        self, contact_id: str, call: Callable[[Codec[ProfileT]], Awaitable[T]]
    ) -> tuple[T, Codec[ProfileT]]:
        """Return what a call with the contact's codec returns, called again if its key was destroyed meanwhile."""
        codec = await self.writer(contact_id)
        try:
            return await call(codec), codec
        except KeyDestroyed:
            await self.vault.renew(contact_id, codec.key_id)
            codec = await self.writer(contact_id)
            return await call(codec), codec

    async def sender(self, inbound: Inbound) -> str:
        """Return the contact that a message is from.

        Raises:
            InvalidInput: The message is empty, or the contact is none.
        """
        if not inbound.text.strip():
            raise InvalidInput('the message is empty; give the text in the inbound or as the prompt')
        return (await self.identity()).contact_id(inbound.contact)

    async def message(self, contact_id: str, inbound: Inbound, codec: Codec[ProfileT]) -> Message:
        """Return a message as the mailbox keeps it."""
        identity = await self.identity()
        id_ = identity.message_id(contact_id, inbound.message_id)
        return Message(
            id=id_,
            body=codec.write_inbound(inbound, id_),
            digest=identity.text_digest(inbound.text),
            order=int(inbound.sent_at.timestamp() * 1000),
        )

    async def begin(
        self,
        contact_id: str,
        cache: SnapshotCache[ProfileT],
        inbound: Inbound | None = None,
        *,
        wait: timedelta = timedelta(0),
    ) -> Beginning[ProfileT]:
        """Begin a turn, over a message or over what waits, with the key that the contact has now.

        A message whose every attempt ended with its worker is given up on the way: it may be what ends them.
        """

        async def begin(codec: Codec[ProfileT]) -> Beginning[ProfileT]:
            message = await self.message(contact_id, inbound, codec) if inbound else None
            cached = cache.get(contact_id)
            known = held(cached) if cached else None
            with telemetry.span(telemetry.BEGIN):
                begun = await self.store.begin(
                    contact_id, message, held=known, window=self.window, wait=wait, key=codec.key_id
                )
            return Beginning(begun, message, cached, codec)

        while True:
            made, codec = await self.keyed(contact_id, begin)
            if not (isinstance(made.begun, Grant) and made.begun.spent):
                return made
            await self.abort(made.begun, codec, error='attempts used up', outcome='fail')

    async def abort(
        self, grant: Grant, codec: Codec[ProfileT], *, error: str, outcome: Literal['retry', 'fail']
    ) -> None:
        """Give a turn back that was never run."""
        apology = StoredReply(text=codec.domain.apology, turn=grant.version)
        reply = codec.write_reply(apology, [message.id for message in grant.messages[:1]])
        await self.store.abort(grant, error=error, reply=reply, outcome=outcome)
