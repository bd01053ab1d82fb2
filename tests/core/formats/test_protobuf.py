import math
from typing import Any

import pytest

from connector.core.formats.decoded import DecodingError
from connector.core.formats.protobuf import compile_protobuf
from connector.core.mapping.times import time_parser
from connector.core.records import Reason
from tests.support.protobuf_schemas import OLD, compiled, extension, message_class

Click, Item, Known, Flat = (message_class(f"shop.{name}") for name in ("Click", "Item", "Known", "Flat"))
click, known = (compile_protobuf(compiled(), f"shop.{name}") for name in ("Click", "Known"))
Order = message_class("old.Order", OLD)
order = compile_protobuf(compiled(OLD), "old.Order")


def read(**fields: Any) -> Any:
    return click(Click(**fields).SerializeToString())


def read_known(**fields: Any) -> Any:
    found = known(Known(**fields).SerializeToString())
    return {name: found[name] for name in fields}


def refused(decode: Any, payload: bytes) -> DecodingError:
    with pytest.raises(DecodingError) as caught:
        decode(payload)
    return caught.value


def test_an_absent_field_is_its_default_null_or_missing_by_whether_it_has_presence() -> None:
    assert click(b"") == {
        "user": "",
        "seen": 0,
        "big": 0,
        "price": 0.0,
        "rate": 0.0,
        "mobile": False,
        "token": "",
        "kind": "VIEW",
        "coupon": None,
        "maybe": None,
        "item": None,
        "items": [],
        "numbers": [],
        "kinds": [],
        "tags": [],
        "counts": {},
        "shelves": {},
        "flags": {},
        "parent": None,
    }


def test_names_come_in_the_order_of_the_schema_and_are_those_of_the_schema() -> None:
    assert list(click(b"")) == [
        field.name for field in Click.DESCRIPTOR.fields if field.name not in {"campaign", "referrer", "code"}
    ]


def test_integers_of_64_bits_stay_exact() -> None:
    assert read(seen=-(2**63), big=2**64 - 1, numbers=[2**53 + 1]) | {} == click(b"") | {
        "seen": -(2**63),
        "big": 2**64 - 1,
        "numbers": [9_007_199_254_740_993],
    }


def test_a_float_of_32_bits_is_the_decimal_that_was_written() -> None:
    assert read(rate=19.99)["rate"] == 19.99
    assert read(price=19.99)["price"] == 19.99


def test_nan_and_infinity_stay_for_the_member_to_refuse() -> None:
    assert math.isnan(read(price=math.nan)["price"])
    assert read(price=math.inf)["price"] == math.inf
    assert math.isnan(read(rate=math.nan)["rate"])
    assert read(rate=-math.inf)["rate"] == -math.inf


def test_an_enum_is_its_name_and_an_unknown_number_stays_one() -> None:
    found = read(kind=1, maybe=0, kinds=[0, 1, 7], flags={True: 1, False: 9})
    assert (found["kind"], found["maybe"], found["kinds"]) == ("BUY", "VIEW", ["VIEW", "BUY", 7])
    assert found["flags"] == {"false": 9, "true": "BUY"}


def test_bytes_are_base64() -> None:
    assert read(token=b"\xff\x00")["token"] == "/wA="


def test_what_has_presence_is_there_even_with_its_default() -> None:
    found = read(coupon="", item=Item(), parent=Click(user="u"))
    assert (found["coupon"], found["item"]) == ("", {"id": "", "quantity": 0})
    assert found["parent"]["user"] == "u"
    assert found["parent"]["parent"] is None


