"""`agent-memory export | correct | explain | requests | consents | audit`: what people may ask, and its proof."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from rich.console import Console

from agent_memory.agents._export_page import export_page
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._history import Answer
from agent_memory.backend._ledger import AuditNote, RequestKind, RequestStep, Step
from agent_memory.backend._redis import RedisStore
from agent_memory.cli._history import Output
from agent_memory.errors import InvalidInput, SetupError
from agent_memory.lead import CAR_LEAD, UserProfileData
from agent_memory.manager import SessionManager
from agent_memory.privacy._audit import Audit, operator
from agent_memory.privacy._dossier import Person
from agent_memory.profile import Change
from agent_memory.settings import MemorySettings

_console = Console(highlight=False)
_MOST = 10_000


@dataclass(frozen=True)
class Desk:
    """What an operator's command works with."""

    manager: SessionManager[UserProfileData]
    archive: DuckDBArchive
    audit: Audit
    settings: MemorySettings


@asynccontextmanager
async def desk(data: Path | None) -> AsyncGenerator[Desk]:
    """Open the memory for a command of the person who runs it."""
    settings = MemorySettings(data_dir=data) if data else MemorySettings()
    async with settings.open(CAR_LEAD) as memory:
        store, archive = memory.manager.store, memory.manager.archive
        if not isinstance(store, RedisStore) or not isinstance(archive, DuckDBArchive):
            raise SetupError('this store keeps no audit')
        yield Desk(memory.manager, archive, Audit(archive, store.anchor, operator()), settings)


async def run_export(*, contact: str, out: Path | None, data: Path | None) -> None:
    """Write everything that is kept of a contact, as JSON and as a page."""
    async with desk(data) as at:
        contact_id = await at.manager.contact_id(contact)
        await at.audit.note('export', contact_id)
        found = await Person(at.manager, at.archive, contact).dossier()
        folder = out or at.settings.data_dir / 'exports'
        name = f'{contact_id}-{found.at:%Y%m%dT%H%M%SZ}'
        page = export_page(json.loads(found.written()), at=found.at.isoformat())
        for ending, text in (('json', found.written()), ('html', page)):
            _console.print(str(_private(folder / f'{name}.{ending}', text)), soft_wrap=True)


async def run_correct(*, contact: str, changes: list[str], data: Path | None) -> None:
    """Set fields of a contact's profile, as a fact of the operator."""
    asked = [_change(one) for one in changes]
    async with desk(data) as at:
        session = await at.manager.get_or_create_session(contact)
        session.profile = session.profile.patch(asked).profile
        names = cast('Any', [change.field for change in asked])
        await at.audit.note('correct', session.contact_id, fields=names)
        await at.manager.update_session(session, message_id=f'correct {secrets.token_hex(8)}')
        _console.print('Corrected: ' + ', '.join(names))


async def run_explain(*, contact: str, as_json: bool, data: Path | None) -> None:
    """Show each point of a contact's score with the fields and messages that it stands on."""
    async with desk(data) as at:
        contact_id = await at.manager.contact_id(contact)
        await at.audit.note('explain', contact_id)
        found = await Person(at.manager, at.archive, contact).explained()
        if found is None:
            raise InvalidInput('this contact has no open conversation, so there is no score to explain')
        score, said = found
        behind = [[said.get(message) for message in part.messages] for part in score.parts]
        if as_json:
            told = score.model_dump(mode='json')
            told['parts'] = [{**part, 'said': texts} for part, texts in zip(told['parts'], behind, strict=True)]
            sys.stdout.write(json.dumps(told, ensure_ascii=False) + '\n')
            return
        _console.print(f'{score.total:g} of 100 ({score.band}: {score.action})')
        rows = tuple(
            (part.rule, f'{part.points:g}/{part.of:g}', ', '.join(part.fields), ' | '.join(filter(None, texts)))
            for part, texts in zip(score.parts, behind, strict=True)
        )
        Output().show(Answer(('rule', 'points', 'fields', 'said'), rows))


async def run_requests(*, contact: str | None, output: Output, data: Path | None) -> None:
    """Show what people asked for, the most urgent first."""
    async with desk(data) as at:
        contact_id = await at.manager.contact_id(contact) if contact else ''
        await at.audit.note('requests', contact_id or None)
        output.show(await at.archive.ask('requests', contact=contact_id, limit=_MOST))


async def run_open_request(*, contact: str, kind: RequestKind, data: Path | None) -> None:
    """Note a request that reached the business outside the chat."""
    async with desk(data) as at:
        contact_id = await at.manager.contact_id(contact)
        note = AuditNote('request_opened', operator(), contact_id, {'request': kind})
        await at.audit.enter([note], [RequestStep(contact_id, kind, 'opened', operator())])
        output = Output()
        output.show(await at.archive.ask('requests', contact=contact_id, limit=_MOST))


async def run_close_request(*, number: int, step: Step, data: Path | None) -> None:
    """Note how a request ended."""
    async with desk(data) as at:
        found = await at.archive.ask('requests', contact='', limit=_MOST)
        known = {int(cast('int', row[0])): row for row in found.rows}
        if number not in known:
            raise InvalidInput(f'there is no request {number}')
        contact_id, kind = str(known[number][1]), cast('RequestKind', known[number][2])
        note = AuditNote('request_closed', operator(), contact_id, {'number': number, 'step': step})
        await at.audit.enter([note], [RequestStep(contact_id, kind, step, operator(), number=number)])
        _console.print(f'Request {number}: {step}')


async def run_audit_list(*, contact: str | None, output: Output, data: Path | None) -> None:
    """Show the audit, oldest first."""
    async with desk(data) as at:
        contact_id = await at.manager.contact_id(contact) if contact else ''
        await at.audit.note('audit_list', contact_id or None)
        rows = [row async for row in at.audit.rows(contact_id=contact_id)]
        columns = ('seq', 'time', 'actor', 'action', 'contact_id', 'data')
        output.show(Answer(columns, tuple((r.seq, r.stamp, r.actor, r.action, r.contact_id, r.data) for r in rows)))


async def run_audit_verify(*, accept: bool, data: Path | None) -> None:
    """Check the chain of the audit; `accept` anchors it as it is, such as after a backup was restored."""
    async with desk(data) as at:
        if accept:
            await at.audit.accept()
        verdict = await at.audit.verify()
        if not verdict.ok:
            raise InvalidInput(f'the audit is not whole: {verdict.reason}')
        _console.print(f'{verdict.rows} rows: {verdict.reason}.')


def _change(text: str) -> Change:
    field, equals, value = text.partition('=')
    if not equals or not field.strip():
        raise InvalidInput(
            'give each correction as field=value, such as city=Campinas; an empty value empties the field'
        )
    if len(value) > 1000:
        raise InvalidInput(f'{field.strip()}: a value has at most 1000 characters')
    try:
        told: Any = json.loads(value)
    except ValueError:
        told = value.strip()
    if field.strip() in _LISTS and isinstance(told, str) and told:
        told = [one.strip() for one in told.split(',')]
    return Change(field=field.strip(), value=told or None, op='correct' if told else 'forget', by='operator')


_LISTS = {name for name, value in UserProfileData().values().items() if isinstance(value, list)}


def _private(path: Path, text: str) -> Path:
    """Write a file that only its owner reads."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w', encoding='utf-8') as file:
            file.write(text)
    except OSError as error:
        raise InvalidInput(f'{path} cannot be written ({error.strerror})') from error
    return path
