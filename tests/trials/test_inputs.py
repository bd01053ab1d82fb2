"""What a test gives becomes the record that a producer would have written."""

import base64
import gzip
import json
import zlib
from pathlib import Path

import pytest
import zstandard
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from hypothesis import given
from hypothesis import strategies as st

from connector.core.mapping.specs import KeyFormat, ValueFormat
from connector.core.records import Record
from connector.trials.cases import Suite
from connector.trials.encoding import CannotEncode, encode_key, encode_value
from tests.support.trials import EVENT, VIEW, case, collected, config, only, wrong


def records(folder: Path, given: str, pipeline: str = "") -> list[Record]:
    several = "file" in given or "records:" in given
    test = case(input=given, outputs="[]") if several else case(input=given, output="{filtered: true}")
    found = collected(folder, config(test, pipeline=pipeline))
    assert isinstance(found, Suite), found
    return list(found.cases[0].records)


def test_a_record_has_all_that_its_input_names(tmp_path: Path) -> None:
    given = "{value: {a: 1}, key: k, headers: {h: x, n: null}, headers_base64: {b: /w==}, topic: other, partition: 2, "
    [record] = records(tmp_path, given + "offset: 7, timestamp: 1795509011000}")
    headers = (("h", b"x"), ("n", None), ("b", b"\xff"))
    assert record == Record("other", 2, 7, 1795509011000, b"k", b'{"a":1}', headers)


def test_without_anything_it_is_a_tombstone_of_the_first_topic_without_a_timestamp(tmp_path: Path) -> None:
    assert records(tmp_path, "{}") == [Record("clicks", 0, 0, None, None, None)]


@pytest.mark.parametrize(
    ("given", "key", "value"),
    [
        ("{value_text: '{broken', key_text: ''}", b"", b"{broken"),
        ("{value_base64: AAEC, key_base64: _-8}", b"\xff\xef", b"\x00\x01\x02"),
    ],
)
def test_raw_parts_are_taken_as_they_are(tmp_path: Path, given: str, key: bytes, value: bytes) -> None:
    [record] = records(tmp_path, given)
    assert (record.key, record.value) == (key, value)


def test_base64_may_be_a_block_of_lines(tmp_path: Path) -> None:
    test = case(input="\n    value_base64: |\n      AAEC\n      AwQF", output="{rejected: not_json}")
    found = collected(tmp_path, config(test))
    assert isinstance(found, Suite)
    assert found.cases[0].records[0].value == bytes(range(6))


def test_each_line_of_a_file_is_a_record_at_an_offset_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_bytes(b'\xef\xbb\xbf{"a":1}\r\n\n{"a":2}\n')
    found = records(tmp_path, "{file: lines.jsonl, offset: 5, timestamp: 1795509011000, key: k}")
    assert [(record.offset, record.value, record.key) for record in found] == [
        (5, b'{"a":1}', b"k"),
        (6, b'{"a":2}', b"k"),
    ]
    assert {record.timestamp for record in found} == {1795509011000}


def test_a_file_of_records_never_has_the_time_of_today(tmp_path: Path) -> None:
    lines = [{"value": {"a": 1}, "key": "k"}, {"value_base64": "AA==", "timestamp": 1795509012000, "topic": "x"}]
    (tmp_path / "records.jsonl").write_text("\n".join(map(json.dumps, lines)))
    first, second = records(tmp_path, "{records: records.jsonl}")
    assert (first.timestamp, first.topic, first.key) == (None, "clicks", b"k")
    assert (second.timestamp, second.topic, second.value) == (1795509012000, "x", b"\x00")
    first, _ = records(tmp_path, "{records: records.jsonl, timestamp: 1795509011000}")
    assert first.timestamp == 1795509011000


