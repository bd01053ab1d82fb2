"""Change events, after the examples of Debezium's documentation of its connectors for Postgres, MySQL and MongoDB."""

from typing import Any

import pytest

from connector.core.formats.connect_types import CONNECT, TIME
from connector.core.formats.debezium import Debezium
from connector.core.formats.decoded import DecodingError, Document
from connector.core.records import Reason, Skip

SOURCE = {"version": "2.7.0.Final", "connector": "postgresql", "name": "shop", "table": "orders", "lsn": 24023128}
ROW = {"id": 1, "session_id": "s1", "sku": "A1", "price": "BAg=", "created_at": 1_795_509_011_250_000}
AROUND = {"before": None, "source": SOURCE, "op": "c", "ts_ms": 1_795_509_011_300, "transaction": None}
CREATED = {**AROUND, "after": ROW}
COLUMNS = {
    "type": "struct",
    "optional": True,
    "name": "shop.public.orders.Value",
    "fields": [
        {"type": "int32", "optional": False, "field": "id"},
        {"type": "string", "optional": False, "field": "session_id"},
        {"type": "string", "optional": False, "field": "sku"},
        {"type": "bytes", "name": f"{CONNECT}Decimal", "version": 1, "parameters": {"scale": "2"}, "field": "price"},
        {"type": "int64", "optional": False, "name": f"{TIME}MicroTimestamp", "version": 1, "field": "created_at"},
    ],
}
SCHEMA = {
    "type": "struct",
    "name": "shop.public.orders.Envelope",
    "fields": [
        {**COLUMNS, "field": "before"},
        {**COLUMNS, "field": "after"},
        {"type": "string", "optional": False, "field": "op"},
        {"type": "int64", "optional": True, "field": "ts_ms"},
    ],
}


def unwrapped(document: Any) -> Any:
    return Debezium()(document, ())


def refused(document: Any) -> DecodingError:
    with pytest.raises(DecodingError) as caught:
        unwrapped(document)
    return caught.value


@pytest.mark.parametrize("document", [CREATED, {"payload": CREATED}, {"schema": None, "payload": CREATED}])
def test_the_row_is_the_value_and_what_is_around_it_the_envelope(document: Any) -> None:
    assert unwrapped(document) == Document(ROW, AROUND)


@pytest.mark.parametrize("op", ["c", "u", "r"])
def test_a_row_that_was_created_updated_or_read_by_a_snapshot_is_mapped(op: str) -> None:
    assert unwrapped({**CREATED, "op": op}) == Document(ROW, {**AROUND, "op": op})


def test_with_a_schema_decimals_and_times_of_both_rows_are_readable() -> None:
    payload = {**CREATED, "op": "u", "before": dict(ROW), "after": dict(ROW)}
    found = unwrapped({"schema": SCHEMA, "payload": payload})
    assert (found.value["price"], found.value["created_at"]) == (10.32, "2026-11-24T08:30:11.250000")
    assert found.envelope["before"] == found.value
    assert found.envelope["ts_ms"] == 1_795_509_011_300


@pytest.mark.parametrize(
    ("document", "skipped"),
    [
        ({**CREATED, "op": "d", "before": ROW, "after": None}, Skip.DELETE),
        ({"schema": SCHEMA, "payload": {**AROUND, "op": "d", "before": dict(ROW), "after": None}}, Skip.DELETE),
        ({"op": "t", "source": SOURCE, "ts_ms": 1}, Skip.NO_ROW),
        ({"op": "m", "source": SOURCE, "ts_ms": 1, "message": {"prefix": "p", "content": "eA=="}}, Skip.NO_ROW),
        ({"schema": SCHEMA, "payload": None}, Skip.TOMBSTONE),
        ({"payload": None}, Skip.TOMBSTONE),
        ({"ts_ms": 1_795_509_011_300}, Skip.NO_ROW),  # a heartbeat
        ({"schema": None, "payload": {"ts_ms": 1_795_509_011_300}}, Skip.NO_ROW),
        ({"status": "BEGIN", "id": "571:53195829", "event_count": None, "data_collections": None}, Skip.NO_ROW),
        ({"source": SOURCE, "ts_ms": 1, "ddl": "ALTER TABLE", "databaseName": "shop", "tableChanges": []}, Skip.NO_ROW),
    ],
)
def test_what_has_no_row_is_skipped(document: Any, skipped: Skip) -> None:
    assert unwrapped(document) is skipped


def test_a_document_of_mongodb_is_json_in_text() -> None:
    after = '{"_id": {"$oid": "5f3e"}, "session": "s1", "count": {"$numberLong": "9223372036854775807"}}'
    found = unwrapped({"op": "u", "before": '{"session": "s0"}', "after": after, "source": {}, "ts_ms": 1})
    assert found.value == {"_id": {"$oid": "5f3e"}, "session": "s1", "count": {"$numberLong": "9223372036854775807"}}
    assert found.envelope["before"] == {"session": "s0"}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"id": 1, "sku": "A1"},
            "found an object without op: where a topic holds bare rows, set value.envelope to none",
        ),
        (
            {"id": 1, "__op": "c", "__deleted": "false"},
            "unwrapped already (ExtractNewRecordState): set value.envelope to none",
        ),
        (
            {"schema": None, "payload": {"id": 1}},
            "without op: where a topic holds bare rows, set value.envelope to connect",
        ),
        (
            {"schema": None, "payload": {"__op": "c"}},
            "unwrapped already (ExtractNewRecordState): set value.envelope to connect",
        ),
        ({}, "found an object without op"),
        (["a"], "found a list: where a topic holds bare rows, set value.envelope to none"),
        ("text", "found text"),
        ({**CREATED, "op": "x"}, "op: expected c, u, r, d, t or m, as Debezium writes it"),
        ({**CREATED, "op": ["c"]}, "op: expected c, u, r, d, t or m, as Debezium writes it"),
        ({**CREATED, "after": None}, "after: expected the row, an object, found null: MongoDB's updates have it with"),
        ({**CREATED, "after": ["a"]}, "after: expected the row, an object, found a list"),
        ({**CREATED, "after": "[1]"}, "after: expected the row, an object, found a list"),
    ],
)
def test_what_is_no_change_event_is_told_what_to_set(document: Any, message: str) -> None:
    error = refused(document)
    assert error.reason is Reason.NOT_AN_ENVELOPE
    assert message in error.message


def test_a_document_of_mongodb_that_is_no_json_says_so() -> None:
    error = refused({**CREATED, "after": "{secret"})
    assert error.reason is Reason.NOT_JSON
    assert "after or before, as text: expected JSON" in error.message
    assert "secret" not in error.message


def test_a_row_that_is_not_of_its_schema_is_named_by_column() -> None:
    error = refused({"schema": SCHEMA, "payload": {**CREATED, "after": {**ROW, "price": True}}})
    assert error.reason is Reason.NOT_OF_THE_SCHEMA
    assert "payload.after.price: expected bytes, in base64, found a boolean" in error.message
