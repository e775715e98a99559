"""`RedisMail`: tells a worker which contacts have mail, when it is due and not before."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import anyio
import redis.exceptions

from agent_memory.backend._keys import Keys
from agent_memory.backend._scripts import Scripts, ms

_HOLD = timedelta(seconds=2)
"""How long a taken contact is out of sight, should its worker die before it begins the turn."""
_SWEEP_S = 2.0
"""How long mail may wait for a look when nobody told of it: a lost wake-up, a turn given back by another worker."""
_RECONNECT_S = 0.2
_LISTEN_S = 60.0
_LOST = (redis.exceptions.RedisError, OSError, RuntimeError, TypeError, AttributeError)


@dataclass(eq=False)
class RedisMail:
    """Looks at a partition when its next mail is due, which `receive` tells on one channel and each look tells again."""

    scripts: Scripts
    ready: Callable[[], Awaitable[Keys]]
    _keys: Keys | None = field(default=None, init=False, repr=False)
    _looks: dict[int, float] = field(default_factory=dict[int, float], init=False, repr=False)
    """When to look at each partition, by this process's clock."""
    _sooner: anyio.Event = field(default_factory=anyio.Event, init=False, repr=False)

    async def listen(self) -> None:
        """Hear of new mail until cancelled. Without it, and while Redis is away, mail is found by the next sweep."""
        client: Any = self.scripts.client
        while True:
            pubsub: Any = client.pubsub()
            try:
                await pubsub.subscribe((await self.ready()).mail)
                while True:
                    message = await pubsub.get_message(timeout=_LISTEN_S)
                    if message is not None:
                        self._hear(message['type'], message['data'])
            except _LOST:
                await anyio.sleep(_RECONNECT_S)
            finally:
                with anyio.move_on_after(1, shield=True):
                    await pubsub.aclose()

    async def take(self, limit: int) -> tuple[str, ...]:
        """Return at most `limit` contacts whose mail is due now, longest first; this worker begins their turns."""
        keys = self._keys = await self.ready()
        taken: list[str] = []
        for partition in range(keys.partitions):
            if self._looks.get(partition, 0.0) <= time.monotonic() and len(taken) < limit:
                taken += await self._take(keys, partition, limit - len(taken))
        return tuple(taken)

    async def wait(self) -> None:
        """Return when mail is due or may be."""
        self._sooner = anyio.Event()
        patience = min(self._looks.values(), default=0.0) - time.monotonic()
        with anyio.move_on_after(max(patience, 0)):
            await self._sooner.wait()

    def recheck(self, contact_id: str) -> None:
        """Look soon whether more of a contact's mail is due, after a turn that left some or failed."""
        if self._keys is not None:
            self._look(self._keys.partition(contact_id), 0.0)

    async def _take(self, keys: Keys, partition: int, limit: int) -> list[str]:
        # What is heard while the answer is on its way is newer than the answer.
        self._looks[partition] = math.inf
        try:
            found = await self.scripts.run('mail', [keys.leases(partition)], [limit, ms(_HOLD), self.scripts.now()])
        except BaseException:
            self._look(partition, _SWEEP_S)
            raise
        wait_s = found[1] / 1000 if found[1] >= 0 else _SWEEP_S
        self._look(partition, min(wait_s, _SWEEP_S))
        return [contact.decode() for contact in found[0]]

    def _hear(self, kind: str, data: Any) -> None:
        if kind == 'subscribe':
            # Whatever came before was not heard.
            for partition in self._looks:
                self._look(partition, 0.0)
        elif kind == 'message':
            partition, _, wait_ms = data.partition(b':')
            self._look(int(partition), int(wait_ms) / 1000)

    def _look(self, partition: int, wait_s: float) -> None:
        at = time.monotonic() + wait_s
        if at < self._looks.get(partition, math.inf):
            self._looks[partition] = at
            self._sooner.set()
