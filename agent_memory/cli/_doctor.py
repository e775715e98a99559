"""`agent-memory doctor`: looks at everything that an installation needs, and says what to do."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import httpx2
import typer

from agent_memory.agents.catalogue import open_catalogue
from agent_memory.backend._checkup import ServerHealth, look_at
from agent_memory.backend._lake import LakeArchive
from agent_memory.backend._quack import QuackArchive
from agent_memory.backend._redis import RedisStore
from agent_memory.backend._status import archive_status
from agent_memory.backend._threaded import ThreadedArchive
from agent_memory.cli._doctor_channel import channel_findings
from agent_memory.cli._finding import Finding, judged, show
from agent_memory.errors import AgentMemoryError, SetupError
from agent_memory.lead import CAR_LEAD, UserProfileData
from agent_memory.manager import SessionManager
from agent_memory.privacy._audit import Audit
from agent_memory.settings import MemorySettings
from agent_memory.whatsapp._graph import make_client
from agent_memory.whatsapp._settings import WhatsAppSettings

_SKEW = timedelta(seconds=30)
"""Leases count by the server's clock alone; what is stale, and the service window, count by both."""
_LAG = timedelta(minutes=1)
_FULL = 0.8
_MANY_FILES = 20_000
"""About what 100 turns a second leave in an hour, each batch with a file a table."""


async def run_doctor(*, data: Path | None, url: str | None, as_json: bool) -> None:
    """Print what is found; exit code 1 when something fails."""
    settings = MemorySettings(data_dir=data) if data else MemorySettings()
    findings = [finding async for finding in _findings(settings, url)]
    show(findings, as_json=as_json)
    if any(finding.verdict == 'fail' for finding in findings):
        raise typer.Exit(1)


async def _findings(settings: MemorySettings, url: str | None) -> AsyncGenerator[Finding]:
    async with make_client() as http:
        async for finding in channel_findings(WhatsAppSettings(), http, url=url):
            yield finding
        if settings.history_quack:
            yield await _served(http, settings.history_quack)
    async for finding in _memory(settings):
        yield finding
    yield await _catalogue(settings)


async def _memory(settings: MemorySettings) -> AsyncGenerator[Finding]:
    """Look at store, history, audit and keys."""
    async with AsyncExitStack() as stack:
        try:
            manager = await stack.enter_async_context(settings.connect(CAR_LEAD))
            store = manager.store
            if not isinstance(store, RedisStore):
                raise SetupError(f'{type(store).__name__} is no Redis')
            health = await look_at(store)
        except AgentMemoryError as error:
            yield Finding('redis', 'fail', str(error), 'start it, or set AGENT_MEMORY_REDIS_URL to where it is')
            return
        for finding in _server(health, shared=settings.redis_url is not None):
            yield finding
        try:
            archive = settings.history()
            stack.push_async_callback(archive.close)
            found = await _history(store, archive)
        except SetupError as error:
            found = [Finding('history', 'fail', str(error), 'see docs/operations.md, "Past one machine"')]
        for finding in found:
            yield finding
        yield await _merges(manager)
        yield await _replies(manager)
        yield await _keys(settings)


def _server(health: ServerHealth, *, shared: bool) -> list[Finding]:
    where = 'shared' if shared else 'embedded'
    unseen = 'this Redis user may not see it; run doctor once as one who may use INFO'
    used, limit = health.used_bytes or 0, health.limit_bytes or 0
    return [
        judged(
            'redis',
            f'{health.version or "unknown version"}, {where}, {health.partitions} partition{"s" * (health.partitions > 1)}',
            (health.version is None, 'warn', unseen),
        ),
        judged(
            'redis durability',
            {True: 'append-only file', False: 'snapshots only', None: 'unknown'}[health.appends],
            (health.appends is None, 'warn', unseen),
            (
                health.appends is False,
                'fail',
                'set `appendonly yes`: a restart loses messages that Meta was told we have',
            ),
        ),
        judged(
            'redis memory',
            f'{used / 2**20:.0f} of {limit / 2**20:.0f} MB, {health.eviction}'
            if limit
            else f'{health.eviction}, no limit',
            (health.eviction is None, 'warn', unseen),
            (
                health.eviction != 'noeviction',
                'fail',
                'set `maxmemory-policy noeviction`: it deletes open conversations',
            ),
            (
                bool(limit) and used > _FULL * limit,
                'warn',
                'more than 80 % is used; when it is full nothing is taken in',
            ),
        ),
        judged(
            'clocks',
            f'Redis is {health.skew.total_seconds():+.1f} s from this machine',
            (abs(health.skew) > _SKEW, 'warn', 'let both machines keep their time by NTP'),
        ),
        judged(
            'messages given up',
            f'{health.dead_letters} since the store was made',
            (health.dead_letters > 0, 'warn', 'these people got an apology; `dead_letters` in the history says why'),
        ),
    ]


