"""`MemorySettings`: the environment, read once, and what it opens."""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Generic

import anyio
import platformdirs
from anyio import to_thread
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from agent_memory._beside import beside
from agent_memory._environment import Environment
from agent_memory.backend._archive import Archive
from agent_memory.backend._archiver import Archiver
from agent_memory.backend._deliveries import DuckDBEventQueue
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._embedded import embedded_server
from agent_memory.backend._endpoint import serve_history
from agent_memory.backend._open import open_archive
from agent_memory.backend._protocol import Policy
from agent_memory.backend._quack_server import QuackServer
from agent_memory.backend._reading import ReaderProcess
from agent_memory.backend._redis import RedisStore
from agent_memory.backend._redis_keys import RedisKeys
from agent_memory.backend._retention import Rule, Table, retain
from agent_memory.backend._sqlite_keys import SqliteKeys
from agent_memory.backend._threaded import ThreadedArchive
from agent_memory.errors import AgentMemoryError, ArchiveUnavailable, SetupError
from agent_memory.handoff import HandoffRelay, HandoffSink, LogSink, WebhookSink
from agent_memory.history import OpenedEvents, rows_of
from agent_memory.manager import SessionManager
from agent_memory.privacy._audit import Audit
from agent_memory.privacy._forget import reconcile
from agent_memory.profile import ProfileT
from agent_memory.session import Domain, LegalBasis
from agent_memory.vault import KEYS_FILE, MASTER_FILE, MasterKeys, Vault

_SWEEP = timedelta(seconds=1)
_ANCHOR = timedelta(seconds=10)
_RECONCILE = timedelta(minutes=1)
_TIDY = timedelta(hours=1)
_LAST_DRAIN = timedelta(seconds=5)


@dataclass(frozen=True)
class OpenMemory(Generic[ProfileT]):
    """A manager with its housekeeping running beside it: archiving and the closing of idle sessions."""

    manager: SessionManager[ProfileT]
    archiver: Archiver
    archive_held_elsewhere: str | None
    """Why this process does not keep the history, when another one does; that one archives our turns too."""


