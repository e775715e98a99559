"""Every span, metric and log name of this package, in one place.

Names are static and few. Attributes carry opaque ids and numbers: no phone number, no message id of the channel, no
text. Attribute names avoid the words that Logfire's scrubber redacts (`session`, `auth`, `cookie`).

Spans and metrics go through OpenTelemetry: they cost next to nothing until something is configured, and reach Logfire
or any other collector when it is.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from opentelemetry import metrics, trace
from opentelemetry.trace import Span, Status, StatusCode
from opentelemetry.util.types import Attributes

from agent_memory._redaction import Redaction

if TYPE_CHECKING:
    from logfire.types import ExceptionCallbackHelper
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.export import SpanExporter

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
CODE = 'agent_memory.code'
KIND = 'agent_memory.kind'
ENTRIES = 'agent_memory.entries'

# What the log says, each under the logger of its module. The arguments are opaque ids, counts, types of errors, and
# sentences of this package's own errors, which name no person.
UNANSWERED = 'a message that nobody answered could not be answered here: %s'
EVENT_UNTOLD = 'the %s of session %s cannot be told: %s'
SWEEPING_WAITS = 'sweeping waits: %s'
HISTORY_UNREAD = 'other processes cannot read the history while this one holds it: %s'
HISTORY_UNSERVED = 'the history is not served over Quack at %s yet, trying again: %s'
ARCHIVING_WAITS = 'archiving waits, %s: %s'
ARCHIVING_GOES_ON = 'archiving goes on, %s'
READS_ALONE = 'batches are read in this process from now on: %s'
DEAD_ENTRY = 'entry %s of partition %d goes to the dead letters: %s'
WAITS_FOR_A_PERSON = 'contact %s waits for a person (%s lead, hand-over %s)'
HANDOFF_WAITS = '%s; trying again in %.0f s'
WEBHOOK_FAULT = 'reading one of the %s of a webhook ended with %s'
ACCOUNT_PROBLEM = 'Meta reports of the account: error %s'

Outcome = Literal['committed', 'replayed', 'muted', 'failed']

_tracer = trace.get_tracer('agent_memory')
_meter = metrics.get_meter('agent_memory')
_turns = _meter.create_counter('agent_memory.turns', description='Turns by outcome')
_sends = _meter.create_counter('agent_memory.sends', description='Messages to people, by outcome and error code')
_failures = _meter.create_counter(
    'agent_memory.worker_failures', description='Failures that a worker outlived, by type'
)
_events = _meter.create_counter('agent_memory.channel_events', description='Items of webhooks, by kind')


_redaction: Redaction | None = None
_LISTENERS = (
    'LOGFIRE_TOKEN',
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
)

_NOWHERE = nullcontext(trace.INVALID_SPAN)


def span(name: str, attributes: Attributes = None) -> AbstractContextManager[Span]:
    """Open a span. Its exceptions are recorded by type alone: their messages may be about a person."""
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        # Nobody has configured tracing. A span that goes nowhere still costs 28 us, and a turn opens several.
        return _NOWHERE
    return _recorded(name, attributes)


@contextmanager
def _recorded(name: str, attributes: Attributes) -> Generator[Span]:
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


def sent(outcome: str, *, code: int | None) -> None:
    """Count one attempt to send a message to a person."""
    _sends.add(1, {OUTCOME: outcome, CODE: code or 0})


def withheld(replies: int, *, indeterminate: int) -> None:
    """Count replies that were not sent because a person holds the conversation, or whose sender fell silent."""
    for outcome, count in (('withheld', replies), ('indeterminate', indeterminate)):
        if count:
            _sends.add(count, {OUTCOME: outcome, CODE: 0})


def worker_failed(error: Exception) -> None:
    """Count a failure that a worker outlived; the turn or reply behind it is tried again or was given up."""
    _failures.add(1, {ERROR: type(error).__name__})


def channel_event(kind: str, *, fault: str | None = None) -> None:
    """Count one item of a webhook, with the error that reading it ended with, if it did."""
    _events.add(1, {KIND: kind, ERROR: fault} if fault else {KIND: kind})


def earlier_failed(error: Exception) -> None:
    """Note on the current span that the turn of an earlier message failed while this one waited for it."""
    trace.get_current_span().add_event(EARLIER_FAILED, {ERROR: type(error).__name__})


def learn(*values: Any) -> None:
    """Have these values of a person struck out of what leaves the process, where content leaves it at all."""
    if _redaction is not None:
        _redaction.learn(values)


def configure(*, content: bool = False, exporter: SpanExporter | None = None) -> None:
    """Instrument Pydantic AI and this package, if somebody listens: Logfire by its token, or an OTLP collector.

    With nobody to send to this does nothing: spans of Pydantic AI that go nowhere cost a third of a turn's CPU.

    Of an exception only its type is kept: providers repeat in its message what they were sent.

    Args:
        content: Whether spans carry what people and models say. Off by default: it is personal data. When on, spans
            leave through an exporter that strikes out numbers, addresses and what the profiles hold; a name that no
            profile holds stays.
        exporter: Where spans go too. Those with content go nowhere else; without one, to Logfire with `LOGFIRE_TOKEN`,
            else to what `OTEL_EXPORTER_OTLP_ENDPOINT` names, else nowhere.
    """
    global _redaction
    _redaction = Redaction() if content else None
    if exporter is None and not _has_listener():
        return
    import logfire

    chosen = exporter or (_exporter() if content else None)
    logfire.configure(
        send_to_logfire=False if content else 'if-token-present',
        console=False,
        advanced=logfire.AdvancedOptions(exception_callback=_type_alone),
        additional_span_processors=[_held_back(chosen, _redaction)] if chosen else [],
    )
    logfire.instrument_pydantic_ai(include_content=content, include_binary_content=False)


def _type_alone(helper: ExceptionCallbackHelper) -> None:
    name = type(helper.exception).__name__
    helper.no_record_exception()
    helper.span.set_status(Status(StatusCode.ERROR, name))
    helper.span.add_event('exception', {'exception.type': name})


def _held_back(exporter: SpanExporter, redaction: Redaction | None) -> SpanProcessor:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from agent_memory._exporting import HeldBack, RedactingExporter

    if redaction is None:
        return BatchSpanProcessor(exporter)
    return HeldBack(BatchSpanProcessor(RedactingExporter(exporter, redaction)))


def _exporter() -> SpanExporter | None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    if token := os.environ.get('LOGFIRE_TOKEN'):
        region = 'eu' if token.startswith('pylf_v1_eu_') else 'us'
        base = os.environ.get('LOGFIRE_BASE_URL', f'https://logfire-{region}.pydantic.dev')
        return OTLPSpanExporter(f'{base}/v1/traces', headers={'Authorization': token})
    if os.environ.get('OTEL_EXPORTER_OTLP_ENDPOINT'):
        return OTLPSpanExporter()
    return None


def _has_listener() -> bool:
    """Return whether Logfire or an OpenTelemetry collector is configured, in the ways that both read themselves."""
    if any(os.environ.get(name) for name in _LISTENERS):
        return True
    return Path(os.environ.get('LOGFIRE_CREDENTIALS_DIR') or '.logfire', 'logfire_credentials.json').exists()
