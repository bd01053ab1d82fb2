"""`putevents tap` and `putevents lag` as commands: streams, exit codes, filters, and what ends them."""

import functools
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError
from confluent_kafka import TopicPartition as ClientTopicPartition

from connector.cli import main, tapping
from connector.cli.topics import stop_signals
from connector.core.records import TopicPartition
from connector.exits import Exit
from connector.kafka.errors import refusal
from connector.kafka.reading import TopicReader
from connector.local.mock_cluster import MockCluster
from connector.schema_wait import SchemaWait
from tests.support import forked
from tests.support.config_files import build
from tests.support.mock_cluster import committed, produce
from tests.support.registry import CLICK, Schemas, error, running_registry

pytestmark = [pytest.mark.timeout(180), pytest.mark.usefixtures("logs_as_before")]


def text_of(servers: str, topics: str = "[clicks]", **more: str) -> str:
    rules = "{name: view, put_events: {sessionId: value.session, userId: value.user, eventType: {const: View}}}"
    kafka = f"kafka: {{bootstrap_servers: '{servers}', group_id: readers}}"
    pipelines = f"pipelines: [{{name: web, topics: {topics}, rules: [{rules}]}}]"
    return build(kafka=kafka, pipelines=pipelines, **more)


@pytest.fixture
def file(cluster: MockCluster, tmp_path: Path) -> str:
    path = tmp_path / "clicks.yaml"
    path.write_text(text_of(cluster.bootstrap_servers))
    return str(path)


def write(cluster: MockCluster, *sessions: str | None, partition: int = 0) -> None:
    values = [json.dumps({"session": each, "user": "jane"}).encode() for each in sessions]
    produce(cluster.bootstrap_servers, "clicks", *values, partition=partition)


Capture = pytest.CaptureFixture[str]


# -- tap ------------------------------------------------------------------------------------------------------


def test_data_goes_to_stdout_and_notices_to_stderr(cluster: MockCluster, file: str, capsys: Capture) -> None:
    write(cluster, "s1", None)
    write(cluster, "s2", partition=1)
    assert main(["tap", file, "-o", "start:end", "--output", "json"]) == Exit.OK
    out, err = capsys.readouterr()
    *shown, last = [json.loads(line) for line in out.splitlines()]
    assert [(each["partition"], each["offset"]) for each in shown if each["outcome"] == "mapped"] in (
        [(0, 0), (1, 0)],
        [(1, 0), (0, 0)],
    )
    assert last["summary"]["outcomes"] == {"mapped": 2, "dead_letter": 1}
    assert "jane" not in out
    assert err == (
        f"reads 3 offsets of 1 topic, 2 partitions at {cluster.bootstrap_servers}, then ends with a table\n"
        "no group is joined and nothing is committed\n\n"
    )


def test_it_leaves_no_trace(cluster: MockCluster, file: str) -> None:
    write(cluster, "s1")
    assert main(["tap", file, "-o", "start:end"]) == Exit.OK
    assert main(["lag", file, "--interval", "100ms"]) == Exit.OK
    assert committed(cluster.bootstrap_servers, TopicPartition("clicks", 0)) == [-1001]


def test_n_ends_it_after_so_many_that_are_shown(cluster: MockCluster, file: str, capsys: Capture) -> None:
    write(cluster, "s1", None, "s2", None, "s3", None)
    assert main(["tap", file, "-o", "start", "-n", "2", "--outcome", "dead-letter"]) == Exit.OK
    out, _ = capsys.readouterr()
    assert out.count("missing_member: pipeline web, rule view") == 2
    assert "4 records read: 2 mapped, 2 dead letters" in out


def test_values_are_shown_on_request(cluster: MockCluster, file: str, capsys: Capture) -> None:
    write(cluster, "s1")
    assert main(["tap", file, "-o", "start:end", "--show-values"]) == Exit.OK
    assert "jane" in capsys.readouterr().out


def test_a_read_without_a_record_says_how_to_read_others(file: str, capsys: Capture) -> None:
    assert main(["tap", file, "-o", "start:end"]) == Exit.OK
    out, err = capsys.readouterr()
    assert out.startswith("0 records read\n")
    assert err.endswith("no record was read: -o -100 reads the last 100 of each partition, -o start all of them\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_table(
    cluster: MockCluster, file: str, tmp_path: Path, number: signal.Signals
) -> None:
    write(cluster, "s1")
    command = [*forked.CONNECTOR, "tap", file, "-o", "start"]
    out, err = tmp_path / "out", tmp_path / "err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        running = forked.Popen(command, stdout=stdout, stderr=stderr)
        wait_until(lambda: b"rule view" in out.read_bytes(), running)
        running.send_signal(number)
        assert running.wait(60) == Exit.OK
    assert "1 record read: 1 mapped" in out.read_text()
    assert "Traceback" not in err.read_text()


