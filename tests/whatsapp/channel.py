"""A whole channel in one process: webhook, workers and sender on a real store, with a fake Graph API behind them."""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
from pydantic import SecretStr
from redis.asyncio import Redis

from agent_memory._turns import Turn
from agent_memory.backend._channel import Pace
from agent_memory.backend._protocol import Policy
from agent_memory.backend._redis import RedisStore
from agent_memory.lead import CAR_LEAD
from agent_memory.manager import SessionManager
from agent_memory.session import Domain, Inbound
from agent_memory.testing.graph import FakeGraph
from agent_memory.turn import AnswerConsent
from agent_memory.vault import Vault
from agent_memory.whatsapp import Dispatcher, Fixed, GraphMedia, GraphSender, Reception, Webhook, Wording
from agent_memory.whatsapp._graph import GraphApi, make_client
from agent_memory.whatsapp._limits import Limits
from agent_memory.whatsapp.media import Transcriber
from tests.servers import admin_url

ANA, BIA = '5511987650001', '5521999990000'
URL = 'http://localhost/webhook'
POLICY = Policy(max_batch=20)
RECEPTION = Reception(
    Wording(opted_out='Não escrevemos mais.', opted_in='Que bom!', ask_for_text='Pode escrever?'),
    choices={'consent:yes': Fixed('Obrigado!', (AnswerConsent(given=True, text='Podemos?'),))},
)


@dataclass
class Whatsapp:
    """The channel of one business number."""

    redis_url: str
    graph: FakeGraph
    manager: SessionManager[Any]
    webhook: Webhook
    dispatcher: Dispatcher
    http: httpx2.AsyncClient
    asked: list[str] = field(default_factory=list[str])
    """What the agent was asked, in order."""

    async def deliver(self, *items: dict[str, Any], **how: Any) -> list[int]:
        return await self.graph.deliver(self.http, URL, items, **how)

    async def work(self) -> int:
        """Have every turn answered that is due now, and return how many there were."""
        store = self.manager.store
        assert isinstance(store, RedisStore)
        return sum([await self.dispatcher.work(contact_id) for contact_id in (await store.due()).turns])

    async def until_idle(self) -> None:
        """Wait until nobody's message waits and no reply is owed."""
        with anyio.fail_after(10):
            async with Redis.from_url(admin_url(self.redis_url)) as client:
                while await client.exists('am:{0}:leases', 'am:{0}:owing'):  # noqa: ASYNC110 - a store tells no event
                    await anyio.sleep(0.02)

    async def until_seen(self, count: int, *, seconds: float = 10) -> Sequence[str]:
        with anyio.fail_after(seconds):
            while len(self.graph.seen) < count:  # noqa: ASYNC110 - the phones of people tell no event
                await anyio.sleep(0.01)
        return self.graph.texts()


@asynccontextmanager
async def whatsapp(
    redis_url: str,
    *,
    graph: FakeGraph | None = None,
    pace: Pace | None = None,
    transcriber: Transcriber | None = None,
    store: RedisStore | None = None,
    data: Path | None = None,
    domain: Domain[Any] = CAR_LEAD,
) -> AsyncGenerator[Whatsapp]:
    """Open a channel whose agent repeats what it is asked."""
    graph = graph or FakeGraph()
    manager = SessionManager(
        store or RedisStore.from_url(redis_url, policy=POLICY),
        vault=Vault.at(data) if data else None,
        domain=domain,
    )
    api = GraphApi(graph.phone_number_id, graph.token, make_client(graph.transport()))
    sender = GraphSender(api, Limits(anyio.current_time, pair_burst=1000), sleep=lambda _: anyio.lowlevel.checkpoint())
    asked: list[str] = []

    async def answer(turn: Turn[Any], inbound: Inbound) -> None:
        asked.append(inbound.text)
        await turn.commit(reply=f'Você disse: {inbound.text}')

    secret = SecretStr(graph.app_secret.get_secret_value())
    webhook = Webhook(
        manager,
        SecretStr('verify'),
        [SecretStr('the next secret'), secret],
        RECEPTION,
        pace or Pace(quiet=timedelta(0)),
        clock=graph.clock,
    )
    dispatcher = Dispatcher(
        manager,
        {graph.phone_number_id: sender},
        answer,
        RECEPTION,
        transcriber,
        {graph.phone_number_id: GraphMedia(api)},
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(webhook)) as http:
        yield Whatsapp(redis_url, graph, manager, webhook, dispatcher, http, asked)
    await sender.aclose()
    await manager.close()
