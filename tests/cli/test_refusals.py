"""A refused process answers a little longer, so that a scrape sees why; then it ends with 77, the reason last."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import KafkaError

from connector.core.records import TopicPartition
from connector.local.endpoint.server import Endpoint
from connector.local.mock_cluster import ApiKey, MockCluster
from tests.support.config_files import run_config
from tests.support.mock_cluster import committed, produce
from tests.support.processes import Connector, wait_until

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 30.0
LONG = 600.0  # seconds that no test waits for
P0 = TopicPartition("clicks", 0)
NOBODY = {
    "AWS_ACCESS_KEY_ID": "",
    "AWS_SECRET_ACCESS_KEY": "",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


def configuration(cluster: MockCluster, endpoint: Endpoint, linger: float) -> dict[str, Any]:
    server = {"linger_after_refusal": f"{linger}s"}
    return run_config(cluster.bootstrap_servers, endpoint.url, delivery={"stop_after_rejections": 1}, server=server)


def view(session: str = "s-1") -> bytes:
    return json.dumps({"session": session}).encode()


def denied(cluster: MockCluster, endpoint: Endpoint, _: dict[str, Any]) -> None:
    endpoint.control({"denied": True})
    produce(cluster.bootstrap_servers, "clicks", view())


def wrong_tracking_id(cluster: MockCluster, endpoint: Endpoint, _: dict[str, Any]) -> None:
    endpoint.control({"tracking_ids": ["another"]})
    produce(cluster.bootstrap_servers, "clicks", view())


def no_read_on_the_group(cluster: MockCluster, *_: Any) -> None:
    cluster.push_request_errors(ApiKey.FIND_COORDINATOR, *[KafkaError.GROUP_AUTHORIZATION_FAILED] * 100)


def no_tls_at_the_listener(_: MockCluster, __: Endpoint, config: dict[str, Any]) -> None:
    config["kafka"]["tls"] = {"enabled": True}


def no_credentials(*_: Any) -> None:
    """The environment says it."""


WAYS: dict[str, tuple[Any, dict[str, str], dict[str, str], str]] = {
    "denied": (denied, {}, {"by": "personalize", "code": "AccessDeniedException"}, "stopped by Amazon Personalize"),
    "a wrong tracking id": (
        wrong_tracking_id,
        {},
        {"by": "personalize", "code": "InvalidInputException"},
        "stopped by Amazon Personalize",
    ),
    "no Read on the group": (
        no_read_on_the_group,
        {},
        {"by": "kafka", "code": "GROUP_AUTHORIZATION_FAILED"},
        "refused by Kafka",
    ),
    "no TLS at the listener": (no_tls_at_the_listener, {}, {"by": "kafka", "code": "_TRANSPORT"}, "refused by Kafka"),
    "no credentials": (no_credentials, NOBODY, {"by": "credentials", "code": "not_configured"}, "cannot start"),
}


def refused(connector: Connector) -> bool:
    return connector.listening > 0 and connector.metric("putevents_refused") == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_refused_process_is_alive_not_ready_and_scraped_with_the_reason_until_a_signal(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path, way: str
) -> None:
    spoil, env, labels, said = WAYS[way]
    config = configuration(cluster, endpoint, LONG)
    spoil(cluster, endpoint, config)
    with Connector(tmp_path, config, **env) as connector:
        wait_until(lambda: refused(connector), PATIENCE, "refused", connector.running)
        assert connector.metric("putevents_refused", **labels) == 1
        wait_until(lambda: "for 600 s more" in connector.logged(), PATIENCE, "everything closed", connector.running)
        assert connector.get("/livez")[0] == 200
        status, reason = connector.get("/readyz")
        assert status == 503
        page = json.loads(connector.get("/?format=json")[1])
        assert (page["state"]["kind"], page["also"]) == ("refused", [])
        assert page["state"]["detail"] == reason.strip()
        assert connector.metric("putevents_assigned_partitions") == 0
        assert connector.metric("putevents_in_flight_requests") == 0
        began = time.monotonic()
        assert connector.stop(5) == 77
        assert time.monotonic() - began < 3
        lines = [json.loads(line) for line in connector.logged().splitlines()]
        first, last = [line for line in lines if line["message"].startswith(said)]
        assert last == lines[-1]
        assert last["exit_code"] == 77
        assert {**last, **first} == {**first, "exit_code": 77}
        assert reason.strip().endswith(last.get("what_to_do") or last["why"])


def test_a_denied_process_shows_the_denied_call_and_reads_sends_and_commits_nothing_more(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    config = configuration(cluster, endpoint, LONG)
    denied(cluster, endpoint, config)
    with Connector(tmp_path, config) as connector:
        wait_until(lambda: "for 600 s more" in connector.logged(), PATIENCE, "refused", connector.running)
        assert connector.metric("putevents_requests_total", status="denied") == 1
        endpoint.control({"denied": None})
        before = connector.metrics()
        produce(cluster.bootstrap_servers, "clicks", *[view(f"s-{number}") for number in range(5)])
        # Another member gets the partitions at once: this one has left the group.
        with Connector(tmp_path, {**config, "server": {}}, "other") as other:
            wait_until(lambda: committed(cluster.bootstrap_servers, P0) == [6], PATIENCE, "the rest", other.running)
            assert other.stop(10) == 0
        assert len(endpoint.accepted()) == 6
        changing = ("process_", "python_")
        assert {key: value for key, value in connector.metrics().items() if not key[0].startswith(changing)} == {
            key: value for key, value in before.items() if not key[0].startswith(changing)
        }


def test_a_refused_process_ends_by_itself_when_its_time_is_over(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    config = configuration(cluster, endpoint, 0.3)
    denied(cluster, endpoint, config)
    with Connector(tmp_path, config) as connector:
        assert connector.exit_code(PATIENCE) == 77
        assert "for 0.3 s more" in connector.logged()


def test_a_refusal_while_it_stops_does_not_keep_the_process(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    config = configuration(cluster, endpoint, LONG)
    config["delivery"]["linger"] = "60s"
    denied(cluster, endpoint, config)
    with Connector(tmp_path, config) as connector:
        connector.wait_until_ready()
        wait_until(lambda: connector.metric("putevents_buffered_events") == 1, PATIENCE, "read", connector.running)
        assert connector.stop(10) == 77
        assert json.loads(connector.logged().splitlines()[-1])["code"] == "AccessDeniedException"


def test_probes_answer_before_kafka_does(tmp_path: Path, endpoint: Endpoint, cluster: MockCluster) -> None:
    config = configuration(cluster, endpoint, 0)
    config["kafka"]["bootstrap_servers"] = "127.0.0.1:1"
    with Connector(tmp_path, config) as connector:
        wait_until(lambda: "connecting to Kafka" in connector.logged(), PATIENCE, "connecting", connector.running)
        assert connector.get("/livez")[0] == 200
        assert connector.get("/readyz") == (503, "starting: waiting for Kafka to answer\n")
        page = json.loads(connector.get("/?format=json")[1])
        assert (page["state"]["kind"], page["lag"]["records"]) == ("connecting", None)
        assert connector.stop(5) == 0
