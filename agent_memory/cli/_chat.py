"""`agent-memory chat`: a conversation in the terminal, with the live state after each reply."""

from __future__ import annotations

import sys
import uuid
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio.to_thread
from prompt_toolkit import PromptSession
from pydantic import ValidationError
from pydantic_ai import Agent
from pydantic_ai.exceptions import AgentRunError, UserError
from rich.console import Console
from rich.table import Table

from agent_memory import telemetry
from agent_memory.agents import lead_agent, lead_model
from agent_memory.agents.catalogue import DEMO_STOCK, open_catalogue
from agent_memory.capability import SessionMemory
from agent_memory.errors import AgentMemoryError, InvalidInput
from agent_memory.lead import CAR_LEAD, UserProfileData
from agent_memory.profile import describe
from agent_memory.scoring import Score
from agent_memory.session import Inbound, SessionData, normal_contact
from agent_memory.settings import MemorySettings, OpenMemory

_console = Console(highlight=False)
_LEAVE = {'/quit', '/exit', '/sair'}
_HAND_BACK = '/back'


async def run_chat(*, contact: str, data: Path | None, model: str | None) -> None:
    """Talk until the input ends."""
    settings = MemorySettings(data_dir=data) if data else MemorySettings()
    normal_contact(contact)
    telemetry.configure()
    chosen = model or settings.chosen_model()
    async with settings.open(CAR_LEAD) as memory:
        _welcome(memory, chosen, settings.catalogue)
        _show(await memory.manager.get_session(contact))
        catalogue = open_catalogue(settings.catalogue or DEMO_STOCK)
        key = settings.model_api_key.get_secret_value() if settings.model_api_key else None
        answers = lead_model(chosen, base_url=settings.model_base_url, api_key=key)
        await _talk(memory, contact, lead_agent(SessionMemory(memory.manager), answers, catalogue=catalogue))


async def _talk(memory: OpenMemory[UserProfileData], contact: str, agent: Agent[Inbound, str]) -> None:
    conversation_id = await memory.manager.contact_id(contact)
    async for text in _lines():
        if text == _HAND_BACK:
            handed = await memory.manager.hand_back(contact)
            _console.print('The agent goes on.' if handed else 'No person has this conversation.')
            continue
        try:
            inbound = Inbound(contact=contact, message_id=f'chat.{uuid.uuid4().hex}', text=text)
            result = await agent.run(text, deps=inbound, conversation_id=conversation_id)
        except ValidationError as error:
            _console.print(f'[red]Not sent: {describe(error)}[/]')
        except InvalidInput as error:
            _console.print(f'[red]Not sent: {error}[/]')
        except (AgentMemoryError, AgentRunError, UserError) as error:
            _console.print(f'[red]No answer: {error}[/]')
        else:
            _console.print(
                f'[bold green]agent>[/] {result.output or f"(a person has this conversation; {_HAND_BACK} hands it back)"}'
            )
            _show(await memory.manager.get_session(contact))


def _welcome(memory: OpenMemory[UserProfileData], model: str, catalogue: str | None) -> None:
    _console.print(f'Model: [bold]{model}[/]. Write in Portuguese; /quit or Ctrl-D leaves and keeps everything.')
    if not catalogue:
        _console.print('[dim]The cars are invented; AGENT_MEMORY_CATALOGUE names a file or service with real ones.[/]')
    if memory.archive_held_elsewhere:
        _console.print(
            f'[yellow]Another process keeps the history of this data directory ({memory.archive_held_elsewhere}). '
            'This chat works as usual; what is said here waits in the outbox until that process archives it.[/]'
        )


async def _lines() -> AsyncGenerator[str]:
    prompt: PromptSession[str] | None = PromptSession() if sys.stdin.isatty() else None
    while True:
        try:
            line = await (prompt.prompt_async('you> ') if prompt else _piped())
        except (EOFError, KeyboardInterrupt):
            return
        if line.strip().lower() in _LEAVE:
            return
        if line.strip():
            yield line.strip()
        else:
            _console.print('[yellow]Nothing was sent: the message is empty.[/]')


async def _piped() -> str:
    line = await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
    if not line:
        raise EOFError
    _console.print(f'you> {line.rstrip()}', markup=False)
    return line


def _show(session: SessionData[UserProfileData] | None) -> None:
    if session is None:
        _console.print('[dim]A new conversation.[/]')
        return
    table = Table(box=None, show_header=False, padding=(0, 1), style='dim', pad_edge=False)
    table.add_row('conversation', session.state)
    for field, value in session.profile.known().items():
        table.add_row(field, ', '.join(map(str, value)) if isinstance(value, list) else str(value))
    if CAR_LEAD.completeness:
        table.add_row('completeness', f'{CAR_LEAD.completeness(session.profile).total:.0%}')
    if CAR_LEAD.score:
        score = CAR_LEAD.score(session.profile)
        table.add_row('score', f'{score.total:g} of 100 ({score.band}: {score.action})')
        table.add_row('', _explained(score))
    _console.print(table)


def _explained(score: Score) -> str:
    return ', '.join(f'{part.rule} {part.points:g}/{part.of:g}' for part in score.parts)
