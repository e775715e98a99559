"""Plays one conversation through the agent, on the way that messages take in production."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import JsonValue, TypeAdapter
from pydantic_ai import Agent, AgentRunResult
from pydantic_ai.messages import ModelResponse, ToolCallPart, ToolReturnPart

from agent_memory._messages import DEGRADED
from agent_memory._turns import Outcome, Turn
from agent_memory.capability import delivers, within
from agent_memory.evals._dialogues import Dialogue, DialogueTurn, Flag
from agent_memory.evals._stage import Stage
from agent_memory.evals._transcript import Step, ToolUse, Transcript, TurnOutcome
from agent_memory.evals._users import User
from agent_memory.profile import Change
from agent_memory.session import MAX_TEXT, Inbound, SessionData

_BETWEEN_TURNS = timedelta(seconds=30)
_ANY: TypeAdapter[Any] = TypeAdapter(Any)


@dataclass
class Player:
    """Plays one dialogue: every message is received as a channel receives it, and every turn is one `agent.run`."""

    stage: Stage
    agent: Agent[Any, Any]
    dialogue: Dialogue
    deps: Callable[[Inbound], Any]

    def __post_init__(self) -> None:
        # A contact of its own: a business-scoped user id, which no phone number can be.
        self._contact = 'BR.' + re.sub('[^A-Za-z0-9]', '', self.dialogue.id)[-100:]
        self._transcript = Transcript(dialogue=self.dialogue.id)

    async def play(self, user: User | None) -> Transcript:
        """Play the script, or let `user` talk, and return what happened."""
        if self.dialogue.prior:
            await self._know(self.dialogue.prior)
        for turn in self.dialogue.turns:
            await self._play_turn(turn)
        while user is not None and (said := await user.say(self._transcript)) is not None:
            await self._play_turn(DialogueTurn(messages=[said[:MAX_TEXT]]))
        return self._transcript

    async def _know(self, prior: dict[str, JsonValue]) -> None:
        manager = self.stage.manager
        session = await manager.get_or_create_session(self._contact)
        session.profile = session.profile.patch([Change(field=name, value=prior[name]) for name in prior]).profile
        await manager.update_session(session, message_id=f'{self.dialogue.id}.prior')

    async def _play_turn(self, turn: DialogueTurn) -> None:
        number = len(self._transcript.turns) + 1
        await self._before(turn, number)
        outcome = TurnOutcome(agent=turn.agent, messages=turn.messages)
        inbounds = [self._inbound(number, place, text) for place, text in enumerate(turn.messages)]
        await self._arrive(turn, inbounds, outcome)
        contact_id = await self.stage.manager.contact_id(self._contact)
        if turn.dies:
            await self.stage.lose_worker(contact_id)
        while True:
            async with self.stage.manager.take(contact_id) as taken:
                if taken is None:
                    break
                await self._answer(taken, outcome)
        for _ in range(turn.redeliver):
            await self._redeliver(inbounds, outcome)
        self._transcript.turns.append(outcome)

    async def _before(self, turn: DialogueTurn, number: int) -> None:
        self.stage.clock.advance(turn.wait or _BETWEEN_TURNS)
        if turn.wait:
            await self.stage.manager.sweep()
        if turn.restart:
            await self.stage.restart()
        if turn.hand_back:
            await self.stage.manager.hand_back(self._contact)
        if turn.agent:
            await self._script_agent(turn.agent, number)

    async def _script_agent(self, line: str, number: int) -> None:
        """Put the script's line into the conversation, as a colleague at the console would, and take the mute off."""
        manager = self.stage.manager
        session = await manager.get_or_create_session(self._contact)
        if manager.domain.states.is_muted(session):
            manager.domain.states.hand_back(session)
        session.add_message('assistant', line, at=self.stage.clock.now())
        await manager.update_session(session, message_id=f'{self.dialogue.id}.{number}.agent')

    def _inbound(self, number: int, place: int, text: str) -> Inbound:
        return Inbound(
            contact=self._contact,
            message_id=f'{self.dialogue.id}.{number}.{place}',
            text=text,
            sent_at=self.stage.clock.now() + timedelta(seconds=place),
        )

    async def _arrive(self, turn: DialogueTurn, inbounds: list[Inbound], outcome: TurnOutcome) -> None:
        for place in turn.arrive or range(1, len(inbounds) + 1):
            for copy in range(turn.copies):
                received = await self.stage.manager.receive(inbounds[place - 1])
                outcome.delivered += 1
                if received.new != (copy == 0):
                    outcome.misdelivered.append(f'copy {copy + 1} of message {place} was taken for another message')
        self.stage.clock.advance(timedelta(seconds=len(inbounds)))

    async def _answer(self, turn: Turn[Any], outcome: TurnOutcome) -> None:
        inbounds = turn.inbounds()
        newest = inbounds[-1].model_copy(update={'text': '\n'.join(one.text for one in inbounds)})
        started = time.perf_counter()
        with within(turn):
            result = await self.agent.run(newest.text, deps=self.deps(newest), conversation_id=turn.grant.contact_id)
        outcome.latency_s += time.perf_counter() - started
        if turn.outcome is None:
            outcome.misdelivered.append('the turn was given up, and the person was told so')
            outcome.replies += [str(result.output)] if result.output is not None else []
            return
        outcome.turns += 1
        _note_outcome(outcome, turn.outcome, self.stage)
        note_run(outcome, result)

    async def _redeliver(self, inbounds: list[Inbound], outcome: TurnOutcome) -> None:
        """Let each message come again after its answer: it must get the same answer, and only one copy is for sending."""
        manager = self.stage.manager
        before = await manager.get_session(self._contact)
        carriers = 0
        for inbound in inbounds:
            result = await self.agent.run(inbound.text, deps=self.deps(inbound))
            outcome.delivered += 1
            carriers += delivers(result)
            if not (result.metadata or {}).get('replayed'):
                outcome.misdelivered.append('a message that came again was answered again')
            elif result.output is not None and str(result.output) not in outcome.replies:
                outcome.misdelivered.append('a message that came again got another answer')
        after = await manager.get_session(self._contact)
        if (before.turn if before else 0) != (after.turn if after else 0):
            outcome.misdelivered.append('a message that came again made another turn')
        if carriers > max(outcome.turns, 1):
            outcome.misdelivered.append('one answer would be sent more than once')


