"""`Dispatcher`: workers that take contacts with mail, have their turns answered, and send the replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import anyio
from anyio.abc import TaskGroup

from agent_memory import telemetry
from agent_memory._beside import beside
from agent_memory._turns import Turn
from agent_memory.backend._channel import Mail
from agent_memory.errors import AgentMemoryError
from agent_memory.manager import SessionManager
from agent_memory.session import MAX_TEXT, Attachment, Inbound
from agent_memory.whatsapp._contacts import Address
from agent_memory.whatsapp._delivery import Compose, Delivery, as_text
from agent_memory.whatsapp._reception import SILENCE, Fixed, Reception
from agent_memory.whatsapp.media import MediaSource, Transcriber
from agent_memory.whatsapp.sender import Sender

_LOOK_S = 1.0


class Answer(Protocol):
    """Answers one turn: runs an agent within it, which commits it."""

    async def __call__(self, turn: Turn[Any], inbound: Inbound) -> None:
        """Answer what `turn` asks; `inbound` is the newest message, with the text of them all."""
        ...


@dataclass(eq=False)
class Dispatcher:
    """Answers what waits in the mailboxes. Any number of them work on one store; each contact has one turn at a time.

    Args:
        manager: Whose mailboxes.
        senders: By `phone_number_id`, what sends.
        answer: Runs the agent.
        reception: Answers what needs no agent.
        transcriber: Writes voice messages down; without one people are asked for text.
        media: By `phone_number_id`, where voice messages are fetched from.
        compose: Makes messages of a reply.
        concurrency: Most turns at once.
        grace: How long a shutdown waits for turns to end before it gives them back.
        hearing: How long an answer waits for voice messages to be written down, all those of one turn together.
        refresh: How often a typing indicator is shown again: it vanishes after 25 s (Cloud API, typing indicators).
        clock: Replaces the clock that tells how old a message is, for tests.
    """

    manager: SessionManager[Any]
    senders: Mapping[str, Sender]
    answer: Answer
    reception: Reception
    transcriber: Transcriber | None = None
    media: Mapping[str, MediaSource] = field(default_factory=dict[str, MediaSource])
    compose: Compose = as_text
    concurrency: int = 100
    grace: timedelta = timedelta(seconds=20)
    hearing: timedelta = timedelta(seconds=12)
    refresh: timedelta = timedelta(seconds=20)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _busy: set[str] = field(default_factory=set[str], init=False, repr=False)
    _again: set[str] = field(default_factory=set[str], init=False, repr=False)
    _ended: anyio.Event = field(default_factory=anyio.Event, init=False, repr=False)
    """Set when a turn ends, for whoever waits for room."""
    _recovering: set[str] = field(default_factory=set[str], init=False, repr=False)
    _stopping: anyio.Event = field(default_factory=anyio.Event, init=False, repr=False)

    async def run(self) -> None:
        """Work until `stop`, then end or give back the turns that run."""
        mail = self.manager.channel.mail()
        async with anyio.create_task_group() as turns:
            async with anyio.create_task_group() as loops:
                loops.start_soon(mail.listen)
                loops.start_soon(self._find_turns, mail, turns)
                loops.start_soon(self._find_replies, turns)
                await self._stopping.wait()
                loops.cancel_scope.cancel()
            turns.cancel_scope.deadline = anyio.current_time() + self.grace.total_seconds()

    def stop(self) -> None:
        """Begin no more turns."""
        self._stopping.set()

    async def work(self, contact_id: str) -> bool:
        """Answer what waits for one contact and send the reply; return whether there was a turn."""
        return await self._work(contact_id) is not None

    async def _work(self, contact_id: str) -> Turn[Any] | None:
        turn: Turn[Any] | None = None
        try:
            async with self.manager.take(contact_id) as turn:
                if turn is not None:
                    await self._answer(turn)
        finally:
            # After a failure there is an apology to send, if it was the last one.
            if turn is not None:
                await self._delivery.deliver(contact_id, tuple(message.id for message in turn.grant.messages))
        return turn

    async def recover(self) -> int:
        """Send the replies that workers left behind, and return how many messages were accepted."""
        return sum([await self._delivery.recover(contact_id) for contact_id in await self.manager.channel.owing()])

    @property
    def _delivery(self) -> Delivery:
        return Delivery(self.manager, self.senders, self.compose)

    async def _find_turns(self, mail: Mail, turns: TaskGroup) -> None:
        while True:
            while (room := self.concurrency - len(self._busy)) <= 0:
                self._ended = anyio.Event()
                await self._ended.wait()
            try:
                due = await mail.take(room)
            except AgentMemoryError as error:
                # The store is away; what waits in it is found when it is back.
                telemetry.worker_failed(error)
                due = ()
            for contact_id in due:
                if contact_id in self._busy:
                    # Their last reply is still on its way out.
                    self._again.add(contact_id)
                else:
                    self._busy.add(contact_id)
                    turns.start_soon(self._work_on, mail, contact_id)
            await mail.wait()

    async def _find_replies(self, turns: TaskGroup) -> None:
        while True:
            try:
                owing = await self.manager.channel.owing()
            except AgentMemoryError:
                owing = ()
            for contact_id in [one for one in owing if one not in self._recovering]:
                self._recovering.add(contact_id)
                turns.start_soon(self._recover_one, contact_id)
            await anyio.sleep(_LOOK_S)

    async def _recover_one(self, contact_id: str) -> None:
        try:
            await self._delivery.recover(contact_id)
        except Exception as error:  # noqa: BLE001 - what is owed stays owed; the other contacts need this worker
            telemetry.worker_failed(error)
        finally:
            self._recovering.discard(contact_id)

    async def _work_on(self, mail: Mail, contact_id: str) -> None:
        try:
            await self._work_once(mail, contact_id)
            while contact_id in self._again and not self._stopping.is_set():
                self._again.discard(contact_id)
                await self._work_once(mail, contact_id)
        finally:
            self._again.discard(contact_id)
            self._busy.discard(contact_id)
            self._ended.set()

    async def _work_once(self, mail: Mail, contact_id: str) -> None:
        turn: Turn[Any] | None = None
        try:
            turn = await self._work(contact_id)
        except Exception as error:  # noqa: BLE001 - the turn was given back and counted; the others need this worker
            telemetry.worker_failed(error)
        if turn is None or turn.outcome is None or turn.outcome.left:
            # Nobody tells when a pause after a failure ends, or what a commit leaves.
            mail.recheck(contact_id)

    async def _answer(self, turn: Turn[Any]) -> None:
        inbounds = turn.inbounds()
        age = self.clock() - max(inbound.sent_at for inbound in inbounds)
        if age > self.reception.stale:
            # After an outage a week of messages may come at once: they share one answer.
            await turn.join()
            inbounds = turn.inbounds()
        reach = await self.manager.reach(turn.grant.contact_id)
        address = Address.unpacked(reach.address)
        number = address.phone_number_id if address else ''
        muted = reach.muted or turn.muted
        fixed = self.reception.fixed(inbounds, turn.session, muted=muted)
        if muted or age > self.reception.too_old:
            # Nothing is said, but what the person decided counts all the same.
            fixed = Fixed(None, fixed.actions) if fixed else SILENCE
        if fixed is not None:
            await turn.commit(reply=fixed.reply, actions=fixed.actions)
            return
        async with beside() as tasks:
            if sender := self.senders.get(number):
                tasks.start_soon(_show_typing, sender, inbounds[-1].message_id, self.refresh)
            if await self._hear(turn, inbounds, self.media.get(number)):
                await self._answer_said(turn, inbounds)
            else:
                await turn.commit(reply=self.reception.wording.ask_for_text)

    async def _answer_said(self, turn: Turn[Any], inbounds: tuple[Inbound, ...]) -> None:
        """Answer what is written or was heard: who says that they want to be left alone is heard by no agent either."""
        texts = [message.text for message in turn.messages]
        said = tuple(one.model_copy(update={'text': text}) for one, text in zip(inbounds, texts, strict=True))
        fixed = self.reception.fixed(said, turn.session, muted=False)
        if fixed is not None:
            await turn.commit(reply=fixed.reply, actions=fixed.actions)
            return
        turn.beside = self.reception.tapped(said)
        await self.answer(turn, said[-1].model_copy(update={'text': '\n'.join(texts)}))

    async def _hear(self, turn: Turn[Any], inbounds: tuple[Inbound, ...], media: MediaSource | None) -> bool:
        """Write the voice messages of a turn down; return whether there is anything to answer."""
        spoken = {
            message.id: inbound.attachment
            for message, inbound in zip(turn.messages, inbounds, strict=True)
            if inbound.attachment and inbound.attachment.kind == 'audio'
        }
        heard: dict[str, str] = {}
        if spoken and media is not None and self.transcriber is not None:
            with anyio.move_on_after(self.hearing.total_seconds()):
                async with anyio.create_task_group() as listening:
                    for id_, recording in spoken.items():
                        listening.start_soon(_listen, id_, recording, media, self.transcriber, heard)
        for id_, words in heard.items():
            turn.hear(id_, words[:MAX_TEXT])
        return bool(heard) or len(spoken) < len(inbounds)


async def _listen(
    id_: str, recording: Attachment, media: MediaSource, transcriber: Transcriber, heard: dict[str, str]
) -> None:
    """Note what is said in a recording, if anybody can tell."""
    try:
        sound = await media.download(recording)
        words = await transcriber.transcribe(sound, mime_type=recording.mime_type or '')
    except Exception as error:  # noqa: BLE001 - a recording that nobody can listen to fails no turn
        telemetry.worker_failed(error)
    else:
        if words.strip():
            heard[id_] = words


async def _show_typing(sender: Sender, message_id: str, refresh: timedelta) -> None:
    """Show the person that an answer comes, until cancelled."""
    while True:
        await sender.read(message_id, typing=True)
        await anyio.sleep(refresh.total_seconds())
