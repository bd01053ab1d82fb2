"""Retention overtakes a group on real Apache Kafka: counted and loud, or the end where that is wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.exits import Exit
from tests.support.kafka.admin import Kafka
from tests.support.processes import Connector, Endpoint, wait_until
from tests.support.traffic import PARTITIONS, configuration, lag, produce, stream, topics

pytestmark = pytest.mark.integration


def run_once(folder: Path, kafka: Kafka, topic: str, config: dict[str, object], name: str) -> float:
    """Deliver everything, stop; what was counted as missed."""
    with Connector(folder, config, name) as connector:
        connector.wait_until_ready()
        wait_until(lambda: lag(kafka, topic) == 0, 60, "no lag", connector.running)
        missed = connector.metric("putevents_records_missed_total", topic=topic)
        assert connector.stop(25) == Exit.OK
    return missed


def test_what_retention_deleted_is_counted_and_the_rest_is_delivered(kafka: Kafka, tmp_path: Path) -> None:
    topic, dead = topics(kafka)
    with Endpoint(tmp_path, "--ids") as endpoint:
        config = configuration(kafka, topic, dead, endpoint.url)
        produce(kafka, topic, stream(300, 20, seed=3))
        assert run_once(tmp_path, kafka, topic, config, "before") == 0
        ends = kafka.end_offsets(topic)
        produce(kafka, topic, stream(3_000, 20, seed=4))
        for partition, end in ends.items():
            kafka.delete_records(topic, partition, end + 10)
        assert run_once(tmp_path, kafka, topic, config, "after") == 10 * PARTITIONS
        assert "deleted before they were read" in (tmp_path / "after.log").read_text()


def test_with_error_the_process_stops_instead_and_says_why(kafka: Kafka, tmp_path: Path) -> None:
    topic, dead = topics(kafka)
    with Endpoint(tmp_path, "--ids") as endpoint:
        config = configuration(kafka, topic, dead, endpoint.url)
        produce(kafka, topic, stream(300, 20, seed=5))
        run_once(tmp_path, kafka, topic, config, "before")
        ends = kafka.end_offsets(topic)
        produce(kafka, topic, stream(3_000, 20, seed=6))
        for partition, end in ends.items():
            kafka.delete_records(topic, partition, end + 10)
        before = kafka.committed_offsets(f"group-{topic}", topic)
        config["kafka"]["auto_offset_reset"] = "error"
        with Connector(tmp_path, config, "stopping") as connector:
            assert connector.exit_code(60) == Exit.REFUSED
        assert "auto_offset_reset" in (tmp_path / "stopping.log").read_text()
        assert kafka.committed_offsets(f"group-{topic}", topic) == before
