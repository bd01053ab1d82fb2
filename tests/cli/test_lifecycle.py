"""The life of the process as Kubernetes drives it: probes at every stage, SIGTERM at every stage, exit codes.

The command runs in a process of its own; the brokers are the mock cluster's, since nothing here needs more. What other
files hold is not repeated here:

- tests/cli/test_run.py: SIGTERM while events linger, while the modules load, with the broker away; a second signal; a
  wrong tracking id and a fenced member end with 77; every message of a start that fails.
- tests/loop/test_drain.py: what a drain commits and what it leaves, over fakes.
- tests/wire/test_server.py: what the probes answer to whom.
- tests/chaos/test_members.py: SIGTERM at random moments, members killed, on real brokers.
- tests/image/test_running.py: the same in the image, where there is an engine. tests/deploy/test_pods.py: the numbers.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest
import yaml
from confluent_kafka import KafkaError

from connector.core.records import TopicPartition
from connector.local.endpoint.server import Endpoint
from connector.local.mock_cluster import ApiKey, MockCluster
from tests.support.config_files import QUICK, VIEW, run_config
from tests.support.manifests import config_text, pod_spec, template
from tests.support.mock_cluster import committed, produce
from tests.support.processes import Connector, environment, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

PATIENCE = 30.0  # seconds, for a machine that is busy with other things
P0, P1 = TopicPartition("clicks", 0), TopicPartition("clicks", 1)
ALIVE_AND_READY, ALIVE_ONLY = (200, 200), (200, 503)


def views(count: int) -> list[bytes]:
    """As many records, each of a session of its own and so of a call of its own."""
    return [json.dumps({"session": f"s-{number}", "action": "view"}).encode() for number in range(count)]


def logged(connector: Connector, message: str) -> bool:
    assert connector.running() or message in connector.logged(), connector.logged()[-3000:]
    return message in connector.logged()


class Probes:
    """Asks as the kubelet does, and far more often; keeps each pair of answers that is not the one before."""

    def __init__(self, connector: Connector) -> None:
        self.seen: list[tuple[int, int]] = []
        self.errors: list[str] = []
        self._connector = connector
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def _ask(self) -> None:
        while not self._over.wait(0.02):
            try:
                pair = self._connector.get("/livez")[0], self._connector.get("/readyz")[0]
            except OSError as error:
                self.errors.append(type(error).__name__)
                return
            if self.seen[-1:] != [pair]:
                self.seen.append(pair)

    def __enter__(self) -> Self:
        wait_until(lambda: self._connector.port > 0, PATIENCE, "the server listens", self._connector.running)
        self._thread.start()
        wait_until(lambda: bool(self.seen), PATIENCE, "a first answer", self._connector.running)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()


# -- the start ------------------------------------------------------------------------------------------------


def test_it_is_alive_before_it_has_joined_and_ready_only_after(cluster: MockCluster, tmp_path: Path) -> None:
    cluster.push_request_errors(ApiKey.FIND_COORDINATOR, *[KafkaError.COORDINATOR_NOT_AVAILABLE] * 10_000)
    with Connector(tmp_path, run_config(cluster.bootstrap_servers)) as connector:
        with Probes(connector) as probes:
            assert connector.get("/readyz") == (503, "waiting to join the consumer group\n")
            cluster.clear_request_errors(ApiKey.FIND_COORDINATOR)
            wait_until(lambda: probes.seen[-1] == ALIVE_AND_READY, PATIENCE, "ready", connector.running)
        assert (probes.seen, probes.errors) == ([ALIVE_ONLY, ALIVE_AND_READY], [])
        assert connector.stop(8) == 0


@pytest.mark.parametrize("held", ["no coordinator", "no answer to the join"])
def test_sigterm_while_the_group_is_joining_ends_with_0(cluster: MockCluster, tmp_path: Path, held: str) -> None:
    if held == "no coordinator":
        cluster.push_request_errors(ApiKey.FIND_COORDINATOR, *[KafkaError.COORDINATOR_NOT_AVAILABLE] * 10_000)
    else:
        cluster.push_delay(1, ApiKey.JOIN_GROUP, 60_000)
    with Connector(tmp_path, run_config(cluster.bootstrap_servers, delivery={"shutdown_timeout": "4s"})) as connector:
        wait_until(lambda: logged(connector, '"started"'), PATIENCE, "started")
        assert connector.get("/readyz")[0] == 503
        assert connector.stop(4 + 2) == 0
        assert "partitions assigned" not in connector.logged()


@pytest.mark.parametrize("broker", ["refuses", "is silent"])
def test_sigterm_before_a_broker_has_answered_ends_with_0(tmp_path: Path, broker: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1] if broker == "is silent" else 1
        with Connector(tmp_path, run_config(f"127.0.0.1:{port}")) as connector:
            wait_until(lambda: logged(connector, "connecting to Kafka"), PATIENCE, "connecting")
            assert connector.port == 0  # which is why the startup probe is more patient than this wait
            assert connector.stop(5) == 0


# -- while it runs --------------------------------------------------------------------------------------------


def test_an_outage_that_pauses_partitions_leaves_it_alive_and_ready_and_a_second_start_delivers_what_a_stop_left(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    servers = cluster.bootstrap_servers
    config = run_config(
        servers, endpoint.url, delivery={"max_buffered_events": 20, "shutdown_timeout": "2s", "request_timeout": "1s"}
    )
    for place in (P0, P1):
        produce(servers, "clicks", *views(5), partition=place.partition)
    with Connector(tmp_path, config, "first") as connector, Probes(connector) as probes:
        wait_until(lambda: committed(servers, P0, P1) == [5, 5], PATIENCE, "committed", connector.running)
        endpoint.control({"outage": "unavailable"})
        for place in (P0, P1):
            produce(servers, "clicks", *views(40), partition=place.partition)
        wait_until(
            lambda: connector.metric("putevents_paused_partitions") == 2, PATIENCE, "both paused", connector.running
        )
        assert (probes.seen[-1], probes.errors) == (ALIVE_AND_READY, [])
        began = time.monotonic()
        assert connector.stop(2 + 3) == 0
        assert time.monotonic() - began < 2 + 2
        assert probes.seen in ([ALIVE_ONLY, ALIVE_AND_READY], [ALIVE_AND_READY])
    assert committed(servers, P0, P1) == [5, 5]
    assert len(endpoint.accepted()) == 10
    endpoint.control({"outage": None})
    with Connector(tmp_path, config, "second") as connector:
        wait_until(lambda: committed(servers, P0, P1) == [45, 45], PATIENCE, "the rest", connector.running)
        assert connector.stop(5) == 0
    events = [(row.event_id or "").rpartition("-")[0] for row in endpoint.accepted()]  # without the time of each
    assert sorted(events) == sorted(f"clicks-{partition}-{offset}" for partition in (0, 1) for offset in range(45))


def test_a_member_that_joins_and_leaves_changes_no_answer_of_the_other(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    config = run_config(cluster.bootstrap_servers, endpoint.url)
    with Connector(tmp_path, config, "first") as first:
        first.wait_until_ready(PATIENCE)

        def partitions(count: int) -> None:
            wait_until(
                lambda: first.metric("putevents_assigned_partitions") == count,
                PATIENCE,
                f"{count} partitions",
                first.running,
            )

        partitions(2)
        with Probes(first) as probes:
            with Connector(tmp_path, config, "second") as second:
                partitions(1)
                second.wait_until_ready(PATIENCE)
                assert second.stop(8) == 0
            partitions(2)
        assert (probes.seen, probes.errors) == ([ALIVE_AND_READY], [])
        assert first.stop(8) == 0


# -- the end --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("faults", "delivered"), [({"latency": 0.5}, 6), ({"outage": "hang"}, 0)])
def test_sigterm_with_calls_on_the_wire_ends_with_0_within_the_pod_s_grace_period(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path, faults: Mapping[str, Any], delivered: int
) -> None:
    """The chart's own file and grace period; a shutdown of its default length would only make the test longer."""
    objects, problem = template("--set", "config.delivery.shutdown_timeout=3s", "--set", "config.delivery.linger=50ms")
    assert objects, problem
    grace = pod_spec(objects)["terminationGracePeriodSeconds"]
    config = yaml.safe_load(config_text(objects))
    config["kafka"] |= {"bootstrap_servers": cluster.bootstrap_servers, "librdkafka": QUICK}
    cluster.create_topic(config["dead_letter"]["topic"], 1)
    config["personalize"]["endpoint_url"] = endpoint.url
    config["delivery"]["max_in_flight"] = 2
    config["pipelines"][0]["rules"][0]["put_events"]["sentAt"] = {"const": 1700000000}
    endpoint.control(faults)
    produce(cluster.bootstrap_servers, "clicks", *views(6))
    with Connector(tmp_path, config, PERSONALIZE_TRACKING_ID="tracker-1") as connector:
        wait_until(
            lambda: connector.port > 0 and connector.metric("putevents_in_flight_requests") == 2,
            PATIENCE,
            "two calls in flight",
            connector.running,
        )
        began = time.monotonic()
        connector.popen.terminate()
        wait_until(lambda: logged(connector, "stopping"), PATIENCE, "stopping")
        assert (connector.get("/livez")[0], connector.get("/readyz")[0]) == ALIVE_AND_READY  # it still works
        assert connector.exit_code(grace) == 0
        assert time.monotonic() - began < grace - 5  # what runs before it, such as a hook, needs some of it, too
    assert len(endpoint.accepted()) == delivered
    [offset] = committed(cluster.bootstrap_servers, P0, group="personalize-clicks")
    assert max(0, offset) == delivered


