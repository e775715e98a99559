"""Commands of the channel: serve and simulate."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from agent_memory.cli._app import Data, ModelName, app, run


class Role(Enum):
    """What a process of the channel does."""

    ALL = 'all'
    WEBHOOK = 'webhook'
    WORKER = 'worker'


@app.command()
def serve(
    role: Annotated[
        Role, typer.Option(help='What this process does; `all` for one process, the others share a Redis.')
    ] = Role.ALL,
    host: Annotated[str, typer.Option(help='Where deliveries are listened for.')] = '127.0.0.1',
    port: Annotated[int, typer.Option(help='And on which port; 0 takes a free one.')] = 8000,
    data: Data = None,
    model: ModelName = None,
) -> None:
    """Answer on WhatsApp with the lead agent until interrupted."""
    from agent_memory.cli._serve import run_serve

    run(run_serve, role=role.value, host=host, port=port, data=data, model=model)


@app.command()
def simulate(
    file: Annotated[Path, typer.Argument(metavar='FILE.yaml', help='Dialogues to play.')],
    copies: Annotated[int, typer.Option(min=1, help='How often each delivery comes, in any order.')] = 3,
    model: ModelName = None,
) -> None:
    """Play dialogues through webhook, workers and sender, with WhatsApp's side faked."""
    from agent_memory.cli._simulate import run_simulate

    run(run_simulate, file=file, copies=copies, model=model)
