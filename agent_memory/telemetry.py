"""Every span, metric and log name of this package, in one place.

Names are static and few. Attributes carry opaque ids and numbers: no phone number, no message id of the channel, no
text. Attribute names avoid the words that Logfire's scrubber redacts (`session`, `auth`, `cookie`).
"""

from __future__ import annotations

from typing import Any, Literal

import logfire
from logfire import LogfireSpan

TURN = 'agent_memory turn'
BEGIN = 'agent_memory begin'
COMMIT = 'agent_memory commit'
ARCHIVE = 'agent_memory archive'
EARLIER_FAILED = 'agent_memory earlier turn failed'

Outcome = Literal['committed', 'replayed', 'muted', 'failed']

CONTACT = 'agent_memory.contact_id'
TURN_NUMBER = 'agent_memory.turn'
OUTCOME = 'agent_memory.outcome'
ERROR = 'agent_memory.error'
STATE = 'agent_memory.state'
SCORE = 'agent_memory.score'
FACTS = 'agent_memory.facts'
MESSAGES = 'agent_memory.messages'
ROWS = 'agent_memory.rows'

_logfire = logfire.with_settings(custom_scope_suffix='agent_memory')
_turns = _logfire.metric_counter('agent_memory.turns', unit='1', description='Turns by outcome')


def span(name: str, **attributes: Any) -> LogfireSpan:
    """Open a span; `attributes` are named by the constants of this module."""
    return _logfire.span(name, _span_name=name, **attributes)


def finish(span: LogfireSpan, outcome: Outcome, *, turn: int | None = None, state: str | None = None) -> None:
    """Close the account of a turn: its outcome on the span and in the counter."""
    span.set_attribute(OUTCOME, outcome)
    if turn is not None:
        span.set_attributes({TURN_NUMBER: turn, STATE: state or ''})
    _turns.add(1, {OUTCOME: outcome})


def earlier_failed(error: Exception) -> None:
    """Log that the turn of an earlier message failed while a later one waited for it."""
    attributes: dict[str, Any] = {ERROR: type(error).__name__}
    _logfire.warn(EARLIER_FAILED, **attributes)


def configure(*, content: bool = False) -> None:
    """Instrument Pydantic AI and this package. Sends to Logfire when a token is configured, else nowhere.

    Args:
        content: Whether spans carry what people and models say. Off by default: it is personal data, and Logfire's
            scrubber leaves it as it is.
    """
    logfire.configure(send_to_logfire='if-token-present', console=False)
    logfire.instrument_pydantic_ai(include_content=content, include_binary_content=content)