# -- what the init container and the restart policy see -------------------------------------------------------


def test_exit_codes_of_the_process_tell_what_has_to_change(cluster: MockCluster, tmp_path: Path) -> None:
    servers = cluster.bootstrap_servers
    good = run_config(servers)
    ways: dict[int, tuple[Mapping[str, Any], Mapping[str, str]]] = {
        78: ({**good, "dead_letters": {}}, {}),
        77: (good, {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}),
        69: ({**good, "pipelines": [{"name": "web", "topics": ["no-such-topic"], "rules": [VIEW]}]}, {}),
    }
    cluster.set_topic_error("no-such-topic", KafkaError.UNKNOWN_TOPIC_OR_PART)
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    started = [Connector(tmp_path, config, str(code), **{**nothing, **env}) for code, (config, env) in ways.items()]
    for code, connector in zip(ways, started, strict=True):
        with connector:
            assert connector.exit_code(PATIENCE) == code
            last = connector.logged().splitlines()[-1]
            assert ("cannot start" in last) is (code != 78), last
    assert "did you mean" in started[0].logged()


READ_ONLY = """
import errno, os, sys
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
def refuse(event, arguments):
    writes = event == "open" and arguments[2] & WRITES and arguments[0] != os.devnull
    if writes or event in ("os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "os.truncate"):
        raise OSError(errno.EROFS, "read-only file system", str(arguments[0]))
sys.addaudithook(refuse)
"""


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """A file as a ConfigMap's volume has it: links to a folder that is replaced as a whole; nothing is writable."""
    volume = tmp_path / "etc" / "putevents"
    data = volume / "..2026_11_24"
    data.mkdir(parents=True)
    (data / "config.yaml").write_text(yaml.safe_dump(run_config("kafka:9092")))
    (volume / "..data").symlink_to(data.name)
    (volume / "config.yaml").symlink_to("..data/config.yaml")
    (data / "config.yaml").chmod(0o444)
    return volume / "config.yaml"


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [("", 0, "valid"), ("\nserver: {prot: 1}\n", 78, "1 problem; for more: putevents explain CODE")],
)
def test_the_init_container_validates_where_nothing_can_be_written(
    mounted: Path, tmp_path: Path, change: str, code: int, said: str
) -> None:
    mounted.chmod(0o644)
    mounted.write_text(mounted.read_text() + change)
    mounted.chmod(0o444)
    hook = tmp_path / "site"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(READ_ONLY)
    nowhere = "/proc" if Path("/proc").is_dir() else "/"  # not even root writes there
    ran = subprocess.run(
        [sys.executable, "-m", "connector", "validate", str(mounted)],
        env=environment(HOME=nowhere, TMPDIR=nowhere, PYTHONPATH=str(hook)),
        cwd=nowhere,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (code, f"{mounted}: {said}\n")
    assert ("did you mean port?" in ran.stdout) is bool(change)
