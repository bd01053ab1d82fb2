"""What each command loads: most need neither the client of Kafka nor that of AWS, which take most of a second."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from connector.cli import COMMANDS
from tests.support.config_files import build

# Libraries and parts of the standard library that take long to load.
HEAVY = {
    "asyncio", "boto3", "botocore", "confluent_kafka", "jmespath", "opentelemetry", "orjson", "prometheus_client",
    "pydantic", "ssl", "structlog", "urllib3", "uvloop", "yaml",
    "fastavro", "google", "jsonschema_rs", "zstandard",  # optional: a file that does not ask for them needs none
}  # fmt: skip
FILES = {"jmespath", "orjson", "pydantic", "yaml"}
LOADS: dict[str, set[str]] = {
    "--help": set(),
    "version": set(),
    "completion bash": set(),
    "export file.yaml --to out --dataset items": FILES,
    "tap file.yaml --rule nowhere": FILES,
    "explain bad-duration": set(),
    "schema": FILES,
    "init": set(),
    "init --from snowplow": set(),
    "init --sample records.jsonl": FILES,
    "validate file.yaml": FILES,
    "validate bad.yaml": FILES,
    "validate mapping.yaml": FILES,
    "print-config file.yaml": FILES,
    "map file.yaml --input records.jsonl": FILES,
    "map file.yaml --input records.jsonl --explain": FILES,
    "test tested.yaml": FILES,
    "test tested.yaml --update --coverage --junit j.xml --output json": FILES,
    "plan file.yaml file.yaml --input records.jsonl": FILES,
    "plan file.yaml file.yaml --input records.jsonl --output markdown --fail-on any": FILES,
    # Of a schema file's format, and of no other.
    "validate avro.yaml": FILES,
    "validate protobuf.yaml": FILES | {"google"},
    "validate checked.yaml": FILES | {"jsonschema_rs"},
    # It has no sample and does not get so far as to serve.
    "play file.yaml --sample missing": FILES,
    "map file-with-registry.yaml --input records.jsonl": FILES,
    # These properties are judged by Kafka's client itself.
    "validate tuned.yaml": FILES | {"asyncio", "confluent_kafka", "ssl"},
}
# Runs one command after the other, each an argument, and says after each what is loaded.
ASK = """
import json, sys
from connector.cli import main
for words in sys.argv[1:]:
    try:
        main(words.split())
    except SystemExit:
        pass
    print("\\n" + json.dumps(sorted(sys.modules)), flush=True)
"""


class Schema(NamedTuple):
    setting: str
    content: bytes


def descriptors() -> bytes:
    files = FileDescriptorSet()
    file = files.file.add(name="click.proto", syntax="proto3")
    file.message_type.add(name="Click").field.add(name="session", number=1, type=9, label=1)
    content: bytes = files.SerializeToString()
    return content


SCHEMAS = {
    "avro.schema": Schema("format: avro", b'"string"'),
    "protobuf.schema": Schema("format: protobuf", descriptors()),
    "checked.schema": Schema("format: json_schema, validate: true", b"{}"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "file.yaml").write_text(build())
    (tmp_path / "bad.yaml").write_text(build(personalize="personalize: {tracking_idd: x}"))
    # What the mapping's compiler refuses, and suggestions for it.
    (tmp_path / "mapping.yaml").write_text(build().replace("value.session", "valu.session"))
    tuned = "kafka: {bootstrap_servers: 'b:9092', group_id: g, librdkafka: {fetch.min.bytes: 1}}"
    (tmp_path / "tuned.yaml").write_text(build(kafka=tuned))
    test = "tests: [{name: t, pipeline: web, input: {value: {session: s}}, output: {filtered: true}}]\n"
    (tmp_path / "tested.yaml").write_text(build() + test)
    for name, value in SCHEMAS.items():
        (tmp_path / name).write_bytes(value.content)
        value_of = f"    value: {{{value.setting}, schema_file: {name}}}\n    rules:"
        (tmp_path / f"{name}.yaml".replace(".schema", "")).write_text(build().replace("    rules:", value_of))
    (tmp_path / "file-with-registry.yaml").write_text(build() + "schema_registry: {url: 'http://127.0.0.1:1'}\n")
    (tmp_path / "records.jsonl").write_text('{"session":"s"}\n')
    return tmp_path


def loaded(folder: Path, *commands: str) -> list[set[str]]:
    """After each command, all modules that it and those before it have loaded."""
    ran = subprocess.run([sys.executable, "-c", ASK, *commands], cwd=folder, capture_output=True, text=True, check=True)
    found = [set(json.loads(line)) for line in ran.stdout.splitlines() if line.startswith('["')]
    assert len(found) == len(commands)
    return found


@pytest.mark.parametrize(
    "needed", {frozenset(each): None for each in LOADS.values()}, ids=lambda each: "+".join(sorted(each)) or "nothing"
)
def test_a_command_loads_only_what_it_needs(folder: Path, needed: frozenset[str]) -> None:
    """Those that need the same run in one process: none may load what the others do not need either."""
    commands = [words for words, each in LOADS.items() if each == needed]
    for words, modules in zip(commands, loaded(folder, *commands), strict=True):
        assert HEAVY.intersection(name.partition(".")[0] for name in modules) <= needed, words


def test_help_takes_at_most_150_ms_of_cpu(folder: Path) -> None:
    """The best of several, in time of the processor: how busy the machine is does not count."""
    spent = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "connector", "--help"], cwd=folder, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spent) <= 0.15


@pytest.mark.grid
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_loads_no_other_command(folder: Path, name: str) -> None:
    modules = {command.module for command in COMMANDS.values()} - {COMMANDS[name].module}
    [found] = loaded(folder, f"{name} --help")
    needed = {"connector.cli.files"}  # loads a file for those that take one
    if name == "demo":
        needed |= {"connector.local.broker", "connector.local.endpoint.command"}
    assert modules & found <= needed
    if name not in {"run", "check", "demo", "broker", "endpoint"}:  # these are about the clients
        assert HEAVY & found <= FILES
