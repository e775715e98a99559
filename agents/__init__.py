"""The used-car lead agent and its offline model."""

from agent_memory.agents._extract import extract_profile
from agent_memory.agents._limits import ConversationLimits
from agent_memory.agents._models import is_degraded, lead_model
from agent_memory.agents._summaries import summary_by, summary_by_rules
from agent_memory.agents.lead import lead_agent
from agent_memory.agents.rules import RulesModel

__all__ = [
    'ConversationLimits',
    'RulesModel',
    'extract_profile',
    'is_degraded',
    'lead_agent',
    'lead_model',
    'summary_by',
    'summary_by_rules',
]