def test_maps_are_sorted_by_key_and_keys_are_text() -> None:
    found = read(counts={"b": 1, "a": 2}, shelves={10: Item(id="x"), 9: Item()})
    assert list(found["counts"].items()) == [("a", 2), ("b", 1)]
    assert list(found["shelves"].items()) == [("9", {"id": "", "quantity": 0}), ("10", {"id": "x", "quantity": 0})]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"campaign": ""}, {"campaign": ""}),
        ({"code": 0}, {"code": 0}),
        ({"referrer": {"id": "r"}}, {"referrer": {"id": "r", "quantity": 0}}),
    ],
)
def test_of_a_oneof_only_the_member_that_is_set_is_there(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read(**fields) == click(b"") | expected


def test_unknown_fields_are_ignored() -> None:
    assert click(Click(user="u").SerializeToString() + b"\xfa\x7f\x02ab" + b"\xf8\x7f\x01") == read(user="u")


@pytest.mark.parametrize(
    ("seconds", "nanos", "text"),
    [
        (1_795_509_011, 0, "2026-11-24T08:30:11Z"),
        (1_795_509_011, 120_000_000, "2026-11-24T08:30:11.120Z"),
        (1_795_509_011, 123_456_000, "2026-11-24T08:30:11.123456Z"),
        (1_795_509_011, 123_456_789, "2026-11-24T08:30:11.123456789Z"),
        (-1, 1, "1969-12-31T23:59:59.000000001Z"),
    ],
)
def test_a_timestamp_is_iso_8601_to_the_nanosecond_and_sent_at_reads_it(seconds: int, nanos: int, text: str) -> None:
    found = read_known(at={"seconds": seconds, "nanos": nanos})
    assert found == {"at": text}
    assert time_parser()(text) == seconds


def test_a_timestamp_beyond_the_calendar_is_a_text_that_no_time_is_read_from() -> None:
    assert read_known(at={"seconds": 10**12})["at"].startswith("+33658-")


def test_a_timestamp_of_impossible_nanos_is_refused() -> None:
    error = refused(known, Known(at={"nanos": -1}).SerializeToString())
    assert error.reason == Reason.NOT_PROTOBUF
    assert "google.protobuf.Timestamp" in error.message


@pytest.mark.parametrize(
    ("seconds", "nanos", "number"),
    [(3, 0, 3), (3, 500_000_000, 3.5), (-1, -250_000_000, -1.25), (10**11, 1, "100000000000.000000001")],
)
def test_a_duration_is_seconds(seconds: int, nanos: int, number: float | str) -> None:
    assert read_known(took={"seconds": seconds, "nanos": nanos}) == {"took": number}


def test_a_duration_of_impossible_nanos_is_refused() -> None:
    assert "Duration" in refused(known, Known(took={"nanos": 10**9}).SerializeToString()).message


def test_a_struct_is_the_json_that_it_was() -> None:
    message = Known()
    document = {"a": [1, 2.5, None, {"b": True}, "x", []], "n": {}, "big": 1e300}
    message.extra.update(document)
    message.any_json.string_value = "v"
    message.list.extend([1, "two"])
    message.values["k"].number_value = 3
    message.values["null"].null_value = 0
    found = known(message.SerializeToString())
    assert found["extra"] == document
    assert type(found["extra"]["a"][0]) is int
    assert (found["any_json"], found["list"], found["values"]) == ("v", [1, "two"], {"k": 3, "null": None})


def test_a_value_that_is_nothing_is_null() -> None:
    assert read_known(any_json={}) == {"any_json": None}


def test_a_wrapper_is_its_value_or_null() -> None:
    found = read_known(
        text={"value": ""}, whole={"value": 2**62}, single={"value": 0.1}, raw={"value": b"a"}, flag={"value": False}
    )
    assert found == {"text": "", "whole": 2**62, "single": 0.1, "raw": "YQ==", "flag": False}
    assert known(b"")["text"] is None


def test_an_any_has_the_fields_of_its_type_where_the_schema_knows_it() -> None:
    message = Known()
    message.any.Pack(Item(id="in"))
    url = "type.googleapis.com/shop.Item"
    assert known(message.SerializeToString())["any"] == {"@type": url, "id": "in", "quantity": 0}
    message.any.type_url = "x/google.protobuf.Timestamp"
    message.any.value = b"\x08\x01"
    found = {"@type": "x/google.protobuf.Timestamp", "value": "1970-01-01T00:00:01Z"}
    assert known(message.SerializeToString())["any"] == found


def test_an_any_of_another_type_keeps_its_bytes() -> None:
    assert read_known(any={"type_url": "x/gone.Type", "value": b"\xff"}) == {
        "any": {"@type": "x/gone.Type", "value": "/w=="}
    }


def test_an_any_whose_bytes_are_not_of_its_type_is_refused() -> None:
    message = Known(any={"type_url": "x/shop.Item", "value": b"\xff"})
    assert refused(known, message.SerializeToString()).reason == Reason.NOT_PROTOBUF


def test_any_within_any_is_bounded() -> None:
    inner = Known()
    for _ in range(6):
        outer = Known()
        outer.any.Pack(inner)
        inner = outer
    assert "nested at most 4 deep" in refused(known, inner.SerializeToString()).message


def test_many_any_beside_each_other_are_fine() -> None:
    many = "syntax = 'proto3'; import 'google/protobuf/any.proto'; message M { repeated google.protobuf.Any any = 1; }"
    message = message_class("M", many)(any=[{"type_url": "/google.protobuf.Any"}] * 9)
    assert len(compile_protobuf(compiled(many), "M")(message.SerializeToString())["any"]) == 9


def test_field_masks_and_empty_messages_are_what_json_has() -> None:
    assert read_known(mask={"paths": ["a", "b_c.d"]}, empty={}) == {"mask": "a,b_c.d", "empty": {}}


@pytest.mark.parametrize(
    ("date", "text"),
    [
        ((2026, 11, 24), "2026-11-24"),
        ((2026, 11, 0), "2026-11"),
        ((2026, 0, 0), "2026"),
        ((0, 11, 24), "--11-24"),
        ((0, 0, 0), None),
    ],
)
def test_a_date_is_text_with_what_is_known_of_it(date: tuple[int, int, int], text: str | None) -> None:
    assert read_known(day=dict(zip(("year", "month", "day"), date, strict=True))) == {"day": text}


@pytest.mark.parametrize("date", [{"month": 13}, {"year": -1}, {"day": 3}])
def test_a_date_that_no_calendar_has_is_refused(date: dict[str, int]) -> None:
    assert "google.type.Date" in refused(known, Known(day=date).SerializeToString()).message


@pytest.mark.parametrize(
    ("text", "value"),
    [("12.50", 12.5), ("-3", -3), ("+1.", 1), ("12345678901234567.89", "12345678901234567.89"), ("1e5", "1e5")],
)
def test_a_decimal_is_a_number_where_a_number_keeps_its_digits(text: str, value: float | str) -> None:
    assert read_known(exact={"value": text}) == {"exact": value}


def test_money_has_its_amount_beside_its_parts() -> None:
    fields = {"currency_code": "EUR", "units": 12, "nanos": 500_000_000}
    assert read_known(paid=fields) == {"paid": fields | {"amount": 12.5}}
    assert read_known(paid={"units": 3})["paid"]["amount"] == 3


def test_confluents_decimal_is_a_number() -> None:
    assert read_known(scaled={"value": (1999).to_bytes(2, "big"), "scale": 2}) == {"scaled": 19.99}
    assert read_known(scaled={"value": b"\xff", "scale": 1}) == {"scaled": -0.1}


@pytest.mark.parametrize("fields", [{"scale": 2**31 - 1}, {"scale": -(2**31)}, {"value": b"\x01" * 65}])
def test_a_decimal_of_absurd_size_is_refused(fields: dict[str, Any]) -> None:
    assert "confluent.type.Decimal" in refused(known, Known(scaled=fields).SerializeToString()).message


def test_a_type_that_only_has_the_name_of_a_known_one_is_an_ordinary_message() -> None:
    text = """syntax = "proto3"; package google.type; message Money { string mine = 1; }
    message Box { Money money = 1; }"""
    message = message_class("google.type.Box", text)(money={"mine": "m"})
    decode = compile_protobuf(compiled(text), "google.type.Box")
    assert decode(message.SerializeToString()) == {"money": {"mine": "m"}}


def test_proto2_has_defaults_groups_and_presence() -> None:
    assert order(Order(id="1").SerializeToString()) == {
        "id": "1",
        "quantity": 5,
        "note": None,
        "size": "LARGE",
        "raw": "YWI=",
        "line": [],
        "parts": [],
    }
    message = Order(id="1", quantity=0, size=1, line=[{"sku": "s"}, {}])
    found = order(message.SerializeToString())
    assert (found["quantity"], found["size"], found["line"]) == (0, "SMALL", [{"sku": "s"}, {"sku": None}])


def test_extensions_are_there_under_their_full_names() -> None:
    message = Order(id="1")
    message.Extensions[extension("old.gift")] = "yes"
    message.Extensions[extension("old.sizes")].extend([2, 1])
    found = order(message.SerializeToString())
    assert (found["[old.gift]"], found["[old.sizes]"]) == ("yes", ["LARGE", "SMALL"])


def test_a_required_field_that_is_missing_is_named() -> None:
    error = refused(order, Order(id="1", parts=[Order()]).SerializePartialToString())
    assert error.message == "expected the required field id in old.Order, found none"
    assert error.reason == Reason.NOT_PROTOBUF


def test_text_of_proto2_that_is_no_utf8_is_refused() -> None:
    assert "UTF-8" in refused(order, b"\x0a\x01\xff").message


def test_an_enum_of_proto2_takes_unknown_numbers_for_absent() -> None:
    assert order(Order(id="1").SerializeToString() + b"\x20\x63")["size"] == "LARGE"


def test_editions_say_presence_by_features() -> None:
    text = """edition = "2023";
    message E {
      int32 implicit = 1 [features.field_presence = IMPLICIT];
      int32 explicit = 2;
      E within = 3 [features.message_encoding = DELIMITED];
      string text = 4 [features.utf8_validation = NONE];
    }"""
    kind = message_class("E", text)
    decode = compile_protobuf(compiled(text))
    absent = {"implicit": 0, "explicit": None, "within": None, "text": None}
    assert decode(b"") == absent
    assert decode(kind(within=kind(explicit=0)).SerializeToString()) == absent | {"within": absent | {"explicit": 0}}
    assert "UTF-8" in refused(decode, b"\x22\x01\xff").message


def test_an_enum_with_two_names_of_a_number_takes_the_first() -> None:
    text = 'syntax = "proto3"; enum K { option allow_alias = true; A = 0; B = 0; } message M { K k = 1; }'
    assert compile_protobuf(compiled(text))(b"") == {"k": "A"}


def test_a_message_of_one_field_or_none_is_read() -> None:
    one = "syntax = 'proto3'; message M { string id = 1; }"
    assert compile_protobuf(compiled(one))(b"\x0a\x01a") == {"id": "a"}
    assert compile_protobuf(compiled("syntax = 'proto3'; message M {}"))(b"") == {}


def test_fields_may_have_the_names_of_a_messages_own_methods() -> None:
    text = "syntax = 'proto3'; message M { string Clear = 1; int32 class = 2; optional string HasField = 3; }"
    kind = message_class("M", text)
    message = kind(**{"Clear": "c", "class": 2})
    found = compile_protobuf(compiled(text))(message.SerializeToString())
    assert found == {"Clear": "c", "class": 2, "HasField": None}
    with_method = kind(HasField="h")
    assert compile_protobuf(compiled(text))(with_method.SerializeToString())["HasField"] == "h"
