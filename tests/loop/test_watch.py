"""An operator sees what the loop does: gauges that follow it, and two lines for each trouble."""

from collections.abc import MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from connector.core.operations import PUT_ITEMS
from connector.core.sending.backpressure import Bounds
from connector.core.sending.outcomes import IN_USE, Delivered, Outcome, Rejected, Retryable, Status, Throttled
from connector.core.sending.rate import START
from connector.ports import Reach, SchemaReach
from connector.troubles import BUSY, OUTAGE
from connector.watch import Watch
from tests.support.fakes import EPOCH, P0, P1, QUICK, TOPIC, FakeFetcher, Harness


class Watched(Harness):
    def __init__(self, bounds: Bounds = Bounds(1000, 1 << 20, 1000)) -> None:  # noqa: B008  a tuple
        self.fetcher = FakeFetcher()
        super().__init__(QUICK._replace(linger=0.0), bounds, self.fetcher.transform, self.fetcher)
        self.watch = Watch(self.loop, self.source, self.metrics, self.environment)
        self.assign(P0, P1)

    def look(self, seconds: float) -> list[str]:
        """Run so long, looking after each step; returns the messages that were logged about tracking ids."""
        return [line["event"] for line in self.lines(seconds) if "tracking_id" in line]

    def lines(self, seconds: float, about: str = "") -> list[MutableMapping[str, Any]]:
        """The same, but all lines that begin so."""
        until = self.clock.now + seconds
        with capture_logs() as lines:
            while self.clock.now < until:
                self.loop.step()
                self.watch.look()
        return [line for line in lines if line["event"].startswith(about)]


@pytest.mark.parametrize(
    ("trouble", "begin", "end"),
    [
        (Retryable("SSLError", Status.CONNECTION), "outage: ", "outage has ended"),
        (Throttled("ThrottlingException"), "throttled: ", "throttling has ended"),
    ],
)
def test_a_trouble_makes_one_line_when_it_begins_and_one_when_it_ends(trouble: Outcome, begin: str, end: str) -> None:
    harness = Watched()
    for number in range(20):
        harness.source.produce(P0, "1", session=str(number))
    harness.sender.outcome = lambda _: trouble
    [line] = harness.look(60)
    assert line.startswith(begin)
    harness.sender.outcome = lambda _: Delivered()
    assert harness.look(120) == [end]


def test_the_line_of_an_outage_says_how_calls_fail() -> None:
    harness = Watched()
    harness.sender.outcome = lambda _: Retryable("SSLError", Status.CONNECTION)
    for number in range(20):
        harness.source.produce(P0, "1", session=str(number))
    harness.run(5)
    with capture_logs() as lines:
        harness.watch.look()
    assert [line["last_failure"] for line in lines] == ["SSLError"]


def test_an_outage_without_anything_to_send_is_unknown_until_the_next_call() -> None:
    harness = Watched()
    harness.sender.outcome = lambda _: Retryable("Timeout", Status.TIMEOUT)
    for number in range(20):
        harness.source.produce(P0, "1", session=str(number))
    harness.look(20)
    harness.lose(P0)
    [unknown] = harness.lines(40, "outage: nothing is left to send")
    assert 15 <= unknown["after_seconds"] <= 22
    harness.sender.outcome = lambda _: Delivered()
    harness.assign(P0)
    [end] = harness.lines(10, "outage has ended")
    assert "while nothing was sent" in end["event"]
    assert 15 <= end["at_least_seconds"] <= 20
    assert 58 <= end["at_most_seconds"] <= 65


def test_an_outage_that_is_met_again_after_a_silence_has_lasted_all_the_time() -> None:
    harness = Watched()
    harness.sender.outcome = lambda _: Retryable("Timeout", Status.TIMEOUT)
    for number in range(20):
        harness.source.produce(P0, "1", session=str(number))
    harness.look(20)
    harness.lose(P0)
    harness.look(20)
    harness.assign(P0)
    harness.look(20)
    harness.sender.outcome = lambda _: Delivered()
    [end] = harness.lines(10, "outage has ended")
    assert (end["event"], 55 <= end["after_seconds"] <= 65) == ("outage has ended", True)


