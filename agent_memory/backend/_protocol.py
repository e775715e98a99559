"""What a store of open sessions must do, and the records that pass between it and the manager.

A store keeps bytes and numbers: it knows no profile, session or agent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol, runtime_checkable


@dataclass(frozen=True)
class Message:
    """One inbound message as the mailbox keeps it."""

    id: str
    """Opaque and unique within its contact."""
    body: bytes
    digest: str
    """Tells two bodies apart; the same `id` with another digest is refused. No colon in it."""
    order: int
    """When it was sent, in ms since 1970. Messages are answered in this order, then in order of arrival."""


@dataclass(frozen=True)
class Policy:
    """How turns are granted. The same for every worker of a store."""

    lease: timedelta = timedelta(seconds=15)
    max_batch: int = 1
    """Most messages that one turn answers; 1 answers each message by itself."""
    max_attempts: int = 3
    backoff: timedelta = timedelta(seconds=1)
    """Pause after the first failure; it doubles with each further one."""
    mailbox_cap: int = 50
    """Most unanswered messages of one contact."""
    outbox_cap: int = 1_000_000
    """Most records of one partition that may wait for the archive before new messages are refused."""
    kept_turns: int = 50
    """Most turn records that a live session keeps in the store: as many as a turn is shown. The archive has them all."""
    reply_ttl: timedelta = timedelta(days=8)
    """How long a message id is known; Meta redelivers for 7 days (Cloud API, webhooks overview)."""
    grace: timedelta = timedelta(days=7)
    """How long past its deadline a session stays if no sweep closes it."""
    previous_ttl: timedelta = timedelta(days=180)
    """How long the last session's document is kept for a contact who returns."""


@dataclass(frozen=True)
class Held:
    """The version of a session that this worker already holds in memory."""

    started_ms: int
    version: int


@dataclass(frozen=True)
class Grant:
    """The right to run one turn, and what the turn needs."""

    contact_id: str
    token: str
    fence: int
    started_ms: int
    """When the session began, by the store's clock. Identifies the session together with the contact."""
    version: int
    """The commits that this session has seen; 0 for a new one."""
    attempt: int
    document: bytes | None
    """The session document; `None` for a new session, or when the caller holds this version."""
    previous: bytes | None
    """The document of the contact's last session; only given when the session is new."""
    turns: tuple[bytes, ...]
    """Turn records, oldest first: the newest of the window, or only those newer than what the caller holds."""
    messages: tuple[Message, ...]
    """What this turn must answer, in order. Empty for a change without a message."""
    lease: timedelta
    """How long the grant lives without a heartbeat."""
    spent: bool = False
    """True when the head message has had all its attempts and none came back: give it up with `abort`."""


@dataclass(frozen=True)
class Answered:
    """The message was answered before."""

    reply: bytes
    version: int
    primary: bool
    """False when another message of the same burst carries this reply, so that only one is delivered."""
    failed: bool = False
    """True when the message was given up; `reply` is then the apology."""


@dataclass(frozen=True)
class Queued:
    """Another turn of the contact runs, or a failed one pauses. The message is kept."""

    waiting: int
    retry_after: timedelta
    """When the running lease or the pause ends, at the latest."""


@dataclass(frozen=True)
class Behind:
    """No turn runs, but an earlier message stands before this one and must be answered first."""

    head: Message


@dataclass(frozen=True)
class Idle:
    """Nothing waits for an answer."""


Begun = Grant | Answered | Queued | Behind | Idle


@dataclass(frozen=True)
class Commit:
    """What one turn leaves behind, written in one step or not at all."""

    id: str
    """Random; sending the same commit twice has the effect of one."""
    document: bytes
    record: bytes
    """The turn record: kept in the session's window and handed to the archive."""
    reply: bytes
    """Stored under every message id that the turn consumed."""
    messages: tuple[Message, ...]
    """What the turn answers. A later `Answered` is `primary` for the last of them only."""
    ttl: timedelta
    """The session closes when this much time passes without another commit."""
    ends: str = ''
    """Why the session ends with this turn; empty when it goes on."""


@dataclass(frozen=True)
class Committed:
    """A turn is durable."""

    version: int
    left: int
    """The contact's messages that still wait."""


@dataclass(frozen=True)
class Aborted:
    """A turn was given back."""

    dead: bool
    """True when its first message was given up."""
    left: int


@dataclass(frozen=True)
class Stored:
    """What the store holds of a contact. `version` is 0 and `document` `None` when no session is open."""

    started_ms: int
    version: int
    document: bytes | None
    previous: bytes | None
    """The document of the contact's last session, while no new one has been committed."""
    turns: tuple[bytes, ...]


