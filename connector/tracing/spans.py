"""Records a span for each call: where it went, how it ended, and which traces its records belong to.

A span holds nothing of a record but its trace ids: no user, no item, no tracking id or dataset (which may come from a
record). OpenTelemetry exports spans in a thread of its own, from a queue that drops spans when it is full. So a slow or
unreachable collector costs spans, never a record.

This is the only file that imports OpenTelemetry; setup.py imports it only when tracing is on.
"""

import logging
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.util.types import AttributeValue

from connector import __version__
from connector.core.sending.lanes import Batch, Item
from connector.core.sending.outcomes import Delivered, Outcome, Retryable, Throttled
from connector.ports import CallResult, Sender

log = structlog.get_logger()

API: Final = "PersonalizeEvents"
SERVICE: Final = "putevents-connector"
REMEMBERED: Final = 1_000  # failed calls whose retries are counted
EXPORTER: Final = logging.getLogger("opentelemetry.exporter")
QUOTING: Final = logging.getLogger("opentelemetry.util.re")

# https://www.w3.org/TR/trace-context/: a later version may add fields after another dash.
_TRACEPARENT = re.compile(rb"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)

Headers = Sequence[tuple[str, bytes | None]]


def context_of(headers: Headers) -> SpanContext | None:
    """The trace that a record's ``traceparent`` header names; None without a valid one.

    The last of several counts, because services that pass a record on append their own. ``tracestate`` is not read: it
    may hold anything.
    """
    value = next((value for name, value in reversed(headers) if name == "traceparent"), None)
    found = _TRACEPARENT.fullmatch(value.strip(b" \t")) if value else None
    if found is None or (found[1] == b"00" and found[5] is not None):
        return None
    context = SpanContext(
        int(found[2], 16), int(found[3], 16), is_remote=True, trace_flags=TraceFlags(int(found[4], 16))
    )
    return context if context.is_valid else None


def target(endpoint: str, region: str) -> Mapping[str, AttributeValue]:
    """The attributes of every call: the service, and the server."""
    parts = urlsplit(endpoint)
    return {
        "rpc.system": "aws-api",
        "rpc.service": API,
        "cloud.region": region,
        "server.address": parts.hostname or "",
        "server.port": parts.port or (443 if parts.scheme == "https" else 80),
    }


class Spans:
    """A ``ports.Sender`` that records a span for each call of another sender.

    Only the loop's thread uses it. A retry is a span of its own, with the number of the attempt.

    Args:
        sender: makes the calls.
        provider: exports the spans.
        attributes: of every span.
        wall: Unix seconds.
    """

    def __init__(
        self,
        sender: Sender,
        provider: TracerProvider,
        attributes: Mapping[str, AttributeValue],
        wall: Callable[[], float],
    ) -> None:
        self._sender = sender
        self._provider = provider
        self._tracer = provider.get_tracer("connector", __version__)
        self._attributes = attributes
        self._wall = wall
        self._in_flight: dict[int, tuple[Span, int, int]] = {}  # by id of the batch: span, start in ns, attempt
        # By id() of a call's first entry. The value holds the entry, so that no other object can get the same id.
        self._failed: dict[int, tuple[Item, int]] = {}

    def submit(self, batch: Batch) -> None:
        """See ``ports.Sender``."""
        _, failures = self._failed.pop(id(batch.items[0]), (None, 0))
        began = self._now()
        self._in_flight[id(batch)] = self._begin(batch, began, failures + 1), began, failures + 1
        self._sender.submit(batch)

    def _begin(self, batch: Batch, began: int, attempt: int) -> Span:
        contexts = _contexts(batch)
        # A span has one parent. A call with records of several traces links to them instead.
        parent = set_span_in_context(NonRecordingSpan(contexts[0]), Context()) if len(contexts) == 1 else Context()
        operation = batch.operation.name
        own: dict[str, AttributeValue] = {
            "rpc.method": operation,
            "messaging.batch.message_count": len({id(item.opened) for item in batch.items}),
            "putevents.events": len(batch.items),
            "putevents.attempt": attempt,
        }
        return self._tracer.start_span(
            f"{API}.{operation}",
            parent,
            SpanKind.CLIENT,
            {**self._attributes, **own},
            [Link(context) for context in contexts] if len(contexts) > 1 else (),
            began,
        )

    def wait(self, timeout: float) -> Sequence[CallResult]:
        """See ``ports.Sender``."""
        results = self._sender.wait(timeout)
        for result in results:
            self._end(result)
        return results

    def _end(self, result: CallResult) -> None:
        batch, outcome, seconds = result
        span, began, attempt = self._in_flight.pop(id(batch))
        if isinstance(outcome, Throttled | Retryable):
            self._remember(batch.items[0], attempt)
        _set_outcome(span, outcome)
        span.end(began + round(seconds * 1e9))  # not now: the result may have waited to be read

    def _remember(self, item: Item, attempt: int) -> None:
        if len(self._failed) >= REMEMBERED:
            del self._failed[next(iter(self._failed))]  # the oldest; most likely it is never retried here
        self._failed[id(item)] = item, attempt

    def _now(self) -> int:
        return round(self._wall() * 1e9)

    def close(self, seconds: float) -> None:
        """End the spans of calls in flight, and wait at most this many seconds for the export."""
        for span, _, _ in self._in_flight.values():
            span.set_attribute("putevents.outcome", "unknown")
            span.end(self._now())
        self._in_flight.clear()
        # shutdown() may take as long as the exporter's timeout; its thread is left behind if it is late.
        leaving = threading.Thread(target=self._provider.shutdown, name="trace export", daemon=True)
        leaving.start()
        leaving.join(max(0.0, seconds))


def _contexts(batch: Batch) -> list[SpanContext]:
    """The traces of the batch's records, without repeats."""
    records = [item.opened.record for item in batch.items]
    found = [context_of(record.headers) for record in records if record is not None]
    return list({(each.trace_id, each.span_id): each for each in found if each is not None}.values())


def _set_outcome(span: Span, outcome: Outcome) -> None:
    span.set_attribute("putevents.outcome", outcome.status.value)
    if not isinstance(outcome, Delivered):
        span.set_attribute("error.type", outcome.code)
        span.set_status(Status(StatusCode.ERROR, outcome.code))


class ReportingExporter(SpanExporter):
    """Logs once when exports start to fail, and once when they work again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See ``SpanExporter``."""
        try:
            result = self._exporter.export(spans)
        except Exception:  # noqa: BLE001  a missing file of certificates, for example; it must not stop records
            result = SpanExportResult.FAILURE
        fails = result is not SpanExportResult.SUCCESS
        if fails and not self._failing:
            log.warning(
                "traces do not arrive: spans are dropped, records are not",
                what_to_do="check OTEL_EXPORTER_OTLP_ENDPOINT and the collector there; log.level: debug says more",
            )
        elif self._failing and not fails:
            log.info("traces arrive again")
        self._failing = fails
        return result

    def shutdown(self) -> None:
        """See ``SpanExporter``."""
        self._exporter.shutdown()


def exporting() -> TracerProvider:
    """A provider that exports spans as OpenTelemetry's standard variables say, with their sampler, queue and headers.

    Raises:
        Exception: the SDK rejects the value of a variable; the type depends on the variable.
    """
    # The exporter logs every failed export; ReportingExporter logs the first one.
    EXPORTER.setLevel(logging.DEBUG if logging.getLogger().isEnabledFor(logging.DEBUG) else logging.CRITICAL)
    QUOTING.setLevel(logging.CRITICAL)  # it quotes headers that it cannot parse, and they hold secrets
    given = OTELResourceDetector().detect().attributes
    resource = Resource.create({"service.name": SERVICE, "service.version": __version__, **given})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)  # close() shuts it down
    provider.add_span_processor(BatchSpanProcessor(ReportingExporter(OTLPSpanExporter())))
    return provider
