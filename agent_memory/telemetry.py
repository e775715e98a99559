"""Every span, metric and log name of this package, in one place.

Names are static and few. Attributes carry opaque ids and numbers: no phone number, no message id of the channel, no
text. Attribute names avoid the words that Logfire's scrubber redacts (`session`, `auth`, `cookie`).

Spans and metrics go through OpenTelemetry: they cost next to nothing until something is configured, and reach Logfire
or any other collector when it is.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

from opentelemetry import metrics, trace
from opentelemetry.trace import Span, StatusCode
from opentelemetry.util.types import Attributes

TURN = 'agent_memory turn'
BEGIN = 'agent_memory begin'
RUN = 'agent_memory run'
COMMIT = 'agent_memory commit'
ARCHIVE = 'agent_memory archive'
EARLIER_FAILED = 'agent_memory earlier turn failed'

CONTACT = 'agent_memory.contact_id'
TURN_NUMBER = 'agent_memory.turn'
OUTCOME = 'agent_memory.outcome'
ERROR = 'agent_memory.error'
STATE = 'agent_memory.state'
FACTS = 'agent_memory.facts'
MESSAGES = 'agent_memory.messages'
ENTRIES = 'agent_memory.entries'

Outcome = Literal['committed', 'replayed', 'muted', 'failed']

_tracer = trace.get_tracer('agent_memory')
_turns = metrics.get_meter('agent_memory').create_counter('agent_memory.turns', description='Turns by outcome')


@contextmanager
def span(name: str, attributes: Attributes = None) -> Generator[Span]:
    """Open a span. Its exceptions are recorded by type alone: their messages may be about a person."""
    with _tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as opened:
        try:
            yield opened
        except BaseException as error:
            opened.set_attribute(ERROR, type(error).__name__)
            opened.set_status(StatusCode.ERROR)
            raise


@contextmanager
def turn() -> Generator[Span]:
    """Open the span of a turn, which ends with `finish`; an error finishes it as failed."""
    with span(TURN) as opened:
        try:
            yield opened
        except Exception:
            finish(opened, 'failed')
            raise


def finish(span: Span, outcome: Outcome, *, turn: int | None = None, state: str | None = None) -> None:
    """Close the account of a turn: its outcome on the span and in the counter."""
    span.set_attribute(OUTCOME, outcome)
    if turn is not None:
        span.set_attributes({TURN_NUMBER: turn, STATE: state or ''})
    _turns.add(1, {OUTCOME: outcome})


def earlier_failed(error: Exception) -> None:
    """Note on the current span that the turn of an earlier message failed while this one waited for it."""
    trace.get_current_span().add_event(EARLIER_FAILED, {ERROR: type(error).__name__})


def configure(*, content: bool = False) -> None:
    """Instrument Pydantic AI and this package. Sends to Logfire when a token is configured, else nowhere.

    Args:
        content: Whether spans carry what people and models say. Off by default: it is personal data, and Logfire's
            scrubber leaves it as it is.
    """
    import logfire

    logfire.configure(send_to_logfire='if-token-present', console=False)
    logfire.instrument_pydantic_ai(include_content=content, include_binary_content=content)
