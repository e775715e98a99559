"""For authors of stores, archives and channels: what theirs must do, as tests to inherit and a trial to run.

Needs a test runner that runs async methods, such as pytest with anyio; imports none itself.
"""

from agent_memory.testing._archive import ArchiveContract
from agent_memory.testing._store import SessionStoreContract
from agent_memory.testing._sweep import SweepContract
from agent_memory.testing._trial import Trial, double_text_trial

__all__ = ['ArchiveContract', 'SessionStoreContract', 'SweepContract', 'Trial', 'double_text_trial']
