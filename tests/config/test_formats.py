"""A file that needs what is not installed, or a schema that is not there, is refused before it runs."""

import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from connector.config import protoc, schema_files
from connector.config.choices import keys_at
from connector.config.formats import _FITS, COMMON_TYPES, JSON_SCHEMA, PROTOBUF, PROTOC, ZSTD, Package
from connector.config.models import Config
from connector.config.synonyms import _SYNONYMS
from connector.core.formats.decoded import Decode, SchemaError
from connector.core.mapping.specs import KeyFormat, ValueFormat
from connector.core.records import Record, Transformed
from tests.support.config_files import build, loaded, only, problems
from tests.support.pages import ROOT

PACKAGES = (PROTOBUF, COMMON_TYPES, PROTOC, JSON_SCHEMA, ZSTD)
RULES = "rules: [{name: view, put_events: {sessionId: value.session, eventType: {const: View}}}]"


def pipeline(line: str) -> str:
    return build(pipelines=f"pipelines:\n  - name: web\n    topics: [clicks]\n    {line}\n    {RULES}")


@pytest.fixture
def hide(monkeypatch: pytest.MonkeyPatch) -> Callable[[Package], None]:
    """Makes a package look as if it were not installed."""
    find = importlib.util.find_spec

    def hidden(package: Package) -> None:
        if package.module is None:
            monkeypatch.setattr(protoc, "find_protoc", lambda: None)

        def without(name: str, parent: str | None = None) -> object:
            return None if name == package.module else find(name, parent)

        monkeypatch.setattr(importlib.util, "find_spec", without)

    return hidden


@pytest.mark.parametrize(
    ("line", "package", "command", "at"),
    [
        ("value: {format: protobuf, schema_file: a}", PROTOBUF, "pip install 'putevents-connector[protobuf]'", "proto"),
        ("key: {format: protobuf, schema_file: a}", PROTOBUF, "pip install 'putevents-connector[protobuf]'", "proto"),
        (
            "value: {format: protobuf, schema_file: a}",
            COMMON_TYPES,
            "pip install 'putevents-connector[protobuf]'",
            "proto",
        ),
        ("value: {format: protobuf}", PROTOC, "pip install 'putevents-connector[protobuf]'", "proto"),
        ("key: {format: protobuf}", PROTOC, "pip install 'putevents-connector[protobuf]'", "proto"),
        ("value: {compression: zstd}", ZSTD, "pip install 'putevents-connector[zstd]'", "zstd"),
    ],
)
def test_a_file_that_needs_a_missing_package_names_the_command_that_installs_it(
    hide: Callable[[Package], None], line: str, package: Package, command: str, at: str
) -> None:
    hide(package)
    problem = only(pipeline(line) + "schema_registry: {url: 'http://registry:8081'}\n")
    assert (problem.code, problem.hint) == ("missing-package", command)
    assert f"the package {package.name}" in problem.message
    assert problem.source_line[problem.caret :].startswith(at)


def test_a_package_inside_a_package_that_is_missing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google", None)
    monkeypatch.delitem(sys.modules, "google.protobuf", raising=False)
    problem = only(pipeline("value: {format: protobuf, schema_file: a.desc}"))
    assert problem.code == "missing-package"


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_json_file_needs_no_package(hide: Callable[[Package], None], package: Package) -> None:
    hide(package)
    loaded(build())


def test_every_extra_that_is_named_is_an_extra_of_the_distribution() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    for package in PACKAGES:
        [extra] = [row for row in text.splitlines() if row.startswith(f"{package.extra} = [")]
        assert f'"{package.name}>=' in extra


def test_every_optional_package_that_the_connector_imports_is_looked_for() -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "connector").rglob("*.py"))
    for module in ("fastavro", "google", "jsonschema_rs", "zstandard"):
        imported = re.search(rf"^\s*(?:import|from) {module}\b", text, re.MULTILINE)
        assert imported is None or any((package.module or "").startswith(module) for package in PACKAGES), module


def test_every_key_of_a_format_but_the_common_ones_belongs_to_some_format() -> None:
    common = {"format", "compression", "envelope"}
    keys = {*keys_at(Config, ("pipelines", 0, "value"), {}), *keys_at(Config, ("pipelines", 0, "key"), {})}
    assert keys - common <= _FITS.keys()


