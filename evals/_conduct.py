"""How the agent behaves: flags, states, events, tools, questions, hand-overs, replies, deliveries, and what it costs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from agent_memory.evals._dialogues import Dialogue, Gold
from agent_memory.evals._measures import Fault, Judgement, Measure
from agent_memory.evals._slots import Expected, expectations, fold
from agent_memory.evals._transcript import Transcript, TurnOutcome
from agent_memory.session import StateMachine

_QUESTION = re.compile(r'(?:[^.!?\n]|\.(?!\s))*\?')
_ENOUGH = 3
"""A question that got no answer may be put again, in other words; a fourth time it is a nuisance."""


def _paired(dialogue: Dialogue, transcript: Transcript) -> Iterable[tuple[int, TurnOutcome, Expected]]:
    """Return each turn that has a gold, by its number; of a simulated conversation, the last one."""
    first = 0 if dialogue.turns else len(transcript.turns) - 1
    for place, right in enumerate(expectations(dialogue)):
        if right.gold is not None and first + place < len(transcript.turns):
            yield first + place + 1, transcript.turns[first + place], right


@dataclass(repr=False)
class Flags(Measure):
    """Judges consent, opt-out, erasure and the wish for a person after each turn."""

    name = 'flags'

    def judge(self, dialogue: Dialogue, transcript: Transcript) -> Judgement:
        judged = Judgement()
        for number, turn, right in _paired(dialogue, transcript):
            wrong = [
                Fault(flag, gold, turn.flags.get(flag, False), number)
                for flag, gold in right.flags.items()
                if turn.flags.get(flag, False) not in (gold, *right.flags_alt.get(flag, ()))
            ]
            judged.count('flags', not wrong)
            for flag in right.flags:
                judged.count(f'flags.{flag}', not any(fault.what == flag for fault in wrong))
            judged.faults += wrong
        return judged


@dataclass(repr=False)
class States(Measure):
    """Judges where the conversation stands, and whether it got there by moves that the table allows."""

    machine: StateMachine

    name = 'states'

    def judge(self, dialogue: Dialogue, transcript: Transcript) -> Judgement:
        judged = Judgement()
        for number, turn, right in _paired(dialogue, transcript):
            state = right.gold.state if right.gold else None
            if state is not None:
                accepted = [state] if isinstance(state, str) else state
                judged.count('states', turn.state in accepted)
                if turn.state not in accepted:
                    judged.faults.append(Fault('state', state, turn.state, number))
        for number, turn in enumerate(transcript.turns, start=1):
            for step in turn.steps:
                legal = step.after in self.machine.transitions.get(step.before, frozenset())
                judged.count('legal_transitions', legal)
                if not legal:
                    judged.faults.append(Fault(f'move from {step.before}', 'an allowed one', step.after, number))
        return judged


@dataclass(repr=False)
class Events(Measure):
    """Judges whether the expected events came in their turn."""

    name = 'events'

    def judge(self, dialogue: Dialogue, transcript: Transcript) -> Judgement:
        judged = Judgement()
        for number, turn, right in _paired(dialogue, transcript):
            # A simulated conversation is judged as a whole.
            came = turn.events if dialogue.turns else [kind for one in transcript.turns for kind in one.events]
            for kind in right.gold.events if right.gold else ():
                judged.count('events', kind in came)
                if kind not in came:
                    judged.faults.append(Fault('event', kind, came, number))
        return judged


@dataclass(repr=False)
class Handoffs(Measure):
    """Judges whether a person is called when one is due, and only then."""

    machine: StateMachine

    name = 'handoffs'

    def judge(self, dialogue: Dialogue, transcript: Transcript) -> Judgement:
        judged = Judgement()
        wanted_before = False
        for number, turn, right in _paired(dialogue, transcript):
            called = 'handoff' in turn.events
            wanted, may = self._is_due(right)
            if called:
                judged.count('handoff_precision', wanted or may)
                if not (wanted or may):
                    judged.faults.append(Fault('hand-over to a person', 'none', 'one', number))
            if wanted and not wanted_before and not may:
                judged.count('handoff_recall', called)
                if not called:
                    judged.faults.append(Fault('hand-over to a person', 'one', 'none', number))
            wanted_before = wanted
        return judged

    def _is_due(self, right: Expected) -> tuple[bool, bool]:
        gold = right.gold or Gold()
        wanted = right.flags['wants_human'] or 'handoff' in gold.events or gold.state == self.machine.handoff
        also = right.flags_alt.get('wants_human', [])
        return bool(wanted and self.machine.handoff), (not wanted) in also


@dataclass(repr=False)
class ToolCalls(Measure):
    """Counts tool calls that a tool or its schema sent back."""

    name = 'tool calls'

    def judge(self, dialogue: Dialogue, transcript: Transcript) -> Judgement:
        judged = Judgement()
        for turn in transcript.turns:
            for use in turn.tools:
                # A call beside a final answer is not run; that is no fault of the call.
                judged.count('tool_calls_valid', use.outcome in ('success', 'unanswered'))
        return judged


@dataclass(repr=False)
class Questions(Measure):
    """Finds questions whose answer is known, and those that are put again and again."""

    asks: Callable[[str], frozenset[str]] | None
    """Returns the fields that a reply asks for; without it, the words of a question stand for what it asks."""

    name = 'questions'

    def judge(self, dialogue: Dialogue, transcript: Transcript) -> Judgement:
        judged = Judgement()
        if dialogue.is_scripted:
            return judged  # the script's own lines stand between the agent's
        put: Counter[frozenset[str]] = Counter()
        for number, turn in enumerate(transcript.turns, start=1):
            for question in _QUESTION.findall('\n'.join(turn.replies)):
                asked = self.asks(question) if self.asks else frozenset({fold(question)})
                if not asked:
                    continue
                put[asked] += 1
                known = self._known(asked, turn)
                judged.count('asked_twice', bool(known) or put[asked] > _ENOUGH)
                if known or put[asked] > _ENOUGH:
                    expected = f'not asked: {", ".join(known)} is known' if known else 'not asked a fourth time'
                    judged.faults.append(Fault('question', expected, question.strip(), number))
        return judged

    def _known(self, asked: frozenset[str], turn: TurnOutcome) -> list[str]:
        fields = [name for name in sorted(asked) if name in turn.profile]
        known = [name for name in fields if turn.profile[name] not in (None, [], '', False)]
        return known if fields and len(known) == len(fields) else []


@dataclass(repr=False)
class Qualified(Measure):
    """Counts the turns until the score reaches the business's bar."""

    name = 'qualified'
    counts_only = True

    def judge(self, dialogue: Dialogue, transcript: Transcript) -> Judgement:
        judged = Judgement()
        reached = next((number for number, turn in enumerate(transcript.turns, start=1) if turn.qualified), None)
        if reached and not dialogue.is_scripted:
            judged.count('turns_to_qualified', reached)
        return judged


