"""Commands on keys and on people who want to be forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent_memory.cli._app import Data, Json, app, run

keys = typer.Typer(no_args_is_help=True, help='The keys that what is kept of people is sealed with.')
receipt = typer.Typer(no_args_is_help=True, help='Receipts of erasures.')
app.add_typer(keys, name='keys')
app.add_typer(receipt, name='receipt')


@app.command()
def forget(
    contact: Annotated[str, typer.Argument(help='A phone number, WhatsApp user id or contact:<id>.')],
    dry_run: Annotated[bool, typer.Option('--dry-run', help='Show what there is and remove nothing.')] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Erase a person everywhere, for good, and print the signed receipt."""
    from agent_memory.cli._erasure import run_forget

    run(run_forget, contact=contact, dry_run=dry_run, data=data, as_json=as_json)


@receipt.command('verify')
def verify(
    file: Annotated[Path, typer.Argument(metavar='FILE', help='A receipt.')],
    key: Annotated[str | None, typer.Option(help='The public key it must be signed with; ours by default.')] = None,
    data: Data = None,
) -> None:
    """Check that a receipt is whole and signed by us, or by whoever has KEY."""
    from agent_memory.cli._erasure import run_verify

    run(run_verify, file=file, key=key, data=data)


@receipt.command('key')
def public_key(data: Data = None) -> None:
    """Print the public key that receipts of this data directory are checked with."""
    from agent_memory.cli._erasure import run_public_key

    run(run_public_key, data=data)


@keys.command('rotate')
def rotate(
    retire: Annotated[
        bool, typer.Option('--retire', help='Remove the older master keys from the file at the end.')
    ] = False,
    resume: Annotated[
        bool, typer.Option('--resume', help='Make no new master key: finish an earlier rotation.')
    ] = False,
    data: Data = None,
) -> None:
    """Make a new master key and wrap every contact's key with it. No data is rewritten; workers go on."""
    from agent_memory.cli._erasure import run_rotate

    run(run_rotate, retire=retire, resume=resume, data=data)


@keys.command('check')
def check(data: Data = None) -> None:
    """Show whether the key store answers and its keys open."""
    from agent_memory.cli._erasure import run_check

    run(run_check, data=data)
