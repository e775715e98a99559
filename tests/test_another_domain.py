"""Nothing below the car lead knows cars: a clinic runs on the same memory."""

from __future__ import annotations

import ast
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import pytest
from pydantic import Field
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from agent_memory import Domain, Inbound, Profile, RedisStore, SessionData, SessionManager, SessionMemory, StateMachine
from agent_memory.errors import ForbiddenTransition
from agent_memory.profile import Change
from agent_memory.scoring import Band, Rule, Scoring

ROOT = Path(__file__).parent.parent
PATIENT = '+5511912345678'


class Specialty(StrEnum):
    DERMATOLOGY = 'dermatology'
    CARDIOLOGY = 'cardiology'


class Appointment(Profile):
    """What a clinic needs to know to book."""

    patient: str | None = Field(default=None, min_length=2, description='Full name.')
    specialty: Specialty | None = None
    symptoms: list[str] = Field(default_factory=list[str], max_length=10)
    day: datetime | None = None
    insured: bool = False


BOOKING = Scoring[Appointment](
    rules=(
        Rule('who', 40, lambda p: float(p.patient is not None), ('patient',)),
        Rule('what', 60, lambda p: float(p.specialty is not None), ('specialty',)),
    ),
    bands=(Band('unclear', 0, 'ask'), Band('ready', 100, 'book')),
)
CLINIC = Domain(
    profile=Appointment,
    states=StateMachine(
        initial='triage',
        handoff='nurse',
        transitions={
            'triage': frozenset({'booking', 'nurse'}),
            'booking': frozenset({'booked', 'triage', 'nurse'}),
            'booked': frozenset({'nurse'}),
            'nurse': frozenset({'booked'}),
        },
    ),
    score=BOOKING,
    qualified_at=100,
    carry_over=frozenset({'patient', 'insured'}),
    ttl=timedelta(hours=2),
)


@pytest.fixture
async def clinic(redis_url: str) -> AsyncIterator[SessionManager[Appointment]]:
    manager = SessionManager(RedisStore.from_url(redis_url), domain=CLINIC)
    yield manager
    await manager.close()


def scripted(*responses: list[ToolCallPart] | str) -> FunctionModel:
    """A model that gives `responses` in order, one a request."""
    left = list(responses)

    def respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        del messages, info
        response = left.pop(0)
        return ModelResponse(parts=[TextPart(response)] if isinstance(response, str) else response)

    return FunctionModel(respond)


def returns(messages: list[ModelMessage]) -> list[tuple[str, str]]:
    """Return name and outcome of each tool call, in order."""
    return [
        (part.tool_name, part.outcome)
        for message in messages
        if isinstance(message, ModelRequest)
        for part in message.parts
        if isinstance(part, ToolReturnPart)
    ]


async def session_of(clinic: SessionManager[Appointment]) -> SessionData[Appointment]:
    session = await clinic.get_session(PATIENT)
    assert session is not None
    return session


async def test_a_clinic_books_an_appointment(clinic: SessionManager[Appointment]) -> None:
    told = [
        ToolCallPart('remember', {'patient': 'Ana Souza', 'symptoms': ['tosse']}),
        ToolCallPart('remember', {'specialty': 'cardiology', 'day': '2026-03-02T09:00:00Z', 'insured': True}),
        ToolCallPart('advance', {'to': 'booking'}),
    ]
    model = scripted(told, 'Qual horário?', [ToolCallPart('forget', {'names': ['insured', 'symptoms']})], 'Certo.')
    agent = Agent(model, deps_type=Inbound, capabilities=[SessionMemory(clinic)])

    first = await agent.run('sou a Ana', deps=Inbound(contact=PATIENT, message_id='m1'))
    second = await agent.run('sem convênio', deps=Inbound(contact=PATIENT, message_id='m2'))
    again = await agent.run('sou a Ana', deps=Inbound(contact=PATIENT, message_id='m1'))

    assert (first.output, second.output, again.output) == ('Qual horário?', 'Certo.', 'Qual horário?')
    assert returns(first.new_messages()) == [('remember', 'success'), ('remember', 'success'), ('advance', 'success')]
    session = await session_of(clinic)
    assert session.profile.day == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert session.profile.known().keys() == {'patient', 'specialty', 'day', 'insured'}
    assert (session.profile.insured, session.state, session.turn) == (False, 'booking', 2)
    assert session.ttl == timedelta(hours=2)
    assert session.qualified_at is not None
    assert [message.content for message in session.memory.messages] == [
        'sou a Ana',
        'Qual horário?',
        'sem convênio',
        'Certo.',
    ]


