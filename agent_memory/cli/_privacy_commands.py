"""Commands on personal data and on who may touch it."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from agent_memory.cli._app import app


@app.command()
def acl(
    user: Annotated[Literal['worker', 'archiver', 'operator'], typer.Argument(help='What the Redis user is for.')],
    prefix: Annotated[str, typer.Option(help="The store's key prefix.")] = 'am',
) -> None:
    """Print the ACL SETUSER command of a Redis user that may do what this package needs and nothing else."""
    from agent_memory.backend._acl import line

    sys.stdout.write(line(user, prefix=prefix) + '\n')
