"""`agent-memory forget | receipt | keys`: erasing people, proving it, and the keys that make it possible."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import anyio

from agent_memory.errors import InvalidInput, KeyUnavailable, SetupError
from agent_memory.lead import CAR_LEAD
from agent_memory.privacy import Rights, Signer, verify_receipt
from agent_memory.privacy._receipt import SIGNER_FILE
from agent_memory.settings import MemorySettings
from agent_memory.vault import add_master_key, retire_master_keys


async def run_forget(*, contact: str, dry_run: bool, data: Path | None, as_json: bool) -> None:
    """Erase a contact, or show what there is of them."""
    settings = settings_of(data)
    async with settings.open(CAR_LEAD) as memory:
        rights = Rights(memory.manager, settings.data_dir)
        if dry_run:
            found = asdict(await rights.plan(contact))
            _print(json.dumps(found) if as_json else f'There is, and nothing was removed: {_told(found)}')
            return
        receipt = await rights.forget(contact)
    written = settings.data_dir / 'receipts' / f'{receipt.id}.json'
    written.parent.mkdir(mode=0o700, exist_ok=True)
    written.write_text(receipt.model_dump_json(indent=2))
    written.chmod(0o600)
    if as_json:
        _print(receipt.model_dump_json())
    else:
        removed = {'keys': receipt.keys, 'store': receipt.store, 'history': receipt.history, 'exports': receipt.exports}
        _print(f'Erased: {_told(removed)}\nReceipt: {written}')


async def run_verify(*, file: Path, key: str | None, data: Path | None) -> None:
    """Check a receipt."""
    try:
        text = await anyio.Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f'{file} cannot be read') from error
    receipt = verify_receipt(text, public_key=key or _signer(settings_of(data)).public_key)
    _print(
        f'Whole and signed. Erased at {receipt.erased_at.isoformat(timespec="seconds")}: {" ".join(receipt.contact_ids)}'
    )


async def run_public_key(*, data: Path | None) -> None:
    """Print what receipts are checked with."""
    _print(_signer(settings_of(data)).public_key)


async def run_rotate(*, retire: bool, resume: bool, data: Path | None) -> None:
    """Wrap all data keys anew."""
    settings = settings_of(data)
    if settings.master_key is None and not resume:
        settings.vault()  # makes the first master key, if there is none to rotate
        add_master_key(settings.master_key_path)
    vault = settings.vault()
    try:
        _print(f'{await vault.rotate()} keys were wrapped anew, by {vault.master!r}.')
        health = await vault.check()
        if not health.ok:
            raise KeyUnavailable(health.detail)
        if not retire:
            return
        if settings.master_key is not None:
            raise SetupError('the master keys are in AGENT_MEMORY_MASTER_KEY: remove the older ones there')
        if health.stale:
            raise KeyUnavailable('a worker made a key meanwhile; run `agent-memory keys rotate --resume --retire`')
        _print(f'{retire_master_keys(settings.master_key_path)} older master keys were removed.')
    finally:
        await vault.close()


async def run_check(*, data: Path | None) -> None:
    """Show the state of the keys."""
    vault = settings_of(data).vault()
    health = await vault.check()
    await vault.close()
    if not health.ok:
        raise KeyUnavailable(health.detail)
    _print(health.detail)


def settings_of(data: Path | None) -> MemorySettings:
    return MemorySettings(data_dir=data) if data else MemorySettings()


def _signer(settings: MemorySettings) -> Signer:
    return Signer.from_file(settings.data_dir / SIGNER_FILE)


def _told(found: Mapping[str, Any]) -> str:
    parts: list[str] = []
    for name, value in found.items():
        if isinstance(value, dict):
            counts = cast('dict[str, int]', value)
            inner = ', '.join(f'{key} {count}' for key, count in counts.items() if count)
            parts.append(f'{name}: {inner or "nothing"}')
        elif isinstance(value, int):
            parts.append(f'{name}: {value}')
    return '; '.join(parts)


def _print(text: str) -> None:
    sys.stdout.write(f'{text}\n')