def test_that_kafka_is_away_is_told_once_with_how_long() -> None:
    harness = Watched()
    harness.look(5)
    harness.source.reached = Reach(harness.clock.now - 7.0)
    lines = harness.lines(30, "Kafka")
    assert [(line["event"][:21], line["last_heard_seconds_ago"]) for line in lines] == [
        ("Kafka does not answer", pytest.approx(7.5, abs=1))
    ]
    harness.source.reached = Reach()
    lines = harness.lines(5, "Kafka")
    assert [(line["event"], line["after_seconds"]) for line in lines] == [
        ("Kafka answers again", pytest.approx(37.5, abs=2))
    ]


def test_gauges_of_a_process_that_has_let_everything_go_are_zero() -> None:
    harness = Watched()
    harness.sender.latency = 1000.0
    for number in range(5):
        harness.source.produce(P0, "1", session=str(number))
    harness.look(5)
    assert harness.value("in_flight_requests") == harness.value("buffered_events") == harness.value("open_records") == 5
    harness.loop.give_up()
    harness.revoke(P0, P1)
    harness.watch.closed()
    for name in ("in_flight_requests", "buffered_events", "open_records"):
        assert harness.value(name) == 0
    assert harness.value("assigned_partitions", topic=TOPIC) == 0


def test_held_rejections_are_told_once() -> None:
    harness = Watched()
    harness.source.produce(P0, "1")
    harness.sender.outcome = lambda _: Rejected("InvalidInputException")
    [line] = harness.look(60)
    assert line.startswith("rejected events are held")


def test_gauges_follow_the_loop() -> None:
    harness = Watched(Bounds(20, 1 << 20, 1000))
    harness.sender.outcome = lambda _: Retryable("Timeout", Status.TIMEOUT)
    for _ in range(50):
        harness.source.produce(P0, "1")
    harness.look(10)
    assert harness.value("assigned_partitions", topic=TOPIC) == 2
    assert harness.value("paused_partitions", topic=TOPIC) == 1
    assert harness.value("open_records") == harness.value("buffered_events") == 20
    assert harness.value("request_rate_limit") == 1000 * START, "it rises once calls have to wait for it"
    harness.sender.outcome = lambda _: Delivered()
    harness.look(30)
    harness.revoke(P0, P1)
    harness.look(2)
    for name in ("assigned_partitions", "paused_partitions"):
        assert harness.value(name, topic=TOPIC) == 0
    for name in ("open_records", "buffered_events", "in_flight_requests"):
        assert harness.value(name) == 0


def test_lag_is_the_age_of_the_oldest_unfinished_record_and_the_records_behind_it() -> None:
    harness = Watched()
    harness.sender.outcome = lambda _: Retryable("Timeout", Status.TIMEOUT)
    for _ in range(5):
        harness.source.produce(P0, "1")
    harness.look(30)
    assert 29 <= harness.value("consumer_lag_seconds", topic=TOPIC, partition="0") <= 31
    assert harness.value("consumer_lag_records", topic=TOPIC, partition="0") == 5
    assert harness.value("consumer_lag_seconds", topic=TOPIC, partition="1") == 0
    harness.sender.outcome = lambda _: Delivered()
    harness.look(30)
    assert harness.value("consumer_lag_seconds", topic=TOPIC, partition="0") == 0
    assert harness.value("consumer_lag_records", topic=TOPIC, partition="0") == 0


@pytest.mark.parametrize("ahead", [None, 3600.0, 0.0, -50.0], ids=["none", "to come", "now", "long ago"])
def test_a_record_that_is_stuck_makes_lag_whatever_its_timestamp_says(ahead: float | None) -> None:
    harness = Watched()
    harness.sender.outcome = lambda _: Retryable("Timeout", Status.TIMEOUT)
    record = harness.source.produce(P0, "1")
    stamp = None if ahead is None or record.timestamp is None else record.timestamp + int(ahead * 1000)
    harness.source.logs[P0] = [record._replace(timestamp=stamp)]
    harness.look(30)
    expected = 30 - min(ahead or 0.0, 0.0)
    assert harness.value("consumer_lag_seconds", topic=TOPIC, partition="0") == pytest.approx(expected, abs=2)
    harness.sender.outcome = lambda _: Delivered()
    harness.look(30)
    assert harness.value("consumer_lag_seconds", topic=TOPIC, partition="0") == 0


