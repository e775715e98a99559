"""The command line. Commands import what they need when they run: `--help` must not wait for Pydantic AI."""

from __future__ import annotations

import sys
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

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


class Role(Enum):
    """What a process of the channel does."""

    ALL = 'all'
    WEBHOOK = 'webhook'
    WORKER = 'worker'


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


Since = Annotated[datetime | None, typer.Option(help='Sessions that began at this time or later.')]
Until = Annotated[datetime | None, typer.Option(help='Sessions that began before this time.')]
Json = Annotated[bool, typer.Option('--json', help='Print JSON.')]
Csv = Annotated[bool, typer.Option('--csv', help='Print CSV.')]
Plot = Annotated[bool, typer.Option('--plot', help='Draw bars of the second column.')]
Parquet = Annotated[Path | None, typer.Option('--parquet', metavar='FILE', help='Write a Parquet file.')]


@app.command()
def history(
    contact: Annotated[str, typer.Argument(help='A phone number or WhatsApp user id.')],
    limit: Annotated[int, typer.Option(help='Most messages.')] = 200,
    data: Data = None,
    as_json: Json = False,
    as_csv: Csv = False,
    parquet: Parquet = None,
) -> None:
    """Show what a contact and the agent said, over all sessions."""
    from agent_memory.cli._history import Output, run_history

    _run(run_history, contact=contact, limit=limit, data=data, output=Output(as_json, as_csv, False, parquet))


@app.command()
def funnel(
    since: Since = None,
    until: Until = None,
    data: Data = None,
    as_json: Json = False,
    as_csv: Csv = False,
    plot: Plot = False,
    parquet: Parquet = None,
) -> None:
    """Show how many sessions reached each state and how many ended there."""
    from agent_memory.cli._history import Output, period, run_funnel

    _run(run_funnel, period=period(since, until), data=data, output=Output(as_json, as_csv, plot, parquet))


@app.command()
def leads(
    score: Annotated[float, typer.Option(help='Least score, 0 to 100.')] = 60,
    limit: Annotated[int, typer.Option(help='Most sessions.')] = 100,
    since: Since = None,
    until: Until = None,
    data: Data = None,
    as_json: Json = False,
    as_csv: Csv = False,
    parquet: Parquet = None,
) -> None:
    """Show the sessions that stand at a score or above, the best first."""
    from agent_memory.cli._history import Output, period, run_leads

    output = Output(as_json, as_csv, False, parquet)
    _run(run_leads, score=score, limit=limit, period=period(since, until), data=data, output=output)


@app.command()
def report(
    name: Annotated[
        Literal['qualification', 'scores', 'response-times', 'fields'], typer.Argument(help='Which figures.')
    ],
    since: Since = None,
    until: Until = None,
    data: Data = None,
    as_json: Json = False,
    as_csv: Csv = False,
    plot: Plot = False,
    parquet: Parquet = None,
) -> None:
    """Show what it takes to qualify, how scores spread, how fast replies are, or which fields stay empty."""
    from agent_memory.cli._history import Output, period, run_report

    _run(run_report, name=name, period=period(since, until), data=data, output=Output(as_json, as_csv, plot, parquet))


@app.command()
def backup(
    directory: Annotated[Path, typer.Argument(metavar='DIR', help='Where the copy goes.')], data: Data = None
) -> None:
    """Copy the history while it is being written."""
    from agent_memory.cli._history import run_backup

    _run(run_backup, directory=directory, data=data)


@app.command()
def archiver(data: Data = None) -> None:
    """Move committed turns to the history until interrupted; a second archiver waits for the first to end."""
    from agent_memory.cli._history import run_archiver

    _run(run_archiver, data=data)


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

    _run(run_serve, role=role.value, host=host, port=port, data=data, model=model)


@app.command()
def simulate(
    file: Annotated[Path, typer.Argument(metavar='FILE.yaml', help='Dialogues to play.')],
    copies: Annotated[int, typer.Option(min=1, help='How often each delivery comes, in any order.')] = 3,
    model: ModelName = None,
) -> None:
    """Play dialogues through webhook, workers and sender, with WhatsApp's side faked."""
    from agent_memory.cli._simulate import run_simulate

    _run(run_simulate, file=file, copies=copies, model=model)


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
