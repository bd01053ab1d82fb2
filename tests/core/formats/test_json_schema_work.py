"""No JSON Schema keeps the process busy: what would take too long is refused before it begins."""

import json
import time
import tracemalloc
from typing import Any

import pytest

from connector.core.formats import json_schema_work
from connector.core.formats.decoded import DecodingError
from connector.core.formats.json_schema import compile_json_schema
from connector.core.formats.json_schema_work import TooMuchWork, compile_work
from connector.core.records import Reason


def doubling(levels: int, refer: Any = lambda name: f"#/$defs/{name}") -> dict[str, Any]:
    """Each definition refers to the next one twice: 2 ** levels parts when written out."""
    defs: dict[str, Any] = {f"d{level}": {"anyOf": [{"$ref": refer(f"d{level + 1}")}] * 2} for level in range(levels)}
    defs[f"d{levels}"] = {"type": "string"}
    return {"$defs": defs, "$ref": refer("d0")}


TREE: dict[str, Any] = {
    "$id": "https://shop/tree",
    "$defs": {
        "node": {
            "oneOf": [
                {"properties": {"kind": {"const": "leaf"}}, "required": ["kind"]},
                {
                    "properties": {"left": {"$ref": "#/$defs/node"}, "right": {"$ref": "#/$defs/node"}},
                    "required": ["left"],
                },
            ],
        }
    },
    "$ref": "#/$defs/node",
}


def test_a_schema_that_doubles_the_work_with_every_reference_ends_at_once() -> None:
    decode = compile_json_schema(json.dumps(doubling(40)))
    began = time.process_time()
    with pytest.raises(DecodingError, match="in a moment") as caught:
        decode(b"1")
    assert time.process_time() - began < 5, "it would take days"
    assert caught.value.reason is Reason.NOT_OF_THE_SCHEMA
    assert "value.validate" in caught.value.message


def test_a_schema_that_doubles_within_reason_is_used() -> None:
    assert compile_work(doubling(8), {}) is None
    assert compile_json_schema(json.dumps(doubling(8)))(b'"a"') == "a"
    counted = compile_work(doubling(14), {})
    assert counted is not None
    counted("a", 3)
    assert compile_json_schema(json.dumps(doubling(14)))(b'"a"') == "a"


def test_a_schema_that_refers_to_itself_is_used_and_counted_for_each_value() -> None:
    value: dict[str, Any] = {"kind": "leaf"}
    for _ in range(200):
        value = {"left": value, "right": {"kind": "leaf"}}
    assert compile_json_schema(json.dumps(TREE))(json.dumps(value).encode()) == value


def test_a_schema_that_refers_to_itself_twice_for_one_member_is_bounded_by_the_depth_of_the_value() -> None:
    twice = {"$defs": {"n": {"anyOf": [{"properties": {"n": {"$ref": "#/$defs/n"}}, "required": ["x"]}] * 2}}}
    check = compile_work(twice | {"$ref": "#/$defs/n"}, {})
    assert check is not None
    check({"n": {"n": {}}}, 20)
    value: dict[str, Any] = {}
    for _ in range(40):
        value = {"n": value}
    with pytest.raises(TooMuchWork):
        check(value, 300)


@pytest.mark.grid
@pytest.mark.parametrize(
    ("schema", "references"),
    [
        ({"$ref": "other.json"}, {"other.json": {"allOf": [{"$ref": "other.json"}] * 2}}),
        ({"$ref": "https://shop/b"}, {"b.json": {"$id": "https://shop/b", "allOf": [{"$ref": "https://shop/b"}] * 2}}),
        ({"$ref": "o#/$defs/a~1b/0"}, {"o": {"$defs": {"a/b": [{"allOf": [{"$ref": "o#/$defs/a~1b/0"}] * 2}]}}}),
        ({"$defs": {"a": {"$anchor": "a", "not": {"$ref": "#a"}}}, "$ref": "#a"}, {}),
        ({"$dynamicAnchor": "m", "if": {"$dynamicRef": "#m"}}, {}),
        ({"$recursiveRef": "#"}, {}),
        ({"dependentSchemas": {"a": {"$ref": "#"}}}, {}),
    ],
)
def test_a_circle_is_found_however_it_is_written(schema: dict[str, Any], references: dict[str, Any]) -> None:
    check = compile_work(schema, references)
    assert check is not None
    with pytest.raises(TooMuchWork):
        check({"a": 1}, 8)


NESTED = {"a": {"a": {"a": {"a": 1}}}}
LISTS: dict[str, Any] = {"a": [{"a": [{}, {}]}, {}]}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"properties": {"a": {"$ref": "#"}}}, NESTED),
        ({"patternProperties": {"^a": {"$ref": "#"}}}, NESTED),
        ({"additionalProperties": {"$ref": "#"}, "unevaluatedProperties": False}, NESTED),
        ({"properties": {"a": {"items": {"$ref": "#"}}}}, LISTS),
        ({"properties": {"a": {"items": [{"$ref": "#"}], "additionalItems": {"$ref": "#"}}}}, LISTS),
        ({"properties": {"a": {"prefixItems": [True, {"$ref": "#"}], "contains": {"$ref": "#"}}}}, LISTS),
    ],
)
def test_what_goes_into_a_value_is_counted_for_as_many_parts_as_the_value_has(
    schema: dict[str, Any], value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = compile_work(schema, {})
    assert check is not None
    monkeypatch.setattr(json_schema_work, "STEPS", 60)
    check(value, 0)
    monkeypatch.setattr(json_schema_work, "STEPS", 4)
    check({}, 0)
    check({"a": 1}, 0)
    with pytest.raises(TooMuchWork):
        check(value, 0)


def test_a_long_list_that_is_referred_to_again_and_again_takes_no_memory() -> None:
    check = compile_work({"allOf": [*[True] * 10_000, {"$ref": "#"}]}, {})
    assert check is not None
    tracemalloc.start()
    with pytest.raises(TooMuchWork):
        check({}, 2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 << 20


@pytest.mark.parametrize(
    "odd",
    [
        {"$ref": 7}, {"$ref": "#/$defs/none/0"}, {"$ref": "#none"}, {"$ref": "none.json"},
        {"$ref": "#/allOf/9", "allOf": []},
        {"allOf": 1}, {"properties": 1}, {"dependencies": []}, {"items": None}, True, False,
    ],
)  # fmt: skip
def test_what_the_validator_has_to_judge_makes_no_trouble_here(odd: Any) -> None:
    assert compile_work(odd, {"o": {"$id": 7, "$anchor": 7}}) is None
