"""A call is a span that belongs to its records' traces; what is wrong with traces never touches a record."""

import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from structlog.testing import capture_logs

from connector import logs
from connector.core.sending.outcomes import Delivered, Outcome, Rejected, Retryable, Status, Throttled
from connector.loop import Loop, Settings
from connector.tracing import spans
from connector.tracing.setup import traced
from connector.tracing.spans import ReportingExporter, Spans, context_of, target
from tests.support.fakes import EPOCH, INTERVALS, P0, P1, QUICK, ROOMY, Clock, FakeSender, Harness, transform

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"
OTHER = "00-11111111111111111111111111111111-2222222222222222-01"
ENDPOINT = "https://personalize-events.eu-west-1.amazonaws.com"
ASKED = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


class Traced(Harness):
    """A loop whose calls become spans in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.spans = Spans(self.sender, self.provider, target(ENDPOINT, "eu-west-1"), self.environment.wall)
        settings = Settings(QUICK, 8, ROOMY, **INTERVALS)
        self.loop = Loop(
            self.source, self.spans, self.dead_letters, transform, settings, self.metrics, self.environment
        )
        self.assign(P0, P1)

    def produce(self, *headers: str | None, value: str = "1", session: str = "s") -> None:
        """A record with these in ``traceparent``."""
        record = self.source.produce(P0, value, session)
        found = tuple(("traceparent", None if each is None else each.encode()) for each in headers)
        self.source.logs[P0][-1] = record._replace(headers=(("user", b"SECRET"), *found))

    def finished(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def only(self) -> ReadableSpan:
        (span,) = self.finished()
        return span


def attributes(span: ReadableSpan) -> Mapping[str, object]:
    return dict(span.attributes or {})


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


def linked(span: ReadableSpan) -> set[str]:
    return {f"{link.context.trace_id:032x}-{link.context.span_id:016x}" for link in span.links}


def test_a_call_is_a_client_span_that_says_what_went_where_and_how_it_ended() -> None:
    harness = Traced()
    harness.produce(value="3")
    harness.produce()
    harness.run(1)
    span = harness.only()
    assert (span.name, span.kind) == ("PersonalizeEvents.PutEvents", SpanKind.CLIENT)
    assert attributes(span) == {
        "rpc.system": "aws-api",
        "rpc.service": "PersonalizeEvents",
        "rpc.method": "PutEvents",
        "cloud.region": "eu-west-1",
        "server.address": "personalize-events.eu-west-1.amazonaws.com",
        "server.port": 443,
        "messaging.batch.message_count": 2,
        "putevents.events": 4,
        "putevents.attempt": 1,
        "putevents.outcome": "ok",
    }
    assert span.status.status_code is StatusCode.UNSET


def test_the_span_of_each_call_carries_its_operation_and_no_dataset() -> None:
    harness = Traced()
    harness.produce(value="item", session="i-1")
    harness.run(1)
    span = harness.only()
    assert (span.name, attributes(span)["rpc.method"]) == ("PersonalizeEvents.PutItems", "PutItems")
    assert "ITEMS" not in str(attributes(span))


def test_a_span_lasts_as_long_as_its_call_however_long_the_answer_lay_unread() -> None:
    harness = Traced()
    harness.sender.latency = 0.25
    harness.produce()
    harness.run(1)
    span = harness.only()
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.end_time - span.start_time == 250_000_000
    assert EPOCH + 100 < span.start_time / 1e9 < EPOCH + 102


def test_the_trace_of_all_records_of_a_call_goes_on_in_it() -> None:
    harness = Traced()
    harness.produce(PARENT)
    harness.produce(PARENT)
    harness.produce()
    harness.run(1)
    span = harness.only()
    assert trace_of(span) == TRACE
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == SPAN
    assert span.links == ()


def test_a_call_of_several_traces_is_a_trace_of_its_own_with_a_link_to_each() -> None:
    harness = Traced()
    for parent in (PARENT, OTHER, PARENT):
        harness.produce(parent)
    harness.run(1)
    span = harness.only()
    assert span.parent is None
    assert linked(span) == {f"{TRACE}-{SPAN}", OTHER[3:-3]}
    assert trace_of(span) not in {TRACE, OTHER[3:35]}


def test_ten_records_of_ten_traces_make_ten_links() -> None:
    harness = Traced()
    for number in range(1, 11):
        harness.produce(f"00-{number:032x}-{number:016x}-01")
    harness.run(1)
    assert len(linked(harness.only())) == 10


def test_a_trace_that_is_not_sampled_is_not_sampled_here() -> None:
    harness = Traced()
    harness.produce(f"00-{TRACE}-{SPAN}-00")
    harness.run(1)
    assert harness.finished() == ()
    harness.assert_balanced()


@pytest.mark.parametrize("outcome", [Retryable("Timeout", Status.TIMEOUT), Throttled("ThrottlingException")])
def test_a_repeat_is_a_span_of_its_own_in_the_same_trace_with_the_next_attempt(outcome: Outcome) -> None:
    harness = Traced()
    answers: list[Outcome] = [outcome, outcome]
    harness.sender.outcome = lambda _: answers.pop() if answers else Delivered()
    harness.produce(PARENT)
    harness.run(30)
    found = harness.finished()
    assert [attributes(span)["putevents.attempt"] for span in found] == [1, 2, 3]
    assert [attributes(span).get("error.type") for span in found] == [outcome.code, outcome.code, None]  # type: ignore[union-attr]
    assert [span.status.status_code for span in found] == [StatusCode.ERROR, StatusCode.ERROR, StatusCode.UNSET]
    assert {trace_of(span) for span in found} == {TRACE}
    assert not harness.spans._failed


def test_what_is_remembered_of_failures_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "REMEMBERED", 3)
    harness = Traced()
    harness.sender.outcome = lambda _: Throttled("ThrottlingException")
    for number in range(20):
        harness.produce(session=f"s-{number}")
    harness.run(20)
    assert len(harness.spans._failed) <= 3
    harness.sender.outcome = lambda _: Delivered()
    harness.run(200)
    assert harness.counted()["delivered"] == 20


def test_nothing_of_a_record_but_the_ids_of_its_trace_is_in_a_span() -> None:
    harness = Traced()
    answers: list[Outcome] = [Rejected("InvalidInputException"), Retryable("Timeout", Status.TIMEOUT)]
    harness.sender.outcome = lambda _: answers.pop() if answers else Delivered()
    for number in range(4):
        harness.produce(PARENT, session=f"SECRET-{number}")
    harness.run(30)
    assert harness.finished()
    for span in harness.finished():
        written = span.to_json()
        assert "SECRET" not in written
        assert "tracker" not in written


@pytest.mark.parametrize(
    ("values", "trace"),
    [
        ([PARENT], TRACE),
        ([f" {PARENT}\t"], TRACE),
        ([f"cc-{TRACE}-{SPAN}-01-what-may-come"], TRACE),
        ([OTHER, PARENT], TRACE),
        ([], None),
        ([None], None),
        ([""], None),
        (["nonsense"], None),
        ([PARENT, "nonsense"], None),
        ([PARENT.upper()], None),
        ([f"ff-{TRACE}-{SPAN}-01"], None),
        ([f"{PARENT}-more"], None),
        ([f"00-{'0' * 32}-{SPAN}-01"], None),
        ([f"00-{TRACE}-{'0' * 16}-01"], None),
        ([f"{PARENT}\n"], None),
        ([PARENT[:-1]], None),
    ],
)
def test_a_traceparent_is_taken_as_w3c_has_it_and_ignored_otherwise(
    values: Sequence[str | None], trace: str | None
) -> None:
    context = context_of([("traceparent", None if value is None else value.encode()) for value in values])
    assert (None if context is None else f"{context.trace_id:032x}") == trace


@given(st.lists(st.tuples(st.sampled_from(["traceparent", "tracestate", "x"]), st.none() | st.binary(max_size=80))))
def test_no_header_whatever_it_holds_raises(headers: list[tuple[str, bytes | None]]) -> None:
    assert context_of(headers) is None or any(name == "traceparent" for name, _ in headers)


def test_every_attribute_of_a_span_is_on_the_page() -> None:
    harness = Traced()
    harness.sender.outcome = lambda _: Throttled("ThrottlingException")
    harness.produce()
    harness.run(1)
    page = (Path(__file__).parents[2] / "docs" / "tracing.md").read_text()
    for name in attributes(harness.finished()[0]):
        assert name in page
    for status in Status:
        assert f"`{status}`" in page


# -- on and off ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": " "},
        {**ASKED, "OTEL_SDK_DISABLED": "True"},
        {**ASKED, "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_where_no_traces_are_wanted_the_sender_is_the_one_that_was_given(environ: Mapping[str, str]) -> None:
    sender = FakeSender(Clock())
    with capture_logs() as lines:
        carrier, end = traced(sender, ENDPOINT, "eu-west-1", time.time, environ)
    end(0.0)
    assert carrier is sender
    assert lines == []


def test_without_the_extra_one_warning_names_it_and_all_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "connector.tracing.spans")
    monkeypatch.delattr("connector.tracing.spans")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)  # as if it were not installed
    sender = FakeSender(Clock())
    with capture_logs() as lines:
        carrier, _ = traced(sender, ENDPOINT, "eu-west-1", time.time, ASKED)
    assert carrier is sender
    (line,) = lines
    assert line["log_level"] == "warning"
    assert "putevents-connector[otel]" in line["what_to_do"]


def test_a_protocol_that_is_not_spoken_is_one_warning_that_says_which_is() -> None:
    sender = FakeSender(Clock())
    with capture_logs() as lines:
        carrier, _ = traced(sender, ENDPOINT, "eu-west-1", time.time, {**ASKED, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert carrier is sender
    assert [(line["log_level"], line["why"]) for line in lines] == [
        ("warning", "expected the protocol http/protobuf, not grpc")
    ]


@pytest.fixture
def exporter_level() -> Iterator[None]:
    before = spans.EXPORTER.level, spans.QUOTING.level
    yield
    spans.EXPORTER.setLevel(before[0])
    spans.QUOTING.setLevel(before[1])


@pytest.mark.usefixtures("exporter_level")
def test_settings_that_cannot_be_are_one_warning_and_cost_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
    sender = FakeSender(Clock())
    with capture_logs() as lines:
        carrier, _ = traced(sender, ENDPOINT, "eu-west-1", time.time, ASKED)
    assert carrier is sender
    assert [(line["log_level"], line["why"]) for line in lines] == [
        ("warning", "OpenTelemetry rejects its settings (ValueError)")
    ]


@pytest.mark.usefixtures("exporter_level")
@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({}, "putevents-connector"),
        ({"OTEL_SERVICE_NAME": "shop"}, "shop"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=shop"}, "shop"),
    ],
)
def test_the_service_has_its_name_unless_the_environment_gives_it_one(
    variables: Mapping[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    provider = spans.exporting()
    assert provider.resource.attributes["service.name"] == name
    provider.shutdown()


# -- a collector in trouble ---------------------------------------------------------------------------------------


class Collector(SpanExporter):
    """Returns the given results, raises, or hangs until it is released."""

    def __init__(self, *answers: SpanExportResult | Exception) -> None:
        self.answers = list(answers)
        self.reached = threading.Event()
        self.let_go = threading.Event()

    def export(self, _: Sequence[ReadableSpan]) -> SpanExportResult:
        self.reached.set()
        if not self.answers:
            self.let_go.wait(30)
            return SpanExportResult.SUCCESS
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_collector_that_is_away_makes_two_lines_not_one_a_batch() -> None:
    failed, arrived = SpanExportResult.FAILURE, SpanExportResult.SUCCESS
    exporter = ReportingExporter(Collector(arrived, failed, OSError("no certificate"), failed, arrived, arrived))
    with capture_logs() as lines:
        results = [exporter.export(()) for _ in range(6)]
    assert results == [arrived, failed, failed, failed, arrived, arrived]
    assert [line["event"] for line in lines] == [
        "traces do not arrive: spans are dropped, records are not",
        "traces arrive again",
    ]


@pytest.mark.usefixtures("exporter_level", "logs_as_before")
def test_what_the_collector_is_logged_in_to_with_is_in_no_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key: SECRET without an equals sign,authorization=SECRET")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.1")
    logs.configure("debug", "json")
    provider = spans.exporting()
    provider.get_tracer("t").start_span("s").end()
    provider.force_flush()
    provider.shutdown()
    written = capsys.readouterr().err
    assert "traces do not arrive" in written
    assert "SECRET" not in written


def test_a_collector_that_hangs_holds_up_neither_the_loop_nor_the_exit() -> None:
    collector = Collector()
    harness = Traced()
    harness.provider.add_span_processor(BatchSpanProcessor(collector, max_queue_size=4, max_export_batch_size=1))
    for number in range(200):
        harness.produce(session=f"s-{number}")
    harness.run(10)
    assert harness.counted()["delivered"] == 200
    assert collector.reached.wait(10)
    began = time.monotonic()
    harness.spans.close(0.1)
    assert time.monotonic() - began < 2
    collector.let_go.set()


def test_calls_that_are_given_up_at_the_end_are_spans_of_unknown_outcome() -> None:
    harness = Traced()
    harness.sender.latency = 100.0
    harness.produce()
    harness.run(1)
    assert harness.finished() == ()
    harness.spans.close(5.0)
    assert attributes(harness.only())["putevents.outcome"] == "unknown"
