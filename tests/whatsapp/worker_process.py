"""A worker that kills itself at one step: `python -m tests.whatsapp.worker_process REDIS GRAPH TOKEN STEP`.

The steps: `stored` (a webhook, which reads its delivery from the standard input, has the message and did not answer),
`taken` (the turn runs), `committed` (the reply is generated), `claimed` (it is dispatching), `sent` (the Graph
API answered), `settled` (sent, failed, or generated again).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, cast

from pydantic import SecretStr

from agent_memory._turns import Turn
from agent_memory.backend._redis import RedisStore
from agent_memory.backend._redis_channel import RedisChannel
from agent_memory.manager import SessionManager
from agent_memory.session import Inbound
from agent_memory.whatsapp import Dispatcher, GraphSender, Pace, Webhook
from agent_memory.whatsapp._events import parse
from tests.whatsapp.channel import POLICY, RECEPTION


def die_at(step: str) -> None:
    if step == sys.argv[4]:
        os.kill(os.getpid(), signal.SIGKILL)


def then(step: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return `call`, after which the process dies if this is its step."""

    async def called(*args: Any, **options: Any) -> Any:
        result = await call(*args, **options)
        die_at(step)
        return result

    return called


class _Store(RedisStore):
    @property
    def channel(self) -> RedisChannel:
        channel = super().channel
        object.__setattr__(channel, 'claim', then('claimed', channel.claim))
        object.__setattr__(channel, 'settle', then('settled', channel.settle))
        return channel


async def main() -> None:
    url, graph, token, step = sys.argv[1:]
    store = _Store.from_url(url, policy=POLICY)
    manager = SessionManager(store)
    if step == 'stored':
        webhook = Webhook(manager, SecretStr('verify'), [], RECEPTION, Pace(quiet=timedelta(0)))
        manager.receive = cast('Any', then('stored', manager.receive))
        await webhook.take_in(parse(sys.stdin.buffer.read()))
    sender = GraphSender.to_number('106540352242922', SecretStr(token), base_url=graph)
    sender.send = cast('Any', then('sent', sender.send))

    async def answer(turn: Turn[Any], inbound: Inbound) -> None:
        die_at('taken')
        await turn.commit(reply=f'Você disse: {inbound.text}')
        die_at('committed')

    dispatcher = Dispatcher(manager, {'106540352242922': sender}, answer, RECEPTION)
    for contact_id in (await store.due()).turns:
        await dispatcher.work(contact_id)


if __name__ == '__main__':
    asyncio.run(main())
