"""What the contracts of a store are made of."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import anyio

from agent_memory.backend._protocol import Begun, Commit, Grant, JoinableStore, Message, Policy, SessionStore

NewStore = Callable[[Policy], JoinableStore]
"""Returns one more worker's store on the same storage, which is empty when the test begins."""

CONTACT = 'ana'
QUICK = Policy(
    lease=timedelta(milliseconds=150),
    backoff=timedelta(milliseconds=30),
    max_attempts=2,
)
"""Leases and pauses that a test can wait out."""
PATIENT = timedelta(seconds=5)
"""Longer than every lease and pause of `QUICK`."""


def message(name: str, *, sent: int = 0, text: str = '') -> Message:
    """Return a message sent so many ms after the others."""
    body = (text or name).encode()
    return Message(id=name, body=body, digest=f'd{text or name}', order=1_700_000_000_000 + sent)


def leaves(grant: Grant, *, reply: str = '', ends: str = '', primary: str = '') -> Commit:
    """Return a commit of `grant` whose blobs tell its version."""
    version = grant.version + 1
    ordered = sorted(grant.messages, key=lambda one: one.id == primary)
    return Commit(
        id=secrets.token_urlsafe(8),
        document=b'document %d' % version,
        record=b'record %d' % version,
        reply=(reply or f'reply {version}').encode(),
        messages=tuple(ordered),
        ttl=timedelta(hours=1),
        ends=ends,
    )


def granted(begun: Begun) -> Grant:
    """Return `begun`, which must be a grant."""
    assert isinstance(begun, Grant), begun
    return begun


async def answer(store: SessionStore, *messages: Message) -> list[Grant]:
    """Answer one message after the other, and return the grants."""
    grants = [granted(await store.begin(CONTACT, messages[0], wait=PATIENT))]
    await store.commit(grants[0], leaves(grants[0]))
    for one in messages[1:]:
        grants += await answer(store, one)
    return grants


async def overtaken(worker: SessionStore, other: SessionStore, one: Message) -> tuple[Grant, Grant]:
    """Return a grant whose lease ran out, and the one that took its turn over."""
    lost = granted(await worker.begin(CONTACT, one))
    return lost, granted(await other.begin(CONTACT, one, wait=PATIENT))


def policy(**changes: object) -> Policy:
    """Return `QUICK` with changes."""
    return replace(QUICK, **changes)


@contextmanager
def refused(kind: type[Exception]) -> Generator[None]:
    """Check that the block raises `kind`."""
    try:
        yield
    except kind:
        return
    raise AssertionError(f'{kind.__name__} was not raised')


async def until(holds: Callable[[], Awaitable[bool]], *, seconds: float = 5) -> None:
    """Wait until `holds()`; fail after so many seconds."""
    with anyio.fail_after(seconds):
        while not await holds():  # noqa: ASYNC110 - a store tells no event of this
            await anyio.sleep(0.01)