def test_every_word_of_other_tools_leads_to_a_choice() -> None:
    fields = [ValueFormat.model_fields[name] for name in ("format", "compression", "envelope")]
    fields.append(KeyFormat.model_fields["format"])
    choices = {choice for field in fields for choice in field.annotation.__args__}  # type: ignore[union-attr]
    choices |= {"plain", "scram", "oidc", "msk_iam"}  # of auth.type
    choices |= {"skip", "dead_letter"}  # of otherwise
    choices |= {"earliest", "latest"}  # of auto_offset_reset
    choices |= {"debug", "warning", "error"}  # of log.level
    assert _SYNONYMS.keys() <= choices
    assert not any(
        word in choices and word not in {"text", "string", "plain"} for words in _SYNONYMS.values() for word in words
    )


# -- schema files ---------------------------------------------------------------------------------------------


def compiler(answer: Decode | SchemaError, given: list[tuple[bytes, str | None]]) -> schema_files._Compile:
    def compile_schema(raw: bytes, message: str | None) -> Decode:
        given.append((raw, message))
        if isinstance(answer, SchemaError):
            raise answer
        return answer

    return compile_schema


@pytest.fixture
def compilers(monkeypatch: pytest.MonkeyPatch) -> dict[str, schema_files._Compile]:
    table = dict(schema_files._COMPILERS)
    monkeypatch.setattr(schema_files, "_COMPILERS", table)
    return table


def test_a_schema_file_is_compiled_when_the_file_is_loaded_and_decodes_the_records(
    compilers: dict[str, schema_files._Compile], tmp_path: Path
) -> None:
    given: list[tuple[bytes, str | None]] = []
    compilers["protobuf"] = compiler(lambda payload: {"session": payload.decode()}, given)
    (tmp_path / "click.desc").write_bytes(b"\xff descriptors")
    value = f"value: {{format: protobuf, schema_file: {tmp_path}/click.desc, message: shop.Click}}"
    [(_, mapped)] = loaded(pipeline(value)).pipelines()
    assert given == [(b"\xff descriptors", "shop.Click")]
    fate = mapped(Record("clicks", 0, 0, 1_700_000_000_000, None, b"s1"), 1_700_000_000.0)
    assert isinstance(fate, Transformed)
    assert [entry.lane for entry in fate.entries] == ["s1"]


def test_a_key_has_a_schema_file_of_its_own(compilers: dict[str, schema_files._Compile], tmp_path: Path) -> None:
    compilers["protobuf"] = compiler(lambda payload: payload.decode(), [])
    (tmp_path / "key.desc").write_bytes(b"")
    key = f"key: {{format: protobuf, schema_file: {tmp_path}/key.desc}}"
    [(_, mapped)] = loaded(pipeline(key).replace("sessionId: value.session", "sessionId: key")).pipelines()
    fate = mapped(Record("clicks", 0, 0, 1_700_000_000_000, b"k1", b"{}"), 1_700_000_000.0)
    assert isinstance(fate, Transformed)
    assert [entry.lane for entry in fate.entries] == ["k1"]


def test_a_schema_that_cannot_be_used_is_a_problem_at_its_path(
    compilers: dict[str, schema_files._Compile], tmp_path: Path
) -> None:
    compilers["avro"] = compiler(SchemaError("expected an Avro schema: no type"), [])
    (tmp_path / "click.avsc").write_text("{}")
    problem = only(pipeline(f"value: {{format: avro, schema_file: {tmp_path}/click.avsc}}"))
    assert (problem.code, problem.message) == ("bad-schema", "expected an Avro schema: no type")
    assert problem.source_line[problem.caret :].startswith(str(tmp_path))


def test_problems_of_a_schema_file_hide_no_other_problem(tmp_path: Path) -> None:
    text = pipeline(f"value: {{format: avro, schema_file: {tmp_path}/none.avsc}}").replace(
        "topic: clicks.dead", "topic: '/'"
    )
    assert {problem.code for problem in problems(text)} == {"unreadable-file", "bad-topic"}


def test_without_a_registry_a_schema_file_is_enough_and_with_one_it_is_not_needed() -> None:
    assert only(pipeline("value: {format: avro}")).code == "missing-schema"
    assert "schema_registry" in str(only(pipeline("value: {format: avro}")).hint)
