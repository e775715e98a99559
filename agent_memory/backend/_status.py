"""How archiving stands: what waits in the outbox, for how long, and what the history holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from agent_memory.backend._archive import Outbox
from agent_memory.backend._history import HistoryReader
from agent_memory.errors import ArchiveUnavailable


@dataclass(frozen=True)
class PartitionStatus:
    """One partition of the outbox."""

    partition: int
    waiting: int
    """Entries that wait for the archive."""
    lag: timedelta
    """How long the oldest of them waits; zero when none does."""
    offset: str | None = None
    """The last entry that is archived; `None` while the archive holds none, or cannot be read."""
    batch: int | None = None
    """How many entries its last batch had."""
    archived_at: datetime | None = None
    """When that batch was written."""


@dataclass(frozen=True)
class ArchiveStatus:
    """Archiving as a whole."""

    partitions: tuple[PartitionStatus, ...]
    schema: int | None
    """The history's schema version; `None` while it is empty or cannot be read."""
    dead_letters: int | None
    """Entries that could not be read and messages that were given up, in the history."""
    unavailable: str | None
    """Why the history cannot be read, in one sentence."""

    @property
    def waiting(self) -> int:
        return sum(one.waiting for one in self.partitions)

    @property
    def lag(self) -> timedelta:
        """The longest lag of all partitions."""
        return max((one.lag for one in self.partitions), default=timedelta(0))


async def archive_status(outbox: Outbox, reader: HistoryReader) -> ArchiveStatus:
    """Return how archiving stands, from any process, whether the history can be read or not.

    Raises:
        StoreUnavailable: The store does not answer.
    """
    unavailable: str | None = None
    rows: dict[int, tuple[Any, ...]] = {}
    try:
        rows = {int(cast('int', row[0])): row for row in (await reader.ask('archiving')).rows}
    except ArchiveUnavailable as error:
        unavailable = str(error)
    found = [await _partition(outbox, number, rows.get(number)) for number in range(await outbox.partitions())]
    known: tuple[Any, ...] = next(iter(rows.values()), (None,) * 6)
    return ArchiveStatus(tuple(found), schema=known[4], dead_letters=known[5], unavailable=unavailable)


async def _partition(outbox: Outbox, number: int, row: tuple[Any, ...] | None) -> PartitionStatus:
    oldest = await outbox.read(number, after='0-0', count=1, block=timedelta(0))
    lag = timedelta(0)
    if oldest:
        since = datetime.fromtimestamp(int(oldest[0].id.partition('-')[0]) / 1000, UTC)
        # The entry's time is of the server's clock, which may be ahead of ours.
        lag = max(datetime.now(UTC) - since, lag)
    _, offset, batch, at, *_ = row or (None,) * 6
    return PartitionStatus(number, await outbox.backlog(number), lag, offset, batch, at)
