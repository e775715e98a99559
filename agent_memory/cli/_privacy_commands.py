"""Commands on personal data and on who may touch it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from agent_memory.cli._app import Csv, Data, Json, app, run

requests_app = typer.Typer(help='What people asked for of their data, and when it is due.', no_args_is_help=True)
audit_app = typer.Typer(help="Who did what with people's data.", no_args_is_help=True)
app.add_typer(requests_app, name='requests')
app.add_typer(audit_app, name='audit')

Contact = Annotated[str, typer.Argument(help='A phone number or WhatsApp user id.')]
Kind = Annotated[
    Literal['access', 'correction', 'deletion', 'portability', 'revocation', 'review'],
    typer.Argument(help='What is asked for.'),
]


@app.command()
def acl(
    user: Annotated[Literal['worker', 'archiver', 'operator'], typer.Argument(help='What the Redis user is for.')],
    prefix: Annotated[str, typer.Option(help="The store's key prefix.")] = 'am',
) -> None:
    """Print the ACL SETUSER command of a Redis user that may do what this package needs and nothing else."""
    from agent_memory.backend._acl import line

    sys.stdout.write(line(user, prefix=prefix) + '\n')


@app.command()
def export(
    contact: Contact,
    out: Annotated[Path | None, typer.Option('-o', '--out', metavar='DIR', help='Where the files go.')] = None,
    data: Data = None,
) -> None:
    """Write everything that is kept of a contact, as JSON and as a page for them to read."""
    from agent_memory.cli._privacy import run_export

    run(run_export, contact=contact, out=out, data=data)


@app.command()
def correct(
    contact: Contact,
    changes: Annotated[
        list[str], typer.Argument(metavar='FIELD=VALUE...', help='What is set; an empty value empties.')
    ],
    data: Data = None,
) -> None:
    """Correct what is known of a contact, at their request."""
    from agent_memory.cli._privacy import run_correct

    run(run_correct, contact=contact, changes=changes, data=data)


@app.command()
def explain(contact: Contact, as_json: Json = False, data: Data = None) -> None:
    """Show each point of a contact's score and the messages behind it, for a person to review."""
    from agent_memory.cli._privacy import run_explain

    run(run_explain, contact=contact, as_json=as_json, data=data)


@requests_app.command('list')
def list_requests(
    contact: Annotated[str | None, typer.Option(help='Of one contact.')] = None,
    as_json: Json = False,
    as_csv: Csv = False,
    data: Data = None,
) -> None:
    """Show what people asked for and when it is due, the most urgent first."""
    from agent_memory.cli._options import Output
    from agent_memory.cli._privacy import run_requests

    run(run_requests, contact=contact, output=Output(as_json, as_csv), data=data)


@requests_app.command('open')
def open_request(contact: Contact, kind: Kind, data: Data = None) -> None:
    """Note a request that reached the business outside the chat; it is due in 15 days."""
    from agent_memory.cli._privacy import run_open_request

    run(run_open_request, contact=contact, kind=kind, data=data)


@requests_app.command('close')
def close_request(
    number: Annotated[int, typer.Argument(min=1, help='Which request.')],
    step: Annotated[Literal['done', 'refused', 'withdrawn'], typer.Option('--as', help='How it ended.')] = 'done',
    data: Data = None,
) -> None:
    """Note how a request ended."""
    from agent_memory.cli._privacy import run_close_request

    run(run_close_request, number=number, step=step, data=data)


@audit_app.command('list')
def list_audit(
    contact: Annotated[str | None, typer.Option(help='Of one contact.')] = None,
    as_json: Json = False,
    as_csv: Csv = False,
    data: Data = None,
) -> None:
    """Show who did what with people's data, oldest first."""
    from agent_memory.cli._options import Output
    from agent_memory.cli._privacy import run_audit_list

    run(run_audit_list, contact=contact, output=Output(as_json, as_csv), data=data)


@audit_app.command('verify')
def verify_audit(
    accept: Annotated[bool, typer.Option('--accept', help='Anchor it as it is, such as after a restore.')] = False,
    data: Data = None,
) -> None:
    """Check that nothing in the audit was changed, removed or cut off."""
    from agent_memory.cli._privacy import run_audit_verify

    run(run_audit_verify, accept=accept, data=data)
