"""A deployment in which a person leaves traces in every place, and a search for them."""

from __future__ import annotations

import base64
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import duckdb

from agent_memory.backend._archiver import Archiver
from agent_memory.backend._channel import Alias, Pace
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._ledger import AuditNote
from agent_memory.backend._redis import RedisStore
from agent_memory.history import rows_of
from agent_memory.manager import SessionManager
from agent_memory.privacy import Audit, Eraser, Signer
from agent_memory.privacy._exported import Exports
from agent_memory.profile import Change
from agent_memory.session import Inbound
from agent_memory.turn import PatchProfile
from agent_memory.vault import Vault
from tests.servers import Server, admit, on_port, running, url_for

PHONE = '+5511987654321'
NAME, CPF, SENTENCE = 'Josefina Quixabeira', '390.533.447-05', 'quero vender o corcel azul do meu falecido marido'
PERSONAL = (PHONE[1:], base64.b64encode(PHONE[1:].encode()).decode().rstrip('='), NAME, CPF, SENTENCE, 'corcel azul')


@dataclass
class House:
    """A deployment: a server with its file, keys and a history."""

    directory: Path
    server: Server
    manager: SessionManager[Any]
    archive: DuckDBArchive

    @property
    def store(self) -> RedisStore:
        assert isinstance(self.manager.store, RedisStore)
        return self.manager.store

    def worker(self) -> SessionManager[Any]:
        """Another process, with what it has in memory."""
        return SessionManager(
            RedisStore.from_url(url_for(self.server.url, 'worker')), vault=Vault.at(self.directory / 'data')
        )

    def eraser(self) -> Eraser:
        signer = Signer.from_file(self.directory / 'data' / 'receipt.key')
        audit = Audit(self.archive, self.store.anchor, 'os:operator')
        return Eraser(self.manager, signer, self.archive, exports=Exports(self.directory / 'exports'), audit=audit)

    def archiver(self) -> Archiver:
        return Archiver(self.store.outbox, self.archive, rows_of(self.manager.codec, self.manager.vault))

    def found(self) -> list[str]:
        """Return which files hold which of the personal items: in any spelling, and inside DuckDB's compression."""
        files = [path for path in sorted(self.directory.rglob('*')) if path.is_file()]
        return [
            f'{path.relative_to(self.directory)}: {item!r}'
            for path in files
            for item in held(path.read_bytes() + _rows(path))
        ]

    def found_in_memory(self) -> list[bytes]:
        """Return which of the personal items the server's process holds in its memory."""
        process = Path('/proc') / str(self.server.pid)
        regions = [line.split() for line in (process / 'maps').read_text().splitlines()]
        spans = [tuple(int(end, 16) for end in region[0].split('-')) for region in regions if region[1][:2] == 'rw']
        with (process / 'mem').open('rb', buffering=0) as memory:
            return held(b''.join(_region(memory, start, end) for start, end in spans))


def held(data: bytes) -> list[bytes]:
    """Return which of the personal items are in `data`."""
    spelled = [item.encode() for item in PERSONAL] + [item.encode('utf-16-le') for item in PERSONAL]
    return [item for item in spelled if item in data]


def _rows(path: Path) -> bytes:
    """Return every row of a DuckDB file as text, of a copy: its strings may be compressed in the bytes of the file."""
    if path.suffix != '.duckdb':
        return b''
    with tempfile.TemporaryDirectory() as folder:
        for one in (path, path.with_name(f'{path.name}.wal')):
            if one.exists():
                shutil.copy(one, folder)
        with duckdb.connect(str(Path(folder) / path.name)) as connection:
            tables = [name for (name,) in connection.execute('SELECT table_name FROM duckdb_tables()').fetchall()]
            rows = [str(connection.execute(f'FROM "{name}"').fetchall()) for name in tables]
    return ''.join(rows).encode()


def _region(memory: IO[bytes], start: int, end: int) -> bytes:
    try:
        memory.seek(start)
        return memory.read(end - start)
    except OSError:
        return b''  # a region that no process may read, such as [vvar]


def inbound(number: int, text: str = SENTENCE, *, phone: str = PHONE, sent_at: datetime | None = None) -> Inbound:
    return Inbound(
        contact=phone,
        message_id=f'wamid.{base64.b64encode(phone[1:].encode()).decode()}.{number}',
        text=text,
        sent_at=sent_at or datetime.now(UTC) - timedelta(seconds=30 - number),
    )


async def talk(manager: SessionManager[Any], one: Inbound) -> None:
    async with manager.turn(one) as turn:
        changes = [Change(field='name', value=NAME), Change(field='city', value=SENTENCE[:40])]
        await turn.commit(reply=f'Certo, {NAME}, anotei o CPF {CPF}.', actions=[PatchProfile(changes=changes)])  # type: ignore[union-attr]


async def lived(house: House) -> str:
    """Let the person leave traces in every place, and return their contact id."""
    for number in range(3):
        await talk(house.manager, inbound(number))
    await house.archiver().drain()
    await talk(house.manager, inbound(3))  # its record is still on its way
    waiting = inbound(4)
    await house.manager.receive(waiting, address=PHONE.encode(), pace=Pace(quiet=timedelta(0)))
    contact_id = await house.manager.contact_id(PHONE)
    alias = Alias((await house.manager.identity()).alias('phone', PHONE[1:]), 'phone')
    await house.manager.channel.link((alias,), contact_id=contact_id, spare='spare')
    (house.directory / 'exports').mkdir(exist_ok=True)
    (house.directory / 'exports' / f'{contact_id}.json').write_text(f'{NAME} {CPF} {PHONE}')
    await house.archive.enter([AuditNote('read', 'os:operator', contact_id)])
    return contact_id


@asynccontextmanager
async def open_house(directory: Path) -> AsyncGenerator[House]:
    server = on_port(directory / 'redis', '--appendonly', 'yes', '--appendfsync', 'always', '--save', '')
    async with running(server):
        vault = Vault.at(directory / 'data')
        archive = DuckDBArchive(directory / 'data' / 'history.duckdb')
        await admit(server)
        manager = SessionManager(RedisStore.from_url(url_for(server.url, 'operator')), archive, vault=vault)
        yield House(directory, server, manager, archive)
        await manager.close()
