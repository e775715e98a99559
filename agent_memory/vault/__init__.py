"""Encryption of what is kept of each contact, with a key of its own that can be destroyed.

`Vault` takes a key store (`SqliteKeys`, `RedisKeys`, or any `KeyStore`) and what wraps the keys (`MasterKeys`, or any
`KeyProvider`, such as one over a key management service).
"""

from agent_memory.backend._key_store import Erased, KeyStore, WrappedKey
from agent_memory.backend._redis_keys import RedisKeys
from agent_memory.backend._sqlite_keys import SqliteKeys
from agent_memory.vault._box import SEALED, TEXT, Box, Kind, sealed_with, text_sealed_with
from agent_memory.vault._cells import Cells, blob_cell, blob_of
from agent_memory.vault._master import KeyProvider, MasterKeys, add_master_key, retire_master_keys, write_new
from agent_memory.vault._vault import KEYS_FILE, MASTER_FILE, KeyHealth, Vault

__all__ = [
    'KEYS_FILE',
    'MASTER_FILE',
    'SEALED',
    'TEXT',
    'Box',
    'Cells',
    'Erased',
    'KeyHealth',
    'KeyProvider',
    'KeyStore',
    'Kind',
    'MasterKeys',
    'RedisKeys',
    'SqliteKeys',
    'Vault',
    'WrappedKey',
    'add_master_key',
    'blob_cell',
    'blob_of',
    'retire_master_keys',
    'sealed_with',
    'text_sealed_with',
    'write_new',
]
