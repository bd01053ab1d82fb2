"""``putevents dlq`` on real Apache Kafka and the local endpoint."""

from __future__ import annotations

import signal
from collections import Counter
from typing import TYPE_CHECKING

import orjson
import pytest
import yaml

from tests.support import forked
from tests.support.dead_letters import Shop, missing
from tests.support.processes import Connector, Endpoint, Process, environment, wait_until
from tests.support.traffic import dead_letters_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.kafka.admin import Kafka

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    with Endpoint(tmp_path, "--ledger") as running:
        yield running


@pytest.fixture
def shop(kafka: Kafka, tmp_path: Path, endpoint: Endpoint) -> Shop:
    topic, dead = kafka.create_topic(kafka.unique_name("clicks")), kafka.create_topic(kafka.unique_name("dead"))
    found = Shop(kafka, tmp_path, topic, dead, endpoint.url)
    found.write()
    return found


def accepted_ids(endpoint: Endpoint) -> Counter[str]:
    return Counter(row["eventId"] for row in endpoint.accepted())


def test_letters_are_listed_by_kind_and_shown_without_values(shop: Shop) -> None:
    shop.bury(shop.records(5))
    shop.bury(shop.records(2, 5), missing("itemId", "orders"))
    listed = shop.dlq("list")
    assert listed.code == 0
    assert [line.split()[:4] for line in listed.lines[1:]] == [
        ["5", "missing_member", "sessionId", "view"],
        ["2", "missing_member", "itemId", "orders"],
    ]
    assert f"{shop.dead}: 7 letters to replay" in listed.err
    shown = shop.dlq("show", "0:6")
    assert shown.code == 0
    assert f"{shop.topic}-0@6" in shown.out
    assert "itemId" in shown.out
    said = (shown.out + shown.err).replace(shop.topic, "").replace(shop.dead, "")  # whose names are made by chance
    for value in ("s-6", "item-6", "key-6"):
        assert value not in said
    assert "item-6" in shop.dlq("show", "--rule", "orders", "--show-values", "--offset", "6").out
    assert shop.dlq("show", "--rule", "no-such-rule").code == 1


def test_a_mended_mapping_replays_to_zero_and_the_ids_are_those_of_the_source(shop: Shop, endpoint: Endpoint) -> None:
    shop.bury(shop.records(30))
    assert shop.dlq("replay", "--output", "json").json["fail_again"][0]["letters"] == 30
    assert endpoint.stats()["events"] == 0
    shop.write("value.sessionID")
    tried = shop.dlq("replay", "--output", "json").json
    assert (tried["delivered"], tried["events"], tried["fail_again"]) == (30, 30, [])
    done = shop.dlq("replay", "--execute", "--output", "json")
    assert (done.code, done.json["delivered"], done.json["complete"]) == (0, 30, True), done.err
    assert "0 letters to replay, 30 replayed already" in shop.dlq("list").err
    ids = accepted_ids(endpoint)
    assert len(ids) == 30
    assert set(ids.values()) == {1}
    assert all(each.startswith(f"{shop.topic}-0-") for each in ids)
    assert shop.dlq("replay", "--execute", "--output", "json").json["letters"] == 0
    assert endpoint.stats()["events"] == 30


def test_a_replay_that_fails_again_counts_and_keeps_the_first_failure_until_the_cap(shop: Shop) -> None:
    shop.bury(shop.records(3), missing("itemId", "former"))
    for replays in (1, 2):
        assert shop.dlq("replay", "--execute", "--output", "json", "--max-replays", "2").json["failed_again"] == 3
        written = [headers for headers, _ in dead_letters_in(shop.kafka, shop.dead)][-3:]
        for number, headers in enumerate(written):
            assert headers["putevents.replays"] == str(replays)
            assert headers["putevents.error.field"] == "sessionId"
            assert headers["putevents.first.field"] == "itemId"
            assert headers["putevents.first.rule"] == "former"
            assert headers["putevents.source.offset"] == headers["putevents.first.source.offset"] == str(number)
    capped = shop.dlq("replay", "--execute", "--output", "json", "--max-replays", "2")
    assert (capped.code, capped.json["letters"]) == (1, 0)
    assert len(capped.json["left"]["max_replays"]) == 3
    listed = shop.dlq("list", "--output", "json").json
    assert (listed["letters"], listed["replayed"], listed["left"]) == (0, 9, 0), "2 is below the usual cap"
    assert shop.kafka.end_offsets(shop.dead)[0] >= 9


