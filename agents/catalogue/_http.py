"""`HttpCatalogue`: the cars of a dealer's recommendation service."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import ValidationError

from agent_memory.agents.catalogue._breaker import Breaker
from agent_memory.catalogue import (
    MAX_COMPARED,
    MAX_RECOMMENDATIONS,
    Comparison,
    Details,
    Found,
)
from agent_memory.errors import CatalogueUnavailable
from agent_memory.lead import UserProfileData
from agent_memory.profile import describe

AnswerT = TypeVar('AnswerT', Found, Details, Comparison)

MAX_ANSWER = 1024 * 1024
"""Most bytes of an answer: five cars take a few KB."""
TIMEOUT = httpx2.Timeout(5.0, connect=2.0)
_TOLD = (
    'budget_min', 'budget_max', 'main_use', 'city', 'state', 'priorities', 'brands', 'excluded_brands', 'body_types',
)  # fmt: skip
"""The profile fields that the service is told: what chooses a car, not who the person is."""


@dataclass(frozen=True)
class _Kept:
    answer: Found | Details | Comparison
    at: float


class HttpCatalogue:
    """Asks `POST search`, `GET cars/{id}` and `POST compare` under a base URL; see `docs/agent.md` for the bodies.

    While the service fails, a question that was answered within `keep` gets that answer again, marked `stale`. After
    three failures in a row nothing is asked for 30 s.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: dict[str, str] | None = None,
        client: httpx2.AsyncClient | None = None,
        keep: timedelta = timedelta(hours=1),
        kept_answers: int = 256,
        breaker: Breaker | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make the catalogue; nothing is asked yet.

        Args:
            base_url: Where the service lives.
            headers: Sent with every request, such as `Authorization`.
            client: Replaces the client of 5 s time-outs; the caller closes it.
            keep: How old an answer may be when it stands in for a failing service.
            kept_answers: Most answers to keep.
            breaker: Replaces the circuit breaker.
            clock: Replaces the clock of `keep`, for tests.
        """
        self._base = base_url.rstrip('/')
        self._headers = headers or {}
        self._client = client or httpx2.AsyncClient(timeout=TIMEOUT)
        self._owned = client is None
        self._keep = keep.total_seconds()
        self._size = kept_answers
        self._breaker = breaker or Breaker()
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def search(self, profile: UserProfileData, *, limit: int = MAX_RECOMMENDATIONS) -> Found:
        body = {'profile': _told(profile), 'limit': min(limit, MAX_RECOMMENDATIONS)}
        found = await self._ask(Found, 'POST', 'search', body)
        return found.model_copy(update={'matches': found.matches[:MAX_RECOMMENDATIONS]})

    async def details(self, car_id: str) -> Details | None:
        try:
            return await self._ask(Details, 'GET', f'cars/{quote(car_id, safe="")}', None)
        except _Missing:
            return None

    async def compare(self, car_ids: tuple[str, ...], profile: UserProfileData) -> Comparison:
        body = {'cars': car_ids[:MAX_COMPARED], 'profile': _told(profile)}
        return await self._ask(Comparison, 'POST', 'compare', body)

    async def close(self) -> None:
        """Close the connections, unless the client was given."""
        if self._owned:
            await self._client.aclose()

    async def _ask(self, model: type[AnswerT], method: str, path: str, body: dict[str, Any] | None) -> AnswerT:
        question = f'{method} {path} {json.dumps(body, sort_keys=True)}'
        if not self._breaker.allows():
            return self._earlier(model, question, 'not asked, as it failed repeatedly a moment ago', None)
        try:
            answer = await self._answer(model, method, path, body)
        except ValidationError as error:
            self._breaker.failed()
            return self._earlier(model, question, f'no {model.__name__}: {describe(error)}', error)
        except httpx2.HTTPError as error:
            self._breaker.failed()
            return self._earlier(model, question, str(error) or type(error).__name__, error)
        except _Missing:
            self._breaker.succeeded()
            raise
        self._breaker.succeeded()
        self._kept[question] = _Kept(answer, self._clock())
        self._kept.move_to_end(question)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return answer

    async def _answer(self, model: type[AnswerT], method: str, path: str, body: dict[str, Any] | None) -> AnswerT:
        content, url = bytearray(), f'{self._base}/{path}'
        async with self._client.stream(method, url, json=body, headers=self._headers) as response:
            if response.status_code == 404:
                raise _Missing(f'{self._base}: has no {path}')
            response.raise_for_status()
            async for part in response.aiter_bytes():
                content += part
                if len(content) > MAX_ANSWER:
                    raise httpx2.HTTPError(f'the answer has more than {MAX_ANSWER} bytes')
        return model.model_validate_json(content)

    def _earlier(self, model: type[AnswerT], question: str, reason: str, error: Exception | None) -> AnswerT:
        kept = self._kept.get(question)
        if kept is None or not isinstance(kept.answer, model) or self._clock() - kept.at > self._keep:
            raise CatalogueUnavailable(f'{self._base}: {reason}') from error
        return kept.answer.model_copy(update={'stale': True})


class _Missing(CatalogueUnavailable):
    """The service has no such thing, which is an answer."""


def _told(profile: UserProfileData) -> dict[str, Any]:
    return {name: value for name, value in profile.known().items() if name in _TOLD}
