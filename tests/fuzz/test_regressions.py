"""What the fuzzers and the search for slow inputs have found, each as small as it gets."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from connector.config import Loaded, load_text
from connector.core.mapping.rules import MAX_ELEMENTS
from connector.core.mapping.transform import Router
from connector.core.mapping.values import to_properties
from connector.core.records import DataError, Reason, Rejection, Transformed
from tests.fuzz.targets import FILES, NOW, Target, check_configuration, check_record, record, targets

if TYPE_CHECKING:
    from pathlib import Path

ORDER = (
    b'{"event":"Order Completed","messageId":"m","anonymousId":"a","timestamp":1795509011,'
    b'"properties":{"products":[%b]}}'
)

BASE = {
    "version": 1,
    "kafka": {"bootstrap_servers": "localhost:9092", "group_id": "g"},
    "personalize": {"region": "eu-west-1", "tracking_id": "t"},
    "dead_letter": {"topic": "d"},
}


def orders() -> Target:
    return next(target for target in targets() if target.topic == "segment.track")


def test_a_record_makes_as_many_events_as_the_bound_allows() -> None:
    fate = orders().route(record(ORDER % b",".join([b"1"] * MAX_ELEMENTS), orders().topic), NOW)
    assert isinstance(fate, Transformed)
    assert len(fate.entries) == MAX_ELEMENTS


def test_a_record_of_half_a_million_elements_is_refused_and_not_multiplied() -> None:
    """Once: eleven seconds and two gigabytes for one record of a megabyte."""
    fate = orders().route(record(ORDER % b",".join([b"1"] * 480_000), orders().topic), NOW)
    assert isinstance(fate, Rejection)
    assert fate.reason is Reason.TOO_LONG
    assert f"at most {MAX_ELEMENTS} elements, not 480000" in fate.message


def test_a_thousand_elements_that_each_search_seventeen_thousand_parameters_take_no_seconds() -> None:
    """Once: five seconds for 860 KB, because what is the same for all elements was evaluated for each."""
    read = "value.event_params[?key=='{}'].value.string_value | [0]"
    names = ("itemId", "userId", "recommendationId")
    members = {name: read.format(f"key{number:05d}") for number, name in enumerate(names)}
    rule = {
        "name": "r",
        "for_each": "value.items",
        "put_events": {"sessionId": "value.s", "eventType": "item.t", **members},
    }
    loaded = load_text(
        json.dumps(BASE | {"pipelines": [{"name": "p", "topics": ["t"], "rules": [rule]}]}), "file.yaml", {}
    )
    assert isinstance(loaded, Loaded)
    params = [{"key": f"key{number:05d}", "value": {"string_value": "x"}} for number in range(17_001)]
    value = json.dumps({"s": "s", "event_params": params, "items": [{"t": "View"}] * MAX_ELEMENTS}).encode()
    began = time.thread_time()
    fate = Router(loaded.pipelines())(record(value, "t"), NOW)
    assert time.thread_time() - began < 1.5
    assert isinstance(fate, Transformed)
    assert (len(fate.entries), fate.rejection) == (MAX_ELEMENTS, None)


@pytest.mark.parametrize("deep", [{"a": [float("inf")]}, {"a": {"b": float("nan")}}, '{"a": [1e999]}'])
def test_a_number_that_json_does_not_have_is_refused_however_deep_it_lies(deep: object) -> None:
    """Once: written as null, a property silently lost."""
    with pytest.raises(DataError) as caught:
        to_properties(deep)
    assert caught.value.reason is Reason.INVALID_PROPERTIES


def test_a_null_deep_in_a_property_is_one_of_the_record() -> None:
    assert to_properties({"a": [None, "null"]}) == '{"a":[null,"null"]}'


def seconds(text: str) -> float:
    began = time.thread_time()
    assert isinstance(load_text(text, "file.yaml", {}), list)
    return time.thread_time() - began


def test_a_long_line_in_a_file_that_is_no_yaml_takes_no_square_of_its_length() -> None:
    """Once: five seconds for 16,000 characters, hours for a megabyte."""
    assert seconds("kafka: [\n" + "a" * 500_000) < 4


def test_a_thousand_wrong_items_take_no_square_of_their_number() -> None:
    """Once: five seconds for 4,000 items."""
    assert seconds("pipelines: [{name: a, topics: [" + "1," * 10_000 + "]}]") < 4


def test_thousands_of_misspelt_keys_take_no_square_of_their_number() -> None:
    rule = "{name: r, wen: value.a, put_event: {sesionId: value.s, eventTyp: value.t}}"
    assert seconds(f"pipeline: [{{name: a, topic: [a], rule: [{', '.join([rule] * 500)}]}}]") < 4


@pytest.mark.grid
@pytest.mark.parametrize("piece", ["a:b ", "a@", "://", "u:p@h ", "https://u:p@h?a=b&", "a" * 50, "?a=b"])
def test_no_long_line_takes_the_square_of_its_length_to_be_masked(piece: str) -> None:
    line = (piece * 300_000)[:300_000]
    assert seconds(f"kafka: [\n{line}") < 4
    assert seconds(f"kafka: {{bootstrap_servers: '{line}', group_id: 5}}") < 4


def test_a_case_in_a_case_does_not_double_the_time_to_say_what_is_wrong() -> None:
    """Once: two seconds at 14 levels, and twice as much for each more."""
    spec = "value.a"
    for _ in range(18):
        spec = f"{{case: [{{when: value.a, then: {spec}}}, {{else: 1}}]}}"
    rule = f"{{name: r, put_events: {{sessionId: {spec}}}}}"
    assert seconds(f"pipelines: [{{name: a, topics: [a], rules: [{rule}]}}]") < 4


@pytest.mark.parametrize("pattern", ["%d %d", "%H:%M %H", "%z%z"])
def test_a_pattern_that_names_a_part_of_a_time_twice_is_a_problem_of_the_file(pattern: str) -> None:
    """Once: re.error out of load_text."""
    members = f"sessionId: value.a, eventType: value.t, sentAt: {{from: value.b, format: '{pattern}'}}"
    text = f"pipelines: [{{name: a, topics: [a], rules: [{{name: r, put_events: {{{members}}}}}]}}]"
    result = load_text(text, "file.yaml", {})
    assert isinstance(result, list)
    assert "unknown-format" in {problem.code for problem in result}


MEGABYTE = 1_000_000
SHAPES = {
    "digits": b'{"a":' + b"1" * MEGABYTE + b"}",
    "digits in text": b'{"event":"Product Viewed","kind":"one","timestamp":"%b","at":"%b","time":"%b"}'
    % ((b"1" * 330_000,) * 3),
    "almost long numbers": b'{"a":"' + b"123456789012345678x" * 52_000 + b'"}',
    "brackets": b"[" * MEGABYTE,
    "braces": b'{"a":' * 200_000,
    "nested to the limit": b'{"kind":"one","session":"s","properties":' + b"[" * 1_000 + b"1" + b"]" * 1_000 + b"}",
    "many members": b"{" + b",".join(b'"k%d":%d' % (number, number) for number in range(60_000)) + b"}",
    "one member many times": b"{" + b",".join([b'"session":1'] * 90_000) + b"}",
    "long impression": b'{"kind":"one","items":[' + b",".join([b'{"id":1}'] * 100_000) + b"]}",
    "many elements": b'{"kind":"list","session":"s","items":[' + b",".join([b"{}"] * 300_000) + b"]}",
    "elements, each with what is long": b'{"kind":"list","session":"%b","user":"%b","id":"%b","items":['
    % ((b"\xc3\xa9" * 80,) * 3)
    + b",".join([b'{"action":"view","at":1795509011,"n":1,"deep":"%b","id":"i"}' % (b"x" * 900)] * MAX_ELEMENTS)
    + b"]}",
    "expanding case": b'{"f":"upper","x":"' + "ŉ".encode() * 450_000 + b'"}',
    "agents": b'{"agent":"%b","context":{"userAgent":"%b"}}' % (b"bo" * 240_000, b"craw" * 120_000),
    "replace": b'{"f":"replace","x":"%b","y":"a","z":"%b"}' % (b"a" * 500_000, b"b" * 400_000),
    "split": b'{"f":"split","x":"%b","y":"a"}' % (b"a" * 900_000),
    "parameters": b'{"f":"url_param","x":"?%b","y":"id"}' % (b"&%20=" * 190_000),
    "json in json": b'{"f":"parse_json","x":"' + b"[" * 900_000 + b'"}',
    "sorted": b'{"f":"sort_by","x":['
    + b",".join(b'{"a":%d}' % (number * 7919 % 100_003) for number in range(80_000))
    + b"]}",
    "flattened": b'{"f":"to_array","x":[' + b",".join([b"[[],[]]"] * 120_000) + b"]}",
    "equal": b'{"f":"equal","x":%b,"y":%b}' % ((b"[" * 900 + b"]" * 900,) * 2),
    "joined": b'{"f":"join","y":"%b","x":[' % (b"-" * 200_000) + b",".join([b'""'] * 200_000) + b"]}",
    "blanks": b" " * MEGABYTE,
    "escapes": b'{"anonymousId":"' + rb"\u0000" * 160_000 + b'"}',
    "halves of pairs": b'{"f":"parse_json","x":"' + rb"\\ud83d" * 120_000 + b'"}',
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_no_shape_of_a_megabyte_takes_a_second(shape: str) -> None:
    """``check_record`` measures each pipeline by itself."""
    assert len(SHAPES[shape]) <= 1_300_000
    check_record(SHAPES[shape])


MEMORY = """
import resource
from tests.fuzz.test_regressions import SHAPES, mebibytes
from tests.fuzz.targets import NOW, record, targets
targets()
before = mebibytes()
for value in SHAPES.values():
    for target in targets():
        target.route(record(value, target.topic), NOW)
print(mebibytes() - before)
"""


def mebibytes() -> int:
    """The most that this process has held at once."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 * 1024 if sys.platform == "darwin" else 1024)


def test_no_shape_of_a_megabyte_takes_more_than_some_hundred() -> None:
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 250


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_files_that_are_fuzzed_are_good_themselves(file: Path) -> None:
    check_configuration(file.read_text())


@pytest.mark.parametrize("tag", ["object:os.system", "object/apply:os.system [true]", "name:os.system", "module:os"])
def test_a_tag_of_python_is_refused_and_nothing_is_run(tag: str) -> None:
    result = load_text(f"kafka: !!python/{tag}\n", "file.yaml", {})
    assert isinstance(result, list)
    assert "unknown-tag" in {problem.code for problem in result}
