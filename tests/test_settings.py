"""What the environment decides: variables first, then files, and no secret ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from agent_memory import LakeArchive, MemorySettings
from agent_memory.errors import SetupError
from agent_memory.whatsapp._settings import WhatsAppSettings

SECRETS = {
    'agent_memory_secret': 'hash-secret-of-32-characters-0001',
    'agent_memory_master_key': 'ab' * 32,
    'agent_memory_handoff_secret': 'handoff-secret',
    'agent_memory_model_api_key': 'model-key',
    'agent_memory_redis_url': 'redis://worker:redis-password@localhost:1/0',
    'agent_memory_keys_url': 'redis://keys:keys-password@localhost:1/0',
    'agent_memory_history_token': 'history-token-0001',
    'agent_memory_whatsapp_token': 'graph-token',
    'agent_memory_whatsapp_app_secrets': 'app-secret',
    'agent_memory_whatsapp_verify_token': 'verify-token',
}


@pytest.fixture
def secrets_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in SECRETS.items():
        monkeypatch.delenv(name.upper(), raising=False)
        (tmp_path / name).write_text(f'{value}\n')
    monkeypatch.setenv('AGENT_MEMORY_SECRETS_DIR', str(tmp_path))
    return tmp_path


def test_secrets_are_read_from_files(secrets_dir: Path) -> None:
    memory, channel = MemorySettings(), WhatsAppSettings()

    assert memory.secret is not None
    assert memory.secret.get_secret_value() == SECRETS['agent_memory_secret']
    assert memory.redis_url == SECRETS['agent_memory_redis_url']
    assert channel.token.get_secret_value() == 'graph-token'


def test_a_variable_goes_before_a_file(secrets_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('AGENT_MEMORY_WHATSAPP_TOKEN', 'from-the-variable')

    assert WhatsAppSettings().token.get_secret_value() == 'from-the-variable'


def test_no_secret_is_shown(secrets_dir: Path) -> None:
    shown = f'{MemorySettings()!r} {MemorySettings()} {WhatsAppSettings()!r} {WhatsAppSettings()}'

    hidden = [value for name, value in SECRETS.items() if not name.endswith('_url')]
    assert [value for value in [*hidden, 'redis-password', 'keys-password'] if value in shown] == []


def test_a_missing_directory_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('AGENT_MEMORY_SECRETS_DIR', str(tmp_path / 'nowhere'))

    with pytest.raises(SetupError, match='AGENT_MEMORY_SECRETS_DIR is no directory'):
        MemorySettings()


def test_the_history_is_a_file_or_a_lake_of_which_a_process_may_archive_a_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = MemorySettings(data_dir=tmp_path)
    assert (file.history().name, file.partitions) == (str(tmp_path / 'history.duckdb'), ())
    monkeypatch.setenv('AGENT_MEMORY_ARCHIVE', 'ducklake:postgres:dbname=history')
    monkeypatch.setenv('AGENT_MEMORY_ARCHIVE_PARTITIONS', '30-33')
    lake = MemorySettings(data_dir=tmp_path)
    assert isinstance(lake.history(), LakeArchive)
    assert lake.partitions == (30, 31, 32, 33)
    monkeypatch.setenv('AGENT_MEMORY_ARCHIVE_PARTITIONS', 'all')
    with pytest.raises(ValidationError, match='archive_partitions'):
        MemorySettings(data_dir=tmp_path)
