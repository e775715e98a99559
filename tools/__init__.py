"""Typed toolsets: what a model may do to the memory it is given. Each is usable alone, over any profile model."""

from agent_memory.tools._catalogue import catalogue_toolset
from agent_memory.tools._consent import ConsentReader, ConsentRules, ConsentText
from agent_memory.tools._evidence import Evidence, Exchange
from agent_memory.tools._history import history_toolset
from agent_memory.tools._profile import profile_toolset
from agent_memory.tools._session import session_toolset
from agent_memory.tools._team import team_toolset

__all__ = [
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
