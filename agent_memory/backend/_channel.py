"""What a store does for a channel: takes messages in without their turn, keeps track of replies, knows who is who."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol, runtime_checkable

from agent_memory.backend._protocol import Message

AliasKind = Literal['user', 'phone', 'likely']
Settlement = Literal['sent', 'delivered', 'failed', 'indeterminate', 'later', 'nothing']
Decision = Literal['arrived', 'again', 'drop']


@dataclass(frozen=True)
class Pace:
    """How the messages of one burst are gathered into one turn."""

    quiet: timedelta = timedelta(seconds=1.8)
    """A turn waits until nothing came for so long."""
    cap: timedelta = timedelta(seconds=8)
    """But no longer than this after the first message."""
    most: int = 20
    """Or until so many wait."""


@dataclass(frozen=True)
class Received:
    """A message is durable."""

    new: bool
    """False when it was known before, or was sent before its contact was erased."""
    due: timedelta
    """When a worker takes it, from now, if nothing more comes."""


@dataclass(frozen=True)
class Alias:
    """One name of a person, as a keyed hash."""

    digest: str
    kind: AliasKind
    """`user` names one person for good; `phone` may change hands; `likely` only makes two contacts a suspected pair."""


@dataclass(frozen=True)
class Reach:
    """Where a contact is reached."""

    address: bytes
    """As it was last received with; empty for a contact who never wrote through a channel."""
    muted: bool
    """Whether replies are withheld."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A reply, sealed, and where it goes."""

    contact_id: str
    message_id: str
    """The message that the reply answers, by its opaque id."""
    part: int
    reply: bytes
    failed: bool
    """True when the message was given up; `reply` is then the apology."""
    address: bytes


@dataclass(frozen=True, kw_only=True)
class Dispatch(Letter):
    """The right to send one part of a reply, once."""

    token: str
    seen_at: datetime
    """When the person sent their last message."""


@dataclass(frozen=True, kw_only=True)
class Undelivered(Letter):
    """A reply that failed, or of which nobody knows whether it arrived. An operator decides."""

    state: Literal['failed', 'indeterminate']
    code: int
    """Why it failed, as the channel says it; 0 when it does not."""
    since: datetime


@dataclass(frozen=True)
class Owed:
    """No reply of these messages can be sent now."""

    left: int
    """The contact's messages whose reply is not settled."""
    withheld: int
    """Replies that were dropped because a person holds the conversation."""
    indeterminate: int
    """Replies whose sender fell silent."""


class Mail(Protocol):
    """Tells one worker of mail. Any number of workers may be told of the same; a turn's begin decides."""

    async def listen(self) -> None:
        """Hear of new mail until cancelled. Mail that nobody told of is found a little later."""
        ...

    async def take(self, limit: int) -> tuple[str, ...]:
        """Return at most `limit` contacts whose mail is due now, longest first.

        Raises:
            StoreUnavailable: The store does not answer.
        """
        ...

    async def wait(self) -> None:
        """Return when mail is due or may be."""
        ...

    def recheck(self, contact_id: str) -> None:
        """Look soon at a contact again, whose turn left mail or failed."""
        ...


class Channel(Protocol):
    """The part of a store that a channel uses. Each call has the same effect when sent twice."""

    async def link(self, aliases: tuple[Alias, ...], *, contact_id: str, spare: str) -> str:
        """Return the contact that the aliases name, strongest first; make one when none is known.

        Args:
            aliases: What is known of the person.
            contact_id: The id of a new contact.
            spare: The id of a new contact whose number belonged to somebody else.
        """
        ...

    async def known(self, alias: str) -> str | None:
        """Return the contact that an alias leads to, and change nothing; `None` when it leads to none."""
        ...

    async def relink(self, old: tuple[Alias, ...], new: tuple[Alias, ...]) -> str | None:
        """Give the contact of `old` the aliases `new`, and return it; `None` when nobody is known by any of them."""
        ...

    async def merges(self) -> list[tuple[str, str]]:
        """Return the pairs of contacts that may be one person."""
        ...

    async def merge(self, kept: str, other: str) -> None:
        """Decide a pair: what comes for `other` from now on is for `kept`."""
        ...

    async def dismiss(self, one: str, other: str) -> None:
        """Decide a pair: they are two people."""
        ...

    async def receive(
        self, contact_id: str, message: Message, *, address: bytes, pace: Pace, flush: bool, key: str = ''
    ) -> Received:
        """Take a message in, durably and once, without waiting for its turn. One round trip.

        Args:
            contact_id: Who wrote.
            message: What came in.
            address: Where the reply goes.
            pace: How bursts are gathered.
            flush: Whether the burst ends here.
            key: The id of the key that body and address are sealed with.

        Raises:
            KeyDestroyed: That key was destroyed. Nothing was stored.
            MailboxFull: The contact has too many unanswered messages.
            Overloaded: Too many turns wait for the archive.
            StoreUnavailable: The store does not answer.
        """
        ...

    def mail(self) -> Mail:
        """Return what tells one worker which contacts have mail."""
        ...

    async def mute(self, contact_id: str, duration: timedelta) -> None:
        """Withhold every reply of the contact for so long, from now; also those that are on their way here."""
        ...

    async def reach(self, contact_id: str) -> Reach:
        """Return where a contact is reached, and whether they may be written to."""
        ...

    async def claim(self, contact_id: str, message_ids: tuple[str, ...], *, token: str) -> Dispatch | Owed:
        """Take the next reply to these messages, to send it once."""
        ...

    async def settle(
        self,
        contact_id: str,
        message_id: str,
        outcome: Settlement,
        *,
        token: str,
        part: int,
        more: bool = False,
        code: int | None = None,
        wait: timedelta = timedelta(0),
    ) -> bool:
        """Record what became of a part of a reply; False when the reply had moved on.

        Args:
            contact_id: Whose reply.
            message_id: What it answers.
            outcome: `later` gives the part back, to be sent after `wait`; `nothing` forgets an empty reply; `delivered`
                is what only a status can tell.
            token: Of the claim; empty for a status of the channel, which settles what its sender could not know.
            part: Which part.
            more: Whether another part follows.
            code: Why it failed.
            wait: How long to wait before the next attempt, or, for a part that was sent, how long the next one waits
                for a status that this one was delivered.
        """
        ...

    async def undelivered(self, *, limit: int = 100) -> list[Undelivered]:
        """Return replies that failed, or of which no status told within two minutes what became of them, oldest first."""
        ...

    async def decide(self, contact_id: str, message_id: str, decision: Decision) -> bool:
        """Carry out what an operator decided of such a reply; False when there is nothing to decide any more.

        Args:
            contact_id: Whose reply.
            message_id: What it answers.
            decision: `arrived`: the person has it. `again`: they have it not, send it. `drop`: it is not needed.
        """
        ...

    async def owing(self, *, limit: int = 100) -> tuple[str, ...]:
        """Return contacts that may be owed a reply that somebody left behind."""
        ...

    async def owed(self, contact_id: str) -> tuple[str, ...]:
        """Return the contact's messages whose reply is not settled, oldest first."""
        ...


@runtime_checkable
class HasChannel(Protocol):
    """A store that can serve a channel."""

    @property
    def channel(self) -> Channel: ...
