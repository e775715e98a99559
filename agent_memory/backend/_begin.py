"""The begin of a turn: its arguments, and what its reply means."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from agent_memory.backend._keys import Keys
from agent_memory.backend._protocol import Answered, Begun, Behind, Grant, Held, Idle, Message, Policy, Queued
from agent_memory.backend._scripts import Scripts, ms
from agent_memory.errors import AgentMemoryError, ContactErased, KeyDestroyed, MailboxFull, MessageMismatch, Overloaded


@dataclass
class Begin:
    """One begin, sent as often as needed with the same token, so that it can only enter its own lease again."""

    scripts: Scripts
    keys: Keys
    policy: Policy
    contact_id: str
    message: Message | None
    kind: str
    held: Held | None
    window: int
    key: str = ''
    """The id of the key that the caller seals with."""
    confirm: bool = False
    """Whether a stored answer is returned only once a replica has it."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    unanswered: bool = False
    """Whether it was sent and its answer not seen."""

    async def __call__(self) -> Begun:
        self.unanswered = True
        reply = await self.scripts.run('begin', self._names(), self._arguments())
        if self.confirm and reply[0] == b'DONE':
            note = self.keys.of(self.contact_id).counts
            reply = await self.scripts.run_confirmed('begin', self._names(), self._arguments(), note=note)
        self.unanswered = False
        match reply[0]:
            case b'RUN':
                return self._grant(reply)
            case b'DONE':
                status = reply[1]
                return Answered(reply[3], reply[2], primary=status == b'C', failed=status == b'F')
            case b'QUEUED':
                return Queued(reply[1], timedelta(milliseconds=max(reply[2], 1)))
            case b'BEHIND':
                return Behind(message_of(reply[1], reply[2]))
            case b'EMPTY':
                return Idle()
            case _:
                raise self._refusal(reply[0])

    def _refusal(self, code: bytes) -> AgentMemoryError:
        match code:
            case b'MISMATCH':
                return MessageMismatch(self.message.id if self.message else '')
            case b'ERASED':
                return ContactErased('this message was sent before its contact was erased; it stays out')
            case b'DESTROYED':
                return KeyDestroyed('the key of this contact was destroyed; what it sealed cannot be kept')
            case b'FULL':
                return MailboxFull('this contact has too many unanswered messages; the channel should redeliver later')
            case _:
                return Overloaded('too many turns wait for the archive; start the archiver, then redeliver')

    def _names(self) -> list[str]:
        keys = self.keys.of(self.contact_id)
        return [
            keys.session,
            keys.queue,
            keys.bodies,
            keys.marks + (self.message.id if self.message else ''),
            keys.leases,
            keys.outbox,
            keys.turns,
            keys.deadlines,
            keys.erased,
        ]

    def _arguments(self) -> list[Any]:
        policy, message, held = self.policy, self.message, self.held
        return [
            self.contact_id,
            self.token,
            ms(policy.lease),
            self.kind,
            message.id if message else '',
            message.digest if message else '',
            message.body if message else b'',
            message.order if message else 0,
            policy.max_batch,
            policy.mailbox_cap,
            policy.outbox_cap,
            self.window,
            held.started_ms if held else 0,
            held.version if held else 0,
            ms(policy.previous_ttl),
            self.scripts.now(),
            self.key,
        ]

    def _grant(self, reply: list[Any]) -> Grant:
        _, fence, version, started, attempt, document, previous, turns, ids, bodies = reply
        return Grant(
            contact_id=self.contact_id,
            token=self.token,
            fence=fence,
            started_ms=started,
            version=version,
            attempt=attempt,
            document=document or None,
            previous=previous or None,
            turns=tuple(turns),
            messages=tuple(message_of(id_, body) for id_, body in zip(ids, bodies, strict=True)),
            lease=self.policy.lease,
            spent=attempt > self.policy.max_attempts,
        )


def message_of(id_: bytes, stored: bytes) -> Message:
    """Return a message as the mailbox keeps it: its id, and digest:body."""
    digest, _, body = stored.partition(b':')
    return Message(id=id_.decode(), body=body, digest=digest.decode(), order=0)
