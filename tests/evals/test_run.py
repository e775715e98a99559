"""A run: goes on after a kill, compares models, shows what it found, judges tone and live turns when it is asked to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_evals.online import wait_for_evaluations

from agent_memory import Inbound, RedisStore, SessionManager, SessionMemory
from agent_memory.agents import lead_agent
from agent_memory.evals import Dialogue, Evaluation, Suite, evaluate
from agent_memory.evals._car_claims import unsupported_claims
from agent_memory.evals._report import html_report
from agent_memory.evals._results import difference
from agent_memory.evals._users import ModelUser
from agent_memory.evals.online import live_evaluation
from tests.cli.commands import COMMAND, environment
from tests.evals.clinic import SUITE
from tests.evals.command import evaluate_here


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    journal, junit = tmp_path / 'journal', tmp_path / 'out.xml'
    words = ['slots', '--resume', str(journal), '--concurrency', '1']
    with subprocess.Popen(
        [*COMMAND, 'eval', *words],
        env={**environment(), 'TMPDIR': str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as run:
        until = time.monotonic() + 100
        while not (journal.exists() and journal.read_text().count('\n') >= 2):
            assert run.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
    [pid_file] = tmp_path.glob('agent-memory-eval-*/**/valkey.pid')
    os.kill(int(pid_file.read_text()), signal.SIGTERM)  # a server outlives whoever started it, so that others may go on
    kept = journal.read_text()
    played = [json.loads(line)['key'] for line in kept.splitlines() if line.endswith('}')]
    assert 2 <= len(played) < 20
    # The line that the killed run was writing is played again.
    journal.write_text(kept + '{"key": "half')

    done = evaluate_here(*words, '--junit', str(junit))

    assert done.returncode == 0, done.stdout
    text = journal.read_text()
    assert text.startswith(kept)
    assert all(text.count(key) == 1 for key in played)
    assert junit.read_text().count('classname="slots"') == 20


async def test_two_models_are_compared_pair_by_pair() -> None:
    evaluation = await evaluate([SUITE], models=['one', 'two'])

    assert evaluation.models == ['one', 'two']
    gap = difference(evaluation.of('clinic', 'one'), evaluation.of('clinic', 'two'), 'passed')
    assert gap is not None
    assert (gap.value, gap.low, gap.high) == (0.0, 0.0, 0.0)
    page = html_report(evaluation, [], None)
    assert 'two against one' in page
    assert page.count('<svg') == 1


async def test_the_report_is_one_file_and_what_people_write_stays_text() -> None:
    evaluation = await evaluate([SUITE])
    [case] = [one for one in evaluation.results[0].cases if not one.passed]
    assert case.transcript is not None
    case.transcript.turns[0].messages.append('<script>alert(1)</script>')

    page = html_report(Evaluation(evaluation.results), [], None)

    assert '<script' not in page
    assert '&lt;script&gt;' in page
    assert 'http' not in page
    assert '<td class="should">Zé</td><td class="is">Zeca</td>' in page


def verdict(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """A judge who dislikes every conversation with a nurse."""
    kind = 'enfermeira' not in str(messages)
    [tool] = info.output_tools
    return ModelResponse(parts=[ToolCallPart(tool.name, {'reason': 'r', 'pass': kind, 'score': float(kind)})])


async def test_tone_is_judged_when_a_judge_is_named() -> None:
    evaluation = await evaluate([SUITE], judge=FunctionModel(verdict))

    result = evaluation.of('clinic')
    assert result.figures['tone'].value == 0.75
    [nurse] = [case for case in result.cases if case.dialogue.id == 'wants_a_nurse']
    assert [fault.what for fault in nurse.faults] == ['tone']
    assert 'tone' not in (await evaluate([SUITE])).of('clinic').figures


async def test_a_model_can_play_the_simulated_person() -> None:
    said = iter(['sou a Ana Souza', 'dermatologia, por favor'])
    user = FunctionModel(lambda messages, info: ModelResponse(parts=[TextPart(next(said))]))

    evaluation = await evaluate([SUITE.only(tags=frozenset({'simulated'}))], user_model=user)

    [case] = evaluation.of('clinic').cases
    assert case.passed, case.faults
    assert case.transcript is not None
    assert [turn.messages for turn in case.transcript.turns] == [
        ['bom dia'],
        ['sou a Ana Souza'],
        ['dermatologia, por favor'],
    ]


async def test_a_person_who_is_done_says_no_more() -> None:
    dialogue = next(one for one in SUITE.dialogues if one.user)
    assert dialogue.user is not None
    user = ModelUser(dialogue.user, FunctionModel(lambda messages, info: ModelResponse(parts=[TextPart('FIM.')])))
    evaluation = await evaluate([SUITE.only(tags=frozenset({'simulated'}))])
    [case] = evaluation.of('clinic').cases
    assert case.transcript is not None
    case.transcript.turns[:] = case.transcript.turns[:1]

    assert await user.say(case.transcript) is None


async def test_a_conversation_that_breaks_off_is_an_error_and_no_pass() -> None:
    broken = Dialogue.model_validate({'id': 'broken', 'turns': [{'messages': ['   ']}]})

    evaluation = await evaluate([Suite('one', [broken], SUITE.domain, SUITE.agent)])

    [case] = evaluation.of('one').cases
    assert case.error is not None
    assert 'the message is empty' in case.error
    assert evaluation.of('one').figures['passed'].value == 0


class Sink:
    """Keeps results of live evaluations."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    async def submit(self, payload: Any) -> None:
        self.found |= {one.name: (one.value, one.reason) for one in payload.results}


@pytest.mark.parametrize(
    ('share', 'found'), [(1.0, {'few_questions', 'degraded', 'tool_calls_valid', 'claims'}), (0.0, set[str]())]
)
async def test_a_share_of_live_turns_is_judged_in_the_background(redis_url: str, share: float, found: set[str]) -> None:
    manager, sink = SessionManager(RedisStore.from_url(redis_url)), Sink()
    watch = live_evaluation(share, claims=unsupported_claims, sink=sink)
    agent = lead_agent(SessionMemory(manager), watches=[watch])

    result = await agent.run('até 60 mil', deps=Inbound(contact='+5511999990000', message_id='wamid.1'))
    await wait_for_evaluations()
    await manager.close()

    assert 'R$ 60.000' in result.output
    assert set(sink.found) == found
    assert all(value is True or name not in ('claims', 'few_questions') for name, (value, _) in sink.found.items())
    assert all(reason is None for _, reason in sink.found.values())  # a reason would repeat what was said


def test_without_the_extra_the_error_names_it() -> None:
    code = "import sys; sys.modules['pydantic_evals'] = None\nfrom agent_memory.cli import main; main()"

    done = subprocess.run(
        [sys.executable, '-c', code, 'eval', 'slots'], capture_output=True, text=True, check=False, env=environment()
    )

    assert done.returncode == 1
    assert done.stderr == 'agent-memory: evaluations need the extra: pip install "pydantic-ai-agent-memory[evals]"\n'
