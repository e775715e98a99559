"""Calls of the Graph API: what came back, or why nothing is known to have happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import httpx2
from pydantic import SecretStr

from agent_memory.whatsapp._reading import mapping, number, text

Meaning = Literal['throttled', 'pair_limit', 'transient', 'window', 'person', 'policy', 'request', 'account', 'unknown']

_CODES: dict[Meaning, frozenset[int]] = {
    'throttled': frozenset({4, 80007, 130429}),
    'pair_limit': frozenset({131056}),
    'transient': frozenset({1, 2, 131000, 131016, 131057, 133004}),
    'window': frozenset({131047}),
    'person': frozenset({130472, 131021, 131026, 131030, 131050, 131062, 137000}),
    'policy': frozenset({131048, 131049}),
    'request': frozenset({100, 131008, 131009, 131051, *range(132000, 132100)}),
    'account': frozenset({0, 3, 10, 190, 368, 131005, 131031, 131042, 131045, *range(200, 300)}),
}
_MEANING_OF: dict[int, Meaning] = {code: meaning for meaning, codes in _CODES.items() for code in codes}

# The request was not begun, so nothing can have been sent.
_NOT_STARTED = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)


@dataclass(frozen=True)
class GraphError:
    """An error that the Graph API answered with (Cloud API, error codes). The request had no effect."""

    code: int
    details: str | None
    meaning: Meaning


@dataclass(frozen=True)
class Answer:
    """What the Graph API answered."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True)
class Silence:
    """No answer that says what happened."""

    started: bool
    """False when the request never left, True when it may have had its effect."""
    cause: str


@dataclass(frozen=True)
class GraphApi:
    """One business number's access to the Graph API. Never follows a redirect, never shows its token."""

    phone_number_id: str
    token: SecretStr
    client: httpx2.AsyncClient = field(repr=False)
    base_url: str = 'https://graph.facebook.com'
    version: str = 'v25.0'

    async def messages(self, payload: dict[str, Any]) -> Answer | GraphError | Silence:
        """POST to the number's `messages`."""
        url = f'{self.base_url}/{self.version}/{self.phone_number_id}/messages'
        return await self._call('POST', url, payload)

    async def get(self, path: str) -> Answer | GraphError | Silence:
        """GET `path`, such as the id of a file."""
        return await self._call('GET', f'{self.base_url}/{self.version}/{path}', None)

    @property
    def headers(self) -> dict[str, str]:
        """What a request authorises itself with."""
        return {'Authorization': f'Bearer {self.token.get_secret_value()}'}

    async def _call(self, method: str, url: str, payload: dict[str, Any] | None) -> Answer | GraphError | Silence:
        try:
            response = await self.client.request(
                method, url, json=payload, headers=self.headers, follow_redirects=False
            )
        except _NOT_STARTED as error:
            return Silence(started=False, cause=type(error).__name__)
        except httpx2.RequestError as error:
            return Silence(started=True, cause=type(error).__name__)
        return _read(response)


def make_client(transport: httpx2.AsyncBaseTransport | None = None) -> httpx2.AsyncClient:
    """Return a client that waits 3 s for a connection and 15 s for an answer."""
    return httpx2.AsyncClient(transport=transport, timeout=httpx2.Timeout(15, connect=3), trust_env=False)


def _read(response: httpx2.Response) -> Answer | GraphError | Silence:
    try:
        body = dict(mapping(response.json()))
    except (ValueError, RecursionError):
        body = {}
    problem = mapping(body.get('error'))
    if problem:
        return _problem(problem, response.status_code)
    if response.is_success:
        return Answer(response.status_code, body)
    if response.status_code >= 500:
        # A page of a proxy: the request behind it may have been done.
        return Silence(started=True, cause=f'HTTP {response.status_code} without a Graph error')
    meaning: Meaning = 'throttled' if response.status_code == 429 else 'request'
    return GraphError(0, f'HTTP {response.status_code} without a Graph error', meaning)


def _problem(problem: Any, status: int) -> GraphError | Silence:
    code = int(number(problem.get('code')) or 0)
    details = text(mapping(problem.get('error_data')).get('details')) or text(problem.get('message'))
    meaning = _MEANING_OF.get(code, 'unknown')
    if meaning == 'unknown' and problem.get('is_transient') is True:
        meaning = 'transient'
    if meaning == 'unknown' and status >= 500:
        return Silence(started=True, cause=f'HTTP {status} with the unknown code {code}')
    return GraphError(code, details, meaning)
