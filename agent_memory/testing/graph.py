"""`FakeGraph`: WhatsApp's side of the Cloud API, with the faults that the real one has.

As a transport it answers a sender without a network; as an ASGI application it answers any client over HTTP. It signs
and delivers webhooks, as often and in whatever order the test asks for, and keeps what people would see.

    graph = FakeGraph()
    sender = GraphSender.to_number(graph.phone_number_id, graph.token, transport=graph.transport())
    graph.fail(Fault.accepted_then_timeout)
    await sender.send(Recipient(wa_id='5511987650001'), TextMessage('oi'))
    assert len(graph.seen) == 1  # the person has it, though the sender cannot know
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import random
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, cast

import anyio
import httpx2
from pydantic import SecretStr

from agent_memory.whatsapp._signature import HEADER, sign

ASGI = Callable[..., Awaitable[None]]


class Fault(Enum):
    """What may go wrong with one send, beside an error of the API itself."""

    refused_connection = 'nothing was sent; over HTTP this one looks like a reset'
    accepted_then_timeout = 'the person has it and no answer comes'
    accepted_then_reset = 'the person has it and the connection breaks'
    accepted_without_id = 'the person has it and the answer names no message'
    accepted_then_bad_gateway = 'the person has it and a proxy answers with a page'
    reset = 'the connection breaks before the API saw the request'


@dataclass(frozen=True)
class Problem:
    """An error with which the API refuses a send."""

    code: int
    status: int = 400
    is_transient: bool = False

    def body(self) -> dict[str, Any]:
        error = {'message': f'(#{self.code}) refused', 'type': 'OAuthException', 'code': self.code}
        details = {'error_data': {'messaging_product': 'whatsapp', 'details': 'refused'}, 'fbtrace_id': 'A'}
        return {'error': {**error, **details, 'is_transient': self.is_transient}}


@dataclass(frozen=True)
class FailsLater:
    """The API accepts the message, and a status says later that it failed."""

    code: int


@dataclass(frozen=True)
class Seen:
    """One message as the person sees it."""

    to: str
    payload: dict[str, Any]
    wamid: str
    opaque: str | None

    @property
    def text(self) -> str:
        """The words of the message."""
        if self.payload['type'] == 'text':
            return self.payload['text']['body']
        return self.payload['interactive']['body']['text']


@dataclass
class FakeGraph:
    """One business number at Meta, and the phones of the people it talks to."""

    phone_number_id: str = '106540352242922'
    token: SecretStr = field(default_factory=lambda: SecretStr(secrets.token_hex(16)))
    app_secret: SecretStr = field(default_factory=lambda: SecretStr(secrets.token_hex(16)))
    clock: Callable[[], float] = time.time
    delay_s: float = 0
    """How long each answer takes."""
    quality: str = 'GREEN'
    """What Meta thinks of the number: `GREEN`, `YELLOW` or `RED`."""
    token_expires_at: int = 0
    """Seconds since 1970; 0 for a token that does not expire."""
    seen: list[Seen] = field(default_factory=list[Seen], init=False)
    """What people were sent, in order."""
    typing: list[str] = field(default_factory=list[str], init=False)
    """The messages for which a typing indicator was shown."""
    requests: int = field(default=0, init=False)
    media: dict[str, tuple[str, bytes]] = field(default_factory=dict[str, tuple[str, bytes]], init=False)
    """Files that people sent: id -> type and bytes."""
    _faults: deque[Fault | Problem | FailsLater | None] = field(
        default_factory=deque[Fault | Problem | FailsLater | None], init=False
    )
    _statuses: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]], init=False)
    _run: str = field(default_factory=lambda: secrets.token_hex(5), init=False)
    """In each message id: the store of the last run knows its ids."""
    _count: itertools.count[int] = field(default_factory=itertools.count, init=False)

    def fail(self, *faults: Fault | Problem | FailsLater | None) -> None:
        """Give the next sends these faults, one each; `None` lets one pass."""
        self._faults.extend(faults)

    def texts(self, to: str | None = None) -> list[str]:
        """Return the words that people were sent, or one of them."""
        return [one.text for one in self.seen if to in (None, one.to)]

    def transport(self) -> httpx2.AsyncBaseTransport:
        """Return a transport for an `httpx2.AsyncClient`."""
        return _Transport(self)

    # -- what people and Meta do

    def says(self, wa_id: str, body: str, *, at: float | None = None, id_: str | None = None) -> dict[str, Any]:
        """Return a text as an item for `deliver`."""
        return self.item(wa_id, {'type': 'text', 'text': {'body': body}}, at=at, id_=id_)

    def taps(self, wa_id: str, choice: str, title: str, *, at: float | None = None) -> dict[str, Any]:
        """Return a tap on a button as an item for `deliver`."""
        reply = {'type': 'button_reply', 'button_reply': {'id': choice, 'title': title}}
        return self.item(wa_id, {'type': 'interactive', 'interactive': reply}, at=at)

    def sends_voice(self, wa_id: str, sound: bytes, *, at: float | None = None) -> dict[str, Any]:
        """Return a voice message as an item for `deliver`; its bytes can be downloaded."""
        id_ = str(1_000_000 + next(self._count))
        self.media[id_] = ('audio/ogg; codecs=opus', sound)
        audio = {'id': id_, 'mime_type': 'audio/ogg; codecs=opus', 'voice': True, 'sha256': _sha256(sound)}
        return self.item(wa_id, {'type': 'audio', 'audio': audio}, at=at)

    def item(
        self, wa_id: str, content: dict[str, Any], *, at: float | None = None, id_: str | None = None
    ) -> dict[str, Any]:
        """Return any message as an item for `deliver`."""
        sent = int(self.clock() if at is None else at)
        return {'from': wa_id, 'id': id_ or self.wamid(wa_id), 'timestamp': str(sent), **content}

    def statuses(self) -> list[dict[str, Any]]:
        """Take the statuses that were not delivered yet."""
        taken, self._statuses = self._statuses, []
        return taken

    def wamid(self, wa_id: str) -> str:
        """Return a message id as Meta makes them: the phone number can be read from it."""
        inside = b'\x1c\x18\x0d' + wa_id.encode() + f'\x15\x02\x00{self._run}{next(self._count):010d}'.encode()
        return 'wamid.' + base64.b64encode(inside).decode()

    def body(self, items: Iterable[dict[str, Any]], *, field: str = 'messages') -> bytes:
        """Return the body of one POST that carries messages and statuses."""
        listed = list(items)
        messages = [item for item in listed if 'from' in item or 'from_user_id' in item]
        metadata = {'display_phone_number': '551130000000', 'phone_number_id': self.phone_number_id}
        value: dict[str, Any] = {'messaging_product': 'whatsapp', 'metadata': metadata}
        if messages:
            people = dict.fromkeys(item['from'] for item in messages if item.get('from'))
            value['contacts'] = [{'wa_id': wa_id, 'profile': {'name': 'Ana'}} for wa_id in people]
            value['messages'] = messages
        if found := [item for item in listed if 'status' in item]:
            value['statuses'] = found
        entry = {'id': '102290129340398', 'changes': [{'field': field, 'value': value}]}
        return json.dumps({'object': 'whatsapp_business_account', 'entry': [entry]}).encode()

    def signature(self, body: bytes) -> dict[str, str]:
        """Return the header that signs `body`."""
        return {HEADER: sign(body, self.app_secret.get_secret_value().encode()), 'Content-Type': 'application/json'}

    async def deliver(
        self,
        client: httpx2.AsyncClient,
        url: str,
        items: Sequence[dict[str, Any]],
        *,
        copies: int = 1,
        batch: int = 1,
        shuffle: random.Random | None = None,
    ) -> list[int]:
        """POST `items` as signed webhooks, `batch` in each, each POST `copies` times, and return the answers' codes.

        Args:
            client: Reaches the webhook.
            url: The webhook.
            items: What `says`, `taps`, `statuses` and the like returned.
            copies: How often each POST comes.
            batch: Most items in one POST.
            shuffle: Puts the POSTs in another order.
        """
        bodies = [self.body(items[at : at + batch]) for at in range(0, len(items), batch)] * copies
        if shuffle:
            shuffle.shuffle(bodies)
        return [(await client.post(url, content=body, headers=self.signature(body))).status_code for body in bodies]

    # -- the Graph API

    async def answer(self, method: str, path: str, authorization: str, body: bytes) -> httpx2.Response:
        """Answer one request, or raise what a client of it would see.

        Raises:
            httpx2.TransportError: A scripted fault.
        """
        self.requests += 1
        if self.delay_s:
            await anyio.sleep(self.delay_s)
        if authorization != f'Bearer {self.token.get_secret_value()}':
            return _json(Problem(190, 401).body(), 401)
        *_, last = path.split('/')
        if method == 'GET':
            return self._looked_up(last, path)
        payload = cast('dict[str, Any]', json.loads(body))
        if payload.get('status') == 'read':
            if 'typing_indicator' in payload:
                self.typing.append(payload['message_id'])
            return _json({'success': True})
        return self._send(payload)

    async def __call__(self, scope: dict[str, Any], receive: ASGI, send: ASGI) -> None:
        """Answer as an ASGI application. A fault keeps or breaks the connection."""
        if scope['type'] != 'http':
            return
        body = await _whole_body(receive)
        headers = {name.decode().lower(): value.decode() for name, value in scope['headers']}
        try:
            response = await self.answer(scope['method'], scope['path'], headers.get('authorization', ''), body)
        except httpx2.TimeoutException:
            await anyio.sleep_forever()
            raise
        except httpx2.TransportError:
            # Less than was promised: the server closes the connection, and the client cannot know what happened.
            await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'99')]})
            raise
        start = {'type': 'http.response.start', 'status': response.status_code}
        await send({**start, 'headers': [(b'content-type', response.headers['content-type'].encode())]})
        await send({'type': 'http.response.body', 'body': response.content})

    def _send(self, payload: dict[str, Any]) -> httpx2.Response:
        fault = self._faults.popleft() if self._faults else None
        if isinstance(fault, Problem):
            return _json(fault.body(), fault.status)
        if fault is Fault.refused_connection:
            raise httpx2.ConnectError('connection refused')
        if fault is Fault.reset:
            raise httpx2.ReadError('connection reset')
        if wrong := _wrong(payload):
            return _json(Problem(100).body() | {'wrong': wrong}, 400)
        seen = self._accept(payload, fault)
        match fault:
            case Fault.accepted_then_timeout:
                raise httpx2.ReadTimeout('no answer')
            case Fault.accepted_then_reset:
                raise httpx2.RemoteProtocolError('connection reset')
            case Fault.accepted_then_bad_gateway:
                return httpx2.Response(502, html='<h1>502 Bad Gateway</h1>')
            case Fault.accepted_without_id:
                return _json({'messaging_product': 'whatsapp', 'messages': []})
            case _:
                contacts = [{'input': seen.to, 'wa_id': seen.to}]
                return _json({'messaging_product': 'whatsapp', 'contacts': contacts, 'messages': [{'id': seen.wamid}]})

    def _accept(self, payload: dict[str, Any], fault: Fault | FailsLater | None) -> Seen:
        to = payload.get('to') or payload['recipient']
        seen = Seen(to, payload, self.wamid(to), payload.get('biz_opaque_callback_data'))
        status: dict[str, Any] = {'id': seen.wamid, 'timestamp': str(int(self.clock())), 'recipient_id': to}
        if seen.opaque:
            status['biz_opaque_callback_data'] = seen.opaque
        if isinstance(fault, FailsLater):
            errors = [{'code': fault.code, 'title': 'failed', 'error_data': {'details': 'failed'}}]
            self._statuses.append({**status, 'status': 'failed', 'errors': errors})
        else:
            self.seen.append(seen)
            self._statuses += [{**status, 'status': state} for state in ('sent', 'delivered', 'read')]
        return seen

    def _looked_up(self, last: str, path: str) -> httpx2.Response:
        if last == self.phone_number_id:
            return _json({'id': last, 'verified_name': 'Loja', 'quality_rating': self.quality})
        if last == 'debug_token':
            token = {'is_valid': True, 'expires_at': self.token_expires_at, 'scopes': ['whatsapp_business_messaging']}
            return _json({'data': token})
        return self._file(last, path)

    def _file(self, id_: str, path: str) -> httpx2.Response:
        if id_ not in self.media:
            return _json(Problem(100, 404).body(), 404)
        kind, content = self.media[id_]
        if path.startswith('/files/'):
            return httpx2.Response(200, content=content, headers={'Content-Type': kind})
        url = f'https://lookaside.fbsbx.com/files/{id_}'
        return _json({'url': url, 'mime_type': kind, 'sha256': _sha256(content), 'file_size': len(content), 'id': id_})


class _Transport(httpx2.AsyncBaseTransport):
    def __init__(self, graph: FakeGraph) -> None:
        self._graph = graph

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        authorization = request.headers.get('authorization', '')
        return await self._graph.answer(request.method, request.url.path, authorization, body)


def _wrong(payload: dict[str, Any]) -> str | None:
    """Return what the API would refuse in a payload."""
    interactive: dict[str, Any] = payload.get('interactive') or {}
    action: dict[str, Any] = interactive.get('action') or {}
    rows = [row for section in action.get('sections', ()) for row in section['rows']]
    checks = {
        'messaging_product': payload.get('messaging_product') == 'whatsapp',
        'to or recipient': bool(payload.get('to') or payload.get('recipient')),
        'text': payload.get('type') != 'text' or 0 < len(payload['text']['body']) <= 4096,
        'buttons': len(action.get('buttons', ())) <= 3,
        'button titles': all(0 < len(button['reply']['title']) <= 20 for button in action.get('buttons', ())),
        'rows': len(rows) <= 10,
        'opaque data': len(payload.get('biz_opaque_callback_data', '')) <= 512,
    }
    return next((name for name, right in checks.items() if not right), None)


def _json(body: dict[str, Any], status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, json=body)


def _sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


async def _whole_body(receive: ASGI) -> bytes:
    parts: list[bytes] = []
    more = True
    while more:
        message: Any = await receive()
        parts.append(message.get('body', b''))
        more = message.get('more_body', False)
    return b''.join(parts)
