"""`SessionManager`: the verbs of a session, over a store of open sessions and an archive of their history."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Generic, Literal

from agent_memory import telemetry
from agent_memory._lease import Heartbeat, Lease
from agent_memory._snapshots import Snapshot, SnapshotCache, held, read_snapshot, version_of
from agent_memory._turns import Replay, Turn, give_back, user_message
from agent_memory.backend._archive import Archive
from agent_memory.backend._channel import Channel, HasChannel, Pace, Received
from agent_memory.backend._protocol import Answered, Behind, Closable, Grant, Message, SessionStore, Sweepable
from agent_memory.backend._sweeper import Sweeper
from agent_memory.codec import Codec, StoredReply, pack, pack_briefly, unpack
from agent_memory.errors import (
    EarlierWaits,
    InvalidInput,
    SessionBusy,
    SessionCorrupt,
    SetupError,
)
from agent_memory.history import PastSession, past_session
from agent_memory.identity import Identity
from agent_memory.lead import CAR_LEAD
from agent_memory.profile import ProfileT
from agent_memory.session import Domain, Inbound, SessionData

MAX_TURN = timedelta(seconds=120)
"""Hard deadline of one turn: past it the lease is no longer renewed."""

_AT_ONCE = Pace(quiet=timedelta(0))


class SessionManager(Generic[ProfileT]):
    """Keeps the sessions of all contacts: typed, exclusive by contact, committed once by message.

    Args:
        store: Where open sessions live.
        archive: Where history lives; `None` keeps none to read.
        domain: What the business decides; the used-car lead by default.
        secret: What contact ids are hashed with, at least 16 bytes, the same for every worker. `None` uses the one
            that the store made when it was created.
        window_turns: Most past turns that a turn knows.
        cache_size: Most sessions that this worker keeps in memory, so that nothing is parsed twice.
        wait: How long a turn waits for another turn of the same contact.
        max_turn: Hard deadline of one turn.
        clock: Replaces the clock of stamps, for tests.
    """

    def __init__(
        self,
        store: SessionStore,
        archive: Archive | None = None,
        *,
        domain: Domain[ProfileT] = CAR_LEAD,
        secret: bytes | None = None,
        window_turns: int = 50,
        cache_size: int = 1000,
        wait: timedelta = timedelta(seconds=30),
        max_turn: timedelta = MAX_TURN,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if secret is not None and len(secret) < 16:
            raise SetupError('the secret that contact ids are hashed with needs at least 16 bytes')
        self.store = store
        self.archive = archive
        self.domain = domain
        self.codec = Codec(domain)
        self._secret = secret
        self._window = window_turns
        self._wait = wait
        self._max_turn = max_turn
        self._clock = clock
        self._cache: SnapshotCache[ProfileT] = SnapshotCache(cache_size)
        self._identity: Identity | None = None

    async def contact_id(self, contact: str) -> str:
        """Return the opaque id of a phone number or business-scoped user id.

        Raises:
            InvalidContact: It is neither.
        """
        return (await self._known()).contact_id(contact)

    async def get_session(self, contact: str) -> SessionData[ProfileT] | None:
        """Return the contact's open session as last committed, or `None`."""
        contact_id = await self.contact_id(contact)
        snapshot = await self._load(contact_id)
        return snapshot.session if snapshot.version else None

    async def get_or_create_session(self, contact: str) -> SessionData[ProfileT]:
        """Return the contact's open session, or a new one that is stored with its first update or turn."""
        return (await self._load(await self.contact_id(contact))).session

    async def update_session(self, session: SessionData[ProfileT], *, message_id: str) -> bool:
        """Commit a changed session, once for each `message_id`.

        Returns True when the change was applied, False when this message id was applied before.

        Raises:
            SessionConflict: The session moved on since it was loaded. Nothing was written: load it and change it again.
            SessionBusy: A turn of this contact is running and did not end within the wait.
            InvalidPatch: The profile breaks its model. Nothing was written.
        """
        identity = await self._known()
        message = Message(identity.message_id(session.contact_id, message_id), b'', identity.text_digest(''), 0)
        started = time.monotonic()
        with telemetry.span(telemetry.BEGIN):
            begun = await self.store.begin(
                session.contact_id, message, kind='change', window=self._window, wait=self._wait
            )
        match begun:
            case Grant():
                async with self._running(begun, None) as turn:
                    await turn.replace(session, message)
                return True
            case Answered():
                return False
            case _:
                raise SessionBusy(waited=timedelta(seconds=time.monotonic() - started))

    async def hand_back(self, contact: str) -> bool:
        """Give the conversation back to the agent, which goes on where it was when a person took over.

        Returns False when no person holds it.

        Raises:
            SessionConflict: The session moved on meanwhile. Nothing was written: try again.
            SessionBusy: A turn of this contact is running and did not end within the wait.
        """
        session = await self.get_session(contact)
        if session is None or not self.domain.states.is_muted(session):
            return False
        name = f'hand back {session.session_id}:{version_of(session)}'
        self.domain.states.hand_back(session)
        return await self.update_session(session, message_id=name)

    async def expire_session(self, contact: str, *, reason: str = 'expired') -> bool:
        """End the contact's session now: archived and gone from the store in one step.

        Returns False when none is open, a turn is running or a message waits.
        """
        contact_id = await self.contact_id(contact)
        self._cache.drop(contact_id)
        return await self.sweepable.close(contact_id, reason=reason, force=True)

    async def get_user_history(self, contact: str, limit: int = 10) -> list[PastSession]:
        """Return the contact's archived sessions with their transcripts, newest first.

        What was committed a moment ago may still be on its way to the archive.

        Raises:
            ArchiveUnavailable: The archive cannot be read.
        """
        if self.archive is None:
            raise SetupError('this manager has no archive; give it one to read history')
        rows = await self.archive.sessions(await self.contact_id(contact), limit=limit)
        return [past_session(row, await self.archive.messages(row.session_id, limit=10_000)) for row in rows]

    @asynccontextmanager
    async def turn(self, inbound: Inbound, *, wait: timedelta | None = None) -> AsyncGenerator[Turn[ProfileT] | Replay]:
        """Yield the right to answer `inbound`, exclusive for its contact, or the answer that it got before.

        The body must `commit` the turn. When it raises or commits nothing, the turn is given back and tried again by
        whoever asks next; after the last attempt the message goes to the dead letters.

        Raises:
            SessionBusy: Another turn of the contact did not end within `wait`. The message is kept.
            EarlierWaits: An earlier message must be answered first. The message is kept.
            LeaseLost: Another worker took the turn over; the body was ended.
            TurnTimedOut: The turn ran into its hard deadline; the body was ended.
            Refused: The store takes no new message now. Nothing was stored.
        """
        contact_id, message = await self._message(inbound)
        patience = self._wait if wait is None else wait
        started = time.monotonic()
        begun = cached = None
        while begun is None or (isinstance(begun, Grant) and begun.spent):
            if begun:
                await self._give_up(begun)
            cached = self._cache.get(contact_id)
            with telemetry.span(telemetry.BEGIN):
                begun = await self.store.begin(
                    contact_id, message, held=held(cached) if cached else None, window=self._window, wait=patience
                )
        match begun:
            case Grant():
                async with self._running(begun, cached, inbound, message) as turn:
                    yield turn
            case Answered(reply=reply, primary=primary, failed=failed):
                yield Replay(unpack(StoredReply, reply), deliver=primary or failed, failed=failed)
            case Behind(head=head):
                earlier = unpack(Inbound, head.body)
                raise EarlierWaits(
                    contact=earlier.contact, message_id=earlier.message_id, text=earlier.text, sent_at=earlier.sent_at
                )
            case _:
                raise SessionBusy(waited=timedelta(seconds=time.monotonic() - started))

    async def receive(
        self, inbound: Inbound, *, address: bytes = b'', pace: Pace = _AT_ONCE, flush: bool = False
    ) -> Received:
        """Take a message in for a worker, durably and once, without waiting for its turn.

        When this returns, the message is in the contact's mailbox and its answer is owed through the channel.

        Args:
            inbound: The message.
            address: Where the channel sends the reply.
            pace: How long the turn waits for more of the same burst.
            flush: Whether the burst ends with this message.

        Raises:
            Refused: The store takes no new message now. Nothing was stored.
            StoreUnavailable: The store does not answer. Receive it again.
            MessageMismatch: The message id is known with another text.
        """
        contact_id, message = await self._message(inbound)
        return await self.channel.receive(contact_id, message, address=address, pace=pace, flush=flush)

    @asynccontextmanager
    async def take(self, contact_id: str) -> AsyncGenerator[Turn[ProfileT] | None]:
        """Yield the turn over what waits in a contact's mailbox, or `None` when nothing is to be answered now.

        The body must `commit` the turn, as with `turn`.
        """
        begun = cached = None
        while begun is None or (isinstance(begun, Grant) and begun.spent):
            if begun:
                await self._give_up(begun)
            cached = self._cache.get(contact_id)
            begun = await self.store.begin(contact_id, None, held=held(cached) if cached else None, window=self._window)
        if isinstance(begun, Grant):
            async with self._running(begun, cached) as turn:
                yield turn
        else:
            yield None

    @property
    def channel(self) -> Channel:
        """What the store does for a channel.

        Raises:
            SetupError: The store serves no channel.
        """
        if not isinstance(self.store, HasChannel):
            raise SetupError(f'{type(self.store).__name__} serves no channel: it has no `channel`')
        return self.store.channel

    async def identity(self) -> Identity:
        """Return what names contacts and messages in this store."""
        return await self._known()

    async def sweep(self) -> int:
        """Close every session that is past its deadline, and return how many."""
        return await Sweeper(self.sweepable, self.close_overdue).sweep()

    async def close_overdue(self, contact_id: str) -> bool:
        """Close a session that is past its deadline. Returns False when it is not, or a turn runs or a message waits."""
        self._cache.drop(contact_id)
        return await self.sweepable.close(contact_id, reason='expired')

    async def first_waiting(self, contact_id: str) -> Inbound | None:
        """Return the first message of a contact that has no answer yet.

        Raises:
            SessionCorrupt: It is not one that this version reads.
        """
        head = await self.sweepable.head(contact_id)
        if head is not None:
            return unpack(Inbound, head.body)
        # A lease without a message is what a crashed change leaves; to ask for the turn forgets it.
        begun = await self.store.begin(contact_id, None)
        if isinstance(begun, Grant):
            await self.store.abort(begun, error='', reply=b'', outcome='release')
        return None

    @property
    def sweepable(self) -> Sweepable:
        """The store, which can be swept.

        Raises:
            SetupError: It cannot.
        """
        if not isinstance(self.store, Sweepable):
            raise SetupError(f'{type(self.store).__name__} cannot be swept: it has no `due`, `head` and `close`')
        return self.store

    async def close(self) -> None:
        """Close the store's connections and release the archive."""
        if isinstance(self.store, Closable):
            await self.store.aclose()
        if self.archive is not None:
            await self.archive.close()

    @asynccontextmanager
    async def _running(
        self,
        grant: Grant,
        cached: Snapshot[ProfileT] | None,
        inbound: Inbound | None = None,
        own: Message | None = None,
    ) -> AsyncGenerator[Turn[ProfileT]]:
        try:
            turn = self._turn(grant, cached, inbound, own)
        except SessionCorrupt as error:
            await self._aborted(grant, error=type(error).__name__, outcome='retry')
            raise
        failure: Exception | None = None
        try:
            async with self._heartbeat(grant, turn.lease):
                try:
                    with turn.lease.guard():
                        yield turn
                except Exception as error:  # noqa: BLE001 - raised again below, outside the group that would wrap it
                    failure = error
        finally:
            if turn.outcome is None:
                self._cache.drop(grant.contact_id)
                await give_back(turn, failure)
        if failure is not None:
            raise failure

    def _turn(
        self, grant: Grant, cached: Snapshot[ProfileT] | None, inbound: Inbound | None, own: Message | None
    ) -> Turn[ProfileT]:
        return Turn(
            grant,
            tuple(
                user_message(message, inbound if own and message.id == own.id else None) for message in grant.messages
            ),
            read_snapshot(self.codec, grant, cached, self._window),
            Lease(),
            own.id if own else None,
            self.store,
            self.codec,
            self._cache,
            self._window,
            self._clock,
        )

    async def _give_up(self, grant: Grant) -> None:
        """Give up a message whose every attempt ended with its worker: it may be what ends them."""
        await self._aborted(grant, error='attempts used up', outcome='fail')

    async def _aborted(self, grant: Grant, *, error: str, outcome: Literal['retry', 'fail']) -> None:
        apology = StoredReply(text=self.domain.apology, turn=grant.version)
        await self.store.abort(grant, error=error, reply=pack(apology), outcome=outcome)

    def _heartbeat(self, grant: Grant, lease: Lease) -> Heartbeat:
        return Heartbeat(lease, lambda: self.store.heartbeat(grant), length=grant.lease, limit=self._max_turn)

    async def _known(self) -> Identity:
        if self._identity is None:
            self._identity = Identity(await self.store.open(self._secret))
        return self._identity

    async def _message(self, inbound: Inbound) -> tuple[str, Message]:
        if not inbound.text.strip():
            raise InvalidInput('the message is empty; give the text in the inbound or as the prompt')
        identity = await self._known()
        contact_id = identity.contact_id(inbound.contact)
        return contact_id, Message(
            id=identity.message_id(contact_id, inbound.message_id),
            body=pack_briefly(inbound),
            digest=identity.text_digest(inbound.text),
            order=int(inbound.sent_at.timestamp() * 1000),
        )

    async def _load(self, contact_id: str) -> Snapshot[ProfileT]:
        stored = await self.store.load(contact_id, window=self._window)
        now_ms = int(self._clock().timestamp() * 1000)
        grant = Grant(
            contact_id=contact_id,
            token='',
            fence=0,
            started_ms=stored.started_ms or now_ms,
            version=stored.version,
            attempt=0,
            document=stored.document,
            previous=stored.previous,
            turns=stored.turns,
            messages=(),
            lease=timedelta(0),
        )
        return read_snapshot(self.codec, grant, None, self._window)
