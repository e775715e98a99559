"""What the agent asked a lead for, so that the history tells which questions stay without an answer."""

from __future__ import annotations

from agent_memory.agents.portuguese._question import Topic, topics_of

_FIELDS: dict[Topic, str] = {
    'budget': 'budget_max',
    'city': 'city',
    'state': 'state',
    'use': 'main_use',
    'brands': 'brands',
    'body': 'body_types',
    'priorities': 'priorities',
    'urgency': 'urgency',
    'name': 'name',
    'payment': 'payment',
    'trade_in': 'trade_in',
}


def fields_asked(reply: str) -> list[str]:
    """Return the profile fields that a reply asks for; none when it asks nothing."""
    if '?' not in reply:
        return []
    topics = topics_of(reply)
    return [field for topic, field in _FIELDS.items() if topic in topics]
