"""After a person is forgotten nothing of them is left anywhere, and nothing that comes late brings them back."""

# pyright: reportUnknownMemberType=false
# redis-py leaves its keyword arguments untyped.

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from agent_memory.backend._archive import Batch
from agent_memory.backend._key_store import WrappedKey
from agent_memory.backend._protocol import Idle
from agent_memory.backend._reading import read_here
from agent_memory.backend._redis import RedisStore
from agent_memory.errors import ContactErased, InvalidInput, LeaseLost, SetupError
from agent_memory.manager import SessionManager
from agent_memory.privacy._forget import reconcile
from agent_memory.privacy._receipt import Signer, verify_receipt
from agent_memory.vault import KEYS_FILE, SqliteKeys, Vault
from tests.privacy.house import PERSONAL, PHONE, House, inbound, lived, open_house, talk


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


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
    packed = await read_here([await house.archiver().decode(entry) for entry in entries])

    await house.eraser().forget(PHONE)
    await house.archive.append(Batch(0, '0-0', entries[-1].id, packed))

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
