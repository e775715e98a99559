"""`agent-memory simulate`: plays dialogues through the whole channel, with WhatsApp's side faked."""

from __future__ import annotations

import random
import tempfile
import time
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources import as_file, files
from pathlib import Path

import anyio
import httpx2
from pydantic import SecretStr
from rich.console import Console

from agent_memory.agents.catalogue import DEMO_STOCK
from agent_memory.cli._channel import BATCH, dispatcher_of, webhook_of
from agent_memory.cli._replay import Dialogue, read_dialogues
from agent_memory.errors import AgentMemoryError
from agent_memory.lead import CAR_LEAD, UserProfileData
from agent_memory.manager import SessionManager
from agent_memory.session import MAX_TEXT
from agent_memory.settings import MemorySettings
from agent_memory.testing.graph import FakeGraph
from agent_memory.whatsapp import Dispatcher, GraphSender
from agent_memory.whatsapp._graph import GraphApi, make_client
from agent_memory.whatsapp._limits import Limits
from agent_memory.whatsapp._settings import WhatsAppSettings

_URL = 'http://localhost/webhook'
_QUIET = timedelta(milliseconds=100)
_PATIENCE_S = 60
_console = Console(highlight=False)


class NoReply(AgentMemoryError):
    """A message of the simulation got no reply, though nobody had asked the bot to be silent."""


@dataclass
class _Simulation:
    """The people of the dialogues: they write, and wait for what they are sent."""

    graph: FakeGraph
    http: httpx2.AsyncClient
    manager: SessionManager[UserProfileData]
    copies: int
    shuffle: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - a repeatable disorder
    turns: int = 0
    silent: int = 0

    async def play(self, person: str, dialogue: Dialogue) -> None:
        """Play one dialogue on one phone."""
        for turn in dialogue.turns:
            for text in turn.messages:
                _console.print(f'{dialogue.id} <', text, markup=False, soft_wrap=True)
            seen = len(self.graph.texts(person))
            items = [self.graph.says(person, text[:MAX_TEXT]) for text in turn.messages]
            await self.graph.deliver(self.http, _URL, items, batch=len(items), copies=self.copies, shuffle=self.shuffle)
            self.turns += 1
            await self._settled(person, f'turn {turn.turn} of {dialogue.id}')
            replies = self.graph.texts(person)[seen:]
            for text in replies:
                _console.print(f'{dialogue.id} >', text, markup=False, soft_wrap=True)
            if not replies:
                await self._check_silence(person, f'turn {turn.turn} of {dialogue.id}')
                self.silent += 1

    async def _settled(self, person: str, what: str) -> None:
        """Wait until no reply is owed to a person any more."""
        contact_id = await self.manager.contact_id(f'+{person}')
        with anyio.move_on_after(_PATIENCE_S):
            while await self.manager.channel.owed(contact_id):
                await self.graph.deliver(self.http, _URL, self.graph.statuses(), batch=10)
                await anyio.sleep(0.25)
            return
        raise NoReply(f'{what} got no reply within {_PATIENCE_S} s')

    async def _check_silence(self, person: str, what: str) -> None:
        session = await self.manager.get_session(f'+{person}')
        if session is None or not (CAR_LEAD.states.is_muted(session) or 'opt_out' in session.requests):
            raise NoReply(f'{what} got no reply')


async def run_simulate(*, file: Path | None, copies: int, model: str | None) -> None:
    """Play every dialogue of `file`, or of the development set, each on a phone of its own, all at once."""
    with as_file(files('agent_memory.evals').joinpath('datasets', 'whatsapp_dev.yaml')) as ours:
        script = read_dialogues(file or ours)
    graph = FakeGraph()
    channel = WhatsAppSettings(
        phone_number_id=graph.phone_number_id,
        token=graph.token,
        app_secrets=graph.app_secret,
        verify_token=SecretStr('simulation'),
        quiet=_QUIET,
    )
    api = GraphApi(graph.phone_number_id, graph.token, make_client(graph.transport()))
    # People of a simulation answer at once, so the limit of one message in six seconds would only slow it down.
    sender = GraphSender(api, Limits(time.monotonic, pair_every_s=0.001))
    with tempfile.TemporaryDirectory(prefix='agent-memory-') as directory:
        settings = MemorySettings(data_dir=Path(directory), redis_url=None)
        async with settings.open(CAR_LEAD, batch=BATCH) as memory:
            dispatcher = dispatcher_of(
                memory.manager, channel, sender, model or settings.chosen_model(), catalogue=DEMO_STOCK
            )
            webhook = webhook_of(memory.manager, channel)
            async with httpx2.AsyncClient(transport=httpx2.ASGITransport(webhook)) as http:
                simulation = _Simulation(graph, http, memory.manager, copies)
                await _play_all(simulation, dispatcher, script.dialogues)
    await sender.aclose()
    _console.print(
        f'{len(script.dialogues)} dialogues, {simulation.turns} turns, {len(graph.seen)} replies, '
        f'{simulation.silent} turns in which the bot had to be silent; each delivery came {copies} times.'
    )


async def _play_all(simulation: _Simulation, dispatcher: Dispatcher, dialogues: list[Dialogue]) -> None:
    failure: Exception | None = None
    async with anyio.create_task_group() as work:
        work.start_soon(dispatcher.run)
        try:
            async with anyio.create_task_group() as people:
                for number, dialogue in enumerate(dialogues):
                    people.start_soon(simulation.play, f'55119{number:08}', dialogue)
        except ExceptionGroup as group:
            failure = group.exceptions[0]
        dispatcher.stop()
    if failure is not None:
        raise failure