def flags_of(session: SessionData[Any]) -> dict[Flag, bool]:
    """Return what a person has agreed to and asked for."""
    return {
        'consent_given': session.consent.given,
        'wants_human': 'person' in session.requests,
        'opt_out': 'opt_out' in session.requests,
        'erase_request': 'erasure' in session.requests,
    }


def _note_outcome(outcome: TurnOutcome, done: Outcome[Any], stage: Stage) -> None:
    session = done.session
    if done.reply.text is not None:
        outcome.replies.append(done.reply.text)
    # After a new start the next session knows nothing of this one.
    outcome.profile = type(session.profile)().values() if session.forgotten else session.profile.values()
    outcome.flags = flags_of(session)
    outcome.state = session.state
    outcome.events += [event.kind for event in done.events]
    outcome.steps += [
        Step(before=str(event.data['before']), after=str(event.data['after']))
        for event in done.events
        if event.kind == 'state'
    ]
    outcome.score = stage.domain.score.total(session.profile) if stage.domain.score else None
    outcome.qualified = session.qualified_at is not None


def note_run(outcome: TurnOutcome, result: AgentRunResult[Any]) -> None:
    parts = [part for message in result.new_messages() for part in message.parts]
    returns = {part.tool_call_id: part for part in parts if isinstance(part, ToolReturnPart)}
    for part in parts:
        if isinstance(part, ToolCallPart):
            use = ToolUse(name=part.tool_name, arguments=_plain(part.args_as_dict(raise_if_invalid=False)))
            if returned := returns.get(part.tool_call_id):
                use = use.model_copy(update={'outcome': returned.outcome, 'returned': _plain(returned.content)})
            outcome.tools.append(use)
    responses = [message for message in result.new_messages() if isinstance(message, ModelResponse)]
    outcome.model = next((one.model_name for one in reversed(responses) if one.model_name), outcome.model)
    outcome.degraded |= any((one.provider_details or {}).get(DEGRADED) for one in responses)
    usage = result.usage
    outcome.requests += usage.requests
    outcome.input_tokens += usage.input_tokens
    outcome.output_tokens += usage.output_tokens
    if usage.cost is not None:
        outcome.cost_usd = (outcome.cost_usd or 0) + float(usage.cost)


def _plain(value: Any) -> JsonValue:
    return _ANY.dump_python(value, mode='json', fallback=str)
