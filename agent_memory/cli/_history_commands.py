"""Commands that ask the history, and the archiver that fills it."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from agent_memory.cli._app import Data, app, run
from agent_memory.cli._options import During, Output, Plotted, with_options


@app.command()
@with_options
def history(
    contact: Annotated[str, typer.Argument(help='A phone number or WhatsApp user id.')],
    output: Output,
    sessions: Annotated[bool, typer.Option('--sessions', help='Show the sessions instead of what was said.')] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help='Most messages or sessions, the newest.')] = 200,
    data: Data = None,
) -> None:
    """Show what a contact and the agent said, over all sessions."""
    from agent_memory.cli._history import run_history, run_sessions

    run(run_sessions if sessions else run_history, contact=contact, limit=limit, data=data, output=output)


@app.command()
@with_options
def funnel(during: During, output: Plotted, data: Data = None) -> None:
    """Show how many sessions reached each state and how many ended there."""
    from agent_memory.cli._history import run_report

    run(run_report, name='funnel', period=during.period, data=data, output=output)


@app.command()
@with_options
def leads(
    during: During,
    output: Output,
    score: Annotated[float, typer.Option(help='Least score, 0 to 100.')] = 60,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help='Most sessions.')] = 100,
    data: Data = None,
) -> None:
    """Show the sessions that stand at a score or above, the best first."""
    from agent_memory.cli._history import run_leads

    run(run_leads, score=score, limit=limit, period=during.period, data=data, output=output)


@app.command()
@with_options
def report(
    name: Annotated[
        Literal['qualification', 'scores', 'response-times', 'fields', 'sources'], typer.Argument(help='Which figures.')
    ],
    during: During,
    output: Plotted,
    data: Data = None,
) -> None:
    """Show what it takes to qualify, how scores spread, how fast replies are, what is left empty, where leads come from."""
    from agent_memory.cli._history import run_report

    run(run_report, name=name, period=during.period, data=data, output=output)


@app.command()
def archiver(data: Data = None) -> None:
    """Move committed turns to the history until interrupted; a second archiver waits for the first to end."""
    from agent_memory.cli._history import run_archiver

    run(run_archiver, data=data)