async def test_the_tools_speak_of_the_clinic_only(clinic: SessionManager[Appointment]) -> None:
    seen: list[AgentInfo] = []

    def respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        del messages
        seen.append(info)
        return ModelResponse(parts=[TextPart('olá')])

    agent = Agent(FunctionModel(respond), deps_type=Inbound, capabilities=[SessionMemory(clinic)])
    await agent.run('oi', deps=Inbound(contact=PATIENT, message_id='m1'))

    tools = {tool.name: tool for tool in seen[0].function_tools}
    assert set(tools['remember'].parameters_json_schema['properties']) == set(Appointment.settable())
    assert tools['advance'].parameters_json_schema['properties']['to']['enum'] == ['booked', 'booking', 'triage']
    assert not re.search(
        CAR_WORDS, ' '.join(f'{tool.description} {tool.parameters_json_schema}' for tool in tools.values())
    )


async def test_what_the_clinic_forbids_goes_back_to_the_model(clinic: SessionManager[Appointment]) -> None:
    model = scripted(
        [ToolCallPart('advance', {'to': 'booked'}), ToolCallPart('remember', {'specialty': 'astrology'})],
        [ToolCallPart('remember', {'specialty': 'dermatology'})],
        'Anotado.',
    )
    agent = Agent(model, deps_type=Inbound, capabilities=[SessionMemory(clinic)])

    result = await agent.run('quero marcar', deps=Inbound(contact=PATIENT, message_id='m1'))

    assert returns(result.new_messages()) == [('advance', 'retried'), ('remember', 'retried'), ('remember', 'success')]
    session = await session_of(clinic)
    assert (session.state, session.profile.known()) == ('triage', {'specialty': 'dermatology', 'insured': False})


async def test_a_nurse_takes_over_and_hands_back(clinic: SessionManager[Appointment]) -> None:
    model = scripted(
        [ToolCallPart('hand_to_person', {'reason': 'dor no peito'})], 'Uma enfermeira vai continuar.', 'Oi!'
    )
    agent = Agent(model, deps_type=Inbound, capabilities=[SessionMemory(clinic)])

    await agent.run('dor no peito', deps=Inbound(contact=PATIENT, message_id='m1'))
    silent = await agent.run('alô?', deps=Inbound(contact=PATIENT, message_id='m2'))
    held = await session_of(clinic)
    CLINIC.states.hand_back(held)
    held.profile = held.profile.patch([Change(field='patient', value='Ana', by='operator')]).profile
    assert await clinic.update_session(held, message_id='nurse-1')
    assert not await clinic.update_session(held, message_id='nurse-1')
    answered = await agent.run('obrigada', deps=Inbound(contact=PATIENT, message_id='m3'))

    assert (silent.output, answered.output) == (None, 'Oi!')
    session = await session_of(clinic)
    assert (session.state, session.profile.patient, session.requests) == ('triage', 'Ana', ['person'])


async def test_a_state_that_the_clinic_does_not_allow_is_not_stored(clinic: SessionManager[Appointment]) -> None:
    session = await clinic.get_or_create_session(PATIENT)
    session.state = 'booked'

    with pytest.raises(ForbiddenTransition, match="'triage' to 'booked'"):
        await clinic.update_session(session, message_id='m1')

    assert await clinic.get_session(PATIENT) is None


CAR_WORDS = re.compile(
    r'\b(cars?|vehicles?|carros?|brands?|budget\w*|dealer\w*|lead_agent|UserProfileData|CAR_\w+|SessionState|main_use)\b',
    re.IGNORECASE,
)
KNOWS_CARS = ('agent_memory/lead.py', 'agent_memory/catalogue.py', 'tools/_catalogue.py', 'agent_memory/cli/')
"""Beside `agents/` and `evals/`: the batteries included and the commands that run them."""
NAMES_THE_DEFAULT = {
    'agent_memory/__init__.py': {'CAR_LEAD', 'SessionState', 'UserProfileData'},
    'agent_memory/manager.py': {'CAR_LEAD', 'car'},
}
"""The batteries are public names, and what a manager is made with when it is given no domain."""


def test_nothing_but_the_batteries_mentions_cars() -> None:
    for folder in ('agent_memory', 'tools'):
        for path in sorted((ROOT / folder).rglob('*')):
            name = str(path.relative_to(ROOT))
            if path.suffix not in {'.py', '.lua', '.sql'} or name.startswith(KNOWS_CARS) or 'agents' in path.parts:
                continue
            said = {match.group() for match in CAR_WORDS.finditer(_without_compression_dictionary(path))}
            assert said <= NAMES_THE_DEFAULT.get(name, set()), f'{name} knows cars: {said}'


def _without_compression_dictionary(path: Path) -> str:
    """Return the source without byte strings, such as the phrases that the codec compresses against."""
    source = path.read_text()
    if path.suffix != '.py':
        return source
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, bytes) and node.end_lineno:
            lines[node.lineno - 1 : node.end_lineno] = [''] * (node.end_lineno - node.lineno + 1)
    return '\n'.join(lines)
