"""`agent-memory serve`: the lead agent on WhatsApp, as one process or as several with a role each."""

from __future__ import annotations

import gc
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Literal

import anyio
import uvicorn
from anyio.abc import TaskStatus
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from agent_memory import telemetry
from agent_memory.cli._channel import BATCH, dispatcher_of, webhook_of
from agent_memory.errors import AgentMemoryError, SetupError
from agent_memory.lead import CAR_LEAD, UserProfileData
from agent_memory.manager import SessionManager
from agent_memory.settings import MemorySettings
from agent_memory.whatsapp import Dispatcher, GraphSender
from agent_memory.whatsapp._settings import WhatsAppSettings

Role = Literal['all', 'webhook', 'worker', 'archiver']


_NEEDED: dict[Role, tuple[str, ...]] = {
    'all': ('phone_number_id', 'token', 'app_secrets', 'verify_token'),
    'webhook': ('app_secrets', 'verify_token'),
    'worker': ('phone_number_id', 'token'),
    'archiver': (),
}


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        # The command ends its workers too, which the server's own handler would kill.
        yield


async def run_serve(*, role: Role, host: str, port: int, data: Path | None, model: str | None) -> None:
    """Serve until SIGINT or SIGTERM; then refuse new deliveries and end or give back the turns that run."""
    settings = MemorySettings(data_dir=data) if data else MemorySettings()
    channel = WhatsAppSettings()
    telemetry.configure()
    if role != 'all' and settings.redis_url is None:
        raise SetupError('several processes need a Redis that they share: set AGENT_MEMORY_REDIS_URL')
    channel.check(*_NEEDED[role])
    async with _opened(settings, role) as manager, anyio.create_task_group() as tasks:
        server = dispatcher = None
        if role == 'archiver':
            _say('Archiving, and closing idle conversations.')
        if role in ('all', 'webhook'):
            server = await tasks.start(_listen, manager, channel, host, port)
        if role in ('all', 'worker'):
            dispatcher = await tasks.start(
                _work, manager, channel, model or settings.chosen_model(), settings.catalogue
            )
        # What was imported lives as long as the process. A collection that looks at it too stops everything for 115 ms.
        gc.collect()
        gc.freeze()
        await _asked_to_stop()
        _say('Stopping: no new deliveries; turns that run are ended or given back.')
        if server is not None:
            server.should_exit = True
        if dispatcher is not None:
            dispatcher.stop()


@asynccontextmanager
async def _opened(settings: MemorySettings, role: Role) -> AsyncGenerator[SessionManager[UserProfileData]]:
    if role in ('all', 'archiver'):
        async with settings.open(CAR_LEAD, batch=BATCH) as memory:
            yield memory.manager
    else:
        async with settings.connect(CAR_LEAD, batch=BATCH) as manager:
            yield manager


async def _listen(
    manager: SessionManager[UserProfileData],
    channel: WhatsAppSettings,
    host: str,
    port: int,
    *,
    task_status: TaskStatus[_Server],
) -> None:
    async def health(_: Request) -> Response:
        try:
            await manager.channel.owing(limit=1)
        except AgentMemoryError as error:
            return PlainTextResponse(str(error), status_code=503)
        return PlainTextResponse('ok')

    app = Starlette(routes=[Route('/webhook', webhook_of(manager, channel)), Route('/health', health)])
    with _bound(host, port) as listener:
        server = _Server(uvicorn.Config(app, log_level='warning', lifespan='off', access_log=False))
        where = listener.getsockname()
        _say(f'Deliveries go to http://{where[0]}:{where[1]}/webhook')
        task_status.started(server)
        await server.serve([listener])


async def _work(
    manager: SessionManager[UserProfileData],
    channel: WhatsAppSettings,
    model: str,
    catalogue: str | None,
    *,
    task_status: TaskStatus[Dispatcher],
) -> None:
    sender = GraphSender.to_number(
        channel.phone_number_id,
        channel.token,
        base_url=channel.graph_url,
        version=channel.graph_version,
        number_per_s=channel.rate,
    )
    try:
        dispatcher = dispatcher_of(manager, channel, sender, model, catalogue=catalogue)
        _say(f'Answering with {model}{"" if catalogue else "; without AGENT_MEMORY_CATALOGUE no car is shown"}.')
        task_status.started(dispatcher)
        await dispatcher.run()
    finally:
        await sender.aclose()


def _bound(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise SetupError(f'{host}:{port} cannot be listened on ({error.strerror}); choose another --port') from error


async def _asked_to_stop() -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            return


def _say(line: str) -> None:
    sys.stderr.write(f'{line}\n')
    sys.stderr.flush()
