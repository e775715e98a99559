"""The command that judges an agent: eval."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent_memory.cli._app import app, run


@app.command('eval')
def evaluate(
    suites: Annotated[
        list[str] | None,
        typer.Argument(
            metavar='[SUITE]...',
            help='Suites by name, files of dialogues, or `module:attribute` of your own; all that ship by default.',
        ),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option('--model', metavar='M', help='The model under test, `rules` by default; again compares with it.'),
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, help='How often each conversation is played, for pass^k.')] = 1,
    concurrency: Annotated[int, typer.Option(min=1, help='Most conversations at once.')] = 4,
    at_least: Annotated[
        list[str] | None,
        typer.Option('--min', metavar='FIGURE=X', help='What a figure must be; `suite:figure=x` for one suite.'),
    ] = None,
    thresholds: Annotated[Path | None, typer.Option(metavar='FILE', help='A YAML file of such bounds.')] = None,
    baseline: Annotated[
        Path | None, typer.Option(metavar='FILE', help='An earlier run that no figure may fall behind.')
    ] = None,
    tolerance: Annotated[float, typer.Option(min=0, help='How far it may.')] = 0.02,
    save: Annotated[Path | None, typer.Option(metavar='FILE', help='Write this run as a baseline for later.')] = None,
    report: Annotated[Path | None, typer.Option(metavar='OUT.html', help='Write a report to read.')] = None,
    junit: Annotated[Path | None, typer.Option(metavar='OUT.xml', help='Write a JUnit file.')] = None,
    tags: Annotated[list[str] | None, typer.Option('--tag', help='Play only what has this tag.')] = None,
    limit: Annotated[int | None, typer.Option(min=1, help='Most conversations of a suite.')] = None,
    user_model: Annotated[str | None, typer.Option(metavar='M', help='Lets a model play the simulated people.')] = None,
    judge: Annotated[str | None, typer.Option(metavar='M', help='Lets a model judge the tone.')] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar='FILE', help='Keep what was played here, and go on from it.')
    ] = None,
    show_held_out: Annotated[
        bool,
        typer.Option(
            '--show-held-out',
            help='Show the faults of suites that are held out too: whoever sees them may tune on them.',
        ),
    ] = False,
    schema: Annotated[
        bool, typer.Option('--schema', help="Print the JSON schema of a suite's file, for editors, and play nothing.")
    ] = False,
) -> None:
    """Play suites of conversations and judge them; exit code 1 when a figure breaks its bound."""
    try:
        from agent_memory.cli._eval import Gate, Outputs, Plan, run_eval, schema_text
    except ImportError as error:
        # Its message names the extra to install.
        typer.echo(f'agent-memory: {error}', err=True)
        raise typer.Exit(1) from error
    if schema:
        typer.echo(schema_text(), nl=False)
        return
    plan = Plan(
        suites=tuple(suites or ()),
        models=tuple(models or ('rules',)),
        repeat=repeat,
        concurrency=concurrency,
        tags=frozenset(tags or ()),
        limit=limit,
        user_model=user_model,
        judge=judge,
        resume=resume,
        show_held_out=show_held_out,
    )
    gate = Gate(tuple(at_least or ()), thresholds, baseline, tolerance)
    run(run_eval, plan=plan, gate=gate, outputs=Outputs(save, report, junit))
