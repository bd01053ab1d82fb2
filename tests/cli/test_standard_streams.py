"""Standard streams that are closed, full, or left by their reader: an exit code and a line, never a traceback."""

import os
import subprocess
from pathlib import Path

import pytest
from confluent_kafka import Producer

from connector.cli import COMMANDS
from connector.local.mock_cluster import MockCluster
from tests.support import forked
from tests.support.config_files import build

PATIENCE = 60.0  # seconds
VALUE = '{"session":"s","item":"i"}\n'
CLOSED = "putevents: expected a standard output that takes data: it is closed\n"
FULL = "putevents: expected a standard output that takes data: no space left on device\n"

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "file.yaml").write_text(build())
    tests = "tests: [{name: t, pipeline: web, input: {value: {}}, output: {rejected: missing_member}}]"
    (tmp_path / "tested.yaml").write_text(build(tests=tests))
    (tmp_path / "bad.yaml").write_text(build(personalize="personalize: {tracking_idd: x}"))
    (tmp_path / "one.jsonl").write_text(VALUE)
    (tmp_path / "many.jsonl").write_text(VALUE * 5_000)
    return tmp_path / "file.yaml"


@pytest.fixture
def live(file: Path, cluster: MockCluster) -> Path:
    """The same file, with brokers that answer, three records and a dead letter."""
    servers = cluster.bootstrap_servers
    file.write_text(file.read_text().replace("broker:9092", f"'{servers}'"))
    producer = Producer({"bootstrap.servers": servers, "log_level": 0})
    for _ in range(3):
        producer.produce("clicks", VALUE.encode())
    producer.produce("clicks.dead", b"{}", headers=[("putevents.error.reason", b"not_json")])
    assert producer.flush(60) == 0
    offsets = '"config": "", "dataset": "interactions", "offsets": {"clicks": {"0": 0}}'
    cutover = f'{{"version": 1, "cluster": "", "group": "clicks", {offsets}}}'
    (file.parent / "cutover.json").write_text(cutover)
    return file


def shell(file: Path, text: str) -> "subprocess.CompletedProcess[str]":
    """Run a line of shell in the folder of the file; ``putevents`` is ours. A pipeline fails as its first part does."""
    command = ["bash", "-c", f"set -o pipefail; {text}"]
    env = {**os.environ, **forked.for_scripts()}
    return subprocess.run(
        command, cwd=file.parent, capture_output=True, text=True, timeout=PATIENCE, env=env, check=False
    )


# What writes data: each is tried on a stdout that is full, closed, and left by its reader.
WRITES_DATA = {
    "map": "map file.yaml --input one.jsonl",
    "a long map": "map file.yaml --input many.jsonl",
    "validate": "validate bad.yaml",
    "validate as json": "validate --format json file.yaml",
    "print-config": "print-config file.yaml",
    "schema": "schema",
    "version": "version",
    "help": "--help",
    "help of a command": "map --help",
    "demo": "demo --records 10",
    "endpoint": "endpoint",
    "broker": "broker --quiet",
    "explain": "explain not-json",
    "init": "init --from flat",
    "test": "test tested.yaml",
    "play": "play tested.yaml",
    "plan": "plan file.yaml tested.yaml --input one.jsonl",
    "completion": "completion bash",
}
# The same of commands that ask brokers.
READS_TOPICS = {
    "tap": "tap file.yaml -o start:end",
    "lag": "lag file.yaml --interval 1s",
    "dlq": "dlq list file.yaml",
    "check": "check file.yaml",
    "export": 'export file.yaml --to "$(mktemp -d -p .)"',
    "offsets": "offsets set file.yaml cutover.json --dry-run",
}


def test_every_command_that_writes_data_is_tried() -> None:
    tried = {words.split()[0] for words in [*WRITES_DATA.values(), *READS_TOPICS.values()]}
    assert tried >= COMMANDS.keys() - {"run"}


@pytest.mark.grid
@pytest.mark.parametrize("name", WRITES_DATA)
@pytest.mark.parametrize(("target", "message"), [("/dev/full", FULL), ("&-", CLOSED)])
def test_data_that_cannot_be_written_ends_with_74_and_a_line(file: Path, name: str, target: str, message: str) -> None:
    ran = shell(file, f"putevents {WRITES_DATA[name]} </dev/null >{target}")
    assert ran.returncode == 74, ran.stderr
    assert ran.stderr.endswith(message)
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr


@pytest.mark.parametrize("name", READS_TOPICS)
def test_what_is_read_of_a_topic_and_cannot_be_written_ends_in_a_line(live: Path, name: str) -> None:
    for target, message in (("/dev/full", FULL), ("&-", CLOSED)):
        ran = shell(live, f"putevents {READS_TOPICS[name]} </dev/null >{target}")
        assert ran.returncode == 74, ran.stderr
        assert ran.stderr.endswith(message)
        assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("name", READS_TOPICS)
def test_a_reader_that_leaves_what_is_read_of_a_topic_ends_it_quietly(live: Path, name: str) -> None:
    ran = shell(live, f"putevents {READS_TOPICS[name]} </dev/null | head -c 1 >/dev/null")
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr


@pytest.mark.parametrize("name", [name for name in WRITES_DATA if name not in {"endpoint", "broker", "play"}])
def test_a_reader_that_leaves_is_no_error(file: Path, name: str) -> None:
    ran = shell(file, f"putevents {WRITES_DATA[name]} </dev/null | head -c 1 >/dev/null")
    # What has written everything before the reader left ends as without one.
    assert ran.returncode in ({0, 78} if name == "validate" else {0}), ran.stderr
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr


@pytest.mark.parametrize("target", ["/dev/full", "&-"])
@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("validate file.yaml", 0),
        ("validate bad.yaml", 78),
        ("map file.yaml --input one.jsonl", 0),
        ("map missing.yaml", 78),
        ("map --strict file.yaml --input file.yaml", 1),
        ("frobnicate", 2),
        ("endpoint --log /not-there/log", 69),
    ],
)
def test_messages_that_cannot_be_written_change_no_exit_code(file: Path, words: str, code: int, target: str) -> None:
    assert shell(file, f"putevents {words} </dev/null 2>{target}").returncode == code


def test_a_valid_file_needs_no_output(file: Path) -> None:
    assert shell(file, "putevents validate file.yaml >&-").returncode == 0


def test_with_no_stream_at_all_the_exit_code_is_right(file: Path) -> None:
    assert shell(file, "putevents validate bad.yaml <&- >&- 2>&-").returncode == 74
    assert shell(file, "putevents validate file.yaml <&- >&- 2>&-").returncode == 0


def test_a_closed_input_is_said_to_be_closed_and_what_to_do(file: Path) -> None:
    ran = shell(file, "putevents map file.yaml <&-")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        "standard input: expected lines that can be read: it is closed; pipe records in, or name a file with --input\n"
    )


def test_no_file_takes_the_place_of_a_closed_stream(file: Path) -> None:
    ran = shell(file, "putevents map file.yaml --input one.jsonl <&- 2>&-")
    assert ran.returncode == 0
    assert ran.stdout.startswith('{"line":1,"outcome":"')
    assert (file.parent / "one.jsonl").read_text() == VALUE
