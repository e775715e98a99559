"""After a person is forgotten nothing of them is left anywhere, and nothing that comes late brings them back."""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

import base64
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from agent_memory.backend._archive import Batch
from agent_memory.backend._archiver import Archiver
from agent_memory.backend._channel import Alias, Pace
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._key_store import WrappedKey
from agent_memory.backend._ledger import AuditNote
from agent_memory.backend._protocol import Idle
from agent_memory.backend._redis import RedisStore
from agent_memory.errors import ContactErased, InvalidInput, LeaseLost, SetupError
from agent_memory.history import rows_of
from agent_memory.manager import SessionManager
from agent_memory.privacy._audit import Audit
from agent_memory.privacy._forget import Eraser, reconcile
from agent_memory.privacy._receipt import Signer, verify_receipt
from agent_memory.profile import Change
from agent_memory.session import Inbound
from agent_memory.turn import PatchProfile
from agent_memory.vault import KEYS_FILE, SqliteKeys, Vault
from tests.servers import Server, on_port, running

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
        return SessionManager(RedisStore.from_url(self.server.url), vault=Vault.at(self.directory / 'data'))

    def eraser(self) -> Eraser:
        signer = Signer.from_file(self.directory / 'data' / 'receipt.key')
        audit = Audit(self.archive, self.store.anchor, 'os:operator')
        return Eraser(self.manager, signer, self.archive, exports=self.directory / 'exports', audit=audit)

    def archiver(self) -> Archiver:
        return Archiver(self.store.outbox, self.archive, rows_of(self.manager.codec, self.manager.vault))

    def found(self) -> list[str]:
        """Return which files hold which of the personal items, in any spelling."""
        spelled = [item.encode() for item in PERSONAL] + [item.encode('utf-16-le') for item in PERSONAL]
        return [
            f'{path.relative_to(self.directory)}: {item!r}'
            for path in sorted(self.directory.rglob('*'))
            if path.is_file()
            for item in spelled
            if item in path.read_bytes()
        ]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    server = on_port(tmp_path / 'redis', '--appendonly', 'yes', '--appendfsync', 'always', '--save', '')
    async with running(server):
        vault = Vault.at(tmp_path / 'data')
        archive = DuckDBArchive(tmp_path / 'data' / 'history.duckdb')
        manager = SessionManager(RedisStore.from_url(server.url), archive, vault=vault)
        yield House(tmp_path, server, manager, archive)
        await manager.close()


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


async def test_nothing_of_a_person_is_left_in_any_file(house: House, caplog: pytest.LogCaptureFixture) -> None:
    contact_id = await lived(house)
    await talk(house.manager, inbound(0, 'bom dia', phone='+5511900000001'))
    planned = await house.eraser().plan(PHONE)

    receipt = await house.eraser().forget(PHONE)

    assert planned.contact_ids == receipt.contact_ids == (contact_id,)
    assert (planned.keys, planned.exports) == (receipt.keys, receipt.exports) == (1, 1)
    assert planned.store == receipt.store == {
        'sessions': 1, 'turns': 4, 'waiting': 1, 'owed': 1, 'replies': 4, 'addresses': 1, 'outbox': 1, 'aliases': 1,
    }  # fmt: skip
    assert planned.history == receipt.history
    assert receipt.history is not None
    assert (receipt.history['turns'], receipt.history['message_history'], receipt.history['facts']) == (3, 6, 2)
    assert receipt.store_file_rewritten
    await house.archive.close()
    assert house.found() == []
    assert not [item for item in PERSONAL if item in caplog.text + receipt.model_dump_json()]
    async with Redis.from_url(house.server.url) as client:
        untyped: Any = client
        names = [name async for name in untyped.scan_iter()]
        assert not [name for name in names if contact_id.encode() in name]
        dumped = b''.join([await untyped.dump(name) for name in names])
    assert not [item for item in PERSONAL if item.encode() in dumped]
    assert await house.manager.get_session('+5511900000001') is not None
    assert await house.manager.get_user_history(PHONE) == []
    assert (await house.eraser().plan(PHONE)).store == dict.fromkeys(receipt.store, 0) | {'aliases': 1}


async def test_the_receipt_tells_what_there_was_though_the_housekeeping_is_faster(house: House) -> None:
    await lived(house)
    planned = await house.eraser().plan(PHONE)

    class Overtaken(SqliteKeys):
        async def destroy(self, contact_id: str, *, at: datetime) -> WrappedKey | None:
            key = await super().destroy(contact_id, at=at)
            await reconcile(house.manager, house.archive)
            return key

    house.manager.vault.keys = Overtaken(house.directory / 'data' / KEYS_FILE)
    receipt = await house.eraser().forget(PHONE)

    assert (planned.keys, planned.store, planned.history) == (receipt.keys, receipt.store, receipt.history)


async def test_before_an_erasure_nothing_is_in_clear_either(house: House) -> None:
    await lived(house)
    shutil.rmtree(house.directory / 'exports')  # made to be read

    await house.archive.close()
    assert house.found() == []


async def test_a_redelivery_and_a_late_commit_stay_dead(house: House) -> None:
    contact_id = await lived(house)
    other = house.worker()
    async with other.turn(inbound(4)) as turn:
        await house.eraser().forget(PHONE)
        with pytest.raises(LeaseLost):
            await turn.commit(reply='olá')  # type: ignore[union-attr]

        for number in (0, 4, 9):
            with pytest.raises(ContactErased):
                await talk(other, inbound(number))
            assert not (await other.receive(inbound(number), address=b'x')).new
        assert await other.store.begin(contact_id, None) == Idle()
        assert not await house.manager.close_overdue(contact_id)
    await house.archiver().drain()

    assert await house.manager.get_session(PHONE) is None
    assert (await house.store.load(contact_id, window=9)).previous is None
    assert sum((await house.archive.traces(await house.archive.tombstones())).values()) == 0
    await other.close()


