"""`Webhook`: where Meta delivers, as an ASGI application that mounts in any other.

It answers 200 only when each message is in its contact's mailbox: Meta keeps what was answered otherwise and delivers
it again for 7 days.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from agent_memory import telemetry
from agent_memory.backend._channel import Pace, Settlement
from agent_memory.errors import MessageMismatch, Refused, StoreUnavailable
from agent_memory.manager import SessionManager
from agent_memory.whatsapp._contacts import Address, Contacts
from agent_memory.whatsapp._delivery import IN_ORDER
from agent_memory.whatsapp._events import InboundEvent, parse
from agent_memory.whatsapp._inbounds import inbound_of
from agent_memory.whatsapp._reception import Reception
from agent_memory.whatsapp._replies import ReplyName
from agent_memory.whatsapp._signature import HEADER, is_signed

MAX_BODY = 4 * 1024 * 1024
"""Meta sends up to 3 MB (Cloud API, webhooks overview)."""

_logger = logging.getLogger(__name__)

_OUTCOMES: dict[str, Settlement] = {
    'sent': 'sent',
    'delivered': 'delivered',
    'read': 'delivered',
    'played': 'delivered',
    'failed': 'failed',
}


@dataclass
class Webhook:
    """Takes deliveries of WhatsApp in. Route it at one path, which Meta calls with GET and POST.

    Args:
        manager: Whose mailboxes the messages go to.
        verify_token: What Meta proves itself with when the webhook is set up.
        app_secrets: What deliveries are signed with; several while a secret is rotated.
        reception: Knows which messages end a burst.
        pace: How bursts are gathered into turns.
        mute_for: How long the agent is silent after somebody of the business wrote to the person by hand.
        clock: Replaces the clock of arrival, for tests.
    """

    manager: SessionManager[Any]
    verify_token: SecretStr
    app_secrets: Sequence[SecretStr]
    reception: Reception
    pace: Pace = field(default_factory=Pace)
    mute_for: timedelta = timedelta(hours=12)
    clock: Callable[[], float] = time.time

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        if request.method == 'GET':
            response = self._handshake(request)
        elif request.method == 'POST':
            response = await self._delivery(request)
        else:
            response = Response(status_code=405, headers={'Allow': 'GET, POST'})
        await response(scope, receive, send)

    def _handshake(self, request: Request) -> Response:
        query = request.query_params
        token = query.get('hub.verify_token', '').encode()
        if query.get('hub.mode') != 'subscribe' or not hmac.compare_digest(token, _bytes(self.verify_token)):
            return Response(status_code=403)
        return PlainTextResponse(query.get('hub.challenge', ''))

    async def _delivery(self, request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        if not is_signed(body, request.headers.get(HEADER), map(_bytes, self.app_secrets)):
            return Response(status_code=401)
        try:
            await self.take_in(parse(body, received_at=int(self.clock() * 1000)))
        except (Refused, StoreUnavailable) as error:
            telemetry.channel_event(type(error).__name__)
            return Response(status_code=503, headers={'Retry-After': '5'})
        return Response(status_code=200)

    async def take_in(self, events: Sequence[InboundEvent]) -> None:
        """Make each event durable, in order.

        Raises:
            StoreUnavailable: The store does not answer. What came before is stored.
            Refused: The store takes one of them not now. The others are stored.
        """
        contacts = Contacts(await self.manager.identity(), self.manager.channel)
        failure: Exception | None = None
        for event in events:
            telemetry.channel_event(event.kind, fault=event.fault)
            if event.fault is not None:
                _logger.error(telemetry.WEBHOOK_FAULT, event.part, event.fault)
            try:
                await self._one(contacts, event)
            except StoreUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - raised below: a full mailbox keeps nobody else's message out
                failure = error
        if failure is not None:
            raise failure

    async def _one(self, contacts: Contacts, event: InboundEvent) -> None:
        match event.kind:
            case 'message' | 'edit':
                await self._message(contacts, event)
            case 'status':
                await self._status(event)
            case 'echo' if event.sender.known:
                await self.manager.channel.mute(await contacts.of(event.sender), self.mute_for)
            case 'identity_change' if event.becomes and event.becomes.known:
                await contacts.changed(event.sender, event.becomes)
            case 'account_error':
                _logger.warning(telemetry.ACCOUNT_PROBLEM, [problem.code for problem in event.problems])
            case _:
                # Reactions, deletions, calls, groups and what is still unknown have no turn.
                pass

    async def _message(self, contacts: Contacts, event: InboundEvent) -> None:
        inbound = inbound_of(event, await contacts.of(event.sender))
        sender = event.sender
        address = Address(
            phone_number_id=event.phone_number_id or '', wa_id=sender.wa_id, bsuid=sender.bsuid or sender.parent_bsuid
        )
        flush = self.reception.flushes(inbound.text, inbound.choice)
        try:
            await self.manager.receive(inbound, address=address.packed(), pace=self.pace, flush=flush)
        except MessageMismatch:
            # One id with two texts: what came first stands, and a redelivery would change nothing.
            telemetry.channel_event('mismatch')

    async def _status(self, event: InboundEvent) -> None:
        delivery = event.delivery
        name = ReplyName.read(delivery.opaque) if delivery and delivery.opaque else None
        if delivery is None or name is None or delivery.state not in _OUTCOMES:
            return
        failed = delivery.state == 'failed'
        await self.manager.channel.settle(
            name.contact_id,
            name.message_id,
            _OUTCOMES[delivery.state],
            token='',
            part=name.part,
            more=name.more,
            code=delivery.problems[0].code if failed and delivery.problems else None,
            wait=IN_ORDER,
        )


async def _body(request: Request) -> bytes | None:
    """Return the body, or `None` as soon as it is known to be too long."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            return None
        parts.append(part)
    return b''.join(parts)


def _bytes(secret: SecretStr) -> bytes:
    return secret.get_secret_value().encode()