def test_how_long_a_record_was_stuck_is_forgotten_with_its_partition() -> None:
    harness = Watched()
    harness.sender.outcome = lambda _: Retryable("Timeout", Status.TIMEOUT)
    harness.source.logs[P0] = [harness.source.produce(P0, "1")._replace(timestamp=None)]
    harness.look(30)
    harness.lose(P0)
    harness.assign(P0)  # from the same offset on, before anybody has looked
    harness.look(5)
    assert 0 < harness.value("consumer_lag_seconds", topic=TOPIC, partition="0") <= 6


def test_records_that_pass_one_after_the_other_make_no_lag() -> None:
    harness = Watched()
    for _ in range(20):
        record = harness.source.produce(P0, "1")
        harness.source.logs[P0][-1] = record._replace(timestamp=None)
        harness.look(2)
    assert harness.value("consumer_lag_seconds", topic=TOPIC, partition="0") <= 2


def test_time_that_calls_wait_for_the_rate_is_counted() -> None:
    harness = Harness(limits=QUICK._replace(linger=0.0, requests_per_second=2.0))
    watch = Watch(harness.loop, harness.source, harness.metrics, harness.environment)
    harness.assign(P0)
    for number in range(20):
        harness.source.produce(P0, "1", session=str(number))
    for _ in range(2000):
        harness.loop.step()
        watch.look()
    assert 5 < harness.value("rate_limit_wait_seconds_total") < 15


# -- one operation among others --------------------------------------------------------------------------------


def with_items(trouble: Outcome) -> Watched:
    """Items meet this trouble, clicks meet none."""
    harness = Watched()
    harness.sender.outcome = lambda batch: trouble if batch.operation is PUT_ITEMS else Delivered()
    for number in range(20):
        harness.source.produce(P1, "item", session=f"i-{number}")
        harness.source.produce(P0, "1", session=str(number))
    return harness


@pytest.mark.parametrize(
    ("trouble", "begin", "end"),
    [
        (Retryable("SSLError", Status.CONNECTION), OUTAGE, "outage has ended"),
        (Retryable(IN_USE, Status.SERVER_ERROR), BUSY, "the dataset takes entries again"),
        (
            Throttled("ThrottlingException"),
            "throttled: calls go slower until the quota has room",
            "throttling has ended",
        ),
    ],
)
def test_the_trouble_of_one_operation_is_told_under_its_name_and_not_as_everybodys(
    trouble: Outcome, begin: str, end: str
) -> None:
    harness = with_items(trouble)
    about = [line for line in harness.lines(60) if "operation" in line]
    assert [(line["event"], line["operation"], line["dataset"]) for line in about] == [
        (begin, "put_items", "shop/ITEMS")
    ]
    assert harness.value("events_total", operation="put_events", outcome="delivered") == 20
    harness.sender.outcome = lambda _: Delivered()
    about = [line for line in harness.lines(120) if "operation" in line]
    assert [(line["event"], line["operation"]) for line in about] == [(end, "put_items")]


def test_entries_that_a_dataset_rejects_are_held_with_the_setting_that_may_be_wrong() -> None:
    harness = with_items(Rejected("InvalidInputException"))
    [held] = harness.lines(5, "rejected entries are held")
    assert (held["operation"], held["dataset"]) == ("put_items", "shop/ITEMS")
    assert "personalize.items_dataset_arn" in held["what_to_do"]


# -- what waits for a schema ----------------------------------------------------------------------------------


def test_what_waits_for_a_schema_shows_in_the_gauges_and_in_the_lag() -> None:
    harness = Watched()
    harness.source.produce(P0, "needs 7 1")
    for _ in range(4):
        harness.source.produce(P0, "1")
    harness.lines(30)
    gauges = ("schema_waiting_partitions", "schema_waiting_records", "paused_partitions", "open_records")
    values = {name: harness.value(name, **({} if name == "open_records" else {"topic": TOPIC})) for name in gauges}
    assert values == {
        "schema_waiting_partitions": 1,
        "schema_waiting_records": 5,
        "paused_partitions": 0,
        "open_records": 0,
    }
    assert harness.value("consumer_lag_records", topic=TOPIC, partition="0") == 5
    assert harness.value("consumer_lag_seconds", topic=TOPIC, partition="0") == pytest.approx(30, abs=2)
    harness.fetcher.answer("7")
    harness.lines(3)
    for name in ("schema_waiting_partitions", "schema_waiting_records"):
        assert harness.value(name, topic=TOPIC) == 0
    assert harness.value("consumer_lag_records", topic=TOPIC, partition="0") == 0
    assert harness.value("consumer_lag_seconds", topic=TOPIC, partition="0") == 0


