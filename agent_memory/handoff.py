"""Hand-overs: what the person who takes over is told, and how it reaches them."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import anyio
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from agent_memory import telemetry
from agent_memory.backend._archive import EventQueue
from agent_memory.backend._rows import EventRow
from agent_memory.errors import ArchiveUnavailable, HandoffUndelivered, StoreUnavailable
from agent_memory.scoring import Score
from agent_memory.session import ConversationMessage, Domain, SessionData
from agent_memory.turn import Event

if TYPE_CHECKING:
    import httpx2

_logger = logging.getLogger(__name__)

HANDOFF = 'handoff'
_TRANSCRIPT = 40
"""Most lines of the conversation that a hand-over carries."""


class HandoffNote(BaseModel):
    """A conversation that waits for a person."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='ignore', frozen=True, hide_input_in_errors=True)

    id: str
    """The same each time this hand-over is delivered: a sink that has seen it does nothing."""
    contact_id: str
    at: datetime
    reason: str
    profile: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    score: Score | None = None
    recommendations: list[dict[str, JsonValue]] = Field(default_factory=list[dict[str, JsonValue]])
    summary: str = ''
    """What was said before the transcript."""
    transcript: list[ConversationMessage] = Field(default_factory=list[ConversationMessage])
    withheld: bool = False
    """Whether the person's data stayed here, because sharing it rests on a consent that they did not give."""


class HandoffSink(Protocol):
    """Where hand-overs go: a CRM, a chat of the sales team, a log."""

    async def deliver(self, note: HandoffNote) -> None:
        """Tell the people who take over.

        Raises:
            HandoffUndelivered: They were not told. The note is delivered again later.
        """
        ...


class LogSink:
    """Writes a line without anything personal to the log `agent_memory.handoff`."""

    async def deliver(self, note: HandoffNote) -> None:
        band = note.score.band if note.score else 'unscored'
        _logger.warning(telemetry.WAITS_FOR_A_PERSON, note.contact_id, band, note.id)


class WebhookSink:
    """Posts each note as JSON to a URL, with its id as `Idempotency-Key`.

    With a `secret` the header `X-Hub-Signature-256` holds `sha256=` and the HMAC of the body, as Meta signs webhooks.
    """

    def __init__(
        self,
        url: str,
        *,
        secret: bytes | None = None,
        timeout: timedelta = timedelta(seconds=10),
        client: httpx2.AsyncClient | None = None,
    ) -> None:
        self._url = url
        self._secret = secret
        self._timeout = timeout.total_seconds()
        self._client = client

    async def deliver(self, note: HandoffNote) -> None:
        import httpx2  # most of a second that a process without hand-overs need not pay

        body = note.model_dump_json().encode()
        headers = {'content-type': 'application/json', 'idempotency-key': note.id}
        if self._secret:
            headers['x-hub-signature-256'] = f'sha256={hmac.digest(self._secret, body, hashlib.sha256).hex()}'
        client = self._client or httpx2.AsyncClient()
        try:
            response = await client.post(self._url, content=body, headers=headers, timeout=self._timeout)
            response.raise_for_status()
        except httpx2.HTTPError as error:
            raise HandoffUndelivered(f'the webhook did not take hand-over {note.id}: {type(error).__name__}') from error
        finally:
            if self._client is None:
                await client.aclose()


@dataclass(frozen=True)
class HandoffRelay:
    """Delivers the hand-overs that reached the history, each at least once, and notes there that it did.

    A turn leaves its hand-over in the outbox with its commit, so a crash anywhere before the note costs a second
    delivery at most, under the same id. Run it in the process that archives.
    """

    queue: EventQueue
    sink: HandoffSink
    pause: timedelta = timedelta(seconds=1)
    """Between two looks for new hand-overs."""
    max_pause: timedelta = timedelta(minutes=5)
    """While the sink fails the pause doubles up to this."""
    give_up: timedelta = timedelta(days=3)
    """A hand-over older than this is not delivered any more."""

    async def run(self) -> None:
        """Deliver until cancelled."""
        pause = self.pause
        while True:
            try:
                await self.drain()
                pause = self.pause
            except HandoffUndelivered as error:
                _logger.warning(telemetry.HANDOFF_WAITS, error, pause.total_seconds())
                pause = min(pause * 2, self.max_pause)
            except (ArchiveUnavailable, StoreUnavailable):
                pause = self.pause  # history or keys are away: the archiver says so, and goes on when it can
            await anyio.sleep(pause.total_seconds())

    async def drain(self) -> int:
        """Deliver what waits now and return how many notes that was.

        Raises:
            HandoffUndelivered: The sink failed; the rest waits.
            ArchiveUnavailable: The history cannot be read or written.
        """
        total = 0
        while rows := await self.queue.undelivered(HANDOFF, within=self.give_up, limit=20):
            for row in rows:
                await self.sink.deliver(_note(row))
                await self.queue.delivered(row)
                total += 1
        return total


def handoff_data(
    session: SessionData[Any], domain: Domain[Any], lines: Iterable[ConversationMessage]
) -> dict[str, JsonValue]:
    """Return what the `handoff` event of a turn carries beside its reason."""
    if not domain.permits(session, 'sharing'):
        return {'withheld': True}
    transcript = [*session.memory.messages, *lines][-_TRANSCRIPT:]
    return {
        'profile': session.profile.known(),
        'score': domain.score(session.profile).model_dump(mode='json') if domain.score else None,
        'recommendations': [*session.recommendations],
        'summary': session.memory.summary,
        'transcript': [line.model_dump(mode='json') for line in transcript],
    }


def owed_handoff(
    session: SessionData[Any], domain: Domain[Any], events: Iterable[Event], *, message: str | None
) -> list[Event]:
    """Return the hand-over that a turn owes to who holds the conversation: its person let them know what was withheld.

    Notes in `session` what a hand-over among the turn's `events` withholds, and that it is owed no more.
    """
    told = domain.permits(session, 'sharing')
    if reasons := [str(event.data['reason']) for event in events if event.kind == HANDOFF]:
        session.handoff_withheld = None if told else reasons[-1]
    elif (reason := session.handoff_withheld) and told and domain.states.is_muted(session):
        session.handoff_withheld = None
        return [Event(kind='handoff', at=session.updated_at, message=message, data={'reason': reason})]
    return []


def _note(row: EventRow) -> HandoffNote:
    identity = {'id': f'{row.session_id}:{row.version}', 'contact_id': row.contact_id, 'at': row.at}
    return HandoffNote.model_validate({**json.loads(row.data), **identity})
