"""From the outbox to the archive and back: entries become rows, rows become past sessions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import JsonValue

from agent_memory.backend._archive import DeadLetter, Entry, EventRow, FactRow, MessageRow, Rows, SessionRow, TurnRow
from agent_memory.codec import Codec, unpack_json
from agent_memory.session import ConversationMessage
from agent_memory.turn import TurnRecord


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


def rows_of(codec: Codec[Any]) -> Callable[[Entry], Rows]:
    """Return the function that turns one outbox entry into archive rows.

    It raises `SessionCorrupt` for an entry that cannot be read; the archiver keeps such an entry as a dead letter.
    """

    def rows(entry: Entry) -> Rows:
        match entry.kind:
            case 'turn':
                return _turn_rows(entry, codec.read_turn(entry.body), unpack_json(entry.body).decode())
            case 'close':
                return _close_rows(entry, codec)
            case 'dead':
                letter = DeadLetter(entry.id, entry.partition, entry.contact_id, entry.kind, entry.note, entry.body)
                return Rows(dead_letters=(letter,))

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


def _started(entry: Entry) -> datetime:
    return datetime.fromtimestamp(entry.started_ms / 1000, UTC)


def _session_id(entry: Entry) -> str:
    return f'{entry.contact_id}:{entry.started_ms}'


def _turn_rows(entry: Entry, record: TurnRecord, text: str) -> Rows:
    session_id, contact_id, version = _session_id(entry), entry.contact_id, entry.version
    lines = record.lines()
    return Rows(
        turns=(
            TurnRow(
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
                usage=json.dumps(record.usage),
                cost=record.cost,
                duration_ms=record.duration_ms,
                record=text,
            ),
        ),
        messages=tuple(
            MessageRow(f'{session_id}:{version}:{place}', session_id, contact_id, line.role, line.content, line.at)
            for place, line in enumerate(lines)
        ),
        facts=tuple(
            FactRow(
                session_id=session_id,
                contact_id=contact_id,
                version=version,
                field=fact.field,
                old=_json(fact.previous),
                new=_json(fact.value),
                message=fact.message,
                author=fact.by,
                at=fact.at,
            )
            for fact in record.facts
        ),
        events=tuple(
            EventRow(session_id, contact_id, version, event.kind, event.message, json.dumps(event.data), event.at)
            for event in record.events
        ),
    )


def _close_rows(entry: Entry, codec: Codec[Any]) -> Rows:
    session = codec.read_session(entry.body)
    domain = codec.domain
    return Rows(
        sessions=(
            SessionRow(
                session_id=_session_id(entry),
                contact_id=entry.contact_id,
                started_at=_started(entry),
                version=entry.version,
                state=session.state,
                turn=session.turn,
                profile=json.dumps(session.profile.known(), ensure_ascii=False),
                summary=session.memory.summary,
                score=domain.score(session.profile).total if domain.score else None,
                completeness=domain.completeness(session.profile).total if domain.completeness else None,
                created_at=session.created_at,
                updated_at=session.updated_at,
                reason=entry.note,
            ),
        )
    )


def _json(value: JsonValue) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
