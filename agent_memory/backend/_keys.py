"""Every Redis key that this package writes, in one place.

`{p}` is the contact's partition: all keys of a partition share a Cluster slot, so that one script may touch them.

| key                      | type   | content                                           | expires                  |
|--------------------------|--------|---------------------------------------------------|--------------------------|
| `am:meta`                | hash   | partitions, schema, fingerprint or secret         | never                    |
| `am:audit`               | hash   | newest anchored head of the audit's chain         | never                    |
| `am:{p}:s:<contact>`     | hash   | lease, fence, version, document, previous         | deadline + grace, or 180 days after closing |
| `am:{p}:t:<contact>`     | list   | turn records, oldest first                        | deadline + grace         |
| `am:{p}:q:<contact>`     | zset   | mailbox: message id -> sent time and arrival      | emptied by commit, abort |
| `am:{p}:b:<contact>`     | hash   | mailbox: message id -> digest and body            | emptied by commit, abort |
| `am:{p}:m:<contact>:<id>`| string | answered message: status, digest, version, reply  | 8 days                   |
| `am:{p}:leases`          | zset   | contact -> when its lease or pause ends, ms       | emptied by turns         |
| `am:{p}:deadlines`       | zset   | contact -> when its session closes, ms            | emptied by close         |
| `am:{p}:out`             | stream | outbox: turn, close and dead records              | trimmed by the archiver  |
| `am:{p}:o:<contact>`     | zset   | owed: message id -> sent time, until its reply is settled | 8 days, emptied by settle |
| `am:{p}:r:<contact>:<id>`| hash   | reply on its way: state, part, token, times       | 8 days                   |
| `am:{p}:c:<contact>`     | hash   | reach: address, last message, mute, the reply that is leaving | 180 days after the last message |
| `am:{p}:owing`           | zset   | contact -> when to look for a reply left behind, ms | emptied by settle      |
| `am:{p}:undelivered`     | zset   | contact:message id whose reply failed or may not have arrived -> since when, ms | 8 days, or decided by an operator |
| `am:{a}:x:<alias>`       | string | contact of an alias; all aliases share one slot   | 180 days after it was last seen; a number given up: never |
| `am:{a}:merges`          | hash   | pairs of contacts that may be one person -> ms    | never; an operator decides |
| `am:{a}:merged`          | hash   | contact -> the contact that took its place        | never                    |
| `am:{p}:counts`          | hash   | dead letters so far                               | never                    |
| `am:{p}:erased`          | hash   | erased contact -> when, ids of destroyed keys     | never                    |

A message on the channel `am:wake:<contact>` says that a turn of the contact ended. One on `am:wake-mail` says
`<partition>:<ms>`: new mail there is due so long from now.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple


class ContactKeys(NamedTuple):
    """What the scripts of one contact's turns touch."""

    session: str
    turns: str
    queue: str
    bodies: str
    marks: str
    """The mark of a message is this and its id."""
    leases: str
    deadlines: str
    outbox: str
    counts: str
    erased: str
    wake: str


@lru_cache(maxsize=10_000)
def _of_contact(prefix: str, partitions: int, contact_id: str) -> ContactKeys:
    shared = f'{prefix}:{{{zlib.crc32(contact_id.encode()) % partitions}}}'
    return ContactKeys(
        session=f'{shared}:s:{contact_id}',
        turns=f'{shared}:t:{contact_id}',
        queue=f'{shared}:q:{contact_id}',
        bodies=f'{shared}:b:{contact_id}',
        marks=f'{shared}:m:{contact_id}:',
        leases=f'{shared}:leases',
        deadlines=f'{shared}:deadlines',
        outbox=f'{shared}:out',
        counts=f'{shared}:counts',
        erased=f'{shared}:erased',
        wake=f'{prefix}:wake:{contact_id}',
    )


@dataclass(frozen=True)
class Keys:
    """Builds the keys of one store."""

    prefix: str
    partitions: int

    @property
    def meta(self) -> str:
        return f'{self.prefix}:meta'

    @property
    def audit(self) -> str:
        """The copy of the head of the audit's chain."""
        return f'{self.prefix}:audit'

    def wake(self, contact_id: str) -> str:
        """The channel that says that a turn of the contact ended."""
        return self.of(contact_id).wake

    def of(self, contact_id: str) -> ContactKeys:
        """Return the names of one contact, made once: a turn needs sixteen of them."""
        return _of_contact(self.prefix, self.partitions, contact_id)

    @property
    def mail(self) -> str:
        """The channel that says when new mail is due."""
        return f'{self.prefix}:wake-mail'

    def partition(self, contact_id: str) -> int:
        return zlib.crc32(contact_id.encode()) % self.partitions

    def session(self, contact_id: str) -> str:
        return self.of(contact_id).session

    def turns(self, contact_id: str) -> str:
        return self.of(contact_id).turns

    def queue(self, contact_id: str) -> str:
        return self.of(contact_id).queue

    def bodies(self, contact_id: str) -> str:
        return self.of(contact_id).bodies

    def mark(self, contact_id: str, message_id: str) -> str:
        return self.of(contact_id).marks + message_id

    def owed(self, contact_id: str) -> str:
        return self._of(contact_id, 'o')

    def reply(self, contact_id: str, message_id: str) -> str:
        return f'{self._of(contact_id, "r")}:{message_id}'

    def reach(self, contact_id: str) -> str:
        return self._of(contact_id, 'c')

    def owing(self, partition: int) -> str:
        return f'{self.prefix}:{{{partition}}}:owing'

    def undelivered(self, partition: int) -> str:
        return f'{self.prefix}:{{{partition}}}:undelivered'

    def alias(self, digest: str) -> str:
        return f'{self.prefix}:{{a}}:x:{digest}'

    @property
    def merges(self) -> str:
        return f'{self.prefix}:{{a}}:merges'

    @property
    def merged(self) -> str:
        return f'{self.prefix}:{{a}}:merged'

    def leases(self, partition: int) -> str:
        return f'{self.prefix}:{{{partition}}}:leases'

    def deadlines(self, partition: int) -> str:
        return f'{self.prefix}:{{{partition}}}:deadlines'

    def outbox(self, partition: int) -> str:
        return f'{self.prefix}:{{{partition}}}:out'

    def counts(self, partition: int) -> str:
        return f'{self.prefix}:{{{partition}}}:counts'

    def erased(self, partition: int) -> str:
        return f'{self.prefix}:{{{partition}}}:erased'

    def _of(self, contact_id: str, kind: str) -> str:
        return f'{self.prefix}:{{{self.partition(contact_id)}}}:{kind}:{contact_id}'
