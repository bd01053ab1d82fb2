"""A call becomes a span: what went where and how it ended, and whose traces its records belong to.

Nothing of a record is in it but the ids of its trace: whom and what a record is about, and the tracking id that may
come out of one, are nobody's business who looks at traces. Spans leave in a thread of their own, from a queue that
drops what is too much, so that a collector that is slow or away costs spans and never a record.

The only file that imports OpenTelemetry; tracing.py imports it where it is wanted.
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

NAME: Final = "PersonalizeEvents.PutEvents"
SERVICE: Final = "putevents-connector"
REMEMBERED: Final = 1_000  # failed calls whose repeats are counted
EXPORTER: Final = logging.getLogger("opentelemetry.exporter")
QUOTING: Final = logging.getLogger("opentelemetry.util.re")

# https://www.w3.org/TR/trace-context/: what a later version adds comes behind a dash.
_TRACEPARENT = re.compile(rb"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)

Headers = Sequence[tuple[str, bytes | None]]


def context_of(headers: Headers) -> SpanContext | None:
    """The trace that a record's headers name in ``traceparent``; None where they name none, or not as W3C wants it.

    Of several the last counts: whoever passes a record on adds at the end. ``tracestate`` is not read; it may hold
    anything.
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
    """The attributes that every call has: what is called, and where."""
    parts = urlsplit(endpoint)
    return {
        "rpc.system": "aws-api",
        "rpc.service": "PersonalizeEvents",
        "rpc.method": "PutEvents",
        "cloud.region": region,
        "server.address": parts.hostname or "",
        "server.port": parts.port or (443 if parts.scheme == "https" else 80),
    }


class Spans:
    """A sender whose calls are spans; ``ports.Sender``.

    Used by the loop's thread alone. A repeat is a span of its own, with the number of its attempt.

    Args:
        sender: what carries the calls.
        provider: where spans go.
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
        self._under_way: dict[int, tuple[Span, int, int]] = {}  # by batch: span, when it began, which attempt
        # By the id of a call's first entry, which the entry in the value keeps from being anybody else's.
        self._failed: dict[int, tuple[Item, int]] = {}

    def submit(self, batch: Batch) -> None:
        """See ``ports.Sender``."""
        _, failures = self._failed.pop(id(batch.items[0]), (None, 0))
        began = self._now()
        self._under_way[id(batch)] = self._begin(batch, began, failures + 1), began, failures + 1
        self._sender.submit(batch)

    def _begin(self, batch: Batch, began: int, attempt: int) -> Span:
        contexts = _contexts(batch)
        # Of one trace a call can be a part; of several it is no part, but it can point at them.
        parent = set_span_in_context(NonRecordingSpan(contexts[0]), Context()) if len(contexts) == 1 else Context()
        counted = {
            "messaging.batch.message_count": len({id(item.opened) for item in batch.items}),
            "putevents.events": len(batch.items),
            "putevents.attempt": attempt,
        }
        return self._tracer.start_span(
            NAME,
            parent,
            SpanKind.CLIENT,
            {**self._attributes, **counted},
            [Link(context) for context in contexts] if len(contexts) > 1 else (),
            began,
        )

    def wait(self, timeout: float) -> Sequence[CallResult]:
        """See ``ports.Sender``."""
        answers = self._sender.wait(timeout)
        for answer in answers:
            self._end(answer)
        return answers

    def _end(self, answer: CallResult) -> None:
        batch, outcome, seconds = answer
        span, began, attempt = self._under_way.pop(id(batch))
        if isinstance(outcome, Throttled | Retryable):
            self._remember(batch.items[0], attempt)
        _tell(span, outcome)
        span.end(began + round(seconds * 1e9))  # an answer may have lain unread for a while

    def _remember(self, item: Item, attempt: int) -> None:
        if len(self._failed) >= REMEMBERED:
            del self._failed[next(iter(self._failed))]  # it is given up, most likely: nobody repeats it here
        self._failed[id(item)] = item, attempt

    def _now(self) -> int:
        return round(self._wall() * 1e9)

    def close(self, seconds: float) -> None:
        """End what is under way, and wait up to so many seconds until the spans have left."""
        for span, _, _ in self._under_way.values():
            span.set_attribute("putevents.outcome", "unknown")
            span.end(self._now())
        self._under_way.clear()
        # The processor's own way out takes as long as the exporter's time-out; this thread does not wait for it.
        leaving = threading.Thread(target=self._provider.shutdown, name="traces leave", daemon=True)
        leaving.start()
        leaving.join(max(0.0, seconds))


def _contexts(batch: Batch) -> list[SpanContext]:
    """The traces of the batch's records, each once."""
    records = [item.opened.record for item in batch.items]
    found = [context_of(record.headers) for record in records if record is not None]
    return list({(each.trace_id, each.span_id): each for each in found if each is not None}.values())


def _tell(span: Span, outcome: Outcome) -> None:
    span.set_attribute("putevents.outcome", outcome.status.value)
    if not isinstance(outcome, Delivered):
        span.set_attribute("error.type", outcome.code)
        span.set_status(Status(StatusCode.ERROR, outcome.code))


class Telling(SpanExporter):
    """An exporter that says once that spans do not arrive, and once that they do again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See ``SpanExporter``."""
        try:
            result = self._exporter.export(spans)
        except Exception:  # noqa: BLE001  certificates that are not there, for example; no record waits for that
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
    """What sends spans to where the standard variables say; sampler, queue and headers are theirs, too.

    Raises:
        Exception: whatever the SDK makes of a variable that has a value that cannot be.
    """
    # What it says of every batch is said once, by Telling.
    EXPORTER.setLevel(logging.DEBUG if logging.getLogger().isEnabledFor(logging.DEBUG) else logging.CRITICAL)
    QUOTING.setLevel(logging.CRITICAL)  # it quotes what it cannot read, and headers to a collector hold secrets
    told = OTELResourceDetector().detect().attributes
    resource = Resource.create({"service.name": SERVICE, "service.version": __version__, **told})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)  # the exit waits for nobody
    provider.add_span_processor(BatchSpanProcessor(Telling(OTLPSpanExporter())))
    return provider
