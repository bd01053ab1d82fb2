"""The connector as a process: it starts or says why not, delivers, and ends as it was told to, with its exit code."""

import errno
import http.client
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError

from connector.app import _not_listening
from connector.cli import main
from connector.core.records import TopicPartition
from connector.kafka.source import KafkaSource
from connector.local.endpoint.server import Endpoint
from connector.local.mock_cluster import ApiKey, MockCluster
from connector.signals import STOPPING
from tests.support import forked
from tests.support.config_files import build
from tests.support.mock_cluster import committed, produce, read_all

pytestmark = pytest.mark.usefixtures("aws")

P0, P1 = TopicPartition("clicks", 0), TopicPartition("clicks", 1)
PATIENCE = 30.0
PIPELINES = """\
pipelines:
  - name: web
    topics: [clicks]
    rules:
      - name: view
        when: value.event == 'view'
        put_events:
          {sessionId: value.session, eventType: {const: View}, itemId: value.item, sentAt: {const: 1700000000}}
      - name: noise
        when: value.event == 'noise'
        skip: noise
"""


def config(path: Path, servers: str, url: str = "http://127.0.0.1:1", **sections: str) -> str:
    quick = "{session.timeout.ms: 3000, heartbeat.interval.ms: 100}"
    defaults = {
        "kafka": f"kafka: {{bootstrap_servers: '{servers}', group_id: readers, librdkafka: {quick}}}",
        "personalize": f"personalize: {{tracking_id: tracker-1, endpoint_url: '{url}'}}",
        "delivery": "delivery: {linger: 50ms, commit_interval: 100ms, shutdown_timeout: 8s, stop_after_rejections: 3}",
        "server": "server: {host: 127.0.0.1, port: 0, linger_after_refusal: 0s}",
        "pipelines": PIPELINES,
    }
    file = path / "connector.yaml"
    file.write_text(build(**{**defaults, **sections}))
    return str(file)


def views(*sessions: str, item: str = "i-1") -> list[bytes]:
    return [json.dumps({"event": "view", "session": session, "item": item}).encode() for session in sessions]