def test_brokers_that_go_away_and_come_back_are_told_once_each(cluster: MockCluster, file: str, tmp_path: Path) -> None:
    """While it follows, a topic without new records and brokers that are away look alike."""
    write(cluster, "s1")
    command = [*forked.CONNECTOR, "tap", file, "-o", "start"]
    out, err = tmp_path / "out", tmp_path / "err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        running = forked.Popen(command, stdout=stdout, stderr=stderr)
        wait_until(lambda: b"rule view" in out.read_bytes(), running)
        cluster.broker_down()
        wait_until(lambda: b"does not answer" in err.read_bytes(), running)
        cluster.broker_up()
        wait_until(lambda: b"answers again" in err.read_bytes(), running)
        write(cluster, "s2")
        wait_until(lambda: out.read_bytes().count(b"rule view") == 2, running)
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == Exit.OK
    told = [line.partition("  ")[2] for line in err.read_text().splitlines() if "answer" in line]
    away, back = told
    assert away.startswith(f"Kafka at {cluster.bootstrap_servers} does not answer (")
    assert away.endswith("): waits for it, and goes on with the next record that was not read")
    assert back == f"Kafka at {cluster.bootstrap_servers} answers again"
    assert "2 records read: 2 mapped" in out.read_text()


def wait_until(claim: Callable[[], object], running: "subprocess.Popen[bytes]") -> None:
    for _ in range(1200):
        if claim():
            return
        assert running.poll() is None
        threading.Event().wait(0.05)
    pytest.fail("expected it within 60 s")


def test_a_reader_that_leaves_ends_it(cluster: MockCluster, file: str) -> None:
    write(cluster, *["s"] * 2000)
    script = f"set -o pipefail; putevents tap {file} -o start --output json | head -1"
    env = {**os.environ, **forked.for_scripts()}
    ran = subprocess.run(["bash", "-c", script], env=env, capture_output=True, timeout=120, check=False)
    assert ran.returncode == 0
    assert ran.stdout.count(b"\n") == 1