@pytest.mark.parametrize(
    ("given", "words", "caret"),
    [
        ("{value_base64: '%'}", "expected base64", "'%'"),
        ("{key_base64: '%'}", "expected base64", "'%'"),
        ("{headers_base64: {h: '%'}}", "expected base64", "{h"),
        ("{value: {a: 1}, schema_file: nowhere}", "expected no schema_file", "nowhere}"),
        ("{file: nowhere.jsonl}", "expected a readable file: no such file or directory", "nowhere.jsonl"),
        ("{records: bad.jsonl}", "line 1: expected an object with", "bad.jsonl"),
    ],
)
def test_an_input_that_makes_no_record_is_a_problem_at_its_key(
    tmp_path: Path, given: str, words: str, caret: str
) -> None:
    (tmp_path / "bad.jsonl").write_text("[]\n")
    several = "file: n" in given or "records:" in given
    test = case(input=given, outputs="[]") if several and "schema_file" not in given else case(input=given)
    problem = wrong(tmp_path, config(test))
    assert problem.code == "unusable-input"
    assert problem.source_line[problem.caret :].startswith(caret)
    assert words in problem.message


def test_a_document_without_a_single_form_is_a_problem_at_its_key(tmp_path: Path) -> None:
    for parts, pipeline in (("{key: {a: 1}}", "key: {format: long}"), ("{value: {a: 1}}", "value: {format: text}")):
        problem = wrong(tmp_path, config(case(input=parts), pipeline=pipeline))
        assert (problem.code, problem.source_line[problem.caret :][:6]) == ("unusable-input", "{a: 1}")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("{value: 1, value_text: a}", "expected one of value, value_text, value_base64, file, records"),
        ("{key: 1, key_text: a}", "expected one of key, key_text, key_base64"),
        ("{records: r.jsonl, offset: 3}", "expected no offset beside records"),
    ],
)
def test_what_excludes_another_is_refused(tmp_path: Path, given: str, words: str) -> None:
    several = "records:" in given
    problem = wrong(tmp_path, config(case(input=given, outputs="[]") if several else case(input=given)))
    assert words in problem.message
    assert problem.hint


def test_the_outputs_of_lines_and_the_output_of_a_record_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "l.jsonl").write_text("{}\n")
    wanted = wrong(tmp_path, config(case(input="{file: l.jsonl}")))
    assert wanted.message == "expected outputs in place of output"
    wanted = wrong(tmp_path, config(case(outputs="[]")))
    assert wanted.message == "expected output in place of outputs"
    lacking = case().partition("  output:")[0]
    assert wrong(tmp_path, config(lacking)).message == "expected the key output: what becomes of the record"


# -- encoding -------------------------------------------------------------------------------------------------

documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), documents, max_size=4))
def test_a_document_is_encoded_as_the_json_of_itself(document: dict[str, object]) -> None:
    assert json.loads(encode_value(document, ValueFormat()) or b"") == document
    lines = encode_value([document, 1], ValueFormat(format="json_lines")) or b""
    assert [json.loads(line) for line in lines.split(b"\n")] == [document, 1]


@pytest.mark.parametrize(
    ("compression", "unpack"), [("gzip", gzip.decompress), ("zlib", zlib.decompress), ("zstd", zstandard.decompress)]
)
def test_a_document_is_packed_as_its_pipeline_unpacks(compression: str, unpack: object) -> None:
    spec = ValueFormat.model_validate({"compression": compression})
    packed = encode_value({"a": 1}, spec)
    assert callable(unpack)
    assert unpack(packed) == b'{"a":1}'
    assert encode_value({"a": 1}, spec) == packed