class Running:
    """A connector in a process of its own, and the lines that it logs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self._read: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._take, daemon=True)
        self._reader.start()

    def _take(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._read.put(line)
        self._read.put(None)

    def line(self, message: str) -> dict[str, Any]:
        """The next line with this message; every line has to be JSON."""
        while True:
            line = self._read.get(timeout=PATIENCE)
            assert line is not None, self.lines
            self.lines.append(json.loads(line))
            if message in self.lines[-1]["message"]:
                return self.lines[-1]

    def end(self, number: signal.Signals | None = None) -> int:
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        while (line := self._read.get(timeout=PATIENCE)) is not None:
            self.lines.append(json.loads(line))
        return code


@contextmanager
def running(path: str, program: tuple[str, str] = ("-m", "connector"), **env: str) -> Iterator[Running]:
    command, env = [sys.executable, *program, "run", path], {**os.environ, **env}
    with forked.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            yield Running(process)
        finally:
            process.kill()


def until(claim: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ask(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


# -- it runs --------------------------------------------------------------------------------------------------


def test_records_are_delivered_or_dead_lettered_committed_and_sigterm_ends_with_0(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    servers = cluster.bootstrap_servers
    produce(servers, "clicks", *views("a", "b", "a"), b'{"event":"noise"}', b"broken")
    with running(config(tmp_path, servers, endpoint.url)) as connector:
        port = connector.line("started")["port"]
        until(lambda: committed(servers, P0) == [5])
        assert ask(port, "/livez")[0] == ask(port, "/readyz")[0] == 200
        metrics = ask(port, "/metrics")[1].decode()
        assert connector.end(signal.SIGTERM) == 0
    assert [row.session_id for row in endpoint.accepted()].count("a") == 2
    places = {(row.event_id or "").rpartition("-")[0] for row in endpoint.accepted()}  # and the time of each
    assert places == {f"clicks-0-{offset}" for offset in range(3)}
    [letter] = read_all(servers, "clicks.dead", 1)
    assert letter.value() == b"broken"
    for name, value in [("delivered", 3), ("skipped", 1), ("dead_lettered", 1)]:
        assert f'putevents_records_total{{outcome="{name}",topic="clicks"}} {value}.0' in metrics
    assert 'putevents_records_consumed_total{topic="clicks"} 5.0' in metrics
    assert connector.lines[-1]["message"] == "stopped"


def test_the_start_says_what_this_run_does_and_names_variables_not_their_values(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    tracker = f"personalize: {{tracking_id: {{env: TRACKER}}, endpoint_url: '{endpoint.url}'}}"
    pipelines = PIPELINES.replace("    rules:", "    max_age: 14d\n    rules:")
    file = config(tmp_path, cluster.bootstrap_servers, personalize=tracker, pipelines=pipelines)
    with running(file, TRACKER="tracker-of-a-variable") as connector:
        started = connector.line("started")
        assert connector.end(signal.SIGTERM) == 0
    assert started["topics"] == ["clicks"]
    setup = started["setup"]
    assert setup.pop("config")
    assert setup.pop("version")
    assert setup == {
        "pipelines": ["web (2 rules, skip after 14d)"],
        "without_offset": "earliest",
        "tracking_ids": ["env TRACKER"],
        "region": "eu-west-1",
        "calls_a_second": "1000, up to 64 in flight",
        "linger": "50ms",
        "dead_letters": "clicks.dead",
        "flood": "hold at 90% of the last 1000",
        "schema_registry": "none",
    }
    assert "tracker-of-a-variable" not in json.dumps(connector.lines)


def test_a_start_in_old_data_is_warned_of_once_a_topic(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    servers, old = cluster.bootstrap_servers, int((time.time() - 20 * 86_400) * 1000)
    for number in (0, 1):
        produce(servers, "clicks", *views("a", "b"), partition=number, timestamp=old)
    with running(config(tmp_path, servers, endpoint.url)) as connector:
        line = connector.line("reading begins in data older than 14 days")
        until(lambda: committed(servers, P0, P1) == [2, 2])
        assert connector.end(signal.SIGTERM) == 0
    assert (line["level"], line["topic"], line["oldest_days"]) == ("warning", "clicks", 20)
    assert "max_age" in line["what_to_do"]


def test_events_older_than_max_age_are_skipped_counted_and_committed(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    servers = cluster.bootstrap_servers
    produce(servers, "clicks", *views("a", "b"))  # the rule says that they happened in 2023
    pipelines = PIPELINES.replace("    rules:", "    max_age: 14d\n    rules:")
    with running(config(tmp_path, servers, endpoint.url, pipelines=pipelines)) as connector:
        port = connector.line("started")["port"]
        until(lambda: committed(servers, P0) == [2])
        metrics = ask(port, "/metrics")[1].decode()
        assert connector.end(signal.SIGTERM) == 0
    assert endpoint.accepted() == []
    assert 'reason="late"' in metrics


def test_sigterm_delivers_what_lingers_and_commits_it(cluster: MockCluster, endpoint: Endpoint, tmp_path: Path) -> None:
    servers = cluster.bootstrap_servers
    patient = "delivery: {linger: 60s, commit_interval: 100ms, shutdown_timeout: 8s}"
    produce(servers, "clicks", *views("a", "b"))
    produce(servers, "clicks", *views("c"), partition=1)
    with running(config(tmp_path, servers, endpoint.url, delivery=patient)) as connector:
        port = connector.line("started")["port"]
        until(lambda: "putevents_buffered_events 3.0" in ask(port, "/metrics")[1].decode())
        assert endpoint.accepted() == []
        assert connector.end(signal.SIGTERM) == 0
    assert {row.session_id for row in endpoint.accepted()} == {"a", "b", "c"}
    assert committed(servers, P0, P1) == [2, 1]


def test_a_terminal_that_is_closed_is_a_stop_in_good_order_though_it_signals_twice(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    servers = cluster.bootstrap_servers
    patient = "delivery: {linger: 60s, commit_interval: 100ms, shutdown_timeout: 8s}"
    endpoint.control({"latency": 0.5})
    produce(servers, "clicks", *views("a", "b"))
    with running(config(tmp_path, servers, endpoint.url, delivery=patient)) as connector:
        port = connector.line("started")["port"]
        until(lambda: "putevents_buffered_events 2.0" in ask(port, "/metrics")[1].decode())
        connector.process.send_signal(signal.SIGHUP)
        assert connector.line("stopping")["signal"] == "SIGHUP"
        assert connector.end(signal.SIGHUP) == 0
    assert {row.session_id for row in endpoint.accepted()} == {"a", "b"}
    assert committed(servers, P0) == [2]


def test_under_nohup_a_closed_terminal_changes_nothing(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    servers = cluster.bootstrap_servers
    file = config(tmp_path, servers, endpoint.url)
    with running(file, ("-c", UNDER_NOHUP)) as connector:
        connector.line("partitions assigned")
        connector.process.send_signal(signal.SIGHUP)
        produce(servers, "clicks", *views("a"))
        until(lambda: committed(servers, P0) == [1])
        assert connector.end(signal.SIGTERM) == 0
    assert "SIGHUP" not in str(connector.lines)


UNDER_NOHUP = """
import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
from connector.__main__ import main
sys.exit(main())
"""


def test_a_second_signal_ends_at_once(cluster: MockCluster, endpoint: Endpoint, tmp_path: Path) -> None:
    servers = cluster.bootstrap_servers
    endpoint.control({"outage": "hang"})
    produce(servers, "clicks", *views("a"))
    with running(config(tmp_path, servers, endpoint.url)) as connector:
        port = connector.line("started")["port"]
        until(lambda: "putevents_in_flight_requests 1.0" in ask(port, "/metrics")[1].decode())
        connector.process.send_signal(signal.SIGTERM)
        connector.line("stopping")
        started = time.monotonic()
        assert connector.end(signal.SIGTERM) == 128 + signal.SIGTERM
        assert time.monotonic() - started < 3
    assert max(committed(servers, P0)) <= 0


def test_sigterm_with_the_endpoint_dead_ends_in_time_with_0_and_commits_only_what_is_done(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    servers = cluster.bootstrap_servers
    endpoint.control({"outage": "unavailable"})
    produce(servers, "clicks", b'{"event":"noise"}', *views("a"), b'{"event":"noise"}')
    short = "delivery: {linger: 50ms, commit_interval: 100ms, shutdown_timeout: 2s}"
    with running(config(tmp_path, servers, endpoint.url, delivery=short)) as connector:
        connector.line("started")
        until(lambda: committed(servers, P0) == [1])
        started = time.monotonic()
        assert connector.end(signal.SIGTERM) == 0
        assert time.monotonic() - started < 5
    assert committed(servers, P0) == [1]
    assert "not everything was delivered in time" in str(connector.lines)


def test_a_wrong_tracking_id_ends_with_77_dead_letters_nothing_and_says_what_to_check(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    servers = cluster.bootstrap_servers
    endpoint.control({"tracking_ids": ["another"]})
    produce(servers, "clicks", *views("a", "b", "c", "d"))
    with running(config(tmp_path, servers, endpoint.url)) as connector:
        said = connector.line("stopped by Amazon Personalize")
        assert connector.end() == 77
    assert "tracking_id" in said["what_to_do"]
    assert max(committed(servers, P0)) <= 0
    produce(servers, "clicks.dead", b"the only one")
    assert [letter.value() for letter in read_all(servers, "clicks.dead", 1)] == [b"the only one"]


def test_a_fatal_error_of_the_kafka_client_ends_with_77_in_time(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    servers = cluster.bootstrap_servers
    static = "{session.timeout.ms: 3000, heartbeat.interval.ms: 100, group.instance.id: one}"
    kafka = f"kafka: {{bootstrap_servers: '{servers}', group_id: readers, librdkafka: {static}}}"
    produce(servers, "clicks", *views("a"))
    with running(config(tmp_path, servers, endpoint.url, kafka=kafka)) as connector:
        connector.line("started")
        until(lambda: committed(servers, P0) == [1])
        cluster.push_request_errors(ApiKey.HEARTBEAT, KafkaError.FENCED_INSTANCE_ID)
        said = connector.line("refused by Kafka")
        assert connector.end() == 77
    assert "group.instance.id" in said["what_to_do"]


def test_a_broker_that_goes_away_and_comes_back_costs_no_record(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    servers = cluster.bootstrap_servers
    with running(config(tmp_path, servers, endpoint.url)) as connector:
        port = connector.line("started")["port"]
        connector.line("partitions assigned")
        cluster.broker_down()
        connector.line("the Kafka client reported an error")
        assert ask(port, "/livez")[0] == 200
        cluster.broker_up()
        produce(servers, "clicks", *views("a"))
        until(lambda: [row.session_id for row in endpoint.accepted()] == ["a"])
        assert connector.end(signal.SIGTERM) == 0
    assert committed(servers, P0) == [1]


def test_sigterm_with_the_broker_away_ends_in_time(cluster: MockCluster, endpoint: Endpoint, tmp_path: Path) -> None:
    servers = cluster.bootstrap_servers
    patient = "delivery: {linger: 60s, commit_interval: 60s, shutdown_timeout: 2s}"
    produce(servers, "clicks", *views("a"))
    with running(config(tmp_path, servers, endpoint.url, delivery=patient)) as connector:
        port = connector.line("started")["port"]
        until(lambda: "putevents_buffered_events 1.0" in ask(port, "/metrics")[1].decode())
        cluster.broker_down()
        started = time.monotonic()
        assert connector.end(signal.SIGTERM) == 0
        assert time.monotonic() - started < 6


# -- it restarts in place --------------------------------------------------------------------------------------

# Its files count as new so many times; the environment says what else goes on.
RESTARTS = """
import json, os, signal, sys, threading
times = int(os.environ["TIMES"])
os.environ["TIMES"] = str(times - 1)
print(json.dumps({"message": "begun", "descriptors": len(os.listdir("/proc/self/fd"))}), file=sys.stderr, flush=True)
from connector.kafka.clients import ClientFactory
from connector.kafka.dead_letters import KafkaDeadLetters
ClientFactory.restart_due = lambda _: times > 0
if os.environ.get("HANGS"):
    KafkaDeadLetters.close = lambda *_: threading.Event().wait()
