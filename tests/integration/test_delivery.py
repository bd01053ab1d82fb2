"""The promise on real Apache Kafka: all good events accepted as mapped and in order, all bad records dead-lettered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.processes import Connector, Endpoint, wait_until
from tests.support.traffic import configuration, dead_letters_in, judge, lag, produce, stream, topics

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.kafka.admin import Kafka

pytestmark = pytest.mark.integration


@pytest.mark.timeout(600)
def test_50_000_records_of_1_000_sessions_arrive_as_mapped_and_in_order(kafka: Kafka, tmp_path: Path) -> None:
    topic, dead = topics(kafka)
    placed = produce(kafka, topic, stream(50_000, 1_000, seed=1))
    assert len(placed) == 50_000
    with Endpoint(tmp_path, "--ledger", "--poison-prefix", "poison-", "--latency", "20ms") as endpoint:
        config = configuration(kafka, topic, dead, endpoint.url)
        with Connector(tmp_path, config) as connector:
            connector.wait_until_ready()
            good = sum(expected.event is not None for expected in placed.values())
            wait_until(lambda: endpoint.stats()["events"] >= good, 400, "all good events", connector.running)
            wait_until(lambda: lag(kafka, topic) == 0, 30, "no lag", connector.running)
            outcomes = {
                outcome: connector.metric("putevents_records_total", topic=topic, outcome=outcome)
                for outcome in ("delivered", "filtered", "skipped", "dead_lettered")
            }
            assert connector.metric("putevents_records_consumed_total", topic=topic) == 50_000
            assert outcomes == {
                "delivered": good,
                "filtered": 0,
                "skipped": 0,
                "dead_lettered": 50_000 - good,
            }
            assert connector.stop(25) == 0
        letters = dead_letters_in(kafka, dead)
        judge(placed, endpoint.accepted(), letters)
        assert len(letters) == 50_000 - good, "a bad record was dead-lettered more than once"
        assert endpoint.stats()["duplicates"] == 0


@pytest.mark.timeout(240)
def test_sigterm_in_the_middle_loses_nothing(kafka: Kafka, tmp_path: Path) -> None:
    topic, dead = topics(kafka)
    placed = produce(kafka, topic, stream(20_000, 300, seed=2))
    good = sum(expected.event is not None for expected in placed.values())
    with Endpoint(
        tmp_path, "--ledger", "--poison-prefix", "poison-", "--latency", "20ms", "--quota", "600"
    ) as endpoint:
        # A stop delivers what is buffered: with a small buffer, much is left for the second run.
        config = configuration(kafka, topic, dead, endpoint.url, shutdown_timeout="10s", max_buffered_events=1000)
        with Connector(tmp_path, config, "first") as connector:
            connector.wait_until_ready()
            wait_until(lambda: endpoint.stats()["events"] > good // 4, 60, "a quarter", connector.running)
            assert connector.stop(10) == 0
        assert endpoint.stats()["events"] < good, "it was to be stopped in the middle"
        with Connector(tmp_path, config, "second") as connector:
            wait_until(lambda: lag(kafka, topic) == 0, 120, "no lag", connector.running)
            assert connector.stop(10) == 0
        judge(placed, endpoint.accepted(), dead_letters_in(kafka, dead))
