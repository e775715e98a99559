"""The lease of one running turn: renewed while it runs, and the end of the run when it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType

import anyio

from agent_memory.errors import LeaseLost, StoreUnavailable, TurnTimedOut


@dataclass(eq=False)
class Lease:
    """Whether this turn may still go on, and the scopes that end when it may not."""

    lost: BaseException | None = None
    _scopes: set[anyio.CancelScope] = field(default_factory=set[anyio.CancelScope])

    def lose(self, why: BaseException) -> None:
        """End every guarded block; each raises `why`."""
        self.lost = self.lost or why
        for scope in self._scopes:
            scope.cancel()

    def guard(self) -> _Guard:
        """Return a block that ends when the lease is lost, and raises why."""
        return _Guard(self)

    def enter(self, scope: anyio.CancelScope) -> None:
        if self.lost:
            raise self.lost
        self._scopes.add(scope)

    def leave(self, scope: anyio.CancelScope) -> None:
        self._scopes.discard(scope)
        if scope.cancelled_caught and self.lost:
            raise self.lost


class _Guard:
    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._scope = anyio.CancelScope()

    def __enter__(self) -> None:
        self._lease.enter(self._scope)
        self._scope.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        swallowed = self._scope.__exit__(kind, error, trace)
        self._lease.leave(self._scope)
        return swallowed


class Heartbeat:
    """Renews a lease while its block runs, at every third of its length.

    It runs in the turn's own event loop on purpose: a loop that is blocked must lose its lease. The task begins with
    the first renewal, so that a turn which is over by then has none.

    Args:
        lease: What is lost when the renewal fails or the time is up.
        renew: Renews it and returns whether it is still ours.
        length: How long it lives without a renewal.
        limit: How long it is renewed at most.
    """

    def __init__(
        self, lease: Lease, renew: Callable[[], Awaitable[bool]], *, length: timedelta, limit: timedelta
    ) -> None:
        self._lease = lease
        self._renew = renew
        self._every = length.total_seconds() / 3
        self._limit = limit
        self._tasks = asyncio.TaskGroup()
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        await self._tasks.__aenter__()
        loop = asyncio.get_running_loop()
        self._end = loop.time() + self._limit.total_seconds()
        self._timer = loop.call_at(min(loop.time() + self._every, self._end), self._start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._running is not None:
            self._running.cancel()
        await self._tasks.__aexit__(kind, error, trace)

    def _start(self) -> None:
        self._running = self._tasks.create_task(self._run())

    async def _run(self) -> None:
        with anyio.move_on_after(self._end - asyncio.get_running_loop().time()):
            while True:
                if not await self._renewed():
                    self._lease.lose(LeaseLost('another worker took this turn over; nothing was written'))
                    return
                await anyio.sleep(self._every)
        self._lease.lose(
            TurnTimedOut(f'the turn ran longer than {self._limit.total_seconds():.0f} s and was given back')
        )

    async def _renewed(self) -> bool:
        try:
            return await self._renew()
        except StoreUnavailable:
            # The commit will tell: it is accepted after the lease's end too, unless somebody took the turn over.
            return True
