"""``putevents map`` for records that are no lines of text: base64, hexadecimal, whole files; the wait for schemas."""

import base64
import json
from pathlib import Path

import pytest

from connector.config import schema_files
from connector.core.formats.decoded import DecodingError
from connector.core.records import Filtered, Pending, Reason
from connector.core.sending.outcomes import Fatal
from connector.exits import Exit
from connector.ports import SchemaReach
from connector.schema_wait import NoSchema, SchemaWait
from tests.cli.test_commands import Line, line  # noqa: F401  a fixture
from tests.support.config_files import build

PIPELINES = """\
pipelines:
  - name: web
    topics: ['^web']
    value: {format: protobuf, schema_file: PATH}
    key: {format: bytes}
    rules:
      - name: view
        put_events:
          sessionId: value.session
          userId: key
          eventType: {const: View}
          itemId: headers.item
          sentAt: {const: 1700000000}
  - name: json
    topics: [json]
    rules:
      - name: view
        put_events: {sessionId: value.session, eventType: {const: View}, sentAt: {const: 1700000000}}
"""
BYTES = b"\xff\x00\n\r\n"


def decode(payload: bytes) -> dict[str, str]:
    if payload != BYTES:
        raise DecodingError(Reason.NOT_JSON, "expected other bytes")
    return {"session": "s1"}


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A file whose first pipeline knows one value: ``BYTES``."""
    monkeypatch.setattr(schema_files, "_COMPILERS", {"protobuf": lambda _raw, _message: decode})
    schema = tmp_path / "click.desc"
    schema.write_bytes(b"")
    path = tmp_path / "config.yaml"
    path.write_text(build(pipelines=PIPELINES.replace("PATH", str(schema))))
    return str(path)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("base64", base64.b64encode(BYTES)),
        ("base64", base64.urlsafe_b64encode(BYTES).rstrip(b"=")),
        ("hex", b"ff000a0d0a"),
        ("hex", b"0xFF000A0D0A"),
        ("hex", b"ff 00 0a 0d 0a"),
    ],
)
def test_a_line_may_be_a_value_of_any_bytes(line: Line, config: str, encoding: str, text: bytes) -> None:  # noqa: F811
    ran = line("map", config, "--encoding", encoding, stdin=text + b"\n\n" + text + b"\r\n")
    assert [(shown["line"], shown["outcome"]) for shown in ran.lines] == [(1, "mapped"), (3, "mapped")]


def test_a_whole_file_may_be_one_value(line: Line, config: str, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "a.bin").write_bytes(BYTES)
    (tmp_path / "b.bin").write_bytes(b"")
    files = ["--input", str(tmp_path / "a.bin"), "--input", str(tmp_path / "b.bin")]
    ran = line("map", config, "--encoding", "binary", *files)
    assert [shown["outcome"] for shown in ran.lines] == ["mapped", "dead_letter"]
    assert line("map", config, "--encoding", "binary", stdin=BYTES).lines[0]["outcome"] == "mapped"


def test_lines_of_several_files_are_counted_on(line: Line, config: str, tmp_path: Path) -> None:  # noqa: F811
    for name in ("a", "b"):
        (tmp_path / name).write_text("ff000a0d0a\n")
    ran = line("map", config, "--encoding", "hex", "--input", str(tmp_path / "a"), "--input", str(tmp_path / "b"))
    assert [shown["line"] for shown in ran.lines] == [1, 2]


def test_a_record_may_have_its_parts_in_base64(line: Line, config: str) -> None:  # noqa: F811
    record = {
        "value_base64": base64.b64encode(BYTES).decode(),
        "key_base64": "/wA=",
        "headers": {"other": "x"},
        "headers_base64": {"item": base64.b64encode(b"i-1").decode()},
    }
    [mapped] = line("map", config, "--records", stdin=json.dumps(record).encode()).lines
    [call] = mapped["calls"]
    assert (call["sessionId"], call["userId"], call["eventList"][0]["itemId"]) == ("s1", "ff00", "i-1")


def test_a_record_without_a_topic_goes_to_the_first_pipeline_though_that_reads_a_pattern(
    line: Line,  # noqa: F811
    config: str,
) -> None:
    [skipped] = line("map", config, "--records", stdin=b'{"key": "k"}').lines
    assert (skipped["pipeline"], skipped["reason"]) == ("web", "tombstone")


@pytest.mark.parametrize(
    "record",
    [
        {"value_base64": "SECRET!"},
        {"key_base64": "SECRET!"},
        {"headers_base64": {"SECRET": "SECRET!"}},
        {"headers_base64": {"SECRET": 7}},
        {"value_base64": 7},
        {"value": "SECRET", "value_base64": "U0VDUkVU"},
        {"key": "SECRET", "key_base64": None},
    ],
)
def test_a_record_whose_base64_is_wrong_is_told_without_it(
    line: Line,  # noqa: F811
    config: str,
    record: dict[str, object],
) -> None:
    ran = line("map", config, "--records", stdin=json.dumps(record).encode())
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("line 1: ")
    assert "expected" in ran.err
    assert "SECRET" not in ran.err


@pytest.mark.parametrize(
    ("encoding", "text", "words"),
    [
        ("base64", b"SECRET-\x80", "expected base64"),
        ("base64", b"A", "expected base64"),
        ("hex", b"SECRET", "expected hexadecimal"),
        ("hex", b"fff", "expected hexadecimal"),
        ("hex", "\N{LATIN SMALL LETTER U WITH DIAERESIS}".encode(), "expected hexadecimal"),
    ],
)
def test_a_line_of_another_encoding_is_told_by_its_number_alone(
    line: Line,  # noqa: F811
    config: str,
    encoding: str,
    text: bytes,
    words: str,
) -> None:
    ran = line("map", config, "--encoding", encoding, stdin=b"\n" + text)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"line 2: {words}")
    assert "SECRET" not in ran.err


def test_lines_of_text_for_values_that_are_none_are_refused_with_the_way_out(line: Line, config: str) -> None:  # noqa: F811
    ran = line("map", config, stdin=b"\xff\n")
    assert (ran.code, ran.out) == (1, "")
    assert "pipeline web: its values are protobuf" in ran.err
    assert "--encoding base64" in ran.err
    assert line("map", config, "--pipeline", "json", stdin=b'{"session":"s"}').lines[0]["outcome"] == "mapped"


def test_packed_values_are_no_lines_of_text_either(line: Line, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "config.yaml"
    path.write_text(build().replace("topics: [clicks]", "topics: [clicks]\n    value: {compression: gzip}"))
    assert "its values are packed by gzip" in line("map", str(path), stdin=b"x\n").err


def test_an_encoding_and_whole_records_exclude_each_other(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    from connector.cli import main  # noqa: PLC0415  the parser alone

    with pytest.raises(SystemExit) as left:
        main(["map", config, "--records", "--encoding", "hex"])
    assert left.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


# -- the wait for schemas -------------------------------------------------------------------------------------


class Registry:
    """A fetcher whose fetch ends so many seconds from now, if it does; its clock moves only while somebody waits."""

    def __init__(self, *, ends: float = 0.5, refused: Fatal | None = None, trouble: str = "") -> None:
        self.now = 0.0
        self._ends = ends
        self._refused = refused
        self._trouble = trouble

    def answers(self) -> int:
        return int(self.now >= self._ends)

    def refused(self) -> Fatal | None:
        return self._refused

    def reach(self) -> SchemaReach:
        return SchemaReach(0.0, self._trouble, ("schema 7",))

    def wait(self, answers: int, seconds: float) -> bool:
        if self._refused is None:
            self.now += min(seconds, self._ends - self.now)
        return self._refused is not None or self.answers() > answers

    def transform(self) -> Filtered | Pending:
        return Filtered() if self.now >= self._ends else Pending("schema 7", "web")


def test_a_record_is_mapped_again_once_its_schema_is_there() -> None:
    registry = Registry(ends=3.0)
    assert SchemaWait(registry)(registry.transform) == Filtered()
    assert registry.now == 3.0


def test_a_record_that_needs_no_schema_waits_for_nothing() -> None:
    registry = Registry(ends=0.0)
    assert SchemaWait(registry)(registry.transform) == Filtered()
    assert registry.now == 0


def test_a_registry_that_does_not_answer_is_named_after_a_bounded_wait() -> None:
    registry = Registry(ends=100.0, trouble="connection refused")
    with pytest.raises(NoSchema, match=r"did not give schema 7 within 10 s: connection refused") as away:
        SchemaWait(registry)(registry.transform)
    assert away.value.code == Exit.UNAVAILABLE
    assert registry.now == 10


def test_a_registry_that_refuses_is_named_at_once_with_the_remedy() -> None:
    registry = Registry(ends=100.0, refused=Fatal("403", "grant READ on the subject"))
    with pytest.raises(NoSchema, match=r"refuses to give schema 7: 403; grant READ on the subject") as refused:
        SchemaWait(registry)(registry.transform)
    assert (refused.value.code, registry.now) == (Exit.REFUSED, 0)


def test_a_file_without_a_registry_has_none_to_wait_for() -> None:
    with pytest.raises(NoSchema, match="names none"):
        SchemaWait(None)(Registry().transform)
