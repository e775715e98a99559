"""Commands of the channel: serve, simulate, doctor, mute, unmute, replies and merges."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from agent_memory.cli._app import Data, Json, ModelName, app, run

merges = typer.Typer(help='Decide about contacts that may be one person.', no_args_is_help=True)
app.add_typer(merges, name='merges')

replies = typer.Typer(help='Decide about replies that failed or may not have arrived.', no_args_is_help=True)
app.add_typer(replies, name='replies')

Contact = Annotated[str, typer.Argument(help='A contact id, as `merges list` shows it.')]
Reply = Annotated[str, typer.Argument(metavar='REPLY', help='A reply, as `replies list` shows it.')]

# One id in 64 begins with a dash.
_TAKES_IDS = {'ignore_unknown_options': True}


class Role(Enum):
    """What a process of the channel does."""

    ALL = 'all'
    WEBHOOK = 'webhook'
    WORKER = 'worker'
    ARCHIVER = 'archiver'


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
    file: Annotated[
        Path | None,
        typer.Argument(metavar='FILE.yaml', help='Dialogues to play; without it those of the development set.'),
    ] = None,
    copies: Annotated[int, typer.Option(min=1, help='How often each delivery comes, in any order.')] = 3,
    model: ModelName = None,
) -> None:
    """Play dialogues through webhook, workers and sender, with WhatsApp's side faked."""
    from agent_memory.cli._simulate import run_simulate

    run(run_simulate, file=file, copies=copies, model=model)


@app.command()
def doctor(
    url: Annotated[str | None, typer.Option(help='The webhook, as Meta calls it.')] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Look at tokens, webhook, Redis, history, audit and catalogue, and say what to do; exit code 1 if one fails."""
    from agent_memory.cli._doctor import run_doctor

    run(run_doctor, data=data, url=url, as_json=as_json)


@app.command()
def mute(
    contact: Annotated[str, typer.Argument(help='A phone number, a WhatsApp user id or `contact:<id>`.')],
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 180, help='For how long.')] = 12,
    data: Data = None,
) -> None:
    """Have the agent say nothing to a contact, because a person of the business answers; what they write is kept."""
    from agent_memory.cli._muting import run_mute

    run(run_mute, contact=contact, hours=hours, data=data)


@app.command()
def unmute(
    contact: Annotated[str, typer.Argument(help='A phone number, a WhatsApp user id or `contact:<id>`.')],
    data: Data = None,
) -> None:
    """Have the agent answer a contact again: ends a mute, and takes back a conversation that it had handed over."""
    from agent_memory.cli._muting import run_unmute

    run(run_unmute, contact=contact, data=data)


@merges.command('list')
def list_merges(data: Data = None, as_json: Json = False) -> None:
    """Show the pairs of contacts that may be one person."""
    from agent_memory.cli._merges import run_list

    run(run_list, data=data, as_json=as_json)


@merges.command(context_settings=_TAKES_IDS)
def link(kept: Contact, other: Contact, data: Data = None) -> None:
    """Decide that both are one person: what OTHER writes from now on belongs to KEPT."""
    from agent_memory.cli._merges import run_link

    run(run_link, kept=kept, other=other, data=data)


@merges.command(context_settings=_TAKES_IDS)
def keep(one: Contact, other: Contact, data: Data = None) -> None:
    """Decide that they are two people."""
    from agent_memory.cli._merges import run_keep

    run(run_keep, one=one, other=other, data=data)


@replies.command('list')
def list_replies(data: Data = None, as_json: Json = False) -> None:
    """Show the replies that failed, or of which nobody knows after two minutes whether they arrived."""
    from agent_memory.cli._replies import run_list

    run(run_list, data=data, as_json=as_json)


@replies.command(context_settings=_TAKES_IDS)
def arrived(reply: Reply, data: Data = None) -> None:
    """Decide that the person has it, or was told otherwise."""
    from agent_memory.cli._replies import run_decide

    run(run_decide, reply=reply, decision='arrived', data=data)


@replies.command(context_settings=_TAKES_IDS)
def again(reply: Reply, data: Data = None) -> None:
    """Decide that the person has it not: send it once more."""
    from agent_memory.cli._replies import run_decide

    run(run_decide, reply=reply, decision='again', data=data)


@replies.command(context_settings=_TAKES_IDS)
def drop(reply: Reply, data: Data = None) -> None:
    """Decide that nobody needs it any more."""
    from agent_memory.cli._replies import run_decide

    run(run_decide, reply=reply, decision='drop', data=data)