class MemorySettings(Environment):
    """Everything that the environment decides, as `AGENT_MEMORY_...`. Library classes take arguments instead."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(env_prefix='AGENT_MEMORY_', frozen=True)

    redis_url: str | None = Field(default=None, repr=False)  # may hold a password
    """`redis://`, `rediss://`, `redis+sentinel://` or `redis+cluster://`; without one the embedded server is started."""
    data_dir: Path = Field(default_factory=lambda: platformdirs.user_data_path('agent-memory'))
    """Where the embedded server and the history live."""
    archive: str | Path | None = Field(
        default=None, repr=False
    )  # a lake's address may be given a password, and is refused then
    """The history: a DuckDB file, `history.duckdb` in the data directory by default, or `ducklake:postgres:host=...`; or
    `quack:HOST:PORT`, to read the one that an archiver elsewhere serves."""
    history_quack: str | None = Field(default=None, pattern=r'^([\w.-]+|\[[\da-fA-F:]+\]):\d{1,5}$')
    """Where the process that holds the history answers other machines over HTTP, such as `127.0.0.1:9494`. Needs the extra
    `quack`."""
    history_token: SecretStr | None = Field(default=None, min_length=16)
    """What it asks of them: at least 16 characters, the same there as here."""
    lake_files: str | None = None
    """Where a new lake keeps its Parquet files: a directory or a URL such as `s3://...`. Its catalog knows it then."""
    archive_partitions: str = Field(default='', pattern=r'^(\d+-\d+)?$')
    """The partitions that this process archives into a lake, such as `0-31`; all by default."""
    secret: SecretStr | None = None
    """What contact ids are hashed with. Without one the embedded default makes a file, and a shared Redis its own."""
    keys_url: str | None = Field(default=None, repr=False)
    """A Redis of its own for the contacts' data keys, for workers on several machines; a file in the data directory
    otherwise, which serves one machine."""
    master_key: SecretStr | None = None
    """What data keys are wrapped with: 32 bytes in hex, the current one first, older ones behind commas."""
    master_key_file: Path | None = None
    """Where it is read from instead, one a line; `master.key` in the data directory, made on first use, by default."""
    accept_unsealed: bool = False
    """Whether sessions from before everything was sealed are still read; each is sealed with its next turn."""
    key_prefix: str = 'am'
    session_ttl: timedelta | None = None
    """Idle time after which a session is closed and archived, such as `PT12H`; the domain's, 24 h, by default."""
    lease: timedelta = Policy().lease
    wait: timedelta = timedelta(seconds=30)
    """How long a turn waits for another turn of the same contact."""
    catalogue: str | None = None
    """Where the lead agent's catalogue comes from: a CSV or Parquet file, or the URL of a recommendation service."""
    handoff_url: str | None = None
    """Where hand-overs are posted as JSON; without one they are lines in the log."""
    handoff_secret: SecretStr | None = None
    """What those posts are signed with."""
    model: str | None = None
    """The model of the command line's agent, such as `openai:gpt-5.2`, or `rules` for the offline one."""

    model_base_url: str | None = None
    """An OpenAI-compatible server that the model is asked at."""
    model_api_key: SecretStr | None = None
    """That server's key; the provider's own variable, such as `OPENAI_API_KEY`, without one."""

    retain_days: dict[Table, int] = Field(default_factory=dict[Table, int])
    """Days that the rows of a table of the history are kept, such as `{"message_history": 365}`; the others stay."""
    legal_basis: dict[str, LegalBasis] = Field(default_factory=dict[str, LegalBasis])
    """What the use of personal data rests on, by purpose, where it differs from the domain's."""

    def own(self, domain: Domain[ProfileT]) -> Domain[ProfileT]:
        """Return the domain with the legal bases and the idle time of this deployment."""
        ttl = self.session_ttl or domain.ttl
        return replace(domain, legal_basis={**domain.legal_basis, **self.legal_basis}, ttl=ttl)

    def rules(self) -> list[Rule]:
        """Return how long each class of the history's data is kept."""
        return [Rule(table, timedelta(days=days)) for table, days in self.retain_days.items()]

    evaluate: float = Field(default=0, ge=0, le=1)
    """Which share of live turns is judged in the background; none by default. Needs the extra `evals`."""
    judge_model: str | None = None
    """The model that judges the tone of those turns; without one only rules do."""

    def vault(self) -> Vault:
        """Return what seals personal content, with the keys of this deployment.

        Raises:
            SetupError: The data directory cannot be used, or the master key is none.
        """
        keys = RedisKeys.from_url(self.keys_url) if self.keys_url else SqliteKeys(self.data_dir / KEYS_FILE)
        given = self.master_key.get_secret_value().split(',') if self.master_key else None
        master = MasterKeys(given) if given else MasterKeys.from_file(self.master_key_path)
        return Vault(keys, master, accepts_plain=self.accept_unsealed)

    @property
    def master_key_path(self) -> Path:
        """The file of the master key, unless the environment holds it."""
        return self.master_key_file or self.data_dir / MASTER_FILE

    def history(self) -> ThreadedArchive:
        """Return the history of these settings, which is not opened yet.

        Raises:
            SetupError: `archive` names a lake in a way that cannot be used, or another machine and there is no token.
        """
        token = self.history_token.get_secret_value() if self.history_token else None
        return open_archive(self.archive or self.data_dir / 'history.duckdb', data=self.lake_files, token=token)

    @property
    def partitions(self) -> tuple[int, ...]:
        """The partitions that this process archives; all when empty."""
        first, _, last = self.archive_partitions.partition('-')
        return tuple(range(int(first), int(last) + 1)) if first else ()

    def chosen_model(self) -> str:
        """Return the configured model, OpenAI's when only its key is set, else the offline rules."""
        return self.model or ('openai:gpt-5.2' if os.environ.get('OPENAI_API_KEY') else 'rules')

    @asynccontextmanager
    async def connect(self, domain: Domain[ProfileT], *, batch: int = 1) -> AsyncGenerator[SessionManager[ProfileT]]:
        """Open the store alone, where another process keeps the house and the history, or for one look or decision.

        Args:
            domain: What the business decides.
            batch: Most messages that one turn answers.

        Raises:
            SetupError: The data directory, the embedded server or a setting is unusable.
            StoreUnavailable: Redis does not answer.
        """
        async with AsyncExitStack() as stack:
            manager, _ = await self._manager(stack, domain, None, batch)
            yield manager

    @asynccontextmanager
    async def open(self, domain: Domain[ProfileT], *, batch: int = 1) -> AsyncGenerator[OpenMemory[ProfileT]]:
        """Open store and archive, keep house beside the body, and archive what is left at the end.

        Args:
            domain: What the business decides.
            batch: Most messages that one turn answers.

        Raises:
            SetupError: The data directory, the embedded server or a setting is unusable.
            StoreUnavailable: Redis does not answer.
        """
        async with AsyncExitStack() as stack:
            _directory(self.data_dir)
            archive = self.history()
            manager, store = await self._manager(stack, domain, archive, batch)
            reader = await stack.enter_async_context(ReaderProcess())
            decode = rows_of(manager.codec, manager.vault)
            archiver = Archiver(store.outbox, archive, decode, reader, only=self.partitions)
            server = await self._quack_server()
            opened = OpenMemory(manager, archiver, await _held_elsewhere(archive, (self.partitions or (0,))[0]))
            async with beside() as tasks:
                tasks.start_soon(archiver.run)
                if isinstance(archive, DuckDBArchive):
                    tasks.start_soon(serve_history, archive, archive.path)
                if server is not None:
                    tasks.start_soon(server.serve, archive)
                tasks.start_soon(_sweep, manager)
                tasks.start_soon(_keep_ledger, Audit(archive, store.anchor), archive, self.rules())
                tasks.start_soon(_keep_erased, manager, archive)
                tasks.start_soon(HandoffRelay(OpenedEvents(DuckDBEventQueue(archive), manager.vault), self._sink()).run)
                yield opened
            await _drain(archiver)

    async def _quack_server(self) -> QuackServer | None:
        if self.history_quack is None:
            return None
        if self.history_token is None:
            raise SetupError('AGENT_MEMORY_HISTORY_QUACK needs AGENT_MEMORY_HISTORY_TOKEN, which readers give')
        return await to_thread.run_sync(QuackServer, self.history_quack, self.history_token.get_secret_value())

    def _sink(self) -> HandoffSink:
        if self.handoff_url is None:
            return LogSink()
        secret = self.handoff_secret.get_secret_value().encode() if self.handoff_secret else None
        return WebhookSink(self.handoff_url, secret=secret)

    async def _manager(
        self, stack: AsyncExitStack, domain: Domain[ProfileT], archive: Archive | None, batch: int
    ) -> tuple[SessionManager[ProfileT], RedisStore]:
        url, secret = await self._server(stack)
        store = RedisStore.from_url(url, prefix=self.key_prefix, policy=Policy(lease=self.lease, max_batch=batch))
        manager = SessionManager(
            store, archive, domain=self.own(domain), secret=secret, vault=self.vault(), wait=self.wait
        )
        stack.push_async_callback(manager.close)
        await manager.identity()
        return manager, store

    async def _server(self, stack: AsyncExitStack) -> tuple[str, bytes | None]:
        given = self.secret.get_secret_value().encode() if self.secret else None
        if self.redis_url:
            return self.redis_url, given
        server = await stack.enter_async_context(embedded_server(self.data_dir))
        return server.url, given or _own_secret(self.data_dir / 'secret')


