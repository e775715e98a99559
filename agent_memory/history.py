"""From the outbox to the archive and back: entries become rows, rows become past sessions."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import JsonValue
from pydantic_core import to_json

from agent_memory import telemetry
from agent_memory.backend._archive import Entry, EventQueue, Unread
from agent_memory.backend._history import Answer
from agent_memory.backend._rows import DeadLetter, EventRow, FactRow, MessageRow, Rows, SessionRow, TurnRow
from agent_memory.codec import Codec, turn_in, unpack_json
from agent_memory.errors import KeyUnavailable, SealBroken
from agent_memory.session import ConversationMessage, Inbound
from agent_memory.turn import TurnRecord
from agent_memory.vault import Box, Cells, Vault, blob_cell, blob_of, sealed_with, text_sealed_with

_logger = logging.getLogger(__name__)
_SEALED = ('content', 'profile', 'summary', 'facts')
"""The columns of answers whose cells may be sealed."""


@dataclass(frozen=True)
class PastSession:
    """One session of a contact as the archive knows it."""

    session_id: str
    state: str
    turn: int
    profile: dict[str, JsonValue]
    summary: str
    score: float | None
    completeness: float | None
    created_at: datetime
    updated_at: datetime
    reason: str
    """Why it ended; `open` while it goes on."""
    messages: tuple[ConversationMessage, ...]
    """Its transcript, oldest first."""


def rows_of(codec: Codec[Any], vault: Vault | None = None) -> Callable[[Entry], Awaitable[Rows | Unread]]:
    """Return the function that turns one outbox entry into archive rows, their content sealed as the entry is.

    Of a sealed turn it finds the key and leaves the rest to the reader. It raises `SessionCorrupt` for an entry that cannot
    be read; the archiver keeps such an entry as a dead letter. An entry whose key was destroyed makes no rows: its contact
    was erased.
    """

    async def rows(entry: Entry) -> Rows | Unread:
        if vault is None:
            return _rows(entry, codec)
        sealed_by = sealed_with(entry.body)
        if sealed_by is None:
            # A contact whose entries are older than sealing gets its key here.
            return _rows(entry, codec.of(await vault.box(entry.contact_id), accepts_plain=vault.accepts_plain))
        box = await vault.find(entry.contact_id, key_id=sealed_by)
        if box is None or box.key_id != sealed_by:
            if await vault.is_erased(entry.contact_id, sealed_by):
                return Rows()
            if box is None:
                raise KeyUnavailable(
                    f'an entry of contact {entry.contact_id} is sealed with a key that this key store does not have; '
                    f'restore the key store, or give the contact up: `agent-memory forget contact:{entry.contact_id}`'
                )
        if entry.kind == 'turn':
            return Unread(_sealed_turn_rows, entry, box)
        return _rows(entry, codec.of(box, accepts_plain=vault.accepts_plain))

    return rows


def past_session(row: SessionRow, messages: list[MessageRow]) -> PastSession:
    """Return a session row with its transcript."""
    return PastSession(
        session_id=row.session_id,
        state=row.state,
        turn=row.turn,
        profile=json.loads(row.profile),
        summary=row.summary,
        score=row.score,
        completeness=row.completeness,
        created_at=row.created_at,
        updated_at=row.updated_at,
        reason=row.reason,
        messages=tuple(
            ConversationMessage.model_validate({'role': line.role, 'content': line.content, 'at': line.at})
            for line in messages
        ),
    )


@dataclass(frozen=True)
class Opener:
    """Opens rows of the history with the keys of their contacts. Rows from before sealing are left as they are.

    Each method raises `KeyUnavailable` when the contact has no key any more, and `SealBroken` when a row was changed.
    """

    vault: Vault

    async def session(self, row: SessionRow) -> SessionRow:
        """Return a session row with its profile and summary in clear."""
        cells = await self._cells(row.contact_id, row.profile, row.summary)
        profile = cells.open_value(f'profile:{row.session_id}', row.profile)
        return row._replace(
            profile=json.dumps(profile, ensure_ascii=False),
            summary=cells.open_text(f'summary:{row.session_id}', row.summary),
        )

    async def message(self, row: MessageRow) -> MessageRow:
        """Return a message row with its text in clear."""
        cells = await self._cells(row.contact_id, row.content)
        return row._replace(content=cells.open_text(f'content:{row.id}', row.content))

    async def event(self, row: EventRow) -> EventRow:
        """Return an event row with its data in clear."""
        cells = await self._cells(row.contact_id, row.data)
        data = cells.open_event(f'data:{row.session_id}:{row.version}:{row.kind}', row.data)
        return row._replace(data=json.dumps(data, ensure_ascii=False))

    async def fact(self, row: FactRow) -> FactRow:
        """Return a fact row with its values in clear."""
        cells = await self._cells(row.contact_id, row.old or '', row.new or '')
        place = f'{row.session_id}:{row.version}:{row.field}'
        old, new = (
            None if cell is None else json.dumps(cells.open_value(f'{name}:{place}', cell), ensure_ascii=False)
            for name, cell in (('old', row.old), ('new', row.new))
        )
        return row._replace(old=old, new=new)

    async def record(self, row: TurnRow, codec: Codec[Any]) -> TurnRecord:
        """Return the whole record of a turn row."""
        blob = blob_of(row.record)
        if blob is None:
            return TurnRecord.model_validate_json(row.record)
        started_ms = round(row.started_at.timestamp() * 1000)
        box = await self.vault.find(row.contact_id, key_id=sealed_with(blob))
        return codec.of(box).read_turn(blob, started_ms=started_ms, version=row.version)

    async def letter(self, letter: DeadLetter, codec: Codec[Any]) -> Inbound:
        """Return the message that was given up."""
        box = await self.vault.find(letter.contact_id, key_id=sealed_with(letter.body))
        return codec.of(box, accepts_plain=True).read_inbound(letter.body)

    async def _cells(self, contact_id: str, *cells: str) -> Cells:
        """Return what opens the cells of a contact; the key is asked for only if one is sealed."""
        sealed_by = next((key_id for cell in cells if (key_id := text_sealed_with(cell))), None)
        if sealed_by is None:
            return Cells(None)
        box = await self.vault.find(contact_id, key_id=sealed_by)
        if box is None:
            raise KeyUnavailable('this part of the history is sealed, and its contact has no key: it was destroyed')
        return Cells(box)


async def opened(vault: Vault, answer: Answer) -> Answer:
    """Return the answer to a question with its texts, profiles and summaries in clear, without the columns that only place them.

    Raises:
        KeyUnavailable: A contact in it has no key any more.
        SealBroken: A row was changed.
    """
    rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    for row in rows:
        sealed_by = text_sealed_with(' '.join(str(row.get(name)) for name in _SEALED))
        cells = Cells(await vault.find(str(row['contact_id']), key_id=sealed_by) if sealed_by else None)
        if 'content' in row:
            row['content'] = cells.open_text(f'content:{row["id"]}', str(row['content']))
        if 'profile' in row:
            profile = cells.open_value(f'profile:{row["session_id"]}', str(row['profile']))
            if facts := row.get('facts'):
                profile = _profile(cells, str(row['session_id']), json.loads(str(facts)))
            row['profile'] = json.dumps(profile, ensure_ascii=False)
        if 'summary' in row:
            row['summary'] = cells.open_text(f'summary:{row["session_id"]}', str(row['summary']))
    places = {'facts', *(('id', 'contact_id') if 'content' in answer.columns else ())}
    kept = [name for name in answer.columns if name not in places]
    return Answer(tuple(kept), tuple(tuple(row[name] for name in kept) for row in rows))


def _profile(cells: Cells, session_id: str, facts: dict[str, tuple[int, JsonValue]]) -> dict[str, JsonValue]:
    """Return what the newest fact of each field left, without what was emptied again."""
    values = {
        field: cells.open_value(f'new:{session_id}:{version}:{field}', json.dumps(value))
        for field, (version, value) in facts.items()
        if value is not None
    }
    return {field: value for field, value in values.items() if value not in (None, [], '')}


@dataclass(frozen=True)
class OpenedEvents:
    """Events of the history that somebody outside is told, opened. One that nobody can open holds up no other."""

    queue: EventQueue
    vault: Vault

    async def undelivered(self, kind: str, *, within: timedelta, limit: int) -> list[EventRow]:
        rows = await self.queue.undelivered(kind, within=within, limit=limit)
        return [told for row in rows if (told := await self._opened(row))]

    async def _opened(self, row: EventRow) -> EventRow | None:
        try:
            return await Opener(self.vault).event(row)
        except SealBroken as error:
            _logger.warning(telemetry.EVENT_UNTOLD, row.kind, row.session_id, error)
            return None
        except KeyUnavailable:
            # Of a contact who was forgotten since. Any other key may be had again later.
            if not await self.vault.is_erased(row.contact_id, text_sealed_with(row.data) or ''):
                raise
            return None

    async def delivered(self, event: EventRow) -> None:
        await self.queue.delivered(event)


def _rows(entry: Entry, codec: Codec[Any]) -> Rows:
    match entry.kind:
        case 'turn':
            record = codec.read_turn(entry.body, started_ms=entry.started_ms, version=entry.version)
            return _turn_rows(entry, record, codec.box, _record(entry, codec, record))
        case 'close':
            return _close_rows(entry, codec)
        case 'dead':
            letter = DeadLetter(entry.id, entry.partition, entry.contact_id, entry.kind, entry.note, entry.body)
            return Rows(dead_letters=(letter,))


def _started(entry: Entry) -> datetime:
    return datetime.fromtimestamp(entry.started_ms / 1000, UTC)


def _session_id(entry: Entry) -> str:
    return f'{entry.contact_id}:{entry.started_ms}'


def _sealed_turn_rows(entry: Entry, box: Box) -> Rows:
    record = turn_in(box, entry.body, started_ms=entry.started_ms, version=entry.version)
    return _turn_rows(entry, record, box, blob_cell(entry.body))


def _turn_rows(entry: Entry, record: TurnRecord, box: Box | None, whole: str) -> Rows:
    session_id, contact_id, version = _session_id(entry), entry.contact_id, entry.version
    cells = Cells(box)
    turn = TurnRow(
        session_id=session_id,
        contact_id=contact_id,
        started_at=_started(entry),
        version=version,
        turn=record.turn,
        commit_id=entry.commit_id,
        at=record.at,
        sent_at=record.messages[0].at if record.messages else None,
        state=record.state,
        score=record.score,
        completeness=record.completeness,
        model=record.model,
        usage=to_json(record.usage).decode(),
        cost=record.cost,
        duration_ms=record.duration_ms,
        record=whole,
        source=_source(record),
        asked=','.join(record.asked) or None,
    )
    messages: list[MessageRow] = []
    for place, (role, content, at) in enumerate(record.spoken()):
        id_ = f'{session_id}:{version}:{place}'
        messages.append(MessageRow(id_, session_id, contact_id, role, cells.text(f'content:{id_}', content), at))
    facts: list[FactRow] = []
    for made, changed in ((0, record.carried), (version, record.facts)):
        for fact in changed:
            place = f'{session_id}:{made}:{fact.field}'
            old, new = cells.value(f'old:{place}', fact.previous), cells.value(f'new:{place}', fact.value)
            facts.append(FactRow(session_id, contact_id, made, fact.field, old, new, fact.message, fact.by, fact.at))
    events: list[EventRow] = []
    for event in record.events:
        data = cells.event(f'data:{session_id}:{version}:{event.kind}', event.data)
        events.append(EventRow(session_id, contact_id, version, event.kind, event.message, data, event.at))
    return Rows(turns=(turn,), messages=tuple(messages), facts=tuple(facts), events=tuple(events))


def _source(record: TurnRecord) -> str | None:
    referral = next((one.referral for one in record.messages if one.referral), None)
    return f'{referral.kind}:{referral.id}' if referral and referral.id else referral and referral.kind


def _close_rows(entry: Entry, codec: Codec[Any]) -> Rows:
    session_id = _session_id(entry)
    session = codec.read_session(entry.body, started_ms=entry.started_ms, version=entry.version)
    domain, cells = codec.domain, Cells(codec.box)
    return Rows(
        sessions=(
            SessionRow(
                session_id=session_id,
                contact_id=entry.contact_id,
                started_at=_started(entry),
                version=entry.version,
                state=session.state,
                turn=session.turn,
                profile=cells.value(f'profile:{session_id}', session.profile.known()) or '{}',
                summary=cells.text(f'summary:{session_id}', session.memory.summary),
                score=domain.score(session.profile).total if domain.score else None,
                completeness=domain.completeness(session.profile).total if domain.completeness else None,
                created_at=session.created_at,
                updated_at=session.updated_at,
                reason=entry.note,
            ),
        )
    )


def _record(entry: Entry, codec: Codec[Any], record: TurnRecord) -> str:
    """Return the whole record of a turn that is not sealed as JSON, sealed if what it goes to is."""
    if codec.box is None:
        return unpack_json(entry.body).decode()
    return blob_cell(codec.write_turn(record, started_ms=entry.started_ms, version=entry.version))
