"""One turn in flight: what it must answer, what is known, and its commit."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

import anyio

from agent_memory import telemetry
from agent_memory._lease import Lease
from agent_memory._snapshots import PastTurn, Snapshot, SnapshotCache, remember, version_of
from agent_memory.backend._protocol import Commit, Grant, JoinableStore, Message, SessionStore
from agent_memory.codec import Codec, StoredReply
from agent_memory.errors import LeaseLost, SessionConflict, StoreUnavailable
from agent_memory.handoff import HANDOFF, handoff_data, owed_handoff
from agent_memory.profile import Change, Fact, ProfileT
from agent_memory.session import ConversationMessage, Inbound, SessionData
from agent_memory.turn import Action, Event, Folded, TurnRecord, UserMessage, fold

T = TypeVar('T')


@dataclass(frozen=True)
class Replay:
    """The answer that a message got before."""

    reply: StoredReply
    deliver: bool
    """False when another message of the same burst carries this reply to the person."""
    failed: bool
    """True when the message was given up and the reply is the apology."""


@dataclass(frozen=True)
class Outcome(Generic[ProfileT]):
    """A committed turn."""

    session: SessionData[ProfileT]
    facts: tuple[Fact, ...]
    events: tuple[Event, ...]
    reply: StoredReply
    left: int
    """The contact's messages that still wait."""


