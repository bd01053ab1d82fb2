"""Kafka Connect's schema and payload, as org.apache.kafka.connect.json.JsonConverter writes them."""

import time
import tracemalloc
from typing import Any

import orjson
import pytest

from connector.core.formats.connect import Connect
from connector.core.formats.connect_schema import MAX_CONVERSIONS, MAX_TYPES
from connector.core.formats.connect_types import CONNECT
from connector.core.formats.decoded import DecodingError, Document
from connector.core.formats.plain import decode_json
from connector.core.records import Reason, Skip

DECIMAL = {"type": "bytes", "name": f"{CONNECT}Decimal", "version": 1, "parameters": {"scale": "2"}}
STAMP = {"type": "int64", "name": f"{CONNECT}Timestamp", "version": 1}
SLOWEST = 5.0  # seconds, on a busy machine; what is bounded takes 0.05 on an idle one
MOST_MEMORY = 50 * 1024 * 1024


def struct(**fields: Any) -> dict[str, Any]:
    return {"type": "struct", "fields": [{**schema, "field": name} for name, schema in fields.items()]}


def unwrapped(schema: Any, payload: Any) -> Any:
    found = Connect()({"schema": schema, "payload": payload}, ())
    assert isinstance(found, Document)
    return found.value


def refused(document: Any) -> DecodingError:
    with pytest.raises(DecodingError) as caught:
        Connect()(document, ())
    return caught.value


def test_the_payload_is_the_value_and_the_schema_is_named_in_the_envelope() -> None:
    schema = {**struct(sku={"type": "string"}), "name": "shop.Order", "version": 3, "optional": False}
    assert Connect()({"schema": schema, "payload": {"sku": "A1"}}, ()) == (
        {"sku": "A1"},
        {"schema": {"name": "shop.Order", "version": 3}},
    )


def test_a_payload_without_a_schema_stays_as_it_is() -> None:
    assert Connect()({"schema": None, "payload": {"price": "BAg="}}, ()) == ({"price": "BAg="}, {"schema": None})


def test_a_null_payload_is_a_tombstone() -> None:
    assert Connect()({"schema": None, "payload": None}, ()) is Skip.TOMBSTONE
    assert Connect()({"schema": STAMP, "payload": None}, ()) is Skip.TOMBSTONE


@pytest.mark.parametrize(
    ("schema", "payload", "value"),
    [
        (struct(price=DECIMAL), {"price": "BAg="}, {"price": 10.32}),
        (struct(price={**DECIMAL, "optional": True}), {"price": None}, {"price": None}),
        (struct(price=DECIMAL), {}, {}),
        (struct(id={"type": "int64"}), {"id": 2**63 - 1}, {"id": 2**63 - 1}),
        (struct(raw={"type": "bytes"}), {"raw": "AAEC"}, {"raw": "AAEC"}),
        (struct(order=struct(at=STAMP)), {"order": {"at": 0}}, {"order": {"at": "1970-01-01T00:00:00.000Z"}}),
        (struct(order=struct(at=STAMP)), {"order": None}, {"order": None}),
        ({"type": "array", "items": DECIMAL}, ["BAg=", None], [10.32, None]),
        ({"type": "array", "items": {"type": "string"}}, ["a"], ["a"]),
        ({"type": "array", "items": struct(at=STAMP)}, [{"at": 0}], [{"at": "1970-01-01T00:00:00.000Z"}]),
        (
            {"type": "map", "keys": {"type": "string"}, "values": DECIMAL},
            {"a": "BAg=", "b": None},
            {"a": 10.32, "b": None},
        ),
        ({"type": "map", "keys": {"type": "string"}, "values": {"type": "string"}}, {"a": "x"}, {"a": "x"}),
        (
            {"type": "map", "keys": {"type": "int32"}, "values": {"type": "string"}},
            [[1, "x"], [2, None]],
            {"1": "x", "2": None},
        ),
        ({"type": "map", "keys": {"type": "boolean"}, "values": DECIMAL}, [[True, "BAg="]], {"true": 10.32}),
        (
            {"type": "map", "keys": {"type": "string", "optional": True}, "values": DECIMAL},
            [["a", "BAg="]],
            {"a": 10.32},
        ),
        (STAMP, 0, "1970-01-01T00:00:00.000Z"),
        ({"type": "string"}, "text", "text"),
        ({"type": "struct"}, {"price": "BAg="}, {"price": "BAg="}),  # a schema that was cut says nothing
        ({"type": "string", "name": 7, "parameters": []}, "text", "text"),
        ({"type": "bytes", "name": "shop.Raw", "parameters": []}, "AAEC", "AAEC"),
        ({"type": "array"}, ["BAg="], ["BAg="]),
    ],
)
def test_a_payload_is_typed_by_its_schema(schema: Any, payload: Any, value: Any) -> None:
    assert unwrapped(schema, payload) == value


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"sku": "A1"}, "an object without schema and payload"),
        ({"schema": None}, "an object without payload"),
        ({"payload": {}}, "an object without schema"),
        (["a"], "a list"),
        ("text", "text"),
    ],
)
def test_a_value_without_the_wrapper_is_told_how_to_read_it(document: Any, found: str) -> None:
    error = refused(document)
    assert error.reason is Reason.NOT_AN_ENVELOPE
    assert f"found {found}: without that wrapper set value.envelope to none" in error.message


