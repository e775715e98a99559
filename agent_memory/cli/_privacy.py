"""`agent-memory export | correct | explain | requests | consents | audit`: what people may ask, and its proof."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rich.console import Console

from agent_memory.agents._export_page import export_page
from agent_memory.backend._history import Answer
from agent_memory.backend._ledger import RequestKind, Step
from agent_memory.cli._options import Output
from agent_memory.errors import InvalidInput
from agent_memory.lead import CAR_LEAD, UserProfileData
from agent_memory.privacy import Request, Rights
from agent_memory.settings import MemorySettings

_console = Console(highlight=False)
_MOST = 1000
"""Characters of one corrected value."""


@dataclass(frozen=True)
class Desk:
    """What an operator's command works with."""

    rights: Rights[UserProfileData]
    settings: MemorySettings


@asynccontextmanager
async def desk(data: Path | None) -> AsyncGenerator[Desk]:
    """Open the memory for a command of the person who runs it."""
    settings = MemorySettings(data_dir=data) if data else MemorySettings()
    async with settings.open(CAR_LEAD) as memory:
        yield Desk(Rights(memory.manager, settings.data_dir), settings)


async def run_export(*, contact: str, out: Path | None, data: Path | None) -> None:
    """Write everything that is kept of a contact, as JSON and as a page."""
    async with desk(data) as at:
        found = await at.rights.export(contact)
        folder = out or at.rights.exports.directory
        name = f'{found.contact_id}-{found.at:%Y%m%dT%H%M%SZ}'
        page = export_page(json.loads(found.written()), at=found.at.isoformat())
        for ending, text in (('json', found.written()), ('html', page)):
            path = folder / f'{name}.{ending}'
            at.rights.exports.note(path, [found.contact_id])
            _console.print(str(_private(path, text)), soft_wrap=True)


async def run_correct(*, contact: str, changes: list[str], data: Path | None) -> None:
    """Set fields of a contact's profile, as a fact of the operator."""
    asked = dict(map(_value, changes))
    async with desk(data) as at:
        _console.print('Corrected: ' + ', '.join(await at.rights.correct(contact, asked)))


async def run_explain(*, contact: str, as_json: bool, data: Path | None) -> None:
    """Show each point of a contact's score with the fields and messages that it stands on."""
    async with desk(data) as at:
        found = await at.rights.explain(contact)
    if found is None:
        raise InvalidInput('this contact has no open conversation, so there is no score to explain')
    score, behind = found.score, found.behind()
    if as_json:
        told = score.model_dump(mode='json')
        told['parts'] = [{**part, 'said': texts} for part, texts in zip(told['parts'], behind, strict=True)]
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + '\n')
        return
    _console.print(f'{score.total:g} of 100 ({score.band}: {score.action})')
    rows = tuple(
        (part.rule, f'{part.points:g}/{part.of:g}', ', '.join(part.fields), ' | '.join(texts))
        for part, texts in zip(score.parts, behind, strict=True)
    )
    Output().show(Answer(('rule', 'points', 'fields', 'said'), rows))


async def run_requests(*, contact: str | None, output: Output, data: Path | None) -> None:
    """Show what people asked for, the most urgent first."""
    async with desk(data) as at:
        output.show(_table(await at.rights.requests(contact)))


async def run_open_request(*, contact: str, kind: RequestKind, data: Path | None) -> None:
    """Note a request that reached the business outside the chat."""
    async with desk(data) as at:
        await at.rights.open_request(contact, kind)
        Output().show(_table(await at.rights.requests(contact)))


async def run_close_request(*, number: int, step: Step, data: Path | None) -> None:
    """Note how a request ended."""
    async with desk(data) as at:
        await at.rights.settle(number, step)
        _console.print(f'Request {number}: {step}')


async def run_audit_list(*, contact: str | None, output: Output, data: Path | None) -> None:
    """Show the audit, oldest first."""
    async with desk(data) as at:
        contact_id = await at.rights.manager.contact_id(contact) if contact else ''
        await at.rights.audit.note('audit_list', contact_id or None)
        rows = [row async for row in at.rights.audit.rows(contact_id=contact_id)]
        columns = ('seq', 'time', 'actor', 'action', 'contact_id', 'data')
        output.show(Answer(columns, tuple((r.seq, r.stamp, r.actor, r.action, r.contact_id, r.data) for r in rows)))


async def run_audit_verify(*, accept: bool, data: Path | None) -> None:
    """Check the chain of the audit; `accept` anchors it as it is, such as after a backup was restored."""
    async with desk(data) as at:
        if accept:
            await at.rights.audit.accept()
        verdict = await at.rights.audit.verify()
        if not verdict.ok:
            raise InvalidInput(f'the audit is not whole: {verdict.reason}')
        _console.print(f'{verdict.rows} rows: {verdict.reason}.')


def _table(requests: list[Request]) -> Answer:
    names = tuple(item.name for item in fields(Request))
    return Answer(names, tuple(tuple(getattr(one, name) for name in names) for one in requests))


def _value(text: str) -> tuple[str, Any]:
    field, equals, value = text.partition('=')
    field = field.strip()
    if not equals or not field:
        raise InvalidInput(
            'give each correction as field=value, such as city=Campinas; an empty value empties the field'
        )
    if len(value) > _MOST:
        raise InvalidInput(f'{field}: a value has at most {_MOST} characters')
    try:
        told: Any = json.loads(value)
    except ValueError:
        told = value.strip()
    if field in _LISTS and isinstance(told, str) and told:
        told = [one.strip() for one in told.split(',')]
    return field, told


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
