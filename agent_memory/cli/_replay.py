"""`agent-memory replay`: plays dialogues through the real agent and writes what it understood after every turn."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_ai import Agent, AgentRunResult
from pydantic_ai.messages import ToolCallPart, ToolReturnPart

from agent_memory.agents import RulesModel, lead_agent
from agent_memory.agents.lead import RULES
from agent_memory.capability import SessionMemory
from agent_memory.errors import InvalidInput
from agent_memory.lead import CAR_LEAD, UserProfileData
from agent_memory.manager import SessionManager
from agent_memory.profile import describe
from agent_memory.session import Inbound, SessionData
from agent_memory.settings import MemorySettings


class DialogueTurn(BaseModel):
    """What the script's agent said, and the burst of messages that the person answered with."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='ignore')

    turn: int = Field(ge=1)
    agent: str | None = None
    messages: list[str] = Field(min_length=1)


class Dialogue(BaseModel):
    """One scripted conversation."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='ignore')

    id: str = Field(min_length=1)
    turns: list[DialogueTurn] = Field(min_length=1)


class DialogueFile(BaseModel):
    """A file of dialogues; `reference_date` is the day on which they take place."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='ignore')

    reference_date: date | None = None
    dialogues: list[Dialogue] = Field(min_length=1)


async def run_replay(*, file: Path, out: Path, data: Path | None, model: str | None) -> None:
    """Play every dialogue of `file` and write one JSON line a turn to `out`."""
    script = read_dialogues(file)
    with _directory(data) as directory:
        settings = MemorySettings(data_dir=directory)
        chosen: Any = model or settings.chosen_model()
        if chosen == RULES and script.reference_date:
            day = script.reference_date
            chosen = RulesModel(today=lambda: day)
        async with settings.open(CAR_LEAD) as memory:
            agent = lead_agent(SessionMemory(memory.manager), chosen)
            with _writable(out) as lines:
                for dialogue in script.dialogues:
                    for line in await _play(memory.manager, agent, dialogue):
                        lines.write(json.dumps(line, ensure_ascii=False) + '\n')


def read_dialogues(file: Path) -> DialogueFile:
    """Return the dialogues of a YAML file.

    Raises:
        InvalidInput: The file is missing, is not YAML, or breaks the format; says where.
    """
    try:
        return DialogueFile.model_validate(yaml.safe_load(file.read_text(encoding='utf-8')))
    except OSError as error:
        raise InvalidInput(f'{file} cannot be read ({error.strerror})') from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = getattr(error, 'problem_mark', None)
        where = f', line {place.line + 1}' if place else ''
        raise InvalidInput(f'{file} is not YAML{where}: {getattr(error, "problem", error)}') from error
    except ValidationError as error:
        raise InvalidInput(f'{file} is not a file of dialogues: {describe(error)}') from error


async def _play(
    manager: SessionManager[UserProfileData], agent: Agent[Inbound, str], dialogue: Dialogue
) -> list[dict[str, Any]]:
    # A contact of its own: a business-scoped user id, which no phone number can be.
    contact = 'BR.' + re.sub('[^A-Za-z0-9]', '', dialogue.id)
    lines: list[dict[str, Any]] = []
    for turn in dialogue.turns:
        if turn.agent:
            await _script_agent(manager, contact, dialogue, turn)
        text = '\n'.join(turn.messages)
        inbound = Inbound(contact=contact, message_id=f'{dialogue.id}.{turn.turn}', text=text)
        started = time.perf_counter()
        result = await agent.run(text, deps=inbound, conversation_id=await manager.contact_id(contact))
        elapsed = time.perf_counter() - started
        session = await manager.get_session(contact)
        lines.append(_line(dialogue, turn, session, result, elapsed))
    return lines


async def _script_agent(
    manager: SessionManager[UserProfileData], contact: str, dialogue: Dialogue, turn: DialogueTurn
) -> None:
    """Put the script's line into the conversation, as a colleague at the console would, and take the mute off."""
    session = await manager.get_or_create_session(contact)
    if manager.domain.states.is_muted(session):
        manager.domain.states.hand_back(session)
    session.add_message('assistant', turn.agent or '')
    await manager.update_session(session, message_id=f'{dialogue.id}.{turn.turn}.agent')


def _line(
    dialogue: Dialogue,
    turn: DialogueTurn,
    session: SessionData[UserProfileData] | None,
    result: AgentRunResult[Any],
    elapsed: float,
) -> dict[str, Any]:
    parts = [part for message in result.new_messages() for part in message.parts]
    requests = session.requests if session else []
    return {
        'dialogue_id': dialogue.id,
        'turn': turn.turn,
        'profile': session.profile.values() if session else {},
        'flags': {
            'consent_given': session.consent.given if session else False,
            'wants_human': 'person' in requests,
            'opt_out': 'opt_out' in requests,
            'erase_request': 'erasure' in requests,
        },
        'latency_s': round(elapsed, 6),
        'tool_calls': sum(isinstance(part, ToolCallPart) for part in parts),
        'invalid_tool_calls': sum(isinstance(part, ToolReturnPart) and part.outcome == 'retried' for part in parts),
    }


@contextmanager
def _directory(data: Path | None) -> Generator[Path]:
    if data:
        yield data
        return
    with tempfile.TemporaryDirectory(prefix='agent-memory-') as directory:
        yield Path(directory)


@contextmanager
def _writable(out: Path) -> Generator[Any]:
    try:
        file = out.open('w', encoding='utf-8')
    except OSError as error:
        raise InvalidInput(f'{out} cannot be written ({error.strerror})') from error
    with file:
        yield file