@dataclass(eq=False)
class Turn(Generic[ProfileT]):
    """The right to answer some messages of one contact, once. Made by `SessionManager.turn`."""

    grant: Grant
    messages: tuple[UserMessage, ...]
    """What this turn answers, oldest first; more than one is a burst."""
    snapshot: Snapshot[ProfileT]
    lease: Lease
    _own: str | None = field(repr=False)
    """The id of the message whose caller runs this turn, and so delivers its reply."""
    _store: SessionStore = field(repr=False)
    _codec: Codec[ProfileT] = field(repr=False)
    _cache: SnapshotCache[ProfileT] = field(repr=False)
    _window: int = field(repr=False)
    _clock: Callable[[], datetime] = field(repr=False)
    outcome: Outcome[ProfileT] | None = None
    """Set by `commit`."""
    given_back: bool = False
    """Set by `give_back`."""
    beside: tuple[Action, ...] = ()
    """What is committed whatever the answer is, such as what a tapped button decides."""
    _began: float = field(default_factory=time.monotonic, repr=False)

    @property
    def session(self) -> SessionData[ProfileT]:
        """The session as it was when the turn began. Do not change it; commit actions instead."""
        return self.snapshot.session

    def blank(self) -> TurnRecord:
        """Return a record to fill with what only the caller knows, such as model and usage."""
        return _blank(self.session)

    def elapsed_ms(self) -> int:
        """Return the time since the turn was granted."""
        return int((time.monotonic() - self._began) * 1000)

    @property
    def muted(self) -> bool:
        """Whether a person holds the conversation, so that the agent says nothing."""
        return self._codec.domain.states.is_muted(self.session)

    def fold(self, actions: Iterable[Action]) -> Folded[ProfileT]:
        """Return what the session becomes with what stands `beside` and `actions`, without committing."""
        source = self.messages[-1] if self.messages else None
        return fold(
            self.session,
            (*self.beside, *actions),
            self._codec.domain,
            message=source.id if source else None,
            at=source.at if source else self._clock(),
        )

    def inbounds(self) -> tuple[Inbound, ...]:
        """Return what this turn answers as the channel delivered it, oldest first."""
        return tuple(self._codec.read_inbound(message.body, message.id) for message in self.grant.messages)

    def hear(self, message_id: str, text: str) -> None:
        """Replace the text of one message, such as a voice message by what was said in it."""
        self.messages = tuple(
            message.model_copy(update={'text': text}) if message.id == message_id else message
            for message in self.messages
        )

    async def join(self) -> tuple[UserMessage, ...]:
        """Take the messages that came in meanwhile into this turn, and return them, oldest first.

        Not after a failed attempt: then the first message runs alone, so that one that cannot be answered takes no
        other with it.

        Raises:
            LeaseLost: Another worker has the turn.
        """
        if self.grant.attempt > 1 or not isinstance(self._store, JoinableStore):
            return ()
        late = await self._store.arrived(self.grant)
        joined = tuple(user_message(message, self._codec) for message in late)
        self.grant = replace(self.grant, messages=(*self.grant.messages, *late))
        self.messages = (*self.messages, *joined)
        return joined

    @property
    def own(self) -> UserMessage | None:
        """The message whose caller runs this turn."""
        return next((message for message in self.messages if message.id == self._own), None)

    async def commit(
        self,
        *,
        reply: str | None,
        actions: Iterable[Action] = (),
        output: Any = None,
        record: TurnRecord | None = None,
        parsed: Any = None,
    ) -> Outcome[ProfileT]:
        """Write the turn: once, all of it, and only if nobody overtook it.

        Args:
            reply: What is said to the person; `None` says nothing.
            actions: What the tools asked for, in order.
            output: The agent's output as JSON when it is not the reply itself.
            record: Further neutral fields of the turn, such as model, usage and the framework's messages.
            parsed: The framework's messages, kept in this process for the next turn.

        Raises:
            LeaseLost: Another worker has the turn. Nothing was written and nothing may be sent.
        """
        folded = self.fold(actions)
        session, events = self._advanced(folded)
        source = self.messages[-1].id if self.messages else None
        events += owed_handoff(session, self._codec.domain, events, message=source)
        if record:
            session.spent = record.added_to(session.spent)
        happened: dict[str, Any] = {'messages': list(self.messages), 'reply': reply, 'facts': list(folded.facts)}
        if any(event.kind == HANDOFF for event in events):
            lines = _blank(session).model_copy(update=happened).lines()
            events = [self._told(event, session, lines) for event in events]
        happened['events'] = events
        # Every message of a burst gets the reply; the one whose caller is here comes last and carries it.
        messages = tuple(sorted(self.grant.messages, key=lambda message: message.id == self._own))
        return await self._write(session, record, happened, messages, output, parsed)

    async def replace(self, session: SessionData[ProfileT], message: Message) -> Outcome[ProfileT]:
        """Write a session that the caller changed, under the id of `message`.

        Raises:
            SessionConflict: It was loaded at another version.
            InvalidPatch: Its profile breaks the model.
        """
        base = self.session
        if version_of(session) != self.snapshot.version:
            raise SessionConflict(
                f'the session is at version {self.snapshot.version}, it was loaded at {version_of(session)}; load it again'
            )
        now = self._clock()
        old, new = base.profile.values(), session.profile.values()
        changes = [
            Change(field=name, value=new[name], op='correct', by='operator') for name in new if new[name] != old[name]
        ]
        patched = base.profile.patch(changes, message=message.id, at=now)
        kept = {name: getattr(session.profile, name) for name in session.profile.managed if name != 'provenance'}
        changed = session.model_copy(
            update={
                'profile': patched.profile.model_copy(update=kept),
                # What was added to the messages is `said`, which the commit puts there.
                'memory': session.memory.model_copy(update={'messages': base.memory.messages}),
                'started_at': base.started_at,
                'updated_at': now,
            }
        )
        events: list[Event] = []
        if base.state != changed.state:
            if not (self.muted and changed.state == base.handoff_from):
                self._codec.domain.states.check(base.state, changed.state)
            events.append(_moved(now, message.id, base.state, changed.state))
            if self.muted:
                events.append(Event(kind='handback', at=now, message=message.id, data={'state': changed.state}))
        said = session.memory.messages[len(base.memory.messages) :]
        happened = {'said': said, 'facts': list(patched.facts), 'events': events}
        return await self._write(changed, None, happened, (message,))

    async def give_back(
        self, *, error: str, outcome: Literal['retry', 'release', 'fail'] = 'retry'
    ) -> StoredReply | None:
        """Give the turn back without an answer.

        Returns the apology when this was the last attempt and the message is given up, else `None`.
        """
        apology = StoredReply(text=self._codec.domain.apology, turn=self.session.turn)
        self.given_back = True
        reply = self._codec.write_reply(apology, [message.id for message in self.grant.messages[:1]])
        aborted = await uninterrupted(self._store.abort(self.grant, error=error, reply=reply, outcome=outcome))
        return apology if aborted.dead else None

    def _advanced(self, folded: Folded[ProfileT]) -> tuple[SessionData[ProfileT], list[Event]]:
        domain, session, events = self._codec.domain, folded.session, list(folded.events)
        source = self.messages[-1].id if self.messages else None
        now = max(self._clock(), session.started_at)
        session.profile = session.profile.count_turn()
        if (target := domain.progress(session)) and target != session.state:
            events.append(_moved(now, source, session.state, target))
            domain.states.advance(session, target)
        session.increment_turn(at=now)
        session.forgotten = folded.restarts
        return session, events

    def _told(self, event: Event, session: SessionData[ProfileT], lines: list[ConversationMessage]) -> Event:
        """Return a hand-over with what the person who takes over needs; any other event as it is."""
        if event.kind != HANDOFF:
            return event
        data = handoff_data(session, self._codec.domain, lines)
        return event.model_copy(update={'data': {**data, **event.data}})

    def _qualify(self, session: SessionData[ProfileT], score: float | None, message: str | None) -> list[Event]:
        bar, scoring = self._codec.domain.qualified_at, self._codec.domain.score
        if session.qualified_at or bar is None or scoring is None or score is None or score < bar:
            return []
        session.qualified_at = session.updated_at
        explained = scoring(session.profile).model_dump(mode='json')
        return [Event(kind='qualified', at=session.updated_at, message=message, data={'score': explained})]

    async def _write(
        self,
        session: SessionData[ProfileT],
        known: TurnRecord | None,
        happened: dict[str, Any],
        messages: tuple[Message, ...],
        output: Any = None,
        parsed: Any = None,
    ) -> Outcome[ProfileT]:
        domain = self._codec.domain
        score = domain.score.total(session.profile) if domain.score else None
        source = self.messages[-1] if self.messages else messages[-1] if messages else None
        events = [*happened['events'], *self._qualify(session, score, source.id if source else None)]
        fields = dict(known) if known else {}
        fields |= happened
        fields |= {
            'events': events,
            'turn': session.turn,
            'at': session.updated_at,
            'state': session.state,
            'score': score,
            'completeness': domain.completeness.total(session.profile) if domain.completeness else None,
        }
        if self.snapshot.version == 0:
            fields['carried'] = list(self.session.profile.sourced(at=self.session.started_at))
        record = TurnRecord(**fields)
        reply = StoredReply(text=record.reply, output=output, turn=session.turn, run_id=record.run_id)
        made = {'started_ms': self.grant.started_ms, 'version': self.grant.version + 1}
        commit = Commit(
            # 72 bits: told apart only from the other commits of one contact, and stored with each of its messages.
            id=secrets.token_urlsafe(9),
            document=self._codec.write_session(session, **made),
            record=self._codec.write_turn(record, **made),
            reply=self._codec.write_reply(reply, [message.id for message in messages]),
            messages=messages,
            ttl=session.ttl,
            ends='restart' if session.forgotten else '',
        )
        following = _Ahead(lambda: self._following(session, record, parsed))
        # A cancelled caller must not leave the outcome open: the commit is sent and its answer awaited.
        with telemetry.span(telemetry.COMMIT, {telemetry.FACTS: len(record.facts)}):
            done = await uninterrupted(self._store.commit(self.grant, commit))
        if session.forgotten:
            self._cache.drop(self.grant.contact_id)
        else:
            self._cache.put(self.grant.contact_id, following.take())
        self.outcome = Outcome(session, tuple(record.facts), tuple(record.events), reply, done.left)
        return self.outcome

    def _following(self, session: SessionData[ProfileT], record: TurnRecord, parsed: Any) -> Snapshot[ProfileT]:
        version = self.grant.version + 1
        remember(session, record, self._window, version)
        turns = (*self.snapshot.turns, PastTurn(record, parsed))[-self._window :]
        return Snapshot(version, session, turns)


