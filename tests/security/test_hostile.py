"""A record, and a file, cannot run anything, read anything, or choose what is spent."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import connector
from connector.config import Loaded, base_properties, load_text
from connector.core.expressions.functions import EXTRA_FUNCTIONS, FUNCTIONS
from tests.support.config_files import build

CODE = Path(connector.__file__).parent
RUNS = ("eval", "exec", "compile", "__import__", "breakpoint")
READ_OBJECTS = frozenset({"pickle", "marshal", "shelve", "pty", "code", "runpy"})
DEMONSTRATIONS = frozenset({"subprocess", "ctypes"})


@cache
def nodes() -> tuple[tuple[Path, ast.AST], ...]:
    """All that stands in the connector's code, each with its file."""
    paths = sorted(CODE.rglob("*.py"))
    return tuple((path.relative_to(CODE), node) for path in paths for node in ast.walk(ast.parse(path.read_text())))


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    return [(node.module or "").partition(".")[0]] if isinstance(node, ast.ImportFrom) else []


def test_no_code_of_the_connector_runs_text_or_reads_objects_out_of_bytes() -> None:
    calls = [(path, node.func) for path, node in nodes() if isinstance(node, ast.Call)]
    assert [path for path, called in calls if isinstance(called, ast.Name) and called.id in RUNS] == []
    assert [path for path, node in nodes() if not READ_OBJECTS.isdisjoint(imported(node))] == []


def test_only_demonstrations_the_compiler_of_schemas_and_git_start_processes_or_call_into_c() -> None:
    users = {path for path, node in nodes() if not DEMONSTRATIONS.isdisjoint(imported(node))}
    # protoc reads .proto text, which comes from the registry that the operator names, never from a record; git reads
    # the revision that whoever runs `plan` names.
    known = {"registry/proto_source.py", "planning/revisions.py"}
    assert {path.as_posix() for path in users if path.parts[0] != "local"} == known


def test_yaml_is_only_read_by_the_loader_that_makes_plain_data() -> None:
    for path, node in nodes():
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "yaml":
            assert node.attr not in {"load", "unsafe_load", "full_load", "load_all"}, path
            assert "Unsafe" not in node.attr, path


def mapped(spec: Any) -> Loaded | list[Any]:
    rule = {"name": "r", "put_events": {"sessionId": spec, "eventType": {"const": "View"}}}
    return load_text(
        build(pipelines=yaml.safe_dump({"pipelines": [{"name": "p", "topics": ["t"], "rules": [rule]}]})), "f", {}
    )


@pytest.mark.parametrize("spec", [{"file": "/etc/passwd"}, {"env": "HOME"}, {"from": {"file": "/etc/passwd"}}])
def test_a_mapping_reads_no_file_and_no_variable(spec: Any) -> None:
    assert isinstance(mapped(spec), list)


def test_a_property_called_file_is_a_property() -> None:
    result = mapped({"const": {"file": "/etc/passwd"}})
    assert isinstance(result, list), "a session id is text"
    pipelines = """\
        pipelines:
          - name: web
            topics: [clicks]
            rules:
              - name: view
                put_events: {sessionId: value.s, eventType: {const: V}, properties: {file: value.f, env: value.e}}"""
    assert isinstance(load_text(build(pipelines=pipelines), "f", {}), Loaded)


@pytest.mark.parametrize(
    "name", ["open", "exec", "eval", "system", "now", "random", "env", "file", "http_get", "import"]
)
def test_an_expression_calls_the_functions_of_the_table_and_no_other(name: str) -> None:
    assert name not in FUNCTIONS
    result = mapped(f"{name}(value.a)")
    assert isinstance(result, list)
    assert {problem.code for problem in result} == {"unknown-function"}


def test_there_are_as_many_functions_as_are_documented() -> None:
    page = (CODE.parent / "docs" / "reference" / "functions.md").read_text()
    assert all(f"`{function.signature}`" in page for function in EXTRA_FUNCTIONS)
    assert len(FUNCTIONS) == 26 + len(EXTRA_FUNCTIONS)


def test_a_record_cannot_choose_a_regular_expression() -> None:
    result = mapped("regex_extract(value.a, value.b)")
    assert isinstance(result, list)
    assert {problem.code for problem in result} == {"bad-argument"}


def kafka(**settings: Any) -> Loaded | list[Any]:
    section = {"kafka": {"bootstrap_servers": "b:1", "group_id": "g", **settings}}
    return load_text(build(kafka=yaml.safe_dump(section)), "f", {})


@pytest.mark.parametrize(
    "auth",
    [
        {"type": "plain", "username": "u", "password": "p"},
        {"type": "scram", "username": "u", "password": "p"},
        {"type": "oidc", "token_endpoint_url": "https://h/t", "client_id": "c", "client_secret": "s"},
        {"type": "msk_iam", "region": "eu-west-1"},
    ],
    ids=lambda auth: auth["type"],
)
def test_whoever_logs_in_does_so_over_tls_unless_told_otherwise(auth: dict[str, str]) -> None:
    loaded = kafka(auth=auth)
    assert isinstance(loaded, Loaded), loaded
    properties = base_properties(loaded.config.kafka)
    assert properties["security.protocol"] == "SASL_SSL"
    # Both are on by default in librdkafka, and nothing here turns them off.
    assert "enable.ssl.certificate.verification" not in properties
    assert "ssl.endpoint.identification.algorithm" not in properties


@pytest.mark.parametrize(
    "properties",
    [
        {"enable.ssl.certificate.verification": False},
        {"ssl.endpoint.identification.algorithm": "none"},
        {"security.protocol": "plaintext"},
        {"plugin.library.paths": "/tmp/x.so"},  # noqa: S108  a path that nobody opens
        {"ssl.engine.location": "/tmp/x.so"},  # noqa: S108
        {"sasl.kerberos.kinit.cmd": "touch /tmp/x"},
        {"sasl.oauthbearer.config": "x"},
    ],
    ids=lambda properties: next(iter(properties)),
)
def test_no_property_turns_verification_off_or_loads_code(properties: dict[str, Any]) -> None:
    result = kafka(librdkafka=properties)
    assert isinstance(result, list)
    assert {problem.code for problem in result} == {"owned-property"}
