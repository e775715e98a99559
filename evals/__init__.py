"""Evaluations a team can gate on: suites of conversations, played through the real memory, judged and compared.

Needs the extra `evals`.
"""

try:
    import jinja2
    import pydantic_evals
except ImportError as error:
    raise ImportError('evaluations need the extra: pip install "pydantic-ai-agent-memory[evals]"') from error

del jinja2, pydantic_evals  # only asked for, so that their absence is told once and in full

from agent_memory.evals._cars import car_suites
from agent_memory.evals._dialogues import Dialogue, DialogueTurn, Gold, Persona, Utterance
from agent_memory.evals._measures import Fault, Judgement, Measure
from agent_memory.evals._results import CaseResult, Evaluation, Figure, SuiteResult
from agent_memory.evals._run import evaluate
from agent_memory.evals._stage import Setting
from agent_memory.evals._suite import Suite
from agent_memory.evals._transcript import Transcript, TurnOutcome

__all__ = [
    'CaseResult',
    'Dialogue',
    'DialogueTurn',
    'Evaluation',
    'Fault',
    'Figure',
    'Gold',
    'Judgement',
    'Measure',
    'Persona',
    'Setting',
    'Suite',
    'SuiteResult',
    'Transcript',
    'TurnOutcome',
    'Utterance',
    'car_suites',
    'evaluate',
]
