"""Samples of files and of tests become records as text that the dry run takes."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from connector.config import Loaded, load_text
from connector.core.records import Record
from connector.given_records import record_of
from connector.playground.samples import MOST, from_file, from_tests, of_record
from connector.starting.samples import NoSamplesError
from tests.support.trials import VIEW, config


def loaded(text: str) -> Loaded:
    found = load_text(text, "file.yaml", {})
    assert isinstance(found, Loaded), found
    return found


def samples(tmp_path: Path, content: bytes, pipeline: str = "") -> list[Any]:
    (tmp_path / "samples").write_bytes(content)
    found = from_file(tmp_path / "samples", loaded(config(pipeline=pipeline)))
    return [json.loads(text) for text in found.texts]


def test_json_lines_are_values(tmp_path: Path) -> None:
    assert samples(tmp_path, b'{"session": "s"}\n\n{"session": "t"}\r\n') == [
        {"value": {"session": "s"}},
        {"value": {"session": "t"}},
    ]


def test_a_dump_of_kcat_keeps_what_it_tells_of_a_record(tmp_path: Path) -> None:
    line = {
        "topic": "clicks",
        "partition": 1,
        "offset": 7,
        "ts": 1795509011000,
        "key": "k",
        "payload": '{"session":"s"}',
    }
    [found] = samples(tmp_path, json.dumps(line).encode())
    assert found == {"value": {"session": "s"}, "key": "k", "timestamp": 1795509011000, "topic": "clicks"}


def test_described_records_stay_as_they_are(tmp_path: Path) -> None:
    lines = [{"value_base64": "AAE=", "key": "k"}, {"value": "text", "headers": {"a": "b"}, "offset": 3}]
    assert samples(tmp_path, "\n".join(map(json.dumps, lines)).encode()) == lines


def test_csv_with_a_header_is_rows(tmp_path: Path) -> None:
    assert samples(tmp_path, b"session,item\ns,p\n") == [{"value": {"session": "s", "item": "p"}}]


def test_lines_of_a_topic_of_text_are_values_as_they_stand(tmp_path: Path) -> None:
    delimited = "value: {format: delimited, delimiter: ',', columns: [session, item]}"
    assert samples(tmp_path, b"s,p\nt,q\n", delimited) == [{"value": "s,p"}, {"value": "t,q"}]


def test_lines_that_are_no_records_are_shown_all_the_same(tmp_path: Path) -> None:
    assert samples(tmp_path, b"oops\n\xff\n") == [{"value": "oops"}, {"value_base64": "/w=="}]


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_an_empty_file_is_an_error_in_words(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(NoSamplesError, match="the file is empty"):
        samples(tmp_path, content)


def test_of_many_lines_the_first_are_taken_and_the_note_says_so(tmp_path: Path) -> None:
    (tmp_path / "many.jsonl").write_text('{"session": "s"}\n' * (MOST + 5))
    found = from_file(tmp_path / "many.jsonl", None)
    assert len(found.texts) == MOST
    assert found.note == f"many.jsonl, the first {MOST} of the file"


def test_records_of_the_tests_are_samples(tmp_path: Path) -> None:
    tests = f"- {{name: t, pipeline: web, input: {{value: {VIEW}, key: k, timestamp: 1795509011000}}, output: []}}"
    text = config(tests)
    found = from_tests(text, tmp_path / "file.yaml", loaded(text))
    value = {"session": "s1", "action": "view", "item": "p1", "time": 1795509011}
    [sample] = map(json.loads, found.texts)
    assert sample == {"topic": "clicks", "timestamp": 1795509011000, "key": "k", "value": value}
    assert found.note == "records of the file's tests"


@pytest.mark.parametrize("valid", [True, False])
def test_without_tests_there_is_a_hint_and_a_first_sample(tmp_path: Path, valid: bool) -> None:  # noqa: FBT001
    found = from_tests(config(), tmp_path / "file.yaml", loaded(config()) if valid else None)
    assert [json.loads(text) for text in found.texts] == [{"value": {}}]
    assert "--sample FILE" in found.note


@pytest.mark.parametrize(
    "record",
    [
        Record("t", 0, 0, None, None, b'{"a":1}'),
        Record("t", 3, 9, 1795509011000, b"k", b"text"),
        Record("t", 0, 0, None, b"\xff", b"\x00\xff", (("h", b"v"), ("b", b"\xff"))),
        Record("t", 0, 0, 5, None, None),
        Record("t", 0, 0, None, b"7", b'"text"'),
        Record("t", 0, 0, None, None, b'{"n":123456789012345678901234567890}'),
    ],
)
def test_a_record_described_is_the_record(record: Record) -> None:
    described = of_record(record)
    again = record_of(described.encode(), 1, "other")
    assert again._replace(timestamp=record.timestamp) == record


def test_a_value_in_base64_is_exact() -> None:
    given = json.loads(of_record(Record("t", 0, 0, None, None, b"\xff\x00")))
    assert base64.b64decode(given["value_base64"]) == b"\xff\x00"
