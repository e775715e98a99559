"""`Rights`: what a person may ask of their data, done by the business and noted before it is done."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, cast

from pydantic import JsonValue

from agent_memory.backend._history import Answer
from agent_memory.backend._ledger import Anchored, AuditNote, RequestKind, RequestStep, Step
from agent_memory.errors import InvalidInput, SetupError
from agent_memory.manager import SessionManager
from agent_memory.privacy._audit import Audit, LedgerReader, operator
from agent_memory.privacy._dossier import Dossier, Explanation, Person
from agent_memory.privacy._exported import EXPORTS, Exports
from agent_memory.privacy._forget import Eraser, Found
from agent_memory.privacy._receipt import SIGNER_FILE, Receipt, Signer
from agent_memory.profile import Change, ProfileT

_MOST = 10_000


@dataclass(frozen=True)
class Request:
    """Something that a person asked for, and where that stands."""

    number: int
    contact_id: str
    kind: RequestKind
    step: Step
    opened: datetime
    due: datetime
    updated: datetime
    opened_by: str
    """`contact` for the chat, else an actor."""
    updated_by: str
    message: str | None
    """The id of the message that asked."""


@dataclass(frozen=True)
class Rights(Generic[ProfileT]):
    """Shows, corrects, explains and erases what is kept of a person (LGPD, art. 18 to 20).

    Every method that reads or changes a person's data is noted in the audit first; what cannot be noted is not done and
    raises `ArchiveUnavailable`. Each takes a phone number, a user id or `contact:<id>`, and raises `InvalidContact` for
    anything else.

    Args:
        manager: Whose sessions, with an archive that keeps an audit, such as `DuckDBArchive`.
        directory: Where exports, receipts and the key that signs them lie; the data directory of `MemorySettings`.
        actor: Who asks, as the audit names them, such as `crm:ana`; the user of the operating system without one.
    """

    manager: SessionManager[ProfileT]
    directory: Path
    actor: str | None = None

    async def export(self, contact: str) -> Dossier:
        """Return everything that is kept of a person.

        Raises:
            KeyUnavailable: The person was erased; what is left can be read by nobody.
        """
        await self.audit.note('export', await self.manager.contact_id(contact))
        return await Person(self.manager, self.history, contact).dossier()

    async def correct(self, contact: str, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Set fields of a person's profile, as facts of the operator, and return their names.

        Args:
            contact: Whose.
            values: By field; `None` and an empty list empty it.

        Raises:
            InvalidPatch: A field is unknown or a value does not fit it. Nothing was changed.
            SessionConflict: The session moved on meanwhile. Nothing was changed: do it again.
        """
        session = await self.manager.get_or_create_session(contact)
        session.profile = session.profile.patch([_corrected(name, value) for name, value in values.items()]).profile
        await self.audit.note('correct', session.contact_id, fields=cast('list[JsonValue]', list(values)))
        await self.manager.update_session(session, message_id=f'correct {secrets.token_hex(8)}')
        return tuple(values)

    async def explain(self, contact: str) -> Explanation | None:
        """Return the person's score with the words behind each point; `None` without an open conversation."""
        await self.audit.note('explain', await self.manager.contact_id(contact))
        return await Person(self.manager, self.history, contact).explained()

    async def plan(self, contact: str) -> Found:
        """Return what `forget` would remove, and remove nothing."""
        await self.audit.note('erasure_planned', await self.manager.contact_id(contact))
        return await self._eraser.plan(contact)

    async def forget(self, contact: str) -> Receipt:
        """Erase a person for good, and return the signed receipt.

        Raises:
            KeyUnavailable: The key store does not answer. Nothing was erased: do it again.
            StoreUnavailable: The key is destroyed, but the store does not answer: do it again.
            ArchiveUnavailable: The store is done, but the history cannot be written: do it again.
        """
        return await self._eraser.forget(contact)

    async def requests(self, contact: str | None = None) -> list[Request]:
        """Return what people asked for, the most urgent first: of one person, or of all."""
        contact_id = await self.manager.contact_id(contact) if contact else None
        await self.audit.note('requests', contact_id)
        return _read(await self.history.ask('requests', contact=contact_id or '', limit=_MOST))

    async def open_request(self, contact: str, kind: RequestKind) -> None:
        """Note a request that came in outside the chat. It is due in 15 days; an open one of the kind is joined."""
        contact_id = await self.manager.contact_id(contact)
        note = AuditNote('request_opened', self.audit.actor, contact_id, {'request': kind})
        await self.audit.enter([note], [RequestStep(contact_id, kind, 'opened', self.audit.actor)])

    async def settle(self, number: int, step: Step) -> None:
        """Note how a request ended.

        Raises:
            InvalidInput: There is no such request, or it is not open.
        """
        found = _read(await self.history.ask('requests', contact='', limit=_MOST))
        one = next((request for request in found if request.number == number), None)
        if one is None:
            raise InvalidInput(f'there is no request {number}')
        note = AuditNote('request_closed', self.audit.actor, one.contact_id, {'number': number, 'step': step})
        await self.audit.enter([note], [RequestStep(one.contact_id, one.kind, step, self.audit.actor, number=number)])

    @property
    def audit(self) -> Audit:
        """The audit, in this actor's name.

        Raises:
            SetupError: The manager's store or archive keeps none.
        """
        store = self.manager.store
        if not isinstance(store, Anchored):
            raise SetupError(f'{type(store).__name__} keeps no anchor for the audit')
        return Audit(self.history, store.anchor, self.actor or operator())

    @property
    def history(self) -> LedgerReader:
        """The manager's archive.

        Raises:
            SetupError: It keeps no audit.
        """
        if not isinstance(self.manager.archive, LedgerReader):
            raise SetupError('this manager has no archive that keeps an audit; give it a `DuckDBArchive`')
        return self.manager.archive

    @property
    def exports(self) -> Exports:
        """The files with data in clear that were written; an erasure removes them."""
        return Exports(self.directory / EXPORTS)

    @property
    def _eraser(self) -> Eraser:
        signer = Signer.from_file(self.directory / SIGNER_FILE)
        return Eraser(self.manager, signer, self.manager.archive, exports=self.exports, audit=self.audit)


def _corrected(field: str, value: Any) -> Change:
    empty = value is None or value in ('', [])
    return Change(field=field, value=None if empty else value, op='forget' if empty else 'correct', by='operator')


def _read(answer: Answer) -> list[Request]:
    return [Request(**cast('Any', dict(zip(answer.columns, row, strict=True)))) for row in answer.rows]
