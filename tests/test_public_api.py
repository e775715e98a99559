"""The names that users import, each once, in one place."""

from __future__ import annotations

import importlib

import pytest
from inline_snapshot import snapshot

import agent_memory
import agent_memory.agents
import agent_memory.evals
import agent_memory.privacy
import agent_memory.tools
import agent_memory.vault


def test_the_public_names() -> None:
    assert agent_memory.__all__ == snapshot(
        [
            'CAR_LEAD',
            'AgentMemoryError',
            'Archive',
            'ConversationMemory',
            'Domain',
            'DuckDBArchive',
            'Inbound',
            'LakeArchive',
            'MemorySettings',
            'Policy',
            'Profile',
            'QuackArchive',
            'RedisStore',
            'Rights',
            'SessionData',
            'SessionManager',
            'SessionMemory',
            'SessionState',
            'SessionStore',
            'StateMachine',
            'UserProfileData',
            'Vault',
            'delivers',
        ]
    )
    assert agent_memory.tools.__all__ == snapshot(
        [
            'ConsentReader',
            'ConsentRules',
            'ConsentText',
            'Evidence',
            'Exchange',
            'catalogue_toolset',
            'history_toolset',
            'profile_toolset',
            'session_toolset',
            'team_toolset',
        ]
    )
    assert agent_memory.agents.__all__ == snapshot(
        [
            'ConversationLimits',
            'RulesModel',
            'extract_profile',
            'is_degraded',
            'lead_agent',
            'lead_model',
            'summary_by',
            'summary_by_rules',
        ]
    )
    assert agent_memory.privacy.__all__ == snapshot(
        [
            'Audit',
            'Dossier',
            'Eraser',
            'Explanation',
            'Found',
            'Receipt',
            'Request',
            'Rights',
            'Signer',
            'Verdict',
            'reconcile',
            'verify_receipt',
        ]
    )
    assert agent_memory.vault.__all__ == snapshot(
        [
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
    )
    assert agent_memory.evals.__all__ == snapshot(
        [
            'CaseResult',
            'Dialogue',
            'DialogueTurn',
            'Evaluation',
            'Fault',
            'Figure',
            'Gold',
            'Judgement',
            'Measure',
            'Persona',
            'Setting',
            'Suite',
            'SuiteResult',
            'Transcript',
            'TurnOutcome',
            'Utterance',
            'car_suites',
            'evaluate',
        ]
    )


@pytest.mark.parametrize(
    'module',
    [f'agent_memory{name}' for name in ('', '.tools', '.agents', '.evals', '.privacy', '.vault')],
)
def test_every_public_name_can_be_imported(module: str) -> None:
    package = importlib.import_module(module)

    for name in getattr(package, '__all__', ()):
        assert getattr(package, name) is not None


def test_every_lazy_name_is_public() -> None:
    homes = vars(agent_memory)['_HOMES']

    assert sorted(name for names in homes.values() for name in names) == sorted(agent_memory.__all__)
    assert dir(agent_memory) == sorted(agent_memory.__all__)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'agent_memory' has no attribute 'Nothing'"):
        _ = agent_memory.Nothing
