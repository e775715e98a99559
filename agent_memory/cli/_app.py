"""The application that commands register on, the options they share, and how they are run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn, cast

import typer

app = typer.Typer(
    name='agent-memory',
    help='Durable, typed memory for agents that talk to people on WhatsApp.',
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Data = Annotated[
    Path | None, typer.Option('--data', metavar='DIR', help='Data directory; a per-user directory by default.')
]
ModelName = Annotated[
    str | None, typer.Option('--model', metavar='M', help='A Pydantic AI model name, or `rules` for the offline one.')
]
Json = Annotated[bool, typer.Option('--json', help='Print JSON.')]
Csv = Annotated[bool, typer.Option('--csv', help='Print CSV.')]


@app.callback()
def root() -> None:
    """Read by typer: makes every command a subcommand."""


def run(command: object, **options: object) -> None:
    """Run an async command; an error of ours is one sentence and exit code 1."""
    import asyncio

    from agent_memory.errors import AgentMemoryError

    try:
        asyncio.run(command(**options))  # type: ignore[operator]
    except AgentMemoryError as error:
        _fail(error)
    except ExceptionGroup as group:
        # A command whose tasks run side by side fails with what one of them failed with.
        found = _leaves(group)
        if not isinstance(found[0], AgentMemoryError):
            raise
        _fail(found[0])
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _fail(error: Exception) -> NoReturn:
    sys.stderr.write(f'agent-memory: {error}\n')
    raise typer.Exit(1) from error


def _leaves(error: Exception) -> list[Exception]:
    """Return the errors of a group, those that are no group themselves."""
    if not isinstance(error, ExceptionGroup):
        return [error]
    inner: Sequence[Exception] = cast('ExceptionGroup[Exception]', error).exceptions
    return [leaf for one in inner for leaf in _leaves(one)]
