"""`putevents tap` and `putevents lag` on real Apache Kafka."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka import TopicPartition as ClientTopicPartition

from connector.cli import main
from connector.exits import Exit
from tests.support.config_files import build
from tests.support.kafka.admin import Kafka
from tests.support.look_page import output_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240), pytest.mark.usefixtures("logs_as_before")]
PATIENCE = 60.0


class World:
    """A topic of two partitions, a group, and a file about both."""

    def __init__(self, kafka: Kafka, folder: Path) -> None:
        self.kafka = kafka
        self.topic = kafka.create_topic(kafka.unique_name("look"), 2)
        self.group = f"{self.topic}-group"
        rules = "{name: view, put_events: {sessionId: value.session, eventType: {const: View}}}"
        self.path = folder / "clicks.yaml"
        self.path.write_text(
            build(
                kafka=f"kafka: {{bootstrap_servers: '{kafka.bootstrap_servers}', group_id: {self.group}}}",
                pipelines=f"pipelines: [{{name: web, topics: [{self.topic}], rules: [{rules}]}}]",
            )
        )

    def write(self, count: int, partition: int = 0, *, aborted: bool = False) -> None:
        properties = {"transactional.id": self.group} if aborted else {}
        producer = Producer({"bootstrap.servers": self.kafka.bootstrap_servers, "log_level": 0, **properties})
        if aborted:
            producer.init_transactions(30)
            producer.begin_transaction()
        for number in range(count):
            value = json.dumps({"session": f"jane-{number % 3}" if number % 5 else None}).encode()
            producer.produce(self.topic, value, key=b"jane", partition=partition)
        assert producer.flush(PATIENCE) == 0
        if aborted:
            producer.abort_transaction(30)

    def commit(self, *offsets: int) -> None:
        client = self.client()
        client.commit(
            offsets=[ClientTopicPartition(self.topic, number, offset) for number, offset in enumerate(offsets)],
            asynchronous=False,
        )
        client.close()

    def client(self) -> Consumer:
        return Consumer(
            {"bootstrap.servers": self.kafka.bootstrap_servers, "group.id": self.group, "enable.auto.commit": False}
        )

    def lag(self, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
        assert main(["lag", str(self.path), "--interval", "200ms", "--output", "json"]) == Exit.OK
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found


@pytest.fixture
def world(kafka: Kafka, tmp_path: Path) -> World:
    return World(kafka, tmp_path)


def test_tap_shows_what_becomes_of_real_records_and_leaves_no_trace(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.write(20)
    world.write(10, partition=1)
    assert main(["tap", str(world.path), "-o", "@-1h:end", "--output", "json"]) == Exit.OK
    out, _ = capsys.readouterr()
    *shown, last = [json.loads(line) for line in out.splitlines()]
    assert len(shown) == 30
    assert last["summary"]["outcomes"] == {"mapped": 24, "dead_letter": 6}
    assert "jane" not in out
    assert world.kafka.committed_offsets(world.group, world.topic) == {}
    assert "knows no such group" in world.lag(capsys)["notes"][0]


def test_lag_is_exact_from_the_record_at_the_committed_offset(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    before = time.time()
    world.write(10)
    after = time.time()
    world.commit(4, 0)
    found = world.lag(capsys)
    assert (found["state"], found["lag_records"]) == ("stopped", 6)
    assert found["notes"] == ["nobody is in the group: no connector runs"]
    [first, second] = sorted(found["partitions"], key=lambda each: each["partition"])
    assert (first["committed"], first["lag_records"], second["lag_records"]) == (4, 6, 0)
    # The same machine's clock stamped the records.
    assert 0 <= first["lag_seconds"] <= time.time() - before
    assert first["lag_seconds"] >= time.time() - after - PATIENCE


def test_a_member_that_reads_nothing_is_stalled(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.write(10)
    world.commit(4, 0)
    member = world.client()
    member.subscribe([world.topic])
    deadline = time.monotonic() + PATIENCE
    while not member.assignment():
        assert time.monotonic() < deadline
        member.poll(0.1)
    found = world.lag(capsys)
    assert (found["state"], found["notes"]) == ("stalled", [])
    member.close()


def test_markers_of_transactions_at_the_end_are_no_lag(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.write(3)
    world.write(5, aborted=True)
    world.commit(3, 0)
    found = world.lag(capsys)
    assert (found["state"], found["lag_records"]) == ("ok", 0)
    [first] = [each for each in found["partitions"] if each["partition"] == 0]
    assert first["end"] == 9
    assert "the last 6 offsets hold no record" in first["notes"][0]


def test_what_retention_deleted_is_counted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.write(10)
    world.commit(2, 0)
    world.kafka.delete_records(world.topic, 0, 7)
    found = world.lag(capsys)
    [first] = [each for each in found["partitions"] if each["partition"] == 0]
    assert (first["deleted"], first["lag_records"]) == (5, 3)
    assert "5 offsets were deleted before they were read" in first["notes"][0]


def test_lag_shows_what_the_page_shows(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.write(1204)
    world.write(8, partition=1)
    world.commit(1000, 8)
    assert main(["lag", str(world.path)]) == Exit.OK
    out, err = capsys.readouterr()
    shown = (err + out).replace(world.group, "personalize").replace(world.topic, "clicks")
    assert general(shown) == general(output_of("lag"))


def general(text: str) -> str:
    """Without what differs from run to run: times, and columns that follow the name of the topic."""
    return re.sub(r" +", " ", re.sub(r"[\d.]+ (?:s|min \d+ s)(?= behind| +0\.0)", "T", text))