@pytest.mark.parametrize(
    ("spec", "document", "value"),
    [
        ({"format": "text"}, "a b", b"a b"),
        ({"format": "delimited", "columns": ["a", "b", "c"]}, {"a": "1", "b": ""}, b"1\t"),
        ({"format": "delimited", "columns": ["a", "b"], "delimiter": ","}, {"a": "1", "b": "2"}, b"1,2"),
        ({"format": "json_schema"}, {"a": 1}, b'{"a":1}'),
        ({"format": "json_schema", "validate": True}, {"a": 1}, b'\x00\x00\x00\x00\x01{"a":1}'),
        ({"format": "json_schema", "validate": True, "schema_file": "s"}, {"a": 1}, b'{"a":1}'),
        ({"format": "json_lines"}, {"a": 1}, b'{"a":1}'),
        ({"format": "avro"}, None, None),
    ],
)
def test_a_format_with_one_way_to_write_a_document_is_written(
    spec: dict[str, object], document: object, value: bytes | None
) -> None:
    assert encode_value(document, ValueFormat.model_validate(spec)) == value


@pytest.mark.parametrize(
    ("spec", "document", "words"),
    [
        ({"format": "avro"}, {"a": 1}, "expected value_base64 with format avro"),
        ({"format": "protobuf"}, {"a": 1}, "expected value_base64 with format protobuf"),
        ({"format": "text"}, {"a": 1}, "expected text with format text, not an object"),
        ({"format": "delimited", "columns": ["a", "b"]}, ["1"], "expected a mapping of columns"),
        ({"format": "delimited", "columns": ["a", "b"]}, {"c": "1"}, "expected a mapping of columns"),
        ({"format": "delimited", "columns": ["a", "b"]}, {"b": "1"}, "expected text for every column"),
        ({"format": "delimited", "columns": ["a", "b"]}, {"a": 1}, "expected text for every column"),
        ({"format": "delimited", "columns": ["a", "b"]}, {"a": "x\ty"}, "expected value_text"),
    ],
)
def test_where_there_are_several_ways_the_message_asks_for_bytes(
    spec: dict[str, object], document: object, words: str
) -> None:
    with pytest.raises(CannotEncode, match=words):
        encode_value(document, ValueFormat.model_validate(spec))


