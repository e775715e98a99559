"""`evaluate`: plays suites with one or more models, each conversation on a store of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.models import Model
from pydantic_evals.evaluators import Evaluator, ReportEvaluator, ReportEvaluatorContext
from pydantic_evals.reporting.analyses import ReportAnalysis, ScalarResult

from agent_memory.evals._dialogues import Dialogue
from agent_memory.evals._journal import Journal
from agent_memory.evals._judge import ToneJudge
from agent_memory.evals._measures import HEADLINES, Measure, summed
from agent_memory.evals._play import Player
from agent_memory.evals._results import Evaluation, SuiteResult, case_results
from agent_memory.evals._stage import open_stage, setting_of, temporary_server
from agent_memory.evals._suite import Suite
from agent_memory.evals._transcript import Transcript
from agent_memory.evals._users import ModelUser, ScriptedUser

Played = Callable[[], None]


async def evaluate(
    suites: Sequence[Suite],
    *,
    models: Sequence[str | Model] = ('rules',),
    repeat: int = 1,
    concurrency: int = 4,
    user_model: str | Model | None = None,
    judge: str | Model | None = None,
    resume: Path | None = None,
    on_played: Played = lambda: None,
) -> Evaluation:
    """Play suites and judge every conversation.

    Args:
        suites: What is played.
        models: The models under test, each plays everything.
        repeat: How often each conversation is played, for `pass^k`.
        concurrency: Most conversations at once.
        user_model: What plays the simulated people; without one they follow their script.
        judge: The model that judges tone; without one nobody does.
        resume: A file that keeps played conversations, so that an interrupted run goes on where it was.
        on_played: Called after each conversation.

    Raises:
        InvalidInput: A suite or the file to resume from is unusable.
        SetupError: The store cannot be started; says what to do.
    """
    journal = Journal(resume)
    extra: list[Evaluator[Any, Any, Any]] = [ToneJudge(model=judge)] if judge else []
    try:
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(temporary_server())
            for suite in suites:
                if suite.close:
                    stack.push_async_callback(suite.close)
            run = _Run(url, journal, repeat, concurrency, user_model, extra, on_played)
            return Evaluation([await run.play(suite, model) for model in models for suite in suites])
    finally:
        journal.close()


@dataclass
class _Run:
    url: str
    journal: Journal
    repeat: int
    concurrency: int
    user_model: str | Model | None
    extra: list[Evaluator[Any, Any, Any]]
    on_played: Played
    _numbers: Any = field(default_factory=count)

    async def play(self, suite: Suite, model: str | Model) -> SuiteResult:
        """Play one suite with one model."""
        name = model if isinstance(model, str) else model.model_name
        agent = suite.agent(setting_of(self.url, suite.domain, model))
        measures = suite.measures()

        async def play(dialogue: Dialogue) -> Transcript:
            transcript = self.journal.take(suite.name, name, dialogue)
            if transcript is None:
                transcript = await self._converse(suite, agent, dialogue)
                self.journal.add(suite.name, name, dialogue, transcript)
            self.on_played()
            return transcript

        dataset = suite.dataset(self.extra)
        dataset.report_evaluators = [_Headlines(measures)]
        report = await dataset.evaluate(
            play,
            name=f'{suite.name} on {name}',
            task_name='conversation',
            max_concurrency=self.concurrency,
            progress=False,
            repeat=self.repeat,
            metadata={'suite': suite.name, 'model': name},
        )
        cases = case_results(report, measures)
        return SuiteResult(suite.name, suite.about, name, self.repeat, cases, report, suite.held_out)

    async def _converse(self, suite: Suite, agent: Agent[Any, Any], dialogue: Dialogue) -> Transcript:
        async with open_stage(self.url, f'eval-{next(self._numbers)}', suite.domain, dialogue.reference_date) as stage:
            user = None
            if dialogue.user is not None:
                scripted = ScriptedUser(dialogue.user, suite.asks)
                user = ModelUser(dialogue.user, self.user_model) if self.user_model else scripted
            return await Player(stage, agent, dialogue, suite.deps).play(user)


@dataclass(repr=False)
class _Headlines(ReportEvaluator[Dialogue, Transcript, dict[str, Any]]):
    """Puts the suite's figures into the report of pydantic-evals."""

    measures: list[Measure]

    def build_serialization_arguments(self) -> dict[str, Any]:
        return {}

    def evaluate(self, ctx: ReportEvaluatorContext[Dialogue, Transcript, dict[str, Any]]) -> list[ReportAnalysis]:
        total = summed(case.ratios for case in case_results(ctx.report, self.measures))
        return [
            ScalarResult(title=name, value=total[name].value, description=what)
            for name, what in HEADLINES.items()
            if name in total
        ]