def _directory(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(f'the data directory {path} cannot be used ({error.strerror}); choose another one') from error


def _own_secret(path: Path) -> bytes:
    """Return the secret in `path`, made on first use and readable by this user only."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_secret(path)
    except OSError as error:
        raise SetupError(f'{path} cannot be written ({error.strerror}); choose another data directory') from error
    with os.fdopen(descriptor, 'w') as file:
        file.write(secrets.token_hex(32))
    return _read_secret(path)


def _read_secret(path: Path) -> bytes:
    text = path.read_text().strip()
    if len(text) < 32:
        raise SetupError(f'{path} does not hold a secret; restore it from a copy, or contacts will not be found again')
    return text.encode()


async def _held_elsewhere(archive: ThreadedArchive, partition: int) -> str | None:
    try:
        await archive.offset(partition)
    except ArchiveUnavailable as error:
        return str(error)
    return None


async def _sweep(manager: SessionManager[ProfileT]) -> None:
    while True:
        # While the store is away turns say so themselves, and the next sweep finds what this one would have.
        with suppress(AgentMemoryError):
            await manager.sweep()
        await anyio.sleep(_SWEEP.total_seconds())


async def _keep_ledger(audit: Audit, archive: ThreadedArchive, rules: list[Rule]) -> None:
    """Anchor what is noted, sort the file, and once a day remove what outlived its rule, where the history is held."""
    kept: date | None = None
    tidied = -math.inf
    while True:
        await anyio.sleep(_ANCHOR.total_seconds())
        with suppress(AgentMemoryError):
            if not archive.held:
                continue
            await audit.follow()
            if rules and kept != (today := datetime.now(UTC).date()):
                await retain(archive, rules)
                kept = today
            if anyio.current_time() - tidied > _TIDY.total_seconds():
                tidied = anyio.current_time()  # also when it fails: without room for a copy it would fail every time
                await archive.tidy()


async def _keep_erased(manager: SessionManager[ProfileT], archive: ThreadedArchive) -> None:
    """Erase here who was erased elsewhere: on another machine, or before a backup was restored."""
    while True:
        with suppress(AgentMemoryError):
            await reconcile(manager, archive)
        await anyio.sleep(_RECONCILE.total_seconds())


async def _drain(archiver: Archiver) -> None:
    with anyio.move_on_after(_LAST_DRAIN.total_seconds(), shield=True):
        # What is not archived stays in the outbox, for whoever opens the archive next.
        with suppress(AgentMemoryError):
            await archiver.drain()