if os.environ.get("SIGNALLED"):
    sys.addaudithook(lambda event, _: os.kill(os.getpid(), signal.SIGTERM) if event == "os.exec" else None)
from connector.__main__ import main
sys.exit(main())
"""


def test_a_restart_in_place_leaks_no_descriptors(cluster: MockCluster, endpoint: Endpoint, tmp_path: Path) -> None:
    file = config(tmp_path, cluster.bootstrap_servers, endpoint.url)
    with running(file, ("-c", RESTARTS), TIMES="2") as connector:
        counts = [connector.line("begun")["descriptors"] for _ in range(3)]
        connector.line("started")
        assert connector.end(signal.SIGTERM) == 0
    assert counts == counts[:1] * 3


def test_a_signal_in_the_moment_of_a_restart_stops_the_new_program(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    file = config(tmp_path, cluster.bootstrap_servers, endpoint.url)
    with running(file, ("-c", RESTARTS), TIMES="9", SIGNALLED="yes") as connector:
        assert connector.end() == 0
    assert [line["message"] for line in connector.lines].count("begun") == 2


def test_a_restart_in_place_that_takes_too_long_ends_with_69_so_that_it_is_started_again(
    cluster: MockCluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    short = "delivery: {linger: 50ms, commit_interval: 100ms, shutdown_timeout: 1s}"
    file = config(tmp_path, cluster.bootstrap_servers, endpoint.url, delivery=short)
    with running(file, ("-c", RESTARTS), TIMES="1", HANGS="yes") as connector:
        assert connector.end() == 69
    assert "stopping took too long" in connector.lines[-1]["message"]


# -- it says why not ------------------------------------------------------------------------------------------


@pytest.fixture
def in_process(logs_as_before: None) -> Iterator[None]:
    del logs_as_before
    handlers = {number: signal.getsignal(number) for number in STOPPING}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def run(path: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """The exit code and the last line that was logged."""
    code = main(["run", path])
    return code, json.loads(capsys.readouterr().err.splitlines()[-1])


@pytest.mark.usefixtures("in_process")
class TestStart:
    def test_no_credentials_end_with_77(
        self, aws: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        aws.delenv("AWS_ACCESS_KEY_ID")
        aws.delenv("AWS_SECRET_ACCESS_KEY")
        code, said = run(config(tmp_path, "127.0.0.1:1"), capsys)
        assert code == 77
        assert "no AWS credentials" in said["why"]

    def test_a_token_service_out_of_reach_for_msk_ends_with_69(
        self, aws: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        aws.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
        auth = "{type: msk_iam, role_arn: 'arn:aws:iam::123456789012:role/r'}"
        kafka = f"kafka: {{bootstrap_servers: '127.0.0.1:1', group_id: readers, auth: {auth}}}"
        code, said = run(config(tmp_path, "", kafka=kafka), capsys)
        assert (code, "kafka.auth" in said["why"]) == (69, True)

    def test_no_region_ends_with_77(
        self, aws: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        aws.delenv("AWS_REGION")
        code, said = run(config(tmp_path, "127.0.0.1:1"), capsys)
        assert code == 77
        assert "no AWS region" in said["why"]

    def test_a_broker_out_of_reach_ends_with_69(
        self, aws: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        aws.setattr(KafkaSource.require, "__defaults__", (0.3, lambda: False))
        code, said = run(config(tmp_path, "127.0.0.1:1"), capsys)
        assert code == 69
        assert "no broker at 127.0.0.1:1 answers" in said["why"]

    @pytest.mark.parametrize("missing", ["clicks", "clicks.dead"])
    def test_a_missing_topic_ends_with_69(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], missing: str
    ) -> None:
        with MockCluster() as cluster:
            for topic in {"clicks", "clicks.dead"} - {missing}:
                cluster.create_topic(topic, 1)
            code, said = run(config(tmp_path, cluster.bootstrap_servers), capsys)
        assert code == 69
        assert f"topic {missing} does not exist" in said["why"]

    def test_a_taken_port_ends_with_69(
        self, cluster: MockCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            server = f"server: {{host: 127.0.0.1, port: {port}}}"
            code, said = run(config(tmp_path, cluster.bootstrap_servers, server=server), capsys)
        assert code == 69
        assert f"cannot listen on 127.0.0.1:{port}" in said["why"]
        assert "set server.port to a free one" in said["why"]

    def test_a_bug_ends_with_70_and_does_not_quote_what_it_stumbled_over(
        self, aws: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def stumble(*_: object) -> None:
            raise KeyError("SECRET".lower())

        aws.setattr("connector.app.EventsClient", stumble)
        code, said = run(config(tmp_path, "127.0.0.1:1"), capsys)
        assert (code, said["kind"]) == (70, "KeyError")
        assert "stumble" in said["places"][-1]
        assert "secret" not in str(said)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EADDRNOTAVAIL, "away"), "(away): set server.host to an address of this machine"),
        (OSError(errno.EACCES, "denied"), "(denied): set server.port to one above 1023"),
        (
            socket.gaierror(socket.EAI_NONAME, "unknown name"),
            "(unknown name): set server.host to an address of this machine, or to a name that it knows",
        ),
        (OSError(errno.EAFNOSUPPORT, "no"), '(no): this machine has no IPv6: set server.host to "*"'),
        (OSError(errno.EMFILE, "too many"), "(too many)"),
    ],
)
def test_who_cannot_listen_is_advised_only_where_the_error_tells_what_helps(error: OSError, said: str) -> None:
    assert _not_listening("localhost:80", error) == f"cannot listen on localhost:80 {said}"


ENDS_WHILE_LOADING = """
import os, signal, sys
def spy(event, args):
    if event == "import" and args[0] == "boto3":
        os.kill(os.getpid(), int(os.environ["SIGNAL"]))
if "run" in sys.argv:
    sys.addaudithook(spy)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_anything_has_begun_ends_with_0(tmp_path: Path, number: signal.Signals) -> None:
    """The modules take most of a second to load; the signal comes as soon as the interpreter itself runs."""
    spy = tmp_path / "sitecustomize.py"
    spy.write_text(ENDS_WHILE_LOADING)
    ended = subprocess.run(
        [sys.executable, "-m", "connector", "run", "nowhere.yaml"],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "SIGNAL": str(int(number))},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
