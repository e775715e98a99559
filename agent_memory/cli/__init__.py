"""The command line. Commands import what they need when they run: `--help` must not wait for Pydantic AI."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

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


@app.callback()
def root() -> None:
    """Read by typer: makes every command a subcommand."""


@app.command()
def chat(
    contact: Annotated[str, typer.Option(help='Who writes: a phone number or WhatsApp user id.')] = '+5511999990000',
    data: Data = None,
    model: ModelName = None,
) -> None:
    """Talk to the car lead agent; the conversation goes on where it stopped."""
    from agent_memory.cli._chat import run_chat

    _run(run_chat, contact=contact, data=data, model=model)


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

    _run(run_replay, file=file, out=out, data=data, model=model)


def main() -> None:
    """Run the command line."""
    app()


def _run(command: object, **options: object) -> None:
    """Run an async command; an error of ours is one sentence and exit code 1."""
    import asyncio

    from agent_memory.errors import AgentMemoryError

    try:
        asyncio.run(command(**options))  # type: ignore[operator]
    except AgentMemoryError as error:
        sys.stderr.write(f'agent-memory: {error}\n')
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