def test_letters_that_a_replay_had_to_leave_are_counted_afterwards(shop: Shop) -> None:
    shop.write("value.sessionID")
    shop.bury(shop.records(3))
    shop.bury(shop.records(2, 3), stub=True)
    assert shop.dlq("replay", "--execute").code == 1
    assert shop.dlq("list", "--output", "json").json["left"] == 2
    listed = shop.dlq("list").err
    assert "0 letters to replay, 5 replayed already" in listed
    assert "2 letters of those a replay had to leave" in listed


def test_a_replay_by_reason_leaves_the_others_to_the_next_and_neither_delivers_twice(
    shop: Shop, endpoint: Endpoint
) -> None:
    shop.write("value.sessionID")
    for number in range(10):
        shop.bury(shop.records(1, number), missing("sessionId" if number % 2 else "itemId"))
    first = shop.dlq("replay", "--execute", "--member", "itemId", "--output", "json")
    assert first.json["delivered"] == 5, first.err
    assert "5 letters to replay, 5 replayed already" in shop.dlq("list").err
    rest = shop.dlq("replay", "--execute", "--output", "json")
    assert rest.json["delivered"] == 5, rest.err
    assert set(accepted_ids(endpoint).values()) == {1}
    assert endpoint.stats()["events"] == 10


def test_after_a_kill_only_what_was_in_flight_is_delivered_again(shop: Shop, endpoint: Endpoint) -> None:
    shop.write("value.sessionID")
    shop.bury(shop.records(600))
    arguments = ["connector", "dlq", "replay", str(shop.path), "--execute", "--rate", "100"]
    with Process(arguments, environment(), shop.folder / "killed.log") as killed:
        wait_until(lambda: endpoint.stats()["events"] > 200, 90, "a third delivered", killed.running)
        killed.kill()
    before = accepted_ids(endpoint)
    assert len(before) < 600
    done = shop.dlq("replay", "--execute", "--rate", "1000", "--output", "json")
    assert done.code == 0, done.err
    after = accepted_ids(endpoint)
    assert len(after) == 600
    assert done.json["delivered"] < 600, "it resumed where the commits of the first one stand"
    assert set(after.values()) <= {1, 2}


def test_a_replay_says_why_nothing_goes_on_and_that_it_stops_and_the_next_one_does_all(
    shop: Shop, endpoint: Endpoint
) -> None:
    shop.write("value.sessionID", delivery={"linger": "50ms", "max_in_flight": 4, "shutdown_timeout": "1s"})
    shop.bury(shop.records(20))
    endpoint.control(outage="unavailable")
    arguments = ["connector", "dlq", "replay", str(shop.path), "--execute"]
    with Process(arguments, environment(), shop.folder / "outage.log") as replay:
        wait_until(lambda: "outage: " in replay.logged(), 90, "a line of the outage", replay.running)
        replay.popen.send_signal(signal.SIGINT)
        assert replay.exit_code(90) == 1
        assert "stopping: what is in flight has at most 1 s" in replay.logged()
        assert replay.popen.stdout is not None
        assert replay.popen.stdout.read().startswith(b"20 letters taken\n  0 delivered")
    endpoint.control(outage=None)
    assert shop.dlq("replay", "--execute", "--output", "json").json["delivered"] == 20


