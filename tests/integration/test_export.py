"""`putevents export`, `offsets set` and `run` on real Apache Kafka cover every record exactly once."""

from __future__ import annotations

import csv
import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import yaml
from confluent_kafka import Consumer, Producer

from connector.cli import main
from connector.exits import Exit
from tests.support.processes import Connector, Endpoint, Process, environment, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.kafka.admin import Kafka

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420), pytest.mark.usefixtures("logs_as_before")]
TIME = 1_764_000_000
PARTITIONS = 3
PATIENCE = 120.0


class Shop:
    """A topic, a file about it, and what was written to the topic."""

    def __init__(self, kafka: Kafka, folder: Path, url: str) -> None:
        self.kafka, self.folder = kafka, folder
        self.topic = kafka.create_topic(kafka.unique_name("export"), PARTITIONS)
        self.dead = kafka.create_topic(kafka.unique_name("dead"))
        self.group = f"{self.topic}-group"
        self.written = 0
        self.config = {
            "kafka": {"bootstrap_servers": kafka.bootstrap_servers, "group_id": self.group},
            "personalize": {"tracking_id": "tracker-1", "endpoint_url": url, "region": "eu-west-1"},
            "delivery": {"linger": "50ms", "commit_interval": "200ms"},
            "dead_letter": {"topic": self.dead},
            "pipelines": [{"name": "web", "topics": [self.topic], "rules": [RULE]}],
        }
        self.path = folder / "shop.yaml"
        self.path.write_text(yaml.safe_dump(self.config))

    def produce(self, count: int) -> None:
        producer = Producer({"bootstrap.servers": self.kafka.bootstrap_servers, "log_level": 0, "linger.ms": 20})
        for number in range(self.written, self.written + count):
            value = orjson.dumps({"session": f"s{number % 997}", "user": f"u{number % 997}", "item": f"i{number}"})
            while True:
                try:
                    producer.produce(self.topic, value, partition=number % PARTITIONS)
                    break
                except BufferError:
                    producer.poll(0.1)
        assert producer.flush(PATIENCE) == 0
        self.written += count

    def words(self, *words: str) -> list[str]:
        return ["export", str(self.path), "--to", str(self.folder / "out"), *words]

    def rows(self, column: str) -> list[str]:
        found = []
        for path in sorted((self.folder / "out").glob("*.csv")):
            with path.open(newline="") as lines:
                found += [row[column] for row in csv.DictReader(lines)]
        return found

    def set(self, *words: str) -> int:
        return main(["offsets", "set", str(self.path), str(self.folder / "out" / "cutover.json"), *words])

    def noted(self) -> int:
        """How many records the unfinished export has noted as read."""
        path = self.folder / "out" / ".putevents-export" / "note.json"
        return int(orjson.loads(path.read_bytes())["read"]) if path.exists() else 0


RULE: dict[str, Any] = {
    "name": "view",
    "put_events": {
        "sessionId": "value.session",
        "userId": "value.user",
        "eventType": {"const": "View"},
        "itemId": "value.item",
        "sentAt": {"const": TIME},
    },
}


def item_of(event_id: str) -> str:
    """The item of an event, from the place that its default id has: records go to the partitions in turn."""
    partition, offset, _ = event_id.rsplit("-", 3)[1:]
    return f"i{int(offset) * PARTITIONS + int(partition)}"


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    with Endpoint(tmp_path, "--ledger") as running:
        yield running


@pytest.fixture
def shop(kafka: Kafka, tmp_path: Path, endpoint: Endpoint) -> Shop:
    return Shop(kafka, tmp_path, endpoint.url)


