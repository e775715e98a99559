"""`Breaker`: stops asking a service that keeps failing, so that a person does not wait for each time-out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass
class Breaker:
    """Open after `failures` in a row; after `pause` one call is let through to try."""

    failures: int = 3
    pause: timedelta = timedelta(seconds=30)
    clock: Callable[[], float] = time.monotonic
    _failed: int = field(default=0, init=False)
    _refuses_until: float = field(default=0.0, init=False)

    def allows(self) -> bool:
        """Return whether to ask now. After the pause the first to be told so tries for all."""
        if self._failed < self.failures:
            return True
        now = self.clock()
        if now < self._refuses_until:
            return False
        self._refuses_until = now + self.pause.total_seconds()
        return True

    def succeeded(self) -> None:
        self._failed = 0

    def failed(self) -> None:
        self._failed += 1
        self._refuses_until = self.clock() + self.pause.total_seconds()
