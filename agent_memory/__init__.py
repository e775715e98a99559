"""Durable, typed session memory for Pydantic AI agents that talk to people on WhatsApp."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent_memory.backend._archive import Archive
    from agent_memory.backend._duckdb import DuckDBArchive
    from agent_memory.backend._lake import LakeArchive
    from agent_memory.backend._protocol import Policy, SessionStore
    from agent_memory.backend._quack import QuackArchive
    from agent_memory.backend._redis import RedisStore
    from agent_memory.capability import SessionMemory, delivers
    from agent_memory.errors import AgentMemoryError
    from agent_memory.lead import CAR_LEAD, SessionState, UserProfileData
    from agent_memory.manager import SessionManager
    from agent_memory.privacy import Rights
    from agent_memory.profile import Profile
    from agent_memory.session import ConversationMemory, Domain, Inbound, SessionData, StateMachine
    from agent_memory.settings import MemorySettings
    from agent_memory.vault import Vault

__all__ = [
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

# Importing Pydantic AI takes seconds, which a webhook, a worker's `--help` and a script over the history should not
# pay: each name is imported when it is first used.
_HOMES = {
    'backend._archive': ('Archive',),
    'backend._duckdb': ('DuckDBArchive',),
    'backend._lake': ('LakeArchive',),
    'backend._quack': ('QuackArchive',),
    'backend._protocol': ('Policy', 'SessionStore'),
    'backend._redis': ('RedisStore',),
    'capability': ('SessionMemory', 'delivers'),
    'errors': ('AgentMemoryError',),
    'lead': ('CAR_LEAD', 'SessionState', 'UserProfileData'),
    'manager': ('SessionManager',),
    'privacy': ('Rights',),
    'profile': ('Profile',),
    'session': ('ConversationMemory', 'Domain', 'Inbound', 'SessionData', 'StateMachine'),
    'settings': ('MemorySettings',),
    'vault': ('Vault',),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(importlib.import_module(f'{__name__}.{_HOME_OF[name]}'), name)


def __dir__() -> list[str]:
    return __all__
