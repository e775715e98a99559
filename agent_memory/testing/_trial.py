"""The double-text trial: two messages 50 ms apart from two workers, and the first one again."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import anyio

Send = Callable[[str, str, str], Awaitable[str | None]]
"""Sends a message (contact, message id, text) to one worker and returns its reply."""


@dataclass(frozen=True)
class Sent:
    """One message of the trial and what became of it."""

    message_id: str
    reply: str | None
    error: Exception | None
    began: timedelta
    ended: timedelta
    """Both since the trial began."""


@dataclass(frozen=True)
class Trial:
    """What happened in one trial."""

    first: Sent
    second: Sent
    again: Sent
    """The first message, redelivered while the others are on their way."""

    @property
    def answered(self) -> bool:
        """Whether each message got a reply, and the redelivered one its own again."""
        told = [sent.reply for sent in (self.first, self.second, self.again)]
        return None not in told and self.first.reply == self.again.reply

    @property
    def hand_over(self) -> timedelta:
        """The time from the first reply to the second one: the second model call, and what the hand-over costs."""
        return self.second.ended - self.first.ended


async def double_text_trial(
    send: Send,
    *others: Send,
    contact: str = '+5511999999999',
    gap: timedelta = timedelta(milliseconds=50),
    texts: Sequence[str] = ('orçamento 60 mil', 'sou de Campinas'),
) -> Trial:
    """Send two messages and then the first one again, `gap` apart, to different workers, and return what came of it.

    It knows nothing of who answers, so that any system can be held to it: two model calls, two replies of which the
    second knows the first, and the first reply for the message that came again. An error is part of the record.

    Args:
        send: Reaches the first worker.
        others: Reach further workers; the messages go to them in turn.
        contact: Who writes.
        gap: The time between two messages.
        texts: What the two messages say.
    """
    workers = (send, *others)
    began = time.monotonic()
    sent: dict[int, Sent] = {}

    async def one(place: int, message_id: str, text: str) -> None:
        await anyio.sleep(place * gap.total_seconds())
        start = time.monotonic()
        reply, error = None, None
        try:
            reply = await workers[place % len(workers)](contact, message_id, text)
        except Exception as failure:  # noqa: BLE001 - a system that fails is what the trial is looking for
            error = failure
        sent[place] = Sent(message_id, reply, error, _since(began, start), _since(began, time.monotonic()))

    async with anyio.create_task_group() as tasks:
        for place, (message_id, text) in enumerate((('wamid1', texts[0]), ('wamid2', texts[1]), ('wamid1', texts[0]))):
            tasks.start_soon(one, place, message_id, text)
    return Trial(sent[0], sent[1], sent[2])


def _since(began: float, moment: float) -> timedelta:
    return timedelta(seconds=moment - began)