def test_export_then_run_covers_each_record_once_through_a_kill(
    shop: Shop, endpoint: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.produce(250_000)
    more = threading.Thread(target=shop.produce, args=(2_000,))
    arguments = ["connector", *shop.words()]
    with Process(arguments, environment(), shop.folder / "killed.log") as killed:
        # Only what the first note has on it is kept: a kill before would begin anew, which proves less.
        wait_until(lambda: shop.noted() > 0, PATIENCE, "a first note", killed.running)
        killed.kill()
    assert 0 < shop.noted() < 250_000
    more.start()
    assert main([*shop.words(), "--output", "json"]) == Exit.OK
    more.join(PATIENCE)
    out, err = capsys.readouterr()
    assert "goes on with the unfinished export" in err
    exported = shop.rows("ITEM_ID")
    assert json.loads(out)["records"] == len(exported) == 250_000
    assert shop.kafka.committed_offsets(shop.group, shop.topic) == {}
    assert shop.set() == Exit.OK
    with Connector(shop.folder, shop.config) as connector:
        wait_until(lambda: endpoint.stats()["events"] >= 2_000, PATIENCE, "the rest delivered", connector.running)
        assert connector.stop(30) == 0
    sent = Counter(item_of(row["eventId"]) for row in endpoint.accepted())
    assert set(sent.values()) == {1}
    assert Counter(exported) + sent == Counter(f"i{number}" for number in range(shop.written))


def test_what_is_written_while_an_export_reads_is_left_to_run(shop: Shop) -> None:
    shop.produce(200_000)
    more = threading.Thread(target=shop.produce, args=(3_000,))
    with Process(["connector", *shop.words()], environment(), shop.folder / "export.log") as export:
        wait_until(lambda: shop.noted() > 0, PATIENCE, "a first note", export.running)
        more.start()
        assert export.exit_code(PATIENCE) == 0, export.logged()
    more.join(PATIENCE)
    offsets = json.loads((shop.folder / "out" / "cutover.json").read_bytes())["offsets"][shop.topic]
    assert sum(offsets.values()) == len(shop.rows("ITEM_ID")) == 200_000


def test_a_group_with_members_is_refused_with_who_they_are(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.produce(10)
    assert main(shop.words()) == Exit.OK
    member = Consumer(
        {
            "bootstrap.servers": shop.kafka.bootstrap_servers,
            "group.id": shop.group,
            "client.id": "somebody",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    member.subscribe([shop.topic])
    try:
        wait_until(lambda: member.poll(0.5) is not None, PATIENCE, "the member reads")
        capsys.readouterr()
        assert shop.set() == Exit.UNAVAILABLE
        assert "the group has 1 members (somebody): stop them first" in capsys.readouterr().err
    finally:
        member.close()
    assert shop.set() == Exit.OK
    assert sum(shop.kafka.committed_offsets(shop.group, shop.topic).values()) == 10


def test_records_that_retention_deleted_are_said_and_not_passed_over(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.produce(30)
    assert main(shop.words()) == Exit.OK
    shop.produce(30)
    shop.kafka.delete_records(shop.topic, 0, 15)
    capsys.readouterr()
    assert shop.set() == Exit.UNAVAILABLE
    assert "retention has deleted 5 offsets that are neither in the export nor left to read" in capsys.readouterr().err


def test_another_cluster_and_a_recreated_topic_are_refused(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.produce(30)
    assert main(shop.words()) == Exit.OK
    path = shop.folder / "out" / "cutover.json"
    document = json.loads(path.read_bytes())
    assert document["cluster"]
    path.write_text(json.dumps(document | {"cluster": "another"}))
    assert shop.set() == Exit.UNAVAILABLE
    assert "the export read another Kafka cluster" in capsys.readouterr().err


def test_a_partition_that_appears_after_the_export_begins_at_its_start(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.produce(30)
    assert main(shop.words()) == Exit.OK
    shop.kafka.add_partitions(shop.topic, PARTITIONS + 1)
    capsys.readouterr()
    assert shop.set() == Exit.OK
    assert f"begin at the start: {shop.topic}-{PARTITIONS}" in capsys.readouterr().err
    assert shop.kafka.committed_offsets(shop.group, shop.topic).keys() == set(range(PARTITIONS))


def test_records_that_retention_deletes_before_they_are_read_are_counted(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.produce(30)
    with monkeypatch.context() as stopped:
        stopped.setattr("connector.cli.topics.Stop.is_set", lambda _: True)
        assert main(shop.words()) == Exit.NOT_OK
    shop.kafka.delete_records(shop.topic, 0, 4)
    capsys.readouterr()
    assert main([*shop.words(), "--output", "json"]) == Exit.OK
    found = json.loads(capsys.readouterr().out)
    assert (found["missed"], found["records"], found["rows"]) == (4, 26, 26)
    assert "retention deletes faster than the export reads: records are missing" in found["warnings"]
