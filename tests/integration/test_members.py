"""Static members and a storm of throttling, on real Apache Kafka."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.kafka.admin import Kafka
from tests.support.processes import Connector, Endpoint, wait_until
from tests.support.traffic import configuration, dead_letters_in, judge, lag, produce, stream, topics

pytestmark = pytest.mark.integration


@pytest.mark.timeout(180)
def test_a_static_member_that_restarts_moves_no_partition_of_the_others(kafka: Kafka, tmp_path: Path) -> None:
    topic, dead = topics(kafka)
    with Endpoint(tmp_path, "--ledger", "--poison-prefix", "poison-") as endpoint:

        def member(name: str, run: int) -> Connector:
            config = configuration(kafka, topic, dead, endpoint.url)
            config["kafka"]["librdkafka"] = {"group.instance.id": name, "session.timeout.ms": 30_000}
            return Connector(tmp_path, config, f"{name}-{run}")

        with member("one", 1) as one, member("two", 1) as two:
            for each in (one, two):
                each.wait_until_ready()
            wait_until(
                lambda: one.metric("putevents_assigned_partitions") == two.metric("putevents_assigned_partitions") == 3,
                60,
                "both have their half",
            )
            placed = produce(kafka, topic, stream(2_000, 50, seed=7))
            wait_until(lambda: lag(kafka, topic) == 0, 60, "no lag", one.running)
            before = one.metric("putevents_rebalances_total")
            assert two.stop(25) == 0
            placed |= produce(kafka, topic, stream(2_000, 50, seed=8, first=2_000))
            with member("two", 2) as again:
                again.wait_until_ready()
                wait_until(lambda: lag(kafka, topic) == 0, 60, "no lag", again.running)
                assert one.metric("putevents_rebalances_total") == before
                assert again.stop(25) == 0
            assert one.stop(25) == 0
        judge(placed, endpoint.accepted(), dead_letters_in(kafka, dead))


@pytest.mark.timeout(180)
def test_a_storm_of_throttling_passes_and_costs_nothing_but_time(kafka: Kafka, tmp_path: Path) -> None:
    topic, dead = topics(kafka)
    placed = produce(kafka, topic, stream(8_000, 200, seed=9))
    with Endpoint(tmp_path, "--ledger", "--poison-prefix", "poison-", "--quota", "30") as endpoint:
        config = configuration(kafka, topic, dead, endpoint.url, requests_per_second=1000)
        with Connector(tmp_path, config) as connector:
            connector.wait_until_ready()

            def throttled() -> float:
                return connector.metric("putevents_requests_total", status="throttled")

            wait_until(lambda: throttled() > 10, 30, "throttled", connector.running)
            wait_until(lambda: connector.metric("putevents_request_rate_limit") < 500, 30, "slower", connector.running)
            endpoint.control(quota=None)
            wait_until(lambda: lag(kafka, topic) == 0, 60, "no lag", connector.running)
            assert connector.stop(25) == 0
        judge(placed, endpoint.accepted(), dead_letters_in(kafka, dead))
        assert endpoint.stats()["duplicates"] == 0