def test_another_signal_ends_it_at_once() -> None:
    with stop_signals() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(60)
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012  the signal may come a moment later
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(60)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--rule", "vew"), "expected a rule that the file or putevents knows for --rule: did you mean view?"),
        (("--rule", "x"), "expected a rule that the file or putevents knows for --rule: one of view"),
        (("--reason", "mising_member"), "did you mean missing_member?"),
    ],
)
def test_a_filter_that_can_match_nothing_is_refused(
    tmp_path: Path, words: tuple[str, str], expected: str, capsys: Capture
) -> None:
    (path := tmp_path / "clicks.yaml").write_text(text_of("127.0.0.1:1"))
    assert main(["tap", str(path), *words]) == Exit.NOT_OK
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [("-o", "yesterday"), ("-o", "9:3"), ("-n", "0"), ("-n", "x"), ("--sample", "-1"), ("--outcome", "lost")]
)
def test_an_argument_that_means_nothing_is_refused(words: tuple[str, str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["tap", "clicks.yaml", *words])
    assert ended.value.code == 2
    assert "usage: putevents tap" in capsys.readouterr().err


@pytest.mark.parametrize("command", [("tap",), ("lag", "--interval", "100ms")])
class TestBoth:
    def test_a_topic_that_does_not_exist_ends_it_with_69(
        self, cluster: MockCluster, tmp_path: Path, command: tuple[str, ...], capsys: Capture
    ) -> None:
        for topics, words in (("[orders]", "topic orders does not exist"), ("['^web-.*']", "matches ^web-.*")):
            (path := tmp_path / "clicks.yaml").write_text(text_of(cluster.bootstrap_servers, topics))
            assert main([*command, str(path)]) == Exit.UNAVAILABLE
            out, err = capsys.readouterr()
            assert not out
            assert words in err

    def test_a_file_that_is_wrong_ends_it_with_78(
        self, tmp_path: Path, command: tuple[str, ...], capsys: Capture
    ) -> None:
        (path := tmp_path / "clicks.yaml").write_text("kafka: [")
        assert main([*command, str(path)]) == Exit.BAD_FILE
        assert "^" in capsys.readouterr().err

    def test_a_refusal_ends_it_with_77_and_says_what_to_allow(
        self, tmp_path: Path, command: tuple[str, ...], capsys: Capture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise refusal(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))

        monkeypatch.setattr(TopicReader, "wanted", refuse)
        (path := tmp_path / "clicks.yaml").write_text(text_of("127.0.0.1:1"))
        assert main([*command, str(path)]) == Exit.REFUSED
        assert "allow Read and Describe on the topics to this principal" in capsys.readouterr().err

    def test_no_broker_ends_it_with_69(self, tmp_path: Path, command: tuple[str, ...], capsys: Capture) -> None:
        (path := tmp_path / "clicks.yaml").write_text(text_of("127.0.0.1:1"))
        assert main([*command, str(path)]) == Exit.UNAVAILABLE
        assert "check kafka.bootstrap_servers" in capsys.readouterr().err


# -- schemas --------------------------------------------------------------------------------------------------


@pytest.fixture
def schemas() -> Schemas:
    held = Schemas()
    held.add(7, CLICK)
    return held


@pytest.fixture
def avro(cluster: MockCluster, schemas: Schemas, tmp_path: Path) -> Iterator[str]:
    """A file whose values are Avro, and a record of schema 7."""
    with running_registry(schemas) as registry:
        text = text_of(cluster.bootstrap_servers).replace("topics:", "value: {format: avro}, topics:")
        (path := tmp_path / "avro.yaml").write_text(f"{text}schema_registry: {{url: '{registry.url}'}}\n")
        produce(cluster.bootstrap_servers, "clicks", b"\x00\x00\x00\x00\x07\x08jane")
        yield str(path)


def test_schemas_come_from_the_registry(avro: str, capsys: Capture) -> None:
    assert main(["tap", avro, "-o", "start:end"]) == Exit.OK
    out, _ = capsys.readouterr()
    assert "session text(4)" in out
    assert "1 record read: 1 mapped" in out
    assert "jane" not in out


def test_a_registry_that_does_not_answer_ends_it_with_69_after_the_table(
    avro: str, schemas: Schemas, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    schemas.fault = lambda _: error(503, 50003)
    monkeypatch.setattr(tapping, "SchemaWait", functools.partial(SchemaWait, seconds=0.3))
    assert main(["tap", avro, "-o", "start:end"]) == Exit.UNAVAILABLE
    out, err = capsys.readouterr()
    assert out.startswith("0 records read\n")
    assert "the schema registry did not give schema 7 within 0.3 s" in err


# -- lag ------------------------------------------------------------------------------------------------------


def commit(cluster: MockCluster, offset: int) -> None:
    client = Consumer({"bootstrap.servers": cluster.bootstrap_servers, "group.id": "readers", "log_level": 0})
    client.commit(offsets=[ClientTopicPartition("clicks", 0, offset)], asynchronous=False)
    client.close()


def test_lag_counts_what_follows_the_committed_offset(cluster: MockCluster, file: str, capsys: Capture) -> None:
    write(cluster, *["s"] * 10)
    commit(cluster, 4)
    assert main(["lag", file, "--interval", "100ms", "--output", "json"]) == Exit.OK
    found = json.loads(capsys.readouterr().out)
    assert (found["group"], found["lag_records"]) == ("readers", 6)
    by_partition = {each["partition"]: each for each in found["partitions"]}
    assert (by_partition[0]["committed"], by_partition[0]["lag_records"]) == (4, 6)
    assert (by_partition[1]["committed"], by_partition[1]["state"]) == (None, "ok")
    # The mock cluster lists no groups, so nobody can tell whether this one has members.
    assert (found["state"], len(found["notes"])) == ("stalled", 1)


def test_lag_says_that_it_looks_twice(cluster: MockCluster, file: str, capsys: Capture) -> None:
    write(cluster, "s")
    assert main(["lag", file, "--interval", "100ms"]) == Exit.OK
    out, err = capsys.readouterr()
    assert err == "looks twice, 0.1 s apart: one look has no rate\n"
    assert out.startswith("group readers: stalled, 1 record to read")
    assert "kafka.auto_offset_reset: earliest" in out


def test_a_watch_adds_lines_until_a_signal_comes(cluster: MockCluster, file: str, tmp_path: Path) -> None:
    write(cluster, *["s"] * 10)
    commit(cluster, 4)
    out = tmp_path / "out"
    command = [*forked.CONNECTOR, "lag", file, "--watch", "--interval", "200ms"]
    with out.open("wb") as stdout:
        running = forked.Popen(command, stdout=stdout, stderr=subprocess.DEVNULL)
        wait_until(lambda: out.read_bytes().count(b"6 records to read") >= 2, running)
        commit(cluster, 10)
        wait_until(lambda: b": ok, 0 records to read\n" in out.read_bytes(), running)
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == Exit.OK


@pytest.mark.parametrize("text", ["0s", "5", "-1s", "soon"])
def test_an_interval_is_a_duration_above_0(text: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main(["lag", "clicks.yaml", f"--interval={text}"])
    assert "expected a duration above 0, such as 5s or 1m" in capsys.readouterr().err
