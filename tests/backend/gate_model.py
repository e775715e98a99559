"""What the turn gate of one contact must do, as a small pure model with a clock of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

LEASE, BACKOFF, TTL = 100, 40, 500
MAX_ATTEMPTS, MAX_BATCH, CAP = 3, 2, 4


@dataclass
class Lease:
    """A grant as its worker knows it. The worker may be dead."""

    token: int
    fence: int
    version: int
    session: int
    ids: tuple[str, ...]
    attempt: int
    until: int


@dataclass
class Gate:
    """The state behind one contact."""

    now: int = 0
    mail: list[tuple[int, int, str]] = field(default_factory=list[tuple[int, int, str]])
    """Sent time, arrival and id, in order."""
    answers: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    """Message id -> status and version."""
    holder: Lease | None = None
    """Who was granted the turn last and has neither committed nor given it back."""
    fence: int = 0
    version: int = 0
    session: int = 0
    """Counts the sessions that had a turn granted."""
    open: bool = False
    """Whether a session has been granted and not ended."""
    deadline: int | None = None
    attempt: int = 0
    head: str = ''
    resume: int = 0
    arrivals: int = 0
    look: int | None = None
    """When a sweep looks at the contact: the end of its lease or pause."""
    outbox: list[str] = field(default_factory=list[str])
    dead: int = 0
    tokens: int = 0
    aborted: tuple[int, str] = (0, '')
    """The token of the last abort, and what became of it."""

    def begin(self, name: str, sent: int) -> tuple[str, Lease | None]:
        """Deliver a message and ask for its turn; `''` takes whatever waits."""
        if name in self.answers:
            return 'DONE', None
        if name and name not in [one for _, _, one in self.mail]:
            if len(self.mail) >= CAP:
                return 'FULL', None
            self.arrivals += 1
            self.mail = sorted([*self.mail, (sent, self.arrivals, name)])
            self.look = self.now if self.look is None else self.look
        if self._live():
            return 'QUEUED', None
        if self.resume > self.now:
            return 'QUEUED', None
        if not self.mail:
            self.look = None
            return 'EMPTY', None
        head = self.mail[0][2]
        attempt = self.attempt + 1 if self.head == head else 1
        ids = tuple(one for _, _, one in self.mail[: 1 if attempt > 1 else MAX_BATCH])
        if name and name not in ids:
            return 'BEHIND', None
        self.attempt, self.head, self.resume = attempt, head, 0
        return 'RUN', self._grant(ids)

    def change(self, name: str) -> tuple[str, Lease | None]:
        if name in self.answers:
            return 'DONE', None
        if self._live():
            return 'QUEUED', None
        return 'RUN', self._grant(())

    def _grant(self, ids: tuple[str, ...]) -> Lease:
        if self.version and self.deadline is not None and self.deadline <= self.now:
            self._end('expired')
        if not self.open:
            self.open, self.session = True, self.session + 1
        self.fence += 1
        self.tokens += 1
        attempt = self.attempt if ids else 0
        self.look = self.now + LEASE
        self.holder = Lease(self.tokens, self.fence, self.version, self.session, ids, attempt, self.look)
        return self.holder

    def heartbeat(self, lease: Lease) -> bool:
        if not self._holds(lease):
            return False
        lease.until = self.look = self.now + LEASE
        return True

    def commit(self, lease: Lease, name: str, ends: bool) -> str:
        """`name` is the id of a change; a turn answers what it was granted."""
        if not self._holds(lease):
            return 'FENCED'
        self.version += 1
        ids = lease.ids or (name,)
        for place, one in enumerate(ids, start=1):
            self.answers[one] = ('C' if place == len(ids) else 'D', self.version)
        self.mail = [entry for entry in self.mail if entry[2] not in ids]
        due = max(self.now, self.resume)
        if self.head in ids:
            self.attempt, self.head, due = 0, '', self.now
        self.look = due if self.mail else None
        self.outbox.append(f'turn {self.session} {self.version}')
        self.deadline = self.now + TTL
        self.holder = None
        if ends:
            self._end('restart')
        return 'OK'

    def abort(self, lease: Lease, outcome: str) -> str:
        """The last abort may be sent again: it says the same and does nothing."""
        if self.aborted[0] == lease.token:
            return self.aborted[1]
        if not self._holds(lease):
            return 'FENCED'
        self.holder = None
        self.aborted = (lease.token, self._give_back(lease, outcome))
        self.look = max(self.now, self.resume) if self.mail else None
        return self.aborted[1]

    def _give_back(self, lease: Lease, outcome: str) -> str:
        if not lease.ids:
            return 'RETRY'
        head = lease.ids[0]
        if outcome == 'fail' or (outcome == 'retry' and self.attempt >= MAX_ATTEMPTS):
            self.answers[head] = ('F', self.version)
            self.mail = [entry for entry in self.mail if entry[2] != head]
            self.attempt, self.head = 0, ''
            self.dead += 1
            self.outbox.append(f'dead {self.session} {self.version}')
            return 'DEAD'
        if outcome == 'release':
            self.attempt = max(self.attempt - 1, 0)
        else:
            self.resume = self.now + BACKOFF * 2 ** max(self.attempt - 1, 0)
        return 'RETRY'

    def close(self, *, force: bool) -> str:
        if not force and (self.deadline is None or self.deadline > self.now):
            return 'SKIP'
        if not self.version:
            return 'SKIP'
        if self._live() or self.mail:
            self.deadline = max(self.deadline or 0, self.now + 60_000)
            return 'BUSY'
        self._end('closed')
        return 'CLOSED'

    def due(self) -> tuple[bool, bool]:
        """Return whether a worker should look at the mail, and at the session."""
        waits = bool(self.mail) and not self._live() and self.resume <= self.now
        return waits, self.deadline is not None and self.deadline <= self.now

    def _end(self, reason: str) -> None:
        self.outbox.append(f'close {self.session} {self.version} {reason}')
        self.version, self.open, self.deadline, self.holder = 0, False, None, None

    def _live(self) -> bool:
        return self.holder is not None and self.holder.until > self.now

    def _holds(self, lease: Lease) -> bool:
        return self.holder is not None and self.holder.token == lease.token
