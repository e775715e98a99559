"""`Suite`: conversations, the business they are with, and the agent that is judged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic_ai import Agent
from pydantic_evals import Case, Dataset
from pydantic_evals.evaluators import Evaluator

from agent_memory.errors import InvalidInput
from agent_memory.evals._conduct import (
    AnsweredOnce,
    Claims,
    Costs,
    Events,
    Flags,
    ForbiddenClaims,
    Handoffs,
    Qualified,
    Questions,
    Replies,
    States,
    ToolCalls,
)
from agent_memory.evals._dialogues import Dialogue, read_file
from agent_memory.evals._measures import Measure
from agent_memory.evals._slots import SlotFilling
from agent_memory.evals._stage import Setting
from agent_memory.evals._transcript import Transcript
from agent_memory.session import Domain, Inbound


@dataclass(frozen=True)
class Suite:
    """Conversations to play with one agent, and how they are judged."""

    name: str
    dialogues: Sequence[Dialogue]
    domain: Domain[Any]
    agent: Callable[[Setting], Agent[Any, Any]]
    """Makes the agent under test; one plays the whole suite. `Setting.memory` goes among its capabilities."""
    slots: tuple[str, ...] = ()
    """The profile fields that are judged; empty judges all."""
    about: str = ''
    held_out: bool = False
    """Whether nobody tunes on it: which conversations failed, and how, is shown only when asked for."""
    deps: Callable[[Inbound], Any] = lambda inbound: inbound
    """Makes the agent's deps of a message."""
    asks: Callable[[str], frozenset[str]] | None = None
    """Returns the profile fields that a reply asks for; without it, the same words are the same question."""
    claims: Claims | None = None
    """Finds what a reply claims without ground."""
    evaluators: tuple[Evaluator[Any, Any, Any], ...] = ()
    """Further evaluators of pydantic-evals; their input is a `Dialogue`, their output a `Transcript`."""
    close: Callable[[], Awaitable[None]] | None = field(default=None, repr=False)
    """Releases what the agent holds, when the suite is over."""

    def __post_init__(self) -> None:
        settable = self.domain.profile.settable()
        if unknown := set(self.slots) - set(settable):
            raise InvalidInput(f'suite {self.name}: not fields of the profile: {", ".join(sorted(unknown))}')
        if not self.slots:
            object.__setattr__(self, 'slots', settable)

    @classmethod
    def from_file(
        cls, path: str | Path, *, domain: Domain[Any], agent: Callable[[Setting], Agent[Any, Any]], **options: Any
    ) -> Suite:
        """Return the suite of a YAML file, named after it.

        Args:
            path: The file; docs/evals.md has its format, `suite.schema.json` its schema.
            domain: The business that the conversations are with.
            agent: Makes the agent under test.
            options: Any other field of a suite.

        Raises:
            InvalidInput: The file is missing or breaks the format; says where.
        """
        file = read_file(Path(path))
        held_out = file.split == 'held-out'
        told: dict[str, Any] = {'name': Path(path).stem, 'about': file.about or '', 'held_out': held_out, **options}
        if file.slots:
            told['slots'] = tuple(file.slots)
        return cls(dialogues=file.all_dialogues(), domain=domain, agent=agent, **told)

    def only(self, *, tags: frozenset[str] = frozenset(), limit: int | None = None) -> Suite:
        """Return the conversations with any of `tags`, at most `limit` of them."""
        kept = [one for one in self.dialogues if not tags or tags & set(one.tags)]
        return replace(self, dialogues=kept[:limit])

    def measures(self) -> list[Measure]:
        """Return what every conversation is judged by."""
        return [
            SlotFilling(self.domain.profile, self.slots),
            Flags(),
            States(self.domain.states),
            Events(),
            Handoffs(self.domain.states),
            ToolCalls(),
            Questions(self.asks),
            Replies(),
            AnsweredOnce(),
            Qualified(),
            Costs(),
            *([ForbiddenClaims(self.claims)] if self.claims else []),
        ]

    def dataset(self, extra: Sequence[Evaluator[Any, Any, Any]] = ()) -> Dataset[Dialogue, Transcript, dict[str, Any]]:
        """Return the suite as a dataset of pydantic-evals, one case a conversation."""
        return Dataset(
            name=self.name,
            cases=[
                Case(name=one.id, inputs=one, metadata={'tags': one.tags, 'lang': one.lang}) for one in self.dialogues
            ],
            evaluators=[*self.measures(), *self.evaluators, *extra],
        )