class _Ahead(Generic[T]):
    """Something to make that is made while the loop waits for an answer, or at the latest when it is taken."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: list[T] = []
        asyncio.get_running_loop().call_soon(self._start)

    def take(self) -> T:
        return self._made[0] if self._made else self._make()

    def _start(self) -> None:
        self._made.append(self._make())


async def uninterrupted(call: Awaitable[T]) -> T:
    """Await `call` to its end even if the caller is cancelled meanwhile."""
    with anyio.CancelScope(shield=True):
        return await call
    raise RuntimeError('a shielded scope was cancelled')  # pragma: no cover


def user_message(message: Message, codec: Codec[Any], inbound: Inbound | None = None) -> UserMessage:
    """Return a message of the mailbox as a person's line; `inbound` when it is known already.

    Raises:
        SessionCorrupt: Its body is not one that this version reads.
    """
    known = inbound or codec.read_inbound(message.body, message.id)
    return UserMessage(id=message.id, text=known.text, at=known.sent_at, referral=known.referral)


def _blank(session: SessionData[Any]) -> TurnRecord:
    return TurnRecord(turn=session.turn, at=session.updated_at, state=session.state)


def _moved(at: datetime, message: str | None, before: str, after: str) -> Event:
    return Event(kind='state', at=at, message=message, data={'before': before, 'after': after})


async def give_back(turn: Turn[ProfileT], failure: Exception | None) -> None:
    """Give back a turn that was not committed, unless that was done or another worker has it."""
    if turn.given_back or isinstance(failure, LeaseLost):
        return
    # A cancelled caller and a store that is away are not the message's fault.
    outcome: Literal['retry', 'release'] = (
        'release' if failure is None or isinstance(failure, StoreUnavailable) else 'retry'
    )
    try:
        await turn.give_back(error=type(failure).__name__ if failure else 'cancelled', outcome=outcome)
    except StoreUnavailable as error:
        # The lease ends by itself; what went wrong first is what the caller has to know.
        if failure is not None:
            failure.add_note(f'the turn could not be given back either: {error}')
