"""Commands that talk: chat and replay."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent_memory.cli._app import Data, ModelName, app, run


@app.command()
def chat(
    contact: Annotated[str, typer.Option(help='Who writes: a phone number or WhatsApp user id.')] = '+5511999990000',
    data: Data = None,
    model: ModelName = None,
) -> None:
    """Talk to the car lead agent; the conversation goes on where it stopped."""
    from agent_memory.cli._chat import run_chat

    run(run_chat, contact=contact, data=data, model=model)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(metavar='FILE.yaml', help='Dialogues to play.')],
    out: Annotated[Path, typer.Option('-o', '--out', metavar='OUT.jsonl', help='Where predictions go.')],
    data: Annotated[
        Path | None, typer.Option('--data', metavar='DIR', help='Data directory; temporary by default.')
    ] = None,
    model: ModelName = None,
) -> None:
    """Play dialogues through the agent, one contact each, and write the profile after every turn."""
    from agent_memory.cli._replay import run_replay

    run(run_replay, file=file, out=out, data=data, model=model)
