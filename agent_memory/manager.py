"""`SessionManager`: the verbs of a session, over a store of open sessions and an archive of their history."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Generic

import platformdirs

from agent_memory import telemetry
from agent_memory._intake import Intake
from agent_memory._lease import Heartbeat, Lease
from agent_memory._snapshots import Snapshot, SnapshotCache, read_snapshot, unleased, version_of
from agent_memory._turns import Replay, Turn, give_back, user_message
from agent_memory.backend._archive import Archive
from agent_memory.backend._channel import Channel, HasChannel, Letter, Pace, Reach, Received
from agent_memory.backend._protocol import Answered, Behind, Closable, Grant, Message, SessionStore, Sweepable
from agent_memory.backend._sweeper import Sweeper
from agent_memory.codec import Codec, StoredReply
from agent_memory.errors import EarlierWaits, SessionBusy, SessionCorrupt, SetupError
from agent_memory.history import Opener, PastSession, past_session
from agent_memory.identity import Identity
from agent_memory.lead import CAR_LEAD
from agent_memory.profile import ProfileT
from agent_memory.session import Domain, Inbound, SessionData
from agent_memory.turn import TurnRecord
from agent_memory.vault import Vault

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
        vault: Gives each contact the key that everything kept of them is sealed with. `None` uses the keys in the
            user's data directory, which serve the processes of one user on one machine.
        window_turns: Most past turns that a turn knows; the store has to keep as many.
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
        vault: Vault | None = None,
        window_turns: int = 50,
        cache_size: int = 1000,
        wait: timedelta = timedelta(seconds=30),
        max_turn: timedelta = MAX_TURN,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if secret is not None and len(secret) < 16:
            raise SetupError('the secret that contact ids are hashed with needs at least 16 bytes')
        if window_turns > store.kept_turns:
            raise SetupError(
                f'window_turns={window_turns}, but the store keeps {store.kept_turns}: see Policy.kept_turns'
            )
        self.store = store
        self.archive = archive
        self.domain = domain
        self.codec = Codec(domain)
        self.vault = vault or Vault.at(platformdirs.user_data_path('agent-memory'))
        self._intake = Intake(store, self.codec, self.vault, window_turns, secret)
        self._window = window_turns
        self._wait = wait
        self._max_turn = max_turn
        self._clock = clock
        self._cache: SnapshotCache[ProfileT] = SnapshotCache(cache_size)

    async def contact_id(self, contact: str) -> str:
        """Return the opaque id of a phone number or business-scoped user id.

        Raises:
            InvalidContact: It is neither.
        """
        return await self._intake.contact_id(contact)

    async def get_session(self, contact: str) -> SessionData[ProfileT] | None:
        """Return the contact's open session as last committed, or `None`."""
        contact_id = await self.contact_id(contact)
        snapshot = await self._load(contact_id)
        return snapshot.session if snapshot.version else None

    async def records(self, contact: str) -> tuple[TurnRecord, ...]:
        """Return the newest turns of the contact's open session, oldest first."""
        return tuple(past.record for past in (await self._load(await self.contact_id(contact))).turns)

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
        identity = await self._intake.identity()
        message = Message(identity.message_id(session.contact_id, message_id), b'', identity.text_digest(''), 0)
        started = time.monotonic()
        with telemetry.span(telemetry.BEGIN):
            begun, codec = await self._intake.keyed(
                session.contact_id,
                lambda codec: self.store.begin(
                    session.contact_id,
                    message,
                    kind='change',
                    window=self._window,
                    wait=self._wait,
                    key=codec.key_id,
                ),
            )
        match begun:
            case Grant():
                async with self._running(begun, None, codec) as turn:
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
        contact_id = await self.contact_id(contact)
        opener = Opener(self.vault)
        return [
            past_session(
                await opener.session(row),
                [await opener.message(line) for line in await self.archive.messages(row.session_id, limit=10_000)],
            )
            for row in await self.archive.sessions(contact_id, limit=limit)
        ]

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
        started = time.monotonic()
        contact_id = await self._intake.sender(inbound)
        begin = await self._intake.begin(contact_id, self._cache, inbound, wait=self._wait if wait is None else wait)
        match begin.begun:
            case Grant():
                async with self._running(begin.begun, begin.cached, begin.codec, inbound, begin.message) as turn:
                    yield turn
            case Answered(reply=reply, primary=primary, failed=failed):
                yield Replay(begin.codec.read_reply(reply, begin.message_id), deliver=primary or failed, failed=failed)
            case Behind(head=head):
                earlier = begin.codec.read_inbound(head.body, head.id)
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
        contact_id = await self._intake.sender(inbound)

        async def received(codec: Codec[ProfileT]) -> Received:
            message = await self._intake.message(contact_id, inbound, codec)
            sealed = codec.write_address(address)
            return await self.channel.receive(
                contact_id, message, address=sealed, pace=pace, flush=flush, key=codec.key_id
            )

        return (await self._intake.keyed(contact_id, received))[0]

    @asynccontextmanager
    async def take(self, contact_id: str) -> AsyncGenerator[Turn[ProfileT] | None]:
        """Yield the turn over what waits in a contact's mailbox, or `None` when nothing is to be answered now.

        The body must `commit` the turn, as with `turn`.
        """
        begin = await self._intake.begin(contact_id, self._cache)
        if isinstance(begin.begun, Grant):
            async with self._running(begin.begun, begin.cached, begin.codec) as turn:
                yield turn
        else:
            yield None

    async def reach(self, contact_id: str) -> Reach:
        """Return where a contact is reached, and whether they may be written to."""
        found = await self.channel.reach(contact_id)
        return replace(
            found, address=(await self._intake.reader(contact_id, found.address)).read_address(found.address)
        )

    async def letter(self, claimed: Letter) -> tuple[StoredReply, bytes]:
        """Return what a reply says, and where it goes."""
        codec = await self._intake.reader(claimed.contact_id, claimed.reply)
        return codec.read_reply(claimed.reply, claimed.message_id), codec.read_address(claimed.address)

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
        return await self._intake.identity()

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
            return (await self._intake.reader(contact_id, head.body)).read_inbound(head.body, head.id)
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

    def drop(self, contact_id: str) -> None:
        """Forget what this process holds of a contact in memory."""
        self._cache.drop(contact_id)
        self.vault.drop(contact_id)

    async def close(self) -> None:
        """Close the store's connections and release the archive."""
        if isinstance(self.store, Closable):
            await self.store.aclose()
        if self.archive is not None:
            await self.archive.close()
        await self.vault.close()

    @asynccontextmanager
    async def _running(
        self,
        grant: Grant,
        cached: Snapshot[ProfileT] | None,
        codec: Codec[ProfileT],
        inbound: Inbound | None = None,
        own: Message | None = None,
    ) -> AsyncGenerator[Turn[ProfileT]]:
        try:
            turn = self._turn(grant, cached, codec, inbound, own)
        except SessionCorrupt as error:
            await self._intake.abort(grant, codec, error=type(error).__name__, outcome='retry')
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
        self,
        grant: Grant,
        cached: Snapshot[ProfileT] | None,
        codec: Codec[ProfileT],
        inbound: Inbound | None,
        own: Message | None,
    ) -> Turn[ProfileT]:
        return Turn(
            grant,
            tuple(
                user_message(message, codec, inbound if own and message.id == own.id else None)
                for message in grant.messages
            ),
            read_snapshot(codec, grant, cached, self._window),
            Lease(),
            own.id if own else None,
            self.store,
            codec,
            self._cache,
            self._window,
            self._clock,
        )

    def _heartbeat(self, grant: Grant, lease: Lease) -> Heartbeat:
        return Heartbeat(lease, lambda: self.store.heartbeat(grant), length=grant.lease, limit=self._max_turn)

    async def _load(self, contact_id: str) -> Snapshot[ProfileT]:
        stored = await self.store.load(contact_id, window=self._window)
        grant = unleased(contact_id, stored, self._clock())
        return read_snapshot(
            await self._intake.reader(contact_id, stored.document or stored.previous or b''), grant, None, self._window
        )
