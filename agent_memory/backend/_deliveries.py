"""`DuckDBEventQueue`: which events of the history somebody outside was told about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb

from agent_memory.backend._rows import EventRow
from agent_memory.backend._threaded import ThreadedArchive

# The age bound lets DuckDB skip the row groups of older events by their statistics.
_UNDELIVERED = """
SELECT session_id, contact_id, version, kind, message, data, time FROM events AS told
WHERE kind = ? AND time >= ? AND NOT EXISTS (
    FROM deliveries AS done
    WHERE done.session_id = told.session_id AND done.version = told.version AND done.kind = told.kind
) ORDER BY time LIMIT ?
"""


@dataclass(frozen=True)
class DuckDBEventQueue:
    """The events of an archive over DuckDB. It holds it as archiving does, so it belongs into the same process."""

    archive: ThreadedArchive

    async def undelivered(self, kind: str, *, within: timedelta, limit: int) -> list[EventRow]:
        since = (datetime.now(UTC) - within).replace(tzinfo=None)

        def found(connection: duckdb.DuckDBPyConnection) -> list[EventRow]:
            rows = connection.execute(_UNDELIVERED, [kind, since, limit]).fetchall()
            return [EventRow(*told, at=at.replace(tzinfo=UTC)) for *told, at in rows]

        return await self.archive.work(found)

    async def delivered(self, event: EventRow) -> None:
        def note(connection: duckdb.DuckDBPyConnection) -> None:
            told = [event.contact_id, event.session_id, event.version, event.kind]
            now = datetime.now(UTC).replace(tzinfo=None)
            connection.execute(
                'INSERT INTO deliveries (contact_id, session_id, version, kind, time) VALUES (?, ?, ?, ?, ?)',
                [*told, now],
            )

        await self.archive.work(note)