def test_the_lag_of_a_record_without_a_time_is_how_long_it_has_waited() -> None:
    harness = Watched()
    record = harness.source.produce(P0, "needs 7 1")
    harness.source.logs[P0][0] = record._replace(timestamp=None)
    harness.lines(20)
    assert harness.value("consumer_lag_seconds", topic=TOPIC, partition="0") == pytest.approx(20, abs=2)


def test_an_older_open_record_is_the_lag_and_not_the_one_that_waits_behind_it() -> None:
    harness = Watched()
    old = harness.source.produce(P0, "1")
    harness.source.logs[P0][0] = old._replace(timestamp=int((EPOCH + harness.clock.now - 500) * 1000))
    harness.source.produce(P0, "needs 7 1")
    harness.sender.outcome = lambda _: Retryable("ConnectError", Status.CONNECTION)
    harness.lines(5)
    assert harness.value("consumer_lag_seconds", topic=TOPIC, partition="0") == pytest.approx(505, abs=2)


def test_a_wait_makes_one_line_when_it_begins_and_one_when_it_ends() -> None:
    harness = Watched()
    for place in (P0, P1):
        harness.source.produce(place, "needs 7 1")
    [begin] = harness.lines(60, "partitions")
    assert (begin["event"], begin["topic"], begin["schema"]) == ("partitions wait for a schema", TOPIC, "schema 7")
    assert begin["partitions"] == [0, 1]
    harness.fetcher.answer("7")
    [end] = harness.lines(60, "partitions")
    assert (end["topic"], end["schema"]) == (TOPIC, "schema 7")
    assert end["event"] == "partitions no longer wait for a schema"
    assert end["after_seconds"] == pytest.approx(60, abs=2)


def test_a_registry_that_flaps_makes_a_line_a_minute_at_most() -> None:
    harness = Watched()
    lines = []
    for number in range(60):
        harness.source.produce(P0, "needs 7 1")
        lines += harness.lines(1.5)
        harness.fetcher.answer("7")
        lines += harness.lines(1.5)
        harness.fetcher.here.clear()
        assert harness.committed(P0) >= number
    said = [line["event"] for line in lines if "schema" in line["event"]]
    assert 2 <= len(said) <= 2 * 4, "in three minutes"
    begun = [line for line in said if line == "partitions wait for a schema"]
    assert len(said) - len(begun) in {len(begun), len(begun) - 1}, "each that begins ends, and no other"


def test_a_wait_whose_line_was_left_out_is_said_when_it_lasts() -> None:
    harness = Watched()
    harness.source.produce(P0, "needs 7 1")
    harness.lines(3)
    harness.fetcher.answer("7")
    harness.source.produce(P0, "needs 8 1")
    [end, begin] = harness.lines(90, "partitions")
    assert (end["event"], end["schema"]) == ("partitions no longer wait for a schema", "schema 7")
    assert (begin["event"], begin["schema"]) == ("partitions wait for a schema", "schema 8")


def test_records_that_name_a_schema_each_do_not_make_the_process_remember_them() -> None:
    harness = Watched()
    for number in range(50):
        harness.source.produce(P0, f"needs {number} 1")
        harness.lines(1.5)
        harness.fetcher.answer(str(number))
    harness.lines(3)
    assert harness.watch._waits == {}
    assert len(harness.watch._limiter._last) < 10


def test_a_registry_that_goes_away_makes_two_lines_and_a_gauge() -> None:
    harness = Watched()
    harness.fetcher.reached = SchemaReach(harness.clock.now - 5, "no connection", ("schema 7",))
    [away] = harness.lines(30, "the schema registry does not answer")
    assert (away["log_level"], away["why"]) == ("warning", "no connection")
    assert harness.value("schema_registry_away_seconds") == pytest.approx(35, abs=2)
    harness.fetcher.reached = SchemaReach()
    [back] = harness.lines(30, "the schema registry")
    assert back["event"] == "the schema registry answers again"
    assert back["after_seconds"] == pytest.approx(35, abs=2)
    assert harness.value("schema_registry_away_seconds") == 0
