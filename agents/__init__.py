"""The used-car lead agent and its offline model."""

from agent_memory.agents.lead import lead_agent
from agent_memory.agents.rules import RulesModel

__all__ = ['RulesModel', 'lead_agent']