@dataclass(repr=False)
class Replies(Measure):
    """Judges replies by the patterns that the dialogue gives, and that there is one where there must be."""

    name = 'replies'

    def judge(self, dialogue: Dialogue, transcript: Transcript) -> Judgement:
        judged = Judgement()
        golds = {number: right.gold for number, _, right in _paired(dialogue, transcript)}
        for number, turn in enumerate(transcript.turns, start=1):
            gold = golds.get(number) or Gold()
            if not (gold.says or gold.avoids or gold.silent or dialogue.avoids):
                continue
            faults = list(_reply_faults(gold, (*gold.avoids, *dialogue.avoids), '\n'.join(turn.replies), number))
            judged.count('replies', not faults)
            judged.faults += faults
        return judged


def _reply_faults(gold: Gold, avoids: Iterable[str], said: str, number: int) -> Iterable[Fault]:
    if gold.silent and said:
        yield Fault('reply', 'silence', said, number)
    for pattern in gold.says:
        if not re.search(pattern, said, re.IGNORECASE):
            yield Fault('reply', f'something like {pattern}', said, number)
    for pattern in avoids:
        if re.search(pattern, said, re.IGNORECASE):
            yield Fault('reply', f'nothing like {pattern}', said, number)


@dataclass(repr=False)
class AnsweredOnce(Measure):
    """Judges deliveries: a burst gets one answer, and what comes again gets the same one."""

    name = 'deliveries'

    def judge(self, dialogue: Dialogue, transcript: Transcript) -> Judgement:
        judged = Judgement()
        for number, turn in enumerate(transcript.turns, start=1):
            wrong = list(turn.misdelivered)
            died = bool(dialogue.turns) and dialogue.turns[number - 1].dies
            if turn.turns != 1 and not (died and turn.turns):
                wrong.append(f'{turn.turns} answers')
            judged.count('answered_once', not wrong)
            judged.faults += [Fault('delivery', 'one answer', fault, number) for fault in wrong]
        return judged


class Claims(Protocol):
    """Finds what a reply claims without ground."""

    def __call__(self, reply: str, transcript: Transcript, turn: int) -> list[str]:
        """Return the claims of a reply of turn number `turn` that nothing in the conversation supports."""
        ...


@dataclass(repr=False)
class ForbiddenClaims(Measure):
    """Judges what replies claim, such as prices, against what the tools returned in this conversation."""

    claims: Claims

    name = 'claims'

    def judge(self, dialogue: Dialogue, transcript: Transcript) -> Judgement:
        judged = Judgement()
        for number, turn in enumerate(transcript.turns, start=1):
            for reply in turn.replies:
                found = self.claims(reply, transcript, number)
                judged.count('claims', not found)
                judged.faults += [Fault('claim', 'none', one, number) for one in found]
        return judged


@dataclass(repr=False)
class Costs(Measure):
    """Counts time, tokens, money, and the turns that another model answered."""

    name = 'costs'
    counts_only = True

    def judge(self, dialogue: Dialogue, transcript: Transcript) -> Judgement:
        judged = Judgement()
        turns = transcript.turns
        for turn in turns:
            judged.count('latency_s', turn.latency_s)
            judged.count('degraded', turn.degraded)
        judged.count('tokens', sum(turn.input_tokens + turn.output_tokens for turn in turns))
        costs: list[Any] = [turn.cost_usd for turn in turns if turn.cost_usd is not None]
        if costs:
            judged.count('cost_usd', sum(costs))
        return judged
