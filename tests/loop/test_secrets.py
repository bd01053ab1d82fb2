"""What a record holds reaches Amazon Personalize and the dead letters, and nothing else: no log, metric or header."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, Message
from prometheus_client import generate_latest

from connector import logs
from connector.core.mapping.transform import Pipeline
from connector.core.sending.lanes import Batch
from connector.core.sending.outcomes import Delivered, Outcome, Rejected, Retryable, Status
from connector.kafka.dead_letters import KafkaDeadLetters
from connector.loop import Loop, Settings
from connector.watch import Watch
from tests.support.config_files import build, loaded
from tests.support.fakes import EPOCH, INTERVALS, P0, QUICK, ROOMY, Harness

PIPELINES = """\
pipelines:
  - name: web
    topics: [clicks]
    unmatched: dead_letter
    rules:
      - name: cart
        when: value.event == 'cart'
        for_each: value.items
        put_events: {sessionId: value.session, eventType: {const: Cart}, itemId: item.id, properties: item.props}
      - name: view
        when: value.event == 'view'
        put_events:
          sessionId: value.session
          userId: value.user
          eventType: {from: value.kind, lookup: {v: View}, otherwise: dead_letter}
          eventId: value.id
          itemId: parse_json(value.item)
          eventValue: value.price
          properties: value.props
          impression: value.shown
          sentAt: value.at
"""
GOOD = {
    "event": "view",
    "session": "SECRET-session",
    "user": "SECRET-user",
    "kind": "v",
    "id": "SECRET-event",
    "item": '"SECRET-item"',
    "props": {"note": "SECRET-note", "SECRET_key": 1},
    "shown": ["SECRET-shown"],
    "at": int(EPOCH),
}
BAD: list[dict[str, Any]] = [
    {"session": {"SECRET": 1}},
    {"session": "SECRET" * 100},
    {"session": ["SECRET"]},
    {"user": {"SECRET": "SECRET"}},
    {"user": "SECRET" * 100},
    {"kind": "SECRET-kind"},
    {"kind": {"SECRET": 1}},
    {"id": "SECRET" * 100},
    {"item": "{SECRET"},
    {"item": '["SECRET"]'},
    {"price": "SECRET-price"},
    {"price": ["SECRET"]},
    {"props": "SECRET"},
    {"props": {"SECRET": "SECRET" * 300}},
    {"props": {"SECRET": {"SECRET": ["SECRET"]}}},
    {"props": {"userid": "SECRET"}},
    {"shown": ["SECRET" * 100]},
    {"shown": {"SECRET": 1}},
    {"shown": [{"SECRET": 1}] * 30},
    {"at": "SECRET-time"},
    {"at": ["SECRET"]},
    {"at": 1},
    {"event": "SECRET-other"},
    {"event": "cart", "items": "SECRET"},
    {"event": "cart", "items": [{"id": "SECRET" * 100}, {"id": "SECRET-ok"}, {"id": {"SECRET": 1}}]},
]
VALUES = [
    *(json.dumps(GOOD | bad) for bad in BAD),
    *[json.dumps(GOOD | {"session": f"SECRET-{number}"}) for number in range(30)],
    '{"SECRET": ',
    '"SECRET"',
    "SECRET",
    '{"session": 1e999, "SECRET": 2}',
    '{"SECRET":' * 2000,
]


class Letters:
    """The dead letters' producer: keeps the headers, fails now and then."""

    def __init__(self, configuration: dict[str, Any]) -> None:
        self.configuration = configuration
        self.headers: list[tuple[str, bytes]] = []
        self._reports: list[tuple[Callable[[KafkaError | None, Message | None], None], KafkaError | None]] = []

    def produce(self, _: str, **message: Any) -> None:
        fails = len(self.headers) % 3 == 0
        self.headers += message["headers"]
        self._reports.append((message["on_delivery"], KafkaError(KafkaError._MSG_TIMED_OUT) if fails else None))

    def poll(self, _: float) -> None:
        while self._reports:
            report, error = self._reports.pop()
            report(error, None)


@pytest.mark.usefixtures("logs_as_before")
@pytest.mark.parametrize("log_format", ["json", "text"])
def test_no_value_of_a_record_reaches_logs_metrics_or_headers(
    log_format: logs.Format, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("debug", log_format)
    config = loaded(build(pipelines=PIPELINES))
    pipeline = Pipeline(config.config.pipelines[0], config.mappings[0], "tracker-1")
    harness = Harness(limits=QUICK, transform=pipeline)
    made: list[Letters] = []

    def make(configuration: dict[str, Any]) -> Any:
        made.append(Letters(configuration))
        return made[-1]

    letters = KafkaDeadLetters(
        {},
        "clicks.dead",
        connect_headers=True,
        group_id="g",
        metrics=harness.metrics,
        clock=harness.environment.clock,
        make_producer=make,
    )
    settings = Settings(QUICK, 8, ROOMY, **INTERVALS)
    harness.loop = Loop(
        harness.source, harness.sender, letters, pipeline, settings, harness.metrics, harness.environment
    )
    watch = Watch(harness.loop, harness.source, harness.metrics, harness.environment)
    troubles: list[Outcome] = [Retryable("Timeout", Status.TIMEOUT)] * 10

    def outcome(batch: Batch) -> Outcome:
        if troubles:
            return troubles.pop()
        return Rejected("InvalidInputException") if batch.lane in {"SECRET-3", "SECRET-4"} else Delivered()

    harness.sender.outcome = outcome
    harness.assign(P0)
    for value in VALUES:
        harness.source.produce(P0, value, "SECRET-key")
    for _ in range(300):
        harness.loop.step()
        watch.look()
        harness.clock.wait(0.1)
    harness.revoke(P0)
    counts = harness.counted()
    assert (counts["delivered"], counts["dead_lettered"]) == (29, len(VALUES) - 29)
    written = capsys.readouterr()
    assert "a record goes to the dead letters" in written.err
    if log_format == "json":
        assert all({"time", "level", "message"} <= json.loads(line).keys() for line in written.err.splitlines())
    headers = [(name, value) for name, value in made[0].headers if name.startswith(("putevents.", "__connect."))]
    assert headers
    for text in (written.err, written.out, generate_latest(harness.metrics.registry).decode(), str(headers)):
        assert "SECRET" not in text
