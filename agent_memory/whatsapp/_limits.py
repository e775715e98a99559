"""How fast the business may send: buckets of tokens that fill with time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Bucket:
    """Holds up to `burst` tokens and gains one every `every_s` seconds."""

    every_s: float
    burst: int
    clock: Callable[[], float]
    _full_at: float = field(default=0.0, init=False)
    """When it is full again; the distance to now says how many tokens are missing."""

    def take(self) -> float:
        """Take one token and return 0, or return the seconds until there is one."""
        now = self.clock()
        full_at = max(self._full_at, now)
        wait = full_at - now - self.every_s * (self.burst - 1)
        if wait > 1e-9:
            return wait
        self._full_at = full_at + self.every_s
        return 0.0


@dataclass
class Limits:
    """The two limits of a business number: all its messages, and those to one person.

    Meta allows 80 messages a second and one every 6 seconds to one person, with bursts borrowed from the future (Cloud
    API, throughput and pair rate limit). Kept by each process for itself.
    """

    clock: Callable[[], float]
    number_per_s: float = 80
    pair_every_s: float = 6
    pair_burst: int = 3
    most_pairs: int = 10_000
    _number: Bucket = field(init=False)
    _pairs: OrderedDict[str, Bucket] = field(default_factory=OrderedDict[str, Bucket], init=False)

    def __post_init__(self) -> None:
        self._number = Bucket(1 / self.number_per_s, max(int(self.number_per_s), 1), self.clock)

    def take(self, person: str) -> float:
        """Take the right to send one message to `person` and return 0, or return the seconds until there is one."""
        pair = self._pairs.setdefault(person, Bucket(self.pair_every_s, self.pair_burst, self.clock))
        self._pairs.move_to_end(person)
        if len(self._pairs) > self.most_pairs:
            self._pairs.popitem(last=False)
        return pair.take() or self._number.take()
