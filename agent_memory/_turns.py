"""One turn in flight: what it must answer, what is known, and its commit."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, Literal, TypeVar

import anyio

from agent_memory import telemetry
from agent_memory.backend._protocol import Commit, Grant, Held, Message, SessionStore
from agent_memory.codec import Codec, StoredReply, pack
from agent_memory.errors import SessionConflict
from agent_memory.profile import Change, Fact, ProfileT
from agent_memory.session import SessionData
from agent_memory.turn import Action, Event, Folded, TurnRecord, UserMessage, fold

T = TypeVar('T')


@dataclass(eq=False)
class PastTurn:
    """One committed turn of the window."""

    record: TurnRecord
    parsed: Any = None
    """The framework's messages of this turn, kept so that nothing is validated twice."""


@dataclass(frozen=True)
class Snapshot(Generic[ProfileT]):
    """A session at one version, with its window of turns. Never changed: a commit makes the next one."""

    version: int
    session: SessionData[ProfileT]
    turns: tuple[PastTurn, ...]


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


class SnapshotCache(Generic[ProfileT]):
    """The newest snapshots that this worker has seen, by contact; the store says whether they are still true."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._snapshots: OrderedDict[str, Snapshot[ProfileT]] = OrderedDict()

    def get(self, contact_id: str) -> Snapshot[ProfileT] | None:
        return self._snapshots.get(contact_id)

    def put(self, contact_id: str, snapshot: Snapshot[ProfileT]) -> None:
        self._snapshots[contact_id] = snapshot
        self._snapshots.move_to_end(contact_id)
        if len(self._snapshots) > self._size:
            self._snapshots.popitem(last=False)

    def drop(self, contact_id: str) -> None:
        self._snapshots.pop(contact_id, None)


@dataclass(eq=False)
class Lease:
    """Whether this turn may still go on, and the scopes that end when it may not."""

    lost: BaseException | None = None
    _scopes: set[anyio.CancelScope] = field(default_factory=set[anyio.CancelScope])

    def lose(self, why: BaseException) -> None:
        """End every guarded block; each raises `why`."""
        self.lost = self.lost or why
        for scope in self._scopes:
            scope.cancel()

    @contextmanager
    def guard(self) -> Generator[None]:
        """End the block when the lease is lost, and raise why."""
        if self.lost:
            raise self.lost
        scope = anyio.CancelScope()
        self._scopes.add(scope)
        try:
            with scope:
                yield
        finally:
            self._scopes.discard(scope)
        if scope.cancelled_caught and self.lost:
            raise self.lost


@dataclass(eq=False)
class Turn(Generic[ProfileT]):
    """The right to answer some messages of one contact, once. Made by `SessionManager.turn`."""

    grant: Grant
    messages: tuple[UserMessage, ...]
    """What this turn answers, oldest first; more than one is a burst."""
    snapshot: Snapshot[ProfileT]
    lease: Lease
    _store: SessionStore = field(repr=False)
    _codec: Codec[ProfileT] = field(repr=False)
    _cache: SnapshotCache[ProfileT] = field(repr=False)
    _window: int = field(repr=False)
    _clock: Callable[[], datetime] = field(repr=False)
    outcome: Outcome[ProfileT] | None = None
    """Set by `commit`."""
    given_back: bool = False
    """Set by `give_back`."""
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
        """Return what the session becomes with `actions`, without committing."""
        source = self.messages[-1] if self.messages else None
        return fold(
            self.session,
            actions,
            self._codec.domain,
            message=source.id if source else None,
            at=source.at if source else self._clock(),
        )

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
        finished = (record or _blank(session)).model_copy(
            update={'messages': list(self.messages), 'reply': reply, 'facts': list(folded.facts), 'events': events}
        )
        return await self._write(session, finished, output, parsed, self.grant.messages)

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
                'started_at': base.started_at,
                'updated_at': now,
            }
        )
        events: list[Event] = []
        if base.state != changed.state:
            if not (self.muted and changed.state == base.handoff_from):
                self._codec.domain.states.check(base.state, changed.state)
            events.append(_moved(now, message.id, base.state, changed.state))
        said = session.memory.messages[len(base.memory.messages) :]
        record = _blank(changed).model_copy(update={'said': said, 'facts': list(patched.facts), 'events': events})
        self._qualify(changed, events, now, message.id)
        return await self._write(changed, record, None, None, (message,))

    async def give_back(
        self, *, error: str, outcome: Literal['retry', 'release', 'fail'] = 'retry'
    ) -> StoredReply | None:
        """Give the turn back without an answer.

        Returns the apology when this was the last attempt and the message is given up, else `None`.
        """
        apology = StoredReply(text=self._codec.domain.apology, turn=self.session.turn)
        self.given_back = True
        aborted = await uninterrupted(self._store.abort(self.grant, error=error, reply=pack(apology), outcome=outcome))
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
        self._qualify(session, events, now, source)
        return session, events

    def _qualify(self, session: SessionData[ProfileT], events: list[Event], now: datetime, source: str | None) -> None:
        bar, score = self._codec.domain.qualified_at, self._codec.domain.scored(session.profile)
        if score and bar is not None and score.total >= bar and not session.qualified_at:
            session.qualified_at = now
            events.append(
                Event(kind='qualified', at=now, message=source, data={'score': score.model_dump(mode='json')})
            )

    async def _write(
        self,
        session: SessionData[ProfileT],
        record: TurnRecord,
        output: Any,
        parsed: Any,
        messages: tuple[Message, ...],
    ) -> Outcome[ProfileT]:
        domain = self._codec.domain
        record = record.model_copy(
            update={
                'turn': session.turn,
                'at': session.updated_at,
                'state': session.state,
                'score': domain.score(session.profile).total if domain.score else None,
                'completeness': domain.completeness(session.profile).total if domain.completeness else None,
            }
        )
        reply = StoredReply(text=record.reply, output=output, turn=session.turn, run_id=record.run_id)
        commit = Commit(
            id=secrets.token_urlsafe(12),
            document=self._codec.write_session(session),
            record=self._codec.write_turn(record),
            reply=pack(reply),
            messages=messages,
            ttl=session.ttl,
            ends='restart' if session.forgotten else '',
        )
        # A cancelled caller must not leave the outcome open: the commit is sent and its answer awaited.
        with telemetry.span(telemetry.COMMIT, {telemetry.FACTS: len(record.facts)}):
            done = await uninterrupted(self._store.commit(self.grant, commit))
        if session.forgotten:
            self._cache.drop(self.grant.contact_id)
        else:
            session = stamped(remembered(session, record, self._window), done.version)
            turns = (*self.snapshot.turns, PastTurn(record, parsed))[-self._window :]
            self._cache.put(self.grant.contact_id, Snapshot(done.version, session, turns))
        self.outcome = Outcome(session, tuple(record.facts), tuple(record.events), reply, done.left)
        return self.outcome


async def uninterrupted(call: Awaitable[T]) -> T:
    """Await `call` to its end even if the caller is cancelled meanwhile."""
    with anyio.CancelScope(shield=True):
        return await call
    raise RuntimeError('a shielded scope was cancelled')  # pragma: no cover


def _blank(session: SessionData[Any]) -> TurnRecord:
    return TurnRecord(turn=session.turn, at=session.updated_at, state=session.state)


def _moved(at: datetime, message: str | None, before: str, after: str) -> Event:
    return Event(kind='state', at=at, message=message, data={'before': before, 'after': after})


def stamped(session: SessionData[ProfileT], version: int) -> SessionData[ProfileT]:
    """Return the session marked with the version that it was read or written at."""
    copy = session.model_copy()
    copy._version = version  # pyright: ignore[reportPrivateUsage] - the mark is the package's, not the caller's
    return copy


def version_of(session: SessionData[Any]) -> int:
    """Return the version that the session was read or written at."""
    return session._version  # pyright: ignore[reportPrivateUsage] - see `stamped`


def remembered(session: SessionData[ProfileT], record: TurnRecord, window: int) -> SessionData[ProfileT]:
    """Return the session with the record's messages in its memory, of which the last `window` turns stay."""
    messages = [*session.memory.messages, *record.lines()][-2 * window :]
    return session.model_copy(update={'memory': session.memory.model_copy(update={'messages': messages})})


def read_snapshot(
    codec: Codec[ProfileT], grant: Grant, cached: Snapshot[ProfileT] | None, window: int
) -> Snapshot[ProfileT]:
    """Return the session that a grant is for, parsing only what this worker does not hold yet."""
    if grant.version == 0:
        previous = codec.read_session(grant.previous) if grant.previous else None
        started = datetime.fromtimestamp(grant.started_ms / 1000, UTC)
        return Snapshot(0, codec.domain.open_session(grant.contact_id, at=started, previous=previous), ())
    if grant.document is None and cached is not None:
        return cached
    fresh = tuple(PastTurn(codec.read_turn(blob)) for blob in grant.turns)
    kept = cached.turns if cached and held(cached).started_ms == grant.started_ms else ()
    turns = (*kept, *fresh)[-window:] if kept else fresh
    session = codec.read_session(grant.document or b'')
    lines = [line for turn in turns for line in turn.record.lines()]
    session.memory.messages = lines
    return Snapshot(grant.version, stamped(session, grant.version), turns)


def held(snapshot: Snapshot[Any]) -> Held:
    """Return what the store needs to know of a snapshot that this worker holds."""
    return Held(started_ms=round(snapshot.session.started_at.timestamp() * 1000), version=snapshot.version)