async def _history(store: RedisStore, archive: ThreadedArchive) -> list[Finding]:
    status = await archive_status(store.outbox, archive)
    batches = ', '.join(str(one.batch) for one in status.partitions if one.batch) or 'none yet'
    late = judged(
        'archive lag',
        f'{status.waiting} records wait, the oldest for {status.lag.total_seconds():.0f} s; last batch: {batches}',
        (
            status.lag > _LAG,
            'fail',
            'start `agent-memory archiver` or `serve`: when the outbox is full nothing is taken in',
        ),
    )
    if status.unavailable is not None:
        advice = 'run doctor where the history is, or start what keeps it'
        return [Finding('history', 'warn', status.unavailable, advice), late]
    dead = status.dead_letters or 0
    found = [
        await _kept(archive, status.schema),
        late,
        judged(
            'dead letters', f'{dead} in the history', (dead > 0, 'warn', 'the table `dead_letters` has their reasons')
        ),
    ]
    if not isinstance(archive, QuackArchive):  # which tells nothing of the audit
        verdict = await Audit(archive, store.anchor).verify()
        broken = (not verdict.ok, 'fail', f'it is not whole: {verdict.reason}')
        found.append(judged('audit chain', f'{verdict.rows} notes', broken))
    return found


async def _served(http: httpx2.AsyncClient, address: str) -> Finding:
    try:
        served = 'Quack' in (await http.get(f'http://{address}/')).text
    except httpx2.HTTPError:
        served = False
    return judged(
        'history over HTTP',
        f'{"" if served else "not "}served at {address}',
        (not served, 'warn', 'start what keeps the history; if it runs, its log says why'),
    )


async def _kept(archive: ThreadedArchive, schema: int | None) -> Finding:
    told = f'{archive.name}, schema {schema or "not made yet"}'
    if not isinstance(archive, LakeArchive):
        return Finding('history', 'ok', told)
    size = await archive.size()
    return judged(
        'history',
        f'{told}, {size.files} files of {size.size_bytes / 2**20:.0f} MB',
        (
            size.files > _MANY_FILES,
            'warn',
            'nobody merges them: the archiver of partition 0 does that once an hour',
        ),
    )


async def _keys(settings: MemorySettings) -> Finding:
    try:
        health = await settings.vault().check()
    except AgentMemoryError as error:
        return Finding('keys', 'fail', str(error), 'restore the master key or the key store from their copies')
    return judged(
        'keys', health.detail, (not health.ok, 'fail', 'restore the master key or the key store from their copies')
    )


async def _merges(manager: SessionManager[UserProfileData]) -> Finding:
    pairs = await manager.channel.merges()
    return judged(
        'people to tell apart',
        f'{len(pairs)} pairs',
        (bool(pairs), 'warn', 'decide them with `agent-memory merges`'),
    )


async def _replies(manager: SessionManager[UserProfileData]) -> Finding:
    found = await manager.channel.undelivered()
    unsure = sum(one.state == 'indeterminate' for one in found)
    return judged(
        'replies',
        f'{len(found) - unsure} failed, {unsure} may not have arrived',
        (bool(found), 'warn', 'see and decide them with `agent-memory replies list`'),
    )


async def _catalogue(settings: MemorySettings) -> Finding:
    if settings.catalogue is None:
        return Finding('catalogue', 'warn', 'none', 'set AGENT_MEMORY_CATALOGUE; without one the agent shows no car')
    try:
        found = await open_catalogue(settings.catalogue).search(UserProfileData(), limit=1)
    except AgentMemoryError as error:
        return Finding('catalogue', 'fail', str(error), 'check the file or service that AGENT_MEMORY_CATALOGUE names')
    return judged(
        'catalogue',
        f'{found.total} cars',
        (not found.total, 'warn', 'it has no car to show'),
        (found.stale, 'warn', 'it answers with an earlier answer only'),
    )