@pytest.mark.parametrize("partitions", [1, 3])
def test_two_replays_at_once_deliver_each_letter_once(
    shop: Shop, kafka: Kafka, endpoint: Endpoint, partitions: int
) -> None:
    shop = shop._replace(dead=kafka.create_topic(kafka.unique_name("dead"), partitions))
    shop.write("value.sessionID")
    shop.bury(shop.records(300))
    arguments = ["connector", "dlq", "replay", str(shop.path), "--execute", "--rate", "60", "--output", "json"]
    with (
        Process(arguments, environment(), shop.folder / "one.log") as one,
        Process(arguments, environment(), shop.folder / "two.log") as two,
    ):
        assert (one.exit_code(120), two.exit_code(120)) == (0, 0), one.logged() + two.logged()
        delivered = [orjson.loads(each.popen.stdout.read())["delivered"] for each in (one, two) if each.popen.stdout]
    assert sum(delivered) == 300
    assert set(accepted_ids(endpoint).values()) == {1}


def test_letters_return_to_their_topic_as_they_were_and_the_connector_delivers_them(
    shop: Shop, endpoint: Endpoint
) -> None:
    shop.bury([record._replace(headers=(("trace", b"a"), ("trace", b"b"))) for record in shop.records(4)])
    shop.bury([record._replace(topic="of-last-year") for record in shop.records(1)])
    done = shop.dlq("replay", "--execute", "--to", "topic", "--output", "json")
    assert (done.code, done.json["delivered"], done.json["left"]) == (1, 4, {"topic_gone": ["0:4"]}), done.err
    returned = dead_letters_in(shop.kafka, shop.topic)
    wanted = shop.records(4)
    assert [(message.key(), message.value(), message.timestamp()[1]) for _, message in returned] == [
        (record.key, record.value, record.timestamp) for record in wanted
    ]
    first = returned[0][1].headers()
    assert first[:2] == [("trace", b"a"), ("trace", b"b")]
    assert ("putevents.replays", b"1") in first
    assert not [name for name, _ in first if name.startswith(("putevents.error.", "putevents.source."))]
    shop.write("value.sessionID")
    config = yaml.safe_load(shop.path.read_text())
    with Connector(shop.folder, config, "run") as connector:
        wait_until(lambda: endpoint.stats()["events"] == 4, 60, "all delivered", connector.running)
        assert connector.stop(25) == 0


def test_a_stub_is_left_and_its_source_is_named(shop: Shop) -> None:
    shop.bury(shop.records(1), stub=True)
    tried = shop.dlq("replay")
    assert "left: the letter has not the record, which was too large" in tried.out
    assert f"not at {shop.topic}-0@0 any more" in tried.out
    assert shop.dlq("replay", "--execute").code == 1


def test_an_export_goes_through_map_to_the_same_result(shop: Shop) -> None:
    shop.write("value.sessionID")
    shop.bury(shop.records(3))
    exported = shop.dlq("export")
    assert [orjson.loads(line)["offset"] for line in exported.lines] == [0, 1, 2]
    path = shop.folder / "letters.jsonl"
    assert shop.dlq("export", "--to", str(path)).out == ""
    assert path.read_text() == exported.out
    assert path.stat().st_mode & 0o777 == 0o600, "it has people's data"
    command = [*forked.CONNECTOR, "map", str(shop.path), "--records", "--input", str(path)]
    mapped = forked.run(command, env=environment(), timeout=180)
    assert mapped.returncode == 0, mapped.stderr
    fates = [orjson.loads(line) for line in mapped.stdout.splitlines()]
    assert [fate["outcome"] for fate in fates] == ["mapped"] * 3, "the mapping was mended"
    calls = [call for fate in fates for call in fate["calls"]]
    assert [call["sessionId"] for call in calls] == ["s-0", "s-1", "s-2"]
    ids = [event["eventId"] for call in calls for event in call["eventList"]]
    assert [each.rsplit("-", 2)[0] for each in ids] == [f"{shop.topic}-0"] * 3, "those of the source"