@pytest.mark.parametrize(
    ("schema", "payload", "message"),
    [
        (struct(price=DECIMAL), {"price": True}, "payload.price: expected bytes, in base64, found a boolean"),
        (
            struct(order=struct(at=STAMP)),
            {"order": {"at": "secret"}},
            "payload.order.at: expected a whole number, found text",
        ),
        (struct(price=DECIMAL), ["secret"], "payload: expected an object, found a list"),
        ({"type": "array", "items": STAMP}, "secret", "payload: expected a list, found text"),
        (
            struct(all={"type": "array", "items": STAMP}),
            {"all": [0, "secret"]},
            "payload.all[1]: expected a whole number",
        ),
        ({"type": "array", "items": struct(at=STAMP)}, [{"at": "secret"}], "payload[0].at: expected a whole number"),
        (
            {"type": "map", "keys": {"type": "string"}, "values": STAMP},
            {"secret": "x"},
            "payload[]: expected a whole number",
        ),
        (
            {"type": "map", "keys": {"type": "int8"}},
            "secret",
            "payload: expected an object or a list of pairs, found text",
        ),
        ({"type": "map", "keys": {"type": "int8"}}, [["secret"]], "payload: expected pairs of a key and a value"),
        (
            {"type": "map", "keys": {"type": "int8"}},
            [[{}, "secret"]],
            "payload[]: expected a key that is text or a number",
        ),
    ],
)
def test_a_payload_that_is_not_of_its_schema_is_named_by_place_and_type(
    schema: Any, payload: Any, message: str
) -> None:
    error = refused({"schema": schema, "payload": payload})
    assert error.reason is Reason.NOT_OF_THE_SCHEMA
    assert message in error.message
    assert "secret" not in error.message


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("string", "schema: expected an object, found text"),
        (
            {"type": "struct", "fields": [{"type": "string"}]},
            "schema: expected fields that are objects with their name",
        ),
        ({"type": "struct", "fields": ["sku"]}, "schema: expected fields that are objects with their name"),
        (struct(price={"type": "bytes", "name": f"{CONNECT}Decimal"}), "schema.price: expected a whole number"),
        (struct(order=struct(price={"type": "array", "items": 7})), "schema.order.price: expected an object"),
    ],
)
def test_a_schema_that_cannot_be_used_is_named_by_place(schema: Any, message: str) -> None:
    error = refused({"schema": schema, "payload": {"sku": "A1"}})
    assert error.reason is Reason.UNUSABLE_SCHEMA
    assert message in error.message


def test_a_schema_is_compiled_once_for_its_text() -> None:
    connect = Connect()
    first, second = (connect._typed._conversion(struct(price=DECIMAL)) for _ in range(2))
    assert first is second is not None


def nested(levels: int) -> Any:
    schema: Any = STAMP
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


def wide(count: int) -> Any:
    return struct(**{f"f{number}": STAMP for number in range(count)})


@pytest.mark.parametrize(
    ("schema", "payload", "reason"),
    [
        pytest.param(nested(63), [], None, id="deep"),
        pytest.param(nested(64), [], Reason.UNUSABLE_SCHEMA, id="too-deep"),
        pytest.param(nested(400), [], Reason.UNUSABLE_SCHEMA, id="far-too-deep"),
        pytest.param(wide(MAX_TYPES - 1), {}, None, id="wide"),
        pytest.param(wide(MAX_TYPES), {}, Reason.UNUSABLE_SCHEMA, id="too-wide"),
        pytest.param({"type": "array", "items": DECIMAL}, ["BAg="] * MAX_CONVERSIONS, None, id="long"),
        pytest.param({"type": "array", "items": DECIMAL}, ["BAg="] * 150_000, Reason.NOT_OF_THE_SCHEMA, id="too-long"),
        pytest.param(
            {"type": "array", "items": wide(100)}, [{}] * 100_000, Reason.NOT_OF_THE_SCHEMA, id="long-and-wide"
        ),
        pytest.param(
            {"type": "map", "keys": {"type": "int8"}}, [[1, 1]] * 100_000, Reason.NOT_OF_THE_SCHEMA, id="long-map"
        ),
        pytest.param(DECIMAL, "A" * 1_000_000, Reason.NOT_OF_THE_SCHEMA, id="million-digits"),
        pytest.param(STAMP, -(2**63), None, id="far-away"),
    ],
)
def test_a_hostile_schema_or_payload_ends_soon_and_takes_little(
    schema: Any, payload: Any, reason: Reason | None
) -> None:
    document = {"schema": schema, "payload": payload}
    value = orjson.dumps(document) if reason is not Reason.UNUSABLE_SCHEMA else None
    connect, found = Connect(), None
    tracemalloc.start()
    started = time.process_time()
    try:
        connect(decode_json(value) if value is not None else document, ())
    except DecodingError as error:
        found = error.reason
    taken, (_, memory) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found is reason
    assert taken < SLOWEST
    assert memory < MOST_MEMORY


def test_many_schemas_are_not_all_kept() -> None:
    connect = Connect()
    for number in range(100):
        assert connect({"schema": struct(**{f"f{number}": STAMP}), "payload": {f"f{number}": 0}}, ())
    assert connect._typed._compiled.cache_info().currsize == 16


def test_a_very_long_schema_is_used_and_not_kept() -> None:
    connect = Connect()
    schema = {**struct(at=STAMP), "doc": "x" * 300_000}
    assert connect({"schema": schema, "payload": {"at": 0}}, ()) == ({"at": "1970-01-01T00:00:00.000Z"}, {"schema": {}})
    assert connect._typed._compiled.cache_info().currsize == 0
