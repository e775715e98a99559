"""Spans with content leave the process through here alone, and only after what is personal was struck out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status
from opentelemetry.util.types import Attributes, AttributeValue

from agent_memory._redaction import Redaction

_MOST_TRACES = 1000


class RedactingExporter(SpanExporter):
    """Hands on copies of spans without what is personal in attributes, events and status."""

    def __init__(self, exporter: SpanExporter, redaction: Redaction) -> None:
        self._exporter = exporter
        self._redaction = redaction

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([self._redacted(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    def _redacted(self, span: ReadableSpan) -> ReadableSpan:
        def struck(attributes: Attributes) -> dict[str, AttributeValue]:
            return {name: self._redaction.value(value) for name, value in (attributes or {}).items()}

        description = span.status.description
        return ReadableSpan(
            name=self._redaction.text(span.name),
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=struck(span.attributes),
            events=[Event(one.name, struck(one.attributes), one.timestamp) for one in span.events],
            links=span.links,
            kind=span.kind,
            instrumentation_scope=span.instrumentation_scope,
            status=Status(span.status.status_code, description and self._redaction.text(description)),
            start_time=span.start_time,
            end_time=span.end_time,
        )


class HeldBack(SpanProcessor):
    """Keeps the spans of a trace until its first span ends: only then is known what the turn learned of the person."""

    def __init__(self, behind: SpanProcessor) -> None:
        self._behind = behind
        self._traces: OrderedDict[int, list[ReadableSpan]] = OrderedDict()
        self._lock = Lock()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self._behind.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is None:
            return
        with self._lock:
            held = self._traces.setdefault(span.context.trace_id, [])
            held.append(span)
            ended = self._traces.pop(span.context.trace_id) if span.parent is None or span.parent.is_remote else []
            if len(self._traces) > _MOST_TRACES:
                _, oldest = self._traces.popitem(last=False)
                ended = [*ended, *oldest]
        for one in ended:
            self._behind.on_end(one)

    def shutdown(self) -> None:
        self._flush()
        self._behind.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        self._flush()
        return self._behind.force_flush(timeout_millis)

    def _flush(self) -> None:
        with self._lock:
            traces, self._traces = self._traces, OrderedDict()
        for spans in traces.values():
            for span in spans:
                self._behind.on_end(span)