@runtime_checkable
class SessionStore(Protocol):
    """Keeps open sessions; grants, commits and gives back their turns. Each call has the same effect when sent twice."""

    @property
    def kept_turns(self) -> int:
        """Most turn records that an open session keeps, and so the largest window."""
        ...

    async def open(self, secret: bytes | None) -> bytes:
        """Check that the store fits, and return the secret that its ids are hashed with.

        Args:
            secret: The secret to use; `None` uses the one that the store made when it was created.

        Raises:
            SetupError: The store was created with another secret, partition count or schema.
        """
        ...

    async def begin(
        self,
        contact_id: str,
        message: Message | None,
        *,
        kind: Literal['turn', 'change'] = 'turn',
        held: Held | None = None,
        window: int = 0,
        wait: timedelta = timedelta(0),
        key: str = '',
    ) -> Begun:
        """Accept `message` durably and once, and grant its turn if no other one runs.

        Args:
            contact_id: Whose turn.
            message: What came in; `None` takes whatever waits (for workers and sweeps).
            kind: `change` takes the lease for a change that `message.id` names, without putting it in the mailbox.
            held: The version that the caller holds; what it already has is not sent again.
            window: Most turn records to return.
            wait: How long to wait while another turn runs.
            key: The id of the key that the caller seals with.

        Raises:
            ContactErased: The message was sent before its contact was erased. Nothing was stored.
            KeyDestroyed: That key was destroyed. Nothing was stored.
            MessageMismatch: The id is known with another body.
            MailboxFull: The contact has too many unanswered messages.
            Overloaded: Too many turns wait for the archive.
            StoreUnavailable: The store does not answer.
        """
        ...

    async def heartbeat(self, grant: Grant) -> bool:
        """Renew the lease and return whether it is still ours."""
        ...

    async def commit(self, grant: Grant, commit: Commit) -> Committed:
        """Write the turn if nobody overtook it.

        Raises:
            LeaseLost: Another worker has the turn. Nothing was written.
            SessionConflict: The session moved on. Nothing was written.
        """
        ...

    async def abort(
        self, grant: Grant, *, error: str, reply: bytes, outcome: Literal['retry', 'release', 'fail']
    ) -> Aborted:
        """Give the lease back: `retry` after a pause, `release` at once and uncounted, `fail` gives the head message up.

        After the last attempt `retry` gives the head message up too: it goes to the dead letters and `reply`, a fixed
        apology, is stored as its answer.
        """
        ...

    async def load(self, contact_id: str, *, window: int) -> Stored:
        """Return the contact's open session and its newest `window` turns. Takes no lease."""
        ...


@runtime_checkable
class JoinableStore(SessionStore, Protocol):
    """A store whose running turns can take in the messages that came after their grant."""

    async def arrived(self, grant: Grant) -> tuple[Message, ...]:
        """Return the contact's messages that came in since the turn was granted, oldest first.

        The turn may answer them too, by naming them in its commit.

        Raises:
            LeaseLost: Another worker has the turn.
        """
        ...


@runtime_checkable
class KeyedStore(Protocol):
    """A store that remembers which key store its contents are sealed with."""

    async def agree_on_keys(self, fingerprint: str) -> None:
        """Note the key store that this worker has, or check that it is the one that was noted first.

        Raises:
            SetupError: Another one was. What workers with the other one wrote could not be read here.
        """
        ...


@runtime_checkable
class Closable(Protocol):
    """A store that holds connections."""

    async def aclose(self) -> None:
        """Close the connections."""
        ...


@dataclass(frozen=True)
class Due:
    """Contacts that need a worker: `turns` have waiting mail and no live lease, `sessions` are past their deadline."""

    turns: tuple[str, ...]
    sessions: tuple[str, ...]


@runtime_checkable
class Sweepable(Protocol):
    """What a sweep needs of a store."""

    async def due(self, *, limit: int = 100, idle: timedelta = timedelta(0)) -> Due:
        """Return contacts that need a worker, longest first.

        Args:
            limit: Most contacts of each kind, for each partition.
            idle: How long mail must have waited without a live lease.
        """
        ...

    async def head(self, contact_id: str) -> Message | None:
        """Return the contact's first unanswered message. Takes no lease."""
        ...

    async def dead_letters(self) -> int:
        """Return how many messages were given up since the store was created."""
        ...

    async def close(self, contact_id: str, *, reason: str, force: bool = False) -> bool:
        """End a session in one step: its close record enters the outbox as its keys go.

        Returns whether it was closed: not while a turn runs or a message waits, nor before its deadline unless `force`.
        """
        ...
