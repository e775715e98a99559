"""`GraphSender`: sends messages through the WhatsApp Cloud API, and says what is known of each.

The API has no idempotency key: a request that may have arrived is never sent again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol

import anyio
import httpx2
from pydantic import SecretStr

from agent_memory import telemetry
from agent_memory.errors import InvalidInput
from agent_memory.whatsapp._graph import Answer, GraphApi, GraphError, Silence, make_client
from agent_memory.whatsapp._limits import Limits
from agent_memory.whatsapp._outbound import Outbound
from agent_memory.whatsapp._reading import items, mapping, text

WINDOW = timedelta(hours=24)
"""How long after a person's message the business may answer freely (Cloud API, customer service windows)."""
_GUARD = timedelta(seconds=60)
"""A message on its way when the window closes is refused, so the last minute is not used."""
_CLOSED = 131047
_TRIES = 3
_PAUSE_S = 60.0
_PAIR_PAUSES = 4
"""131056 asks for 4^n seconds; the fourth refusal in a row waits the longest, 256 s."""

Result = Literal['accepted', 'rejected', 'not_sent', 'indeterminate']


@dataclass(frozen=True)
class Recipient:
    """Where a person is reached. The phone number is used when there is one."""

    wa_id: str | None = None
    bsuid: str | None = None

    def __post_init__(self) -> None:
        if not (self.wa_id or self.bsuid):
            raise InvalidInput('a recipient needs a phone number or a business-scoped user id')

    def payload(self) -> dict[str, str]:
        return {'to': self.wa_id} if self.wa_id else {'recipient': self.bsuid or ''}


@dataclass(frozen=True)
class SendResult:
    """What is known of one send."""

    outcome: Result
    """`accepted`: Meta has it. `rejected`: it never will. `not_sent`: it was not sent, try again after `retry_after`.
    `indeterminate`: it may have been sent, never send it again; a status may tell later."""
    wamid: str | None = field(default=None, repr=False)
    code: int | None = None
    cause: str | None = None
    retry_after: timedelta = timedelta(0)


class Sender(Protocol):
    """What the dispatcher needs of a channel's way out."""

    async def send(
        self,
        to: Recipient,
        message: Outbound,
        *,
        opaque: str | None = None,
        reply_to: str | None = None,
        window_until: datetime | None = None,
    ) -> SendResult:
        """Send one message once. Never raises for what the channel answers."""
        ...

    async def read(self, message_id: str, *, typing: bool = False) -> bool:
        """Mark a message and those before it as read; `typing` shows that an answer comes, for at most 25 s."""
        ...


@dataclass
class GraphSender:
    """Sends for one business number.

    Retries by itself only what was certainly not sent. A number whose token or account is refused pauses as a whole.
    """

    api: GraphApi
    limits: Limits = field(default_factory=lambda: Limits(time.monotonic), repr=False)
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC), repr=False)
    sleep: Callable[[float], Awaitable[None]] = field(default=anyio.sleep, repr=False)
    _paused_until: float = field(default=0.0, init=False, repr=False)
    _refused: dict[str, int] = field(default_factory=dict[str, int], init=False, repr=False)

    @classmethod
    def to_number(
        cls,
        phone_number_id: str,
        token: SecretStr,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        base_url: str = 'https://graph.facebook.com',
        version: str = 'v25.0',
        number_per_s: float = 80,
    ) -> GraphSender:
        """Return a sender with a client of its own; close it with `aclose`."""
        api = GraphApi(phone_number_id, token, make_client(transport), base_url, version)
        return cls(api, Limits(time.monotonic, number_per_s=number_per_s))

    async def send(
        self,
        to: Recipient,
        message: Outbound,
        *,
        opaque: str | None = None,
        reply_to: str | None = None,
        window_until: datetime | None = None,
    ) -> SendResult:
        """Send one message once.

        Args:
            to: Who gets it.
            message: What they get.
            opaque: Comes back with each status of the message, at most 512 characters. No personal data in it.
            reply_to: The message that is quoted.
            window_until: When the person's service window closes; `None` does not check it.
        """
        if opaque is not None and len(opaque) > 512:
            raise InvalidInput('the opaque data has more than 512 characters')
        if window_until is not None and self.clock() >= window_until - _GUARD:
            return self._account(SendResult('rejected', code=_CLOSED, cause='the service window is closed'))
        payload = {
            'messaging_product': 'whatsapp',
            'recipient_type': 'individual',
            **to.payload(),
            **message.payload(),
            **({'context': {'message_id': reply_to}} if reply_to else {}),
            **({'biz_opaque_callback_data': opaque} if opaque else {}),
        }
        return self._account(await self._send(to.wa_id or to.bsuid or '', payload))

    async def read(self, message_id: str, *, typing: bool = False) -> bool:
        payload: dict[str, Any] = {'messaging_product': 'whatsapp', 'status': 'read', 'message_id': message_id}
        if typing:
            payload['typing_indicator'] = {'type': 'text'}
        return isinstance(await self.api.messages(payload), Answer)

    async def aclose(self) -> None:
        """Close the connections."""
        await self.api.client.aclose()

    async def _send(self, person: str, payload: dict[str, Any]) -> SendResult:
        if (pause := self._paused_until - self.limits.clock()) > 0:
            return SendResult('not_sent', cause='the number is paused', retry_after=timedelta(seconds=pause))
        if wait := self.limits.take(person):
            return SendResult('not_sent', cause='rate limit', retry_after=timedelta(seconds=wait))
        result = SendResult('not_sent')
        for attempt in range(_TRIES):
            if attempt:
                await self.sleep(2**attempt * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
            result = self._judged(person, await self.api.messages(payload))
            if result.outcome != 'not_sent' or result.retry_after:
                return result
        return SendResult('not_sent', code=result.code, cause=result.cause, retry_after=timedelta(seconds=30))

    def _judged(self, person: str, answer: Answer | GraphError | Silence) -> SendResult:
        """Return what an answer means; `not_sent` without a time to wait may be tried again at once."""
        match answer:
            case Answer(body=body):
                first = mapping(next(iter(items(body.get('messages'))), None))
                self._refused.pop(person, None)
                if wamid := text(first.get('id')):
                    return SendResult('accepted', wamid)
                return SendResult('indeterminate', cause='the answer names no message')
            case Silence(started=True, cause=cause):
                return SendResult('indeterminate', cause=cause)
            case Silence(cause=cause):
                return SendResult('not_sent', cause=cause)
            case GraphError():
                return self._refusal(person, answer)

    def _refusal(self, person: str, error: GraphError) -> SendResult:
        match error.meaning:
            case 'transient' | 'throttled':
                return SendResult('not_sent', code=error.code, cause=error.meaning)
            case 'pair_limit':
                refused = min(self._refused.get(person, 0) + 1, _PAIR_PAUSES)
                self._refused[person] = refused
                return SendResult(
                    'not_sent', code=error.code, cause=error.meaning, retry_after=timedelta(seconds=4**refused)
                )
            case 'account':
                # Every further send would be refused too, and Meta counts them.
                self._paused_until = self.limits.clock() + _PAUSE_S
                return SendResult(
                    'not_sent', code=error.code, cause=error.meaning, retry_after=timedelta(seconds=_PAUSE_S)
                )
            case meaning:
                return SendResult('rejected', code=error.code, cause=meaning)

    def _account(self, result: SendResult) -> SendResult:
        telemetry.sent(result.outcome, code=result.code)
        return result
