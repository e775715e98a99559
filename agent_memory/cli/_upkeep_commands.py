"""Commands on the history's file: backup, restore, retention."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent_memory.cli._app import Data, app, run
from agent_memory.cli._options import Output, with_options


@app.command()
def backup(
    directory: Annotated[Path, typer.Argument(metavar='DIR', help='Where the copy goes.')], data: Data = None
) -> None:
    """Copy the history while it is being written."""
    from agent_memory.cli._upkeep import run_backup

    run(run_backup, directory=directory, data=data)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar='FILE', help='A backup.')],
    data: Data = None,
) -> None:
    """Put a backup in the place of a history that is gone, and erase again who was erased since."""
    from agent_memory.cli._upkeep import run_restore

    run(run_restore, file=file, data=data)


@app.command()
@with_options
def retention(
    output: Output,
    keep: Annotated[
        list[str] | None,
        typer.Option(metavar='TABLE=DAYS', help='How long rows are kept; AGENT_MEMORY_RETAIN_DAYS by default.'),
    ] = None,
    dry_run: Annotated[bool, typer.Option('--dry-run', help='Show what would go and remove nothing.')] = False,
    data: Data = None,
) -> None:
    """Remove rows of the history that are older than their table's rule, from the bytes of the file too."""
    from agent_memory.cli._upkeep import run_retention

    run(run_retention, keep=keep or [], dry_run=dry_run, data=data, output=output)


@app.command(name='move-history')
def move_history(
    file: Annotated[Path, typer.Argument(metavar='FILE', help='The history until now; it stays as it is.')],
    data: Data = None,
) -> None:
    """Copy the history in a file into the empty lake that AGENT_MEMORY_ARCHIVE names. No archiver may run meanwhile."""
    from agent_memory.cli._upkeep import run_move

    run(run_move, file=file, data=data)
