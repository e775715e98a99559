"""Sends what the turns of a contact left to say: each part claimed before it is sent, and settled after."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import anyio
import anyio.lowlevel

from agent_memory import telemetry
from agent_memory.backend._channel import Dispatch, Owed, Settlement
from agent_memory.codec import StoredReply
from agent_memory.manager import SessionManager
from agent_memory.whatsapp._contacts import Address
from agent_memory.whatsapp._outbound import Outbound, texts
from agent_memory.whatsapp._replies import ReplyName
from agent_memory.whatsapp.sender import WINDOW, Result, Sender, SendResult

IN_ORDER = timedelta(seconds=5)
"""How long a part waits until the one before it is delivered: Meta does not keep the order of what it is sent."""

Compose = Callable[[StoredReply], Sequence[Outbound]]


def as_text(reply: StoredReply) -> Sequence[Outbound]:
    """Return a reply as text messages. The same reply always gives the same messages."""
    return texts(reply.text) if reply.text else ()


@dataclass(frozen=True)
class Delivery:
    """Sends the replies that a channel owes."""

    manager: SessionManager[Any]
    senders: Mapping[str, Sender]
    """By `phone_number_id`: a reply leaves from the number that the person wrote to."""
    compose: Compose = field(default=as_text)

    async def deliver(self, contact_id: str, message_ids: tuple[str, ...]) -> int:
        """Send what is owed for these messages and can be sent now; return how many messages were accepted."""
        token, accepted = secrets.token_urlsafe(12), 0
        while True:
            # A send that was begun is brought to its end, and its end recorded, even while this process shuts down.
            with anyio.CancelScope(shield=True):
                claimed = await self.manager.channel.claim(contact_id, message_ids, token=token)
                if isinstance(claimed, Owed):
                    telemetry.withheld(claimed.withheld, indeterminate=claimed.indeterminate)
                    return accepted
                accepted += await self._send(claimed) == 'accepted'
            await anyio.lowlevel.checkpoint()

    async def recover(self, contact_id: str) -> int:
        """Send what a worker that is gone left behind."""
        return await self.deliver(contact_id, await self.manager.channel.owed(contact_id))

    async def _send(self, claimed: Dispatch) -> Result | None:
        reply, packed = await self.manager.letter(claimed)
        parts = self.compose(reply)
        if claimed.part >= len(parts):
            await self._settle(claimed, 'nothing', more=False)
            return None
        more = claimed.part + 1 < len(parts)
        address = Address.unpacked(packed)
        sender = self.senders.get(address.phone_number_id) if address else None
        if address is None or sender is None:
            await self._settle(claimed, 'failed', more=more)
            return None
        name = ReplyName(claimed.contact_id, claimed.message_id, claimed.part, more)
        result = await sender.send(
            address.recipient(),
            parts[claimed.part],
            opaque=name.written(),
            window_until=claimed.seen_at + WINDOW,
        )
        match result.outcome:
            case 'accepted':
                await self._settle(claimed, 'sent', more=more, wait=IN_ORDER)
            case 'indeterminate':
                await self._settle(claimed, 'indeterminate', more=more)
            case 'rejected':
                await self._settle(claimed, 'failed', more=more, result=result)
            case 'not_sent':
                await self._settle(claimed, 'later', more=more, result=result, wait=result.retry_after)
        return result.outcome

    async def _settle(
        self,
        claimed: Dispatch,
        outcome: Settlement,
        *,
        more: bool,
        result: SendResult | None = None,
        wait: timedelta = timedelta(0),
    ) -> None:
        await self.manager.channel.settle(
            claimed.contact_id,
            claimed.message_id,
            outcome,
            token=claimed.token,
            part=claimed.part,
            more=more,
            code=result.code if result else None,
            wait=wait,
        )
