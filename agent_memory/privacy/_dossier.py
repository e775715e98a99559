"""Everything that is kept of one person, in clear, from every place that keeps it (LGPD, art. 18, II and V; art. 19)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from pydantic import JsonValue

from agent_memory.backend._history import Answer, HistoryReader, Question
from agent_memory.backend._rows import DeadLetter, EventRow, FactRow, TurnRow
from agent_memory.errors import AgentMemoryError
from agent_memory.history import Opener
from agent_memory.manager import SessionManager
from agent_memory.scoring import Score
from agent_memory.turn import TurnRecord

_ALL = 1_000_000
R = TypeVar('R', TurnRow, EventRow, FactRow)


@dataclass(frozen=True)
class Dossier:
    """What is kept of one contact."""

    contact_id: str
    at: datetime
    data: dict[str, Any]
    """JSON values, by the place that they are kept in."""

    def written(self) -> str:
        """Return it as JSON text."""
        told = {'contact_id': self.contact_id, 'exported_at': self.at.isoformat(), **self.data}
        return json.dumps(told, ensure_ascii=False, indent=2, default=str) + '\n'

    def counts(self) -> dict[str, JsonValue]:
        """Return how much of it there is, which says nothing of the person."""
        return {name: len(cast('list[Any]', kept)) for name, kept in self.data.items() if isinstance(kept, list)}


@dataclass(frozen=True)
class Explanation:
    """A score, and what the person said behind its points."""

    score: Score
    said: dict[str, str]
    """By message id."""

    def behind(self) -> list[list[str]]:
        """Return the words behind each part of the score, in its order."""
        return [[self.said[id_] for id_ in part.messages if id_ in self.said] for part in self.score.parts]


@dataclass(frozen=True)
class Person:
    """Reads what is kept of one contact, wherever that is."""

    manager: SessionManager[Any]
    history: HistoryReader
    contact: str

    async def dossier(self) -> Dossier:
        """Return everything that is kept of the person.

        Raises:
            InvalidContact: It is none.
            ArchiveUnavailable: The history cannot be read.
            KeyUnavailable: The person was erased; what is left cannot be read by anybody.
        """
        contact_id = await self.manager.contact_id(self.contact)
        session = await self.manager.get_session(self.contact)
        waiting = await self.manager.first_waiting(contact_id)
        return Dossier(
            contact_id,
            datetime.now(UTC),
            {
                'purposes': dict(self.manager.domain.legal_basis),
                'open_session': session.model_dump(mode='json') if session else None,
                'waiting_message': waiting.model_dump(mode='json') if waiting else None,
                'sessions': [await self._past(one) for one in (await self._ask('sessions')).rows],
                'turns': [record.model_dump(mode='json', exclude={'cache'}) for record in await self.records()],
                'facts': await self._opened('person_facts', FactRow, Opener(self.manager.vault).fact),
                'events': await self._opened('person_events', EventRow, Opener(self.manager.vault).event),
                'given_up': [await self._letter(row) for row in (await self._ask('person_letters')).rows],
                'consents': _dicts(await self._ask('consents'), without=('data',)),
                'requests': _dicts(await self._ask('requests')),
                'audit': _dicts(await self.history.ask('audit', contact=contact_id, after=0, limit=_ALL)),
            },
        )

    async def records(self) -> list[TurnRecord]:
        """Return every turn that is kept of the person, oldest first."""
        opener, found = Opener(self.manager.vault), await self._ask('person_turns')
        past = [await opener.record(TurnRow(*cast('Any', row)), self.manager.codec) for row in found.rows]
        known = {(record.at, record.turn) for record in past}
        recent = await self.manager.records(self.contact)
        return [*past, *(record for record in recent if (record.at, record.turn) not in known)]

    async def explained(self) -> Explanation | None:
        """Return the person's score and the words behind it; `None` without an open session."""
        domain, session = self.manager.domain, await self.manager.get_session(self.contact)
        if session is None or domain.score is None:
            return None
        said = {message.id: message.text for record in await self.records() for message in record.messages}
        score = domain.score(session.profile)
        wanted = {message for part in score.parts for message in part.messages}
        return Explanation(score, {message: text for message, text in said.items() if message in wanted})

    async def _ask(self, question: Question) -> Answer:
        return await self.history.ask(question, contact=await self.manager.contact_id(self.contact), limit=_ALL)

    async def _past(self, row: tuple[Any, ...]) -> dict[str, Any]:
        from agent_memory.backend._rows import SessionRow

        opened = await Opener(self.manager.vault).session(SessionRow(*row[: len(SessionRow._fields)]))
        return {**opened._asdict(), 'profile': json.loads(opened.profile)}

    async def _letter(self, row: tuple[Any, ...]) -> dict[str, Any]:
        entry_id, partition, contact_id, kind, error, body, at = row
        letter = DeadLetter(entry_id, partition, contact_id, kind, error, bytes.fromhex(body))
        told: dict[str, Any] = {'error': error, 'at': at}
        try:
            return {**told, 'message': (await Opener(self.manager.vault).letter(letter, self.manager.codec)).text}
        except AgentMemoryError:
            # What nobody can read any more is kept for the business's own repair; the person is told that it is.
            return {**told, 'message': None}

    async def _opened(
        self, question: Question, row_type: type[R], open_row: Callable[[R], Awaitable[R]]
    ) -> list[dict[str, Any]]:
        found = await self._ask(question)
        return [(await open_row(row_type._make(row)))._asdict() for row in found.rows]


def _dicts(answer: Answer, without: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    return [{name: value for name, value in row.items() if name not in without} for row in rows]
