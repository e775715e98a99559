"""Whether a turn may still go on."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio


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

    @contextmanager
    def guard(self) -> Generator[None]:
        """End the block when the lease is lost, and raise why."""
        if self.lost:
            raise self.lost
        scope = anyio.CancelScope()
        self._scopes.add(scope)
        try:
            with scope:
                yield
        finally:
            self._scopes.discard(scope)
        if scope.cancelled_caught and self.lost:
            raise self.lost