@pytest.mark.parametrize(
    ("form", "key", "encoded"),
    [
        ("string", "k", b"k"),
        ("string", 7, b"7"),
        ("json", {"id": 7}, b'{"id":7}'),
        ("json", "k", b'"k"'),
        ("bytes", "k", b"k"),
        ("long", -2, b"\xff" * 7 + b"\xfe"),
        ("int", 258, b"\x00\x00\x01\x02"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", b"123e4567-e89b-12d3-a456-426614174000"),
        ("avro", None, None),
    ],
)
def test_a_key_is_encoded_as_its_pipeline_decodes(form: str, key: object, encoded: bytes | None) -> None:
    assert encode_key(key, KeyFormat.model_validate({"format": form})) == encoded


@pytest.mark.parametrize(("form", "key"), [("long", 2**63), ("int", "k"), ("avro", {"a": 1}), ("bytes", 7)])
def test_a_key_that_its_format_cannot_hold_is_refused(form: str, key: object) -> None:
    with pytest.raises(CannotEncode, match="expected"):
        encode_key(key, KeyFormat.model_validate({"format": form}))


# -- formats with schemas --------------------------------------------------------------------------------------

SCHEMA = {"type": "record", "name": "C", "fields": [{"name": "session", "type": "string"}]}
AVRO = base64.b64encode(b"\x00\x00\x00\x00\x07\x04s1").decode()  # schema 7, then a text of two bytes
RULE = "- name: r\n  put_events: {sessionId: value.session, eventType: {const: View}, sentAt: {const: 1795509011}}\n"
MADE = "[{contains: {sessionId: s1}}]"


def with_registry(test: str, form: str = "avro") -> str:
    return config(test, rules=RULE, pipeline=f"value: {{format: {form}}}") + "schema_registry: {url: 'http://r:1'}\n"


def test_a_schema_in_the_input_stands_in_for_the_registry(tmp_path: Path) -> None:
    (tmp_path / "c.avsc").write_text(json.dumps(SCHEMA))
    given = f"{{value_base64: {AVRO}, schema_file: c.avsc}}"
    assert only(tmp_path, with_registry(case(input=given, output=MADE))).passed


def test_a_payload_that_begins_like_a_frame_is_a_payload(tmp_path: Path) -> None:
    fields = [{"name": "user", "type": ["null", "string"]}, {"name": "session", "type": "string"}]
    (tmp_path / "c.avsc").write_text(json.dumps({**SCHEMA, "fields": fields}))
    value = base64.b64encode(b"\x00\x00\x00\x00\x07" + b"\x00\x08" + b"\x00" * 4).decode()
    given = f"{{value_base64: {value}, schema_file: c.avsc}}"
    result = only(tmp_path, with_registry(case(input=given, output=MADE)))
    assert result.outcomes[0].rejection is not None
    assert result.outcomes[0].rejection.reason == "invalid_value"  # of a session id of four NULs, so it was read


def proto() -> bytes:
    files = FileDescriptorSet()
    file = files.file.add(name="click.proto", syntax="proto3")
    file.message_type.add(name="Click").field.add(name="session", number=1, type=9, label=1)
    content: bytes = files.SerializeToString()
    return content


@pytest.mark.parametrize(
    ("registry", "frame"),
    [
        ("{url: 'http://r:1'}", b"\x00\x00\x00\x00\x07\x00"),
        ("{type: glue, region: eu-west-1}", b"\x03\x00" + b"u" * 16),
    ],
)
def test_protobuf_is_read_as_its_registry_frames_it(tmp_path: Path, registry: str, frame: bytes) -> None:
    (tmp_path / "c.desc").write_bytes(proto())
    index = b"" if frame[0] == 0 else b"\x00"
    value = base64.b64encode(frame + index + b"\x0a\x02s1").decode()
    text = with_registry(case(input=f"{{value_base64: {value}, schema_file: c.desc}}", output=MADE), "protobuf")
    assert only(tmp_path, text.replace("{url: 'http://r:1'}", registry)).passed


def test_a_key_has_a_schema_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "k.avsc").write_text('"string"')
    key = base64.b64encode(b"\x00\x00\x00\x00\x08\x04k1").decode()
    rules = RULE.replace("value.session", "key")
    test = case(
        input=f"{{value: {{}}, key_base64: {key}, key_schema_file: k.avsc}}", output="[{contains: {sessionId: k1}}]"
    )
    text = config(test, rules=rules, pipeline="key: {format: avro}") + "schema_registry: {url: 'http://r:1'}\n"
    assert only(tmp_path, text).passed
    problem = wrong(tmp_path, text.replace(", key_schema_file: k.avsc", ""))
    assert (problem.code, problem.source_line[problem.caret :].startswith(key)) == ("missing-schema", True)


def test_without_a_schema_the_message_says_that_no_registry_is_asked(tmp_path: Path) -> None:
    problem = wrong(tmp_path, with_registry(case(input=f"{{value_base64: {AVRO}}}", output=MADE)))
    assert problem.code == "missing-schema"
    assert problem.message == "expected schema_file beside the value: a test asks no schema registry for schema 7"
    assert problem.source_line[problem.caret :].startswith(AVRO)


def test_what_is_refused_before_any_schema_is_asked_for_needs_none(tmp_path: Path) -> None:
    assert only(tmp_path, with_registry(case(input="{value_text: x}", output="{rejected: not_framed}"))).passed


def test_a_schema_that_cannot_be_used_is_a_problem_of_the_test(tmp_path: Path) -> None:
    (tmp_path / "c.avsc").write_text("{}")
    given = f"{{value_base64: {AVRO}, schema_file: c.avsc}}"
    assert wrong(tmp_path, with_registry(case(input=given, output=MADE))).code == "unusable-input"


def test_the_event_of_the_first_test_is_the_one_of_the_helpers(tmp_path: Path) -> None:
    assert only(tmp_path, config(case(VIEW, f"[{EVENT}]"))).passed
