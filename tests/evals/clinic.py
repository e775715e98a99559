"""A clinic's own suite: its profile, its agent, and nothing about cars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, ToolCallPart, UserPromptPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from agent_memory import Inbound
from agent_memory.capability import FACTS_PREFIX
from agent_memory.evals import Setting, Suite
from tests.test_another_domain import CLINIC

CLINIC_FILE = Path(__file__).with_name('clinic.yaml')


def receptionist(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """A model that knows two names, two specialties and one symptom."""
    said, settled, known = '', False, ''
    for message in messages:
        if isinstance(message, ModelResponse):
            settled = any(isinstance(part, ToolCallPart) for part in message.parts)
        for part in message.parts if isinstance(message, ModelRequest) else ():
            if isinstance(part, UserPromptPart) and isinstance(part.content, str):
                said, known, settled = (
                    (said, part.content, settled)
                    if part.content.startswith(FACTS_PREFIX)
                    else (part.content, known, False)
                )
    if not settled and (calls := _calls(said)):
        return ModelResponse(parts=calls)
    return ModelResponse(parts=[TextPart(_answer(known))])


def _calls(said: str) -> list[Any]:
    facts: dict[str, Any] = {}
    if 'Ana Souza' in said:
        facts['patient'] = 'Ana Souza'
    if 'Zé' in said:
        facts['patient'] = 'Zeca'
    if 'tosse' in said:
        facts['symptoms'] = ['tosse']
    for word, specialty in (('cardio', 'cardiology'), ('dermato', 'dermatology')):
        if word in said:
            facts['specialty'] = specialty
    calls = [ToolCallPart('remember', facts)] if facts else []
    calls += [ToolCallPart('advance', {'to': 'booking'})] if 'specialty' in facts else []
    if 'enfermeira' in said:
        calls += [
            ToolCallPart('hand_to_person', {'reason': 'asked'}),
            ToolCallPart('record_request', {'request': 'person'}),
        ]
    return calls


def _answer(known: str) -> str:
    if '"patient"' not in known:
        return 'Qual é o seu nome?'
    return 'Qual a especialidade?' if '"specialty"' not in known else 'Que dia fica melhor?'


def clinic_agent(setting: Setting) -> Agent[Inbound, str]:
    return Agent(FunctionModel(receptionist), deps_type=Inbound, capabilities=[setting.memory])


SUITE = Suite.from_file(CLINIC_FILE, domain=CLINIC, agent=clinic_agent)
