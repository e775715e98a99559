"""Understanding of Brazilian Portuguese as people type it on WhatsApp, by rules and word lists."""

from __future__ import annotations

from agent_memory.agents.portuguese._understand import Understanding, understand

__all__ = ['Understanding', 'understand']
