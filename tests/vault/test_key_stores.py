"""What every key store must do, on SQLite and on a Redis of its own; and the vault above them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from agent_memory.backend._key_store import Erased, KeyStore, WrappedKey
from agent_memory.backend._redis_keys import RedisKeys
from agent_memory.backend._sqlite_keys import SqliteKeys
from agent_memory.errors import KeyUnavailable, SetupError
from agent_memory.vault import KEYS_FILE, MASTER_FILE, MasterKeys, Vault
from tests.servers import on_port, running

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NEEDLE = b'wrapped and never to be found again'
KEY = WrappedKey('0a1b2c3d', NEEDLE)
OLD, NEW = '11' * 32, '22' * 32


@pytest.fixture(params=['sqlite', 'redis'])
async def keys(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[KeyStore]:
    if request.param == 'sqlite':
        store = SqliteKeys(tmp_path / KEYS_FILE)
        yield store
        await store.close()
    else:
        server = on_port(tmp_path, '--appendonly', 'yes', '--appendfsync', 'always', '--save', '3600 1')
        async with running(server):
            store = RedisKeys.from_url(server.url)
            yield store
            await store.close()


async def test_the_first_key_of_a_contact_stays(keys: KeyStore) -> None:
    assert await keys.get('ana') is None
    assert await keys.create('ana', KEY) == KEY
    assert await keys.create('ana', WrappedKey('ffffffff', b'later')) == KEY
    assert await keys.get('ana') == KEY
    assert (await keys.count(), await keys.contacts()) == (1, [('ana', KEY)])
    assert await keys.fingerprint() == await keys.fingerprint()


async def test_a_destroyed_key_is_in_no_file_any_more(keys: KeyStore, tmp_path: Path) -> None:
    for number in range(40):
        await keys.create(f'c{number:02}', WrappedKey(f'{number:08x}', b'%d ' % number + NEEDLE))
    assert _files_with(tmp_path, b'7 ' + NEEDLE)

    for number in range(40):
        await keys.destroy(f'c{number:02}', at=NOON)

    assert _files_with(tmp_path, NEEDLE) == []
    assert await keys.contacts() == []


async def test_what_was_destroyed_is_remembered(keys: KeyStore) -> None:
    await keys.create('ana', KEY)

    assert await keys.destroy('ana', at=NOON) == KEY
    assert await keys.destroy('rui', at=NOON) is None

    assert await keys.get('ana') is None
    assert await keys.erased('ana') == [Erased('ana', KEY.id, NOON)]
    assert {one.contact_id for one in await keys.erased()} == {'ana', 'rui'}
    assert await keys.create('ana', WrappedKey('ffffffff', b'new')) == WrappedKey('ffffffff', b'new')


async def test_contacts_come_in_pages(keys: KeyStore) -> None:
    for name in ('b', 'a', 'c'):
        await keys.create(name, KEY)

    assert [name for name, _ in await keys.contacts(limit=2)] == ['a', 'b']
    assert [name for name, _ in await keys.contacts(after='b')] == ['c']
    assert await keys.contacts(after='c') == []


async def test_a_rotation_reaches_every_key_and_can_be_begun_again(keys: KeyStore) -> None:
    before = Vault(keys, MasterKeys([OLD]))
    boxes = {name: await before.box(name) for name in ('ana', 'rui', 'eva')}
    sealed = boxes['ana'].seal(b'T', b'', b'oi')

    both = Vault(keys, MasterKeys([NEW, OLD]))
    [(first, old), *_] = await keys.contacts()
    assert await keys.rewrap(first, old, WrappedKey(old.id, await both.master.wrap(KEY.wrapped[:32], contact_id=first)))
    await keys.rewrap(first, (await keys.contacts())[0][1], old)  # as if it had been stopped before the first one

    assert await both.rotate() == 3
    assert await both.rotate() == 0
    after = Vault(keys, MasterKeys([NEW]))
    assert (await after.box('ana')).open(b'T', sealed) == (b'', b'oi')
    assert (await after.check()).ok
    assert not (await Vault(keys, MasterKeys([OLD])).check()).ok


async def test_a_key_that_changed_meanwhile_is_not_wrapped_again(keys: KeyStore) -> None:
    await keys.create('ana', KEY)

    assert not await keys.rewrap('ana', WrappedKey(KEY.id, b'another wrapping'), WrappedKey(KEY.id, b'new'))
    assert await keys.get('ana') == KEY


async def test_a_missing_master_key_says_which_one_it_was(tmp_path: Path) -> None:
    keys = SqliteKeys(tmp_path / KEYS_FILE)
    await Vault(keys, MasterKeys([OLD])).box('ana')

    with pytest.raises(KeyUnavailable, match=r'wrapped with master key [0-9a-f]{8}, which is not given'):
        await Vault(keys, MasterKeys([NEW])).box('ana')
    assert await keys.count() == 1
    await keys.close()


async def test_a_wrapped_key_serves_its_own_contact_only(tmp_path: Path) -> None:
    keys, master = SqliteKeys(tmp_path / KEYS_FILE), MasterKeys([OLD])
    await Vault(keys, master).box('ana')
    moved = await keys.get('ana')
    assert moved is not None
    await keys.create('rui', moved)

    with pytest.raises(KeyUnavailable, match='was changed, or belongs to another contact'):
        await Vault(keys, master).box('rui')
    await keys.close()


def test_many_processes_make_one_key_for_a_contact(tmp_path: Path) -> None:
    program = (
        'import asyncio, sys; from pathlib import Path; from agent_memory.vault import Vault\n'
        'async def made():\n'
        '    vault = Vault.at(Path(sys.argv[1]))\n'
        '    print(*[(await vault.box(f"c{n}")).key_id for n in range(30)])\n'
        'asyncio.run(made())'
    )
    processes = [
        subprocess.Popen([sys.executable, '-c', program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]

    outputs = {process.communicate()[0] for process in processes}

    assert len(outputs) == 1
    assert len(set(outputs.pop().split())) == 30


def test_own_files_are_readable_by_their_user_only(tmp_path: Path) -> None:
    MasterKeys.from_file(tmp_path / 'new' / MASTER_FILE)
    master = tmp_path / 'new' / MASTER_FILE
    assert (master.stat().st_mode & 0o777, master.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    text = master.read_text()
    MasterKeys.from_file(master)
    assert master.read_text() == text

    master.chmod(0o644)
    with pytest.raises(SetupError, match='chmod 600'):
        MasterKeys.from_file(master)


@pytest.mark.parametrize('text', ['', 'short', 'z' * 64])
def test_a_file_that_holds_no_master_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / MASTER_FILE
    path.write_text(text)
    path.chmod(0o600)

    with pytest.raises(SetupError, match='32 bytes in hex'):
        MasterKeys.from_file(path)


async def test_a_data_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')

    with pytest.raises(SetupError, match='choose another data directory'):
        await SqliteKeys(tmp_path / 'file' / KEYS_FILE).get('ana')


async def test_a_key_store_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / KEYS_FILE).write_bytes(b'this is no database, and long enough to be asked' * 100)
    keys = SqliteKeys(tmp_path / KEYS_FILE)

    with pytest.raises(KeyUnavailable, match='cannot be read or written'):
        await keys.get('ana')
    await keys.close()


async def test_a_key_store_that_is_away_is_named() -> None:
    keys = RedisKeys.from_url('redis://127.0.0.1:1')

    with pytest.raises(KeyUnavailable, match='does not answer'):
        await keys.get('ana')
    await keys.close()


def test_master_keys_show_their_names_only() -> None:
    assert OLD not in repr(MasterKeys([OLD]))
    assert OLD not in repr(vars(MasterKeys([OLD])))


def _files_with(directory: Path, needle: bytes) -> list[str]:
    return [
        os.path.relpath(path, directory)
        for path in directory.rglob('*')
        if path.is_file() and needle in path.read_bytes()
    ]


async def test_opening_the_keys_once_more_lets_go_of_no_lock_of_this_process(tmp_path: Path) -> None:
    """A process loses all its locks on a file when it closes any descriptor of it, which would corrupt the keys."""
    path = tmp_path / KEYS_FILE
    first, second = SqliteKeys(path), SqliteKeys(path)
    await first.create('ana', KEY)
    program = (
        'import sqlite3, sys\n'
        'connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)\n'
        'try:\n    connection.execute("BEGIN EXCLUSIVE")\n'
        'except sqlite3.OperationalError as error:\n    print(error)'
    )
    with sqlite3.connect(path, isolation_level=None) as reader:
        reader.execute('BEGIN')
        reader.execute('SELECT * FROM keys').fetchall()  # keeps others from writing until it ends

        assert await second.get('ana') == KEY

        other = await anyio.run_process([sys.executable, '-c', program, str(path)])
    assert other.stdout.strip() == b'database is locked'
    await first.close()
    await second.close()
