"""Commands on the history: questions, backup and the archiver."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from agent_memory.cli._app import Csv, Data, Json, Parquet, Plot, Since, Until, app, run


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

    run(run_history, contact=contact, limit=limit, data=data, output=Output(as_json, as_csv, False, parquet))


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

    run(run_funnel, period=period(since, until), data=data, output=Output(as_json, as_csv, plot, parquet))


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
    run(run_leads, score=score, limit=limit, period=period(since, until), data=data, output=output)


@app.command()
def report(
    name: Annotated[
        Literal['qualification', 'scores', 'response-times', 'fields', 'sources'], typer.Argument(help='Which figures.')
    ],
    since: Since = None,
    until: Until = None,
    data: Data = None,
    as_json: Json = False,
    as_csv: Csv = False,
    plot: Plot = False,
    parquet: Parquet = None,
) -> None:
    """Show what it takes to qualify, how scores spread, how fast replies are, what is left empty, where leads come from."""
    from agent_memory.cli._history import Output, period, run_report

    run(run_report, name=name, period=period(since, until), data=data, output=Output(as_json, as_csv, plot, parquet))


@app.command()
def backup(
    directory: Annotated[Path, typer.Argument(metavar='DIR', help='Where the copy goes.')], data: Data = None
) -> None:
    """Copy the history while it is being written."""
    from agent_memory.cli._history import run_backup

    run(run_backup, directory=directory, data=data)


@app.command()
def archiver(data: Data = None) -> None:
    """Move committed turns to the history until interrupted; a second archiver waits for the first to end."""
    from agent_memory.cli._history import run_archiver

    run(run_archiver, data=data)