async def test_who_writes_again_later_begins_anew_in_every_process(house: House) -> None:
    contact_id = await lived(house)
    other = house.worker()
    await other.get_session(PHONE)  # it has the old key now
    old_key = (await other.vault.box(contact_id)).key_id
    await house.eraser().forget(PHONE)

    await talk(other, inbound(5, 'voltei', sent_at=datetime.now(UTC) + timedelta(seconds=5)))
    await house.archiver().drain()

    session = await house.manager.get_session(PHONE)
    assert session is not None
    assert session.turn == 1
    assert (await house.manager.vault.box(contact_id)).key_id != old_key
    [past] = await house.manager.get_user_history(PHONE)
    assert past.messages[0].content == 'voltei'
    await other.close()


async def test_a_change_by_a_worker_with_the_old_key_is_written_with_the_new_one(house: House) -> None:
    contact_id = await lived(house)
    other = house.worker()
    await other.vault.box(contact_id)
    await house.eraser().forget(PHONE)

    session = await other.get_or_create_session(PHONE)
    assert await other.update_session(session, message_id='by hand')

    read = await house.manager.get_session(PHONE)
    assert read is not None
    assert read.profile.known() == {}
    await other.close()


async def test_rows_that_an_archiver_had_in_hand_are_left_out(house: House) -> None:
    await talk(house.manager, inbound(0))
    entries = await house.store.outbox.read(0, after='0-0', count=10, block=timedelta(0))
    rows = [await house.archiver().decode(entry) for entry in entries]

    await house.eraser().forget(PHONE)
    await house.archive.append(Batch(0, '0-0', entries[-1].id, rows))

    assert sum((await house.archive.traces(await house.archive.tombstones())).values()) == 0
    assert await house.archive.offset(0) == entries[-1].id


async def test_backups_that_are_restored_bring_nobody_back(house: House, tmp_path: Path) -> None:
    contact_id = await lived(house)
    await house.archive.close()
    history = tmp_path / 'data' / 'history.duckdb'
    shutil.copy(history, tmp_path / 'backup.duckdb')
    async with Redis.from_url(house.server.url) as client:
        untyped: Any = client
        kept = {name: await untyped.dump(name) async for name in untyped.scan_iter(match='am:{*')}
        await house.eraser().forget(PHONE)
        await house.archive.close()
        shutil.copy(tmp_path / 'backup.duckdb', history)
        await untyped.unlink('am:{0}:erased')
        for name, value in kept.items():
            await untyped.restore(name, 0, value, replace=True)

    assert await reconcile(house.manager, house.archive) == 2
    assert await reconcile(house.manager, house.archive) == 0

    assert await house.manager.get_session(PHONE) is None
    assert (await house.store.erasure.traces(contact_id)).sessions == 0
    assert sum((await house.archive.traces(await house.archive.tombstones())).values()) == 0
    with pytest.raises(ContactErased):
        await talk(house.manager, inbound(4))


async def test_a_key_store_that_is_restored_has_its_keys_destroyed_again(house: House) -> None:
    contact_id = await lived(house)
    keys = house.manager.vault.keys
    old = await keys.get(contact_id)
    assert old is not None
    await house.eraser().forget(PHONE)
    await keys.create(contact_id, old)

    await talk(house.manager, inbound(5, 'voltei', sent_at=datetime.now(UTC) + timedelta(seconds=5)))

    new = await keys.get(contact_id)
    assert new is not None
    assert new.id != old.id


async def test_both_ids_of_a_merged_person_are_erased(house: House) -> None:
    kept, merged = await house.manager.contact_id(PHONE), await house.manager.contact_id('+5511900000002')
    await talk(house.manager, inbound(0))
    await talk(house.manager, inbound(0, phone='+5511900000002'))
    await house.manager.channel.merge(kept, merged)

    receipt = await house.eraser().forget('+5511900000002')

    assert set(receipt.contact_ids) == {kept, merged}
    assert receipt.store['sessions'] == receipt.keys == 2


async def test_an_erasure_is_noted_and_signed(house: House) -> None:
    contact_id = await lived(house)
    signer = Signer.from_file(house.directory / 'data' / 'receipt.key')

    receipt = await house.eraser().forget(PHONE)

    text = receipt.model_dump_json()
    assert verify_receipt(text, public_key=signer.public_key) == receipt
    with pytest.raises(InvalidInput, match='was changed after it was signed'):
        verify_receipt(text.replace('"keys":1', '"keys":2'), public_key=signer.public_key)
    with pytest.raises(InvalidInput, match='was signed with key'):
        verify_receipt(text, public_key='another')
    with pytest.raises(InvalidInput, match='no receipt'):
        verify_receipt('{}')
    answer = await house.archive.ask('audit', after=0, contact='', limit=10)
    noted = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    assert [(row['action'], row['contact_id']) for row in noted] == [('read', contact_id), ('erasure', contact_id)]


async def test_workers_with_another_key_store_are_refused(house: House, tmp_path: Path) -> None:
    await talk(house.manager, inbound(0))
    stranger = SessionManager(RedisStore.from_url(house.server.url), vault=Vault.at(tmp_path / 'elsewhere'))

    with pytest.raises(SetupError, match='keys of another key store'):
        await talk(stranger, inbound(1))
    await stranger.close()
