"""What people met in other connectors, and what has to become of it here: one case each, as it was reported."""

import gzip
import zlib
from collections.abc import Callable
from typing import Any

import orjson
import pytest
import zstandard

from connector.core.mapping.elements import takes_value
from connector.core.mapping.rules import compile_pipeline
from connector.core.mapping.specs import ElementsSpec, PipelineSpec
from connector.core.mapping.transform import Pipeline
from connector.core.records import (
    Fate,
    Filtered,
    Pending,
    Reason,
    Record,
    Rejection,
    Skipped,
    Transformed,
    known_timestamp,
)

AT = 1_795_509_011  # Unix seconds
NOW = 1_795_600_000.0
VIEW = {"sessionId": "value.session", "eventType": {"const": "View"}, "itemId": "value.item", "sentAt": "value.time"}


def fate(
    rules: list[dict[str, Any]], value: Any, *, timestamp: int | None = AT * 1000, key: bytes | None = None
) -> Fate | Pending:
    spec = PipelineSpec.model_validate({"name": "p", "topics": ["t"], "rules": rules, "key": {"format": "json"}})
    mapping = compile_pipeline(spec)
    assert not isinstance(mapping, list), mapping
    record = Record("t", 0, 7, known_timestamp(timestamp), key, orjson.dumps(value))
    return Pipeline(spec, mapping, "tracker")(record, NOW)


def events(made: Fate | Pending) -> list[dict[str, Any]]:
    assert isinstance(made, Transformed)
    assert made.rejection is None
    return [{"sessionId": entry.lane, "userId": entry.user_id, **orjson.loads(entry.body)} for entry in made.entries]


def rejected(made: Fate | Pending) -> Rejection:
    assert isinstance(made, Rejection)
    return made


def test_an_empty_user_id_means_that_nobody_is_logged_in() -> None:
    """RudderStack's SDKs send userId as an empty text before the login, and the session as a number."""
    members = {**VIEW, "userId": "value.userId"}
    value = {"userId": "", "session": AT, "item": "p1", "time": "2026-11-24T08:30:11.251Z"}
    [event] = events(fate([{"name": "viewed", "put_events": members}], value))
    assert (event["sessionId"], event["userId"], event["itemId"]) == (str(AT), None, "p1")


@pytest.mark.parametrize("member", ["eventId", "itemId", "recommendationId", "impression", "properties", "eventValue"])
def test_an_empty_text_leaves_any_optional_member_out(member: str) -> None:
    [event] = events(
        fate([{"name": "r", "put_events": {**VIEW, member: "value.e"}}], {"session": "s", "e": "", "time": AT})
    )
    assert member not in event or (member, event[member]) == ("eventId", "t-0-7-mwufpflk")


@pytest.mark.parametrize("member", ["sessionId", "eventType", "sentAt"])
def test_an_empty_text_in_a_required_member_is_a_missing_member(member: str) -> None:
    rejection = rejected(
        fate([{"name": "r", "put_events": {**VIEW, member: "value.e"}}], {"session": "s", "e": "", "time": AT})
    )
    assert (rejection.reason, rejection.field) == (Reason.MISSING_MEMBER, member)
    assert "value.e is null or empty" in rejection.message


def test_an_empty_message_id_makes_no_two_events_one() -> None:
    """Of ":0" and ":0" the service keeps the first."""
    members = {**VIEW, "eventId": {"template": "{{ value.messageId }}:{{ index }}"}}
    rule = {"name": "r", "for_each": "value.items", "put_events": members}
    made = events(fate([rule], {"session": "s", "time": AT, "messageId": "", "items": [1, 2]}))
    assert [event["eventId"] for event in made] == ["t-0-7-mwufpflk-0", "t-0-7-mwufpflk-1"]


def test_the_json_text_null_is_a_tombstone() -> None:
    assert fate([{"name": "click", "put_events": VIEW}], None) == Skipped("tombstone", pipeline="p")


@pytest.mark.parametrize("timestamp", [-1, 0, 1])
def test_a_timestamp_that_is_none_is_no_time_of_an_event(timestamp: int) -> None:
    rules = [
        {"name": "mapped", "when": "value.kind", "put_events": {**VIEW, "sentAt": "not_null(value.time, timestamp)"}},
        {"name": "unmapped", "put_events": {name: spec for name, spec in VIEW.items() if name != "sentAt"}},
    ]
    for value in ({"session": "s"}, {"session": "s", "kind": "mapped"}):
        rejection = rejected(fate(rules, value, timestamp=timestamp))
        assert (rejection.reason, rejection.field) == (Reason.MISSING_MEMBER, "sentAt")
    assert (
        "it is not mapped and the record has no timestamp"
        in rejected(fate(rules, {"session": "s"}, timestamp=timestamp)).message
    )
    own = rejected(fate(rules, {"session": "s", "kind": "mapped"}, timestamp=timestamp)).message
    assert own.endswith("not_null(value.time, timestamp) is null or empty, and the record has no timestamp")
    [event] = events(fate(rules, {"session": "s", "kind": "mapped", "time": AT}, timestamp=timestamp))
    assert (event["sentAt"], event["eventId"]) == (AT, "t-0-7")
    [event] = events(fate(rules, {"session": "s"}))
    assert event["sentAt"] == AT


def test_a_condition_on_something_that_is_absent_is_false() -> None:
    rules = [
        {"name": "product-page", "when": "contains(value.page.path, '/product/')", "put_events": VIEW},
        {"name": "track", "when": "value.type == 'track'", "put_events": VIEW},
    ]
    assert fate(rules, {"type": "identify", "session": "s1"}) == Filtered((("p", "product-page"),))
    made = fate(rules, {"type": "track", "session": "s1", "item": "p1", "time": AT})
    assert isinstance(made, Transformed)
    assert (made.rule, made.failed) == ("track", (("p", "product-page"),))


def test_a_key_is_decoded_only_for_rules_that_ask() -> None:
    rules = [
        {"name": "by-key", "when": "value.kind == 'a'", "put_events": {**VIEW, "sessionId": "key.session"}},
        {"name": "plain", "put_events": VIEW},
    ]
    value = {"kind": "b", "session": "s1", "time": AT}
    made = fate(rules, value, key=b"plain text")
    assert isinstance(made, Transformed)
    assert made.rule == "plain"
    rejection = rejected(fate(rules, {**value, "kind": "a"}, key=b"plain text"))
    assert (rejection.reason, rejection.field, rejection.rule) == (Reason.NOT_JSON, "key", "by-key")


def test_sessions_that_are_minus_one_can_fall_back_on_the_device() -> None:
    """Amplitude's SDKs send -1 for events outside of a session: left alone, all people would share it."""
    session = {"case": [{"when": "value.session_id == `-1`", "then": "value.device_id"}, {"else": "value.session_id"}]}
    rules = [{"name": "viewed", "put_events": {**VIEW, "sessionId": session}}]
    sessions = [
        events(fate(rules, {"session_id": number, "device_id": "d1", "time": AT}))[0]["sessionId"]
        for number in (-1, AT)
    ]
    assert sessions == ["d1", str(AT)]


def test_a_list_that_is_not_there_is_no_empty_list() -> None:
    rules = [{"name": "order", "for_each": "value.line_items", "put_events": {**VIEW, "itemId": "item.product_id"}}]
    assert fate(rules, {"session": "s1", "line_items": []}) == Skipped("no_elements", "order", "p")
    rejection = rejected(fate(rules, {"session": "s1", "lines": [{"product_id": 17}]}))
    assert (rejection.reason, rejection.field, rejection.rule) == (Reason.MISSING_LIST, None, "order")


def test_an_element_without_an_item_can_be_left_out() -> None:
    """A gift wrap in an order has no product: a Purchase of nothing teaches nothing."""
    value = {"session": "c1", "time": AT, "lines": [{"id": 632910392, "price": "199.00"}, {"id": None, "price": "5"}]}
    required = {"from": "item.id", "otherwise": "skip"}
    for for_each, item in (("value.lines[?id]", "item.id"), ("value.lines", required)):
        rule = {"name": "order", "for_each": for_each, "put_events": {**VIEW, "itemId": item}}
        [event] = events(fate([rule], value))
        assert event["itemId"] == "632910392"
    rule = {"name": "order", "put_events": {**VIEW, "itemId": {**required, "from": "value.id"}}}
    assert fate([rule], value) == Skipped("missing_member", "order", "p")
    letter = {"name": "order", "put_events": {**VIEW, "itemId": {"from": "value.id", "otherwise": "dead_letter"}}}
    rejection = rejected(fate([letter], value))
    assert (rejection.reason, rejection.field) == (Reason.MISSING_MEMBER, "itemId")


@pytest.mark.parametrize("action", ["undefined", "null", "NaN", "None"])
def test_an_event_type_that_stands_for_nothing_is_refused_like_an_id(action: str) -> None:
    rules = [{"name": "any", "put_events": {**VIEW, "eventType": "value.action"}}]
    rejection = rejected(fate(rules, {"session": "s1", "action": action, "item": "p1", "time": AT}))
    assert (rejection.reason, rejection.field) == (Reason.IGNORED_LITERAL, "eventType")


def test_a_local_date_time_of_java_is_a_list_that_a_format_reads() -> None:
    """Jackson writes a LocalDateTime as a list of numbers."""
    value = {"session": "s1", "at": [2026, 11, 24, 8, 30, 11, 393000000]}
    for source in ("value.at", "value.at[:6]", "value.at[:]"):
        rule = {"name": "view", "put_events": {**VIEW, "sentAt": {"from": source, "format": "array"}}}
        [event] = events(fate([rule], value))
        assert event["sentAt"] == AT
    rejection = rejected(fate([{"name": "view", "put_events": {**VIEW, "sentAt": "value.at"}}], value))
    assert (rejection.reason, rejection.field) == (Reason.WRONG_TYPE, "sentAt")
    assert rejection.message.endswith("not a list, which format: array reads")


def test_cents_and_a_quantity_make_a_price() -> None:
    """Commercetools has cents and the digits of the currency: 21.25 and twice that are decimals, not floats."""
    line = {"productId": "p1", "quantity": 2, "price": {"value": {"centAmount": 2125, "fractionDigits": 2}}}
    order = {"createdAt": "2026-11-24T08:30:11.250Z", "order": {"customerId": "c1", "lineItems": [line]}}
    members = {**VIEW, "sessionId": "value.order.customerId", "itemId": "item.productId", "sentAt": "value.createdAt"}

    def price(spec: Any, **others: Any) -> Any:
        rule = {"name": "order", "for_each": "value.order.lineItems", "put_events": {**members, "eventValue": spec}}
        [event] = events(fate([rule], order | others))
        return event.get("eventValue")

    cents = "item.price.value.centAmount"
    assert price(f"divide({cents}, `100`)") == 21.25
    assert price(f"multiply(divide({cents}, `100`), item.quantity)") == 42.5
    assert price({"template": f"{{{{ {cents} }}}}e-{{{{ item.price.value.fractionDigits }}}}"}) == 21.25
    # Null in, null out: an order without a quantity has no value, and no dead letter.
    assert price(f"multiply({cents}, item.amount)") is None
    # Debezium and Kafka Connect write a NUMERIC(10,2) of 42.50 as the bytes of 4250.
    assert price("decimal('EJo=', `2`)") == 42.5


def reading(value: str) -> dict[str, Any]:
    """The members of VIEW, read from elsewhere than ``value``."""
    return {name: of.replace("value", value) if isinstance(of, str) else of for name, of in VIEW.items()}


EACH = [{"name": "each", "for_each": "value", "put_events": reading("item")}]
ONE = b'{"session":"s1","item":"p1","time":1795509011}'


def raw_fate(rules: list[dict[str, Any]], raw: bytes, **value: Any) -> Fate | Pending:
    spec = PipelineSpec.model_validate({"name": "p", "topics": ["t"], "rules": rules, "value": value})
    mapping = compile_pipeline(spec)
    assert not isinstance(mapping, list), mapping
    return Pipeline(spec, mapping, "tracker")(Record("t", 0, 7, AT * 1000, None, raw), NOW)


VIEWED = [{"name": "viewed", "put_events": VIEW}]


def test_a_byte_order_mark_is_skipped() -> None:
    [event] = events(raw_fate(VIEWED, b"\xef\xbb\xbf" + ONE))
    assert (event["sessionId"], event["itemId"]) == ("s1", "p1")


def test_a_price_that_is_not_a_number_is_named() -> None:
    rejection = rejected(raw_fate(VIEWED, b'{"session":"s1","price":NaN}'))
    assert (rejection.reason, rejection.message.endswith("NaN is no JSON: write null")) == (Reason.NOT_JSON, True)


@pytest.mark.parametrize(
    "form", ["value", "value[]", "value[*]", "value[?session]", "value | [?session]", "value[0:9]"]
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_record_may_be_a_list_where_a_rule_takes_it_as_one(form: str, wrapped: bool) -> None:  # noqa: FBT001
    rules = [{**EACH[0], "for_each": {"from": form} if wrapped else form}]
    made = events(raw_fate(rules, b"[%b,%b]" % (ONE, ONE.replace(b"p1", b"p2"))))
    assert [event["itemId"] for event in made] == ["p1", "p2"]


@pytest.mark.parametrize("form", [None, "value.items", "[value]", "value.items[?id]"])
def test_a_record_must_be_an_object_where_no_rule_takes_it_as_a_list(form: str | None) -> None:
    rule = {"name": "viewed", "put_events": VIEW} if form is None else {**EACH[0], "for_each": form}
    assert rejected(raw_fate([rule], b"[]")).reason is Reason.NOT_AN_OBJECT


def test_an_expression_that_is_wrong_takes_no_value() -> None:
    specs: tuple[ElementsSpec | None, ...] = ("value['", "value", ["value [*]", "item.x"], ["x", "value"], None)
    assert [takes_value(spec) for spec in specs] == [False, True, True, False, False]


def test_json_inside_a_json_text_is_read_with_parse_json() -> None:
    """An outbox of Debezium's, behind a converter of JSON."""
    text = orjson.dumps(ONE.decode())
    rejection = rejected(raw_fate(VIEWED, text))
    assert rejection.message.endswith("set value.root to any, and read parse_json(value)")
    parsed = {
        name: of.replace("value", "parse_json(value)") if isinstance(of, str) else of for name, of in VIEW.items()
    }
    [event] = events(raw_fate([{"name": "viewed", "put_events": parsed}], text, root="any"))
    assert (event["sessionId"], event["itemId"]) == ("s1", "p1")


PACKS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zlib": zlib.compress, "zstd": zstandard.compress}


@pytest.mark.parametrize("kind", PACKS)
@pytest.mark.parametrize("raw", [ONE, b"null"])
def test_a_packed_value_becomes_what_the_plain_one_becomes(kind: str, raw: bytes) -> None:
    packed = PACKS[kind](raw)
    assert raw_fate(VIEWED, packed, compression=kind) == raw_fate(VIEWED, raw)


def test_a_row_of_snowplow_is_an_object_of_its_columns() -> None:
    columns = [
        "app_id",
        "platform",
        "etl_tstamp",
        "time",
        "dvce_created_tstamp",
        "item",
        "session",
        *map(str, range(124)),
    ]
    row = b"shop\tweb\t2026-11-24 08:30:12.000\t2026-11-24 08:30:11.000\t\tstruct\t8a1c"
    members = {**VIEW, "sentAt": {"from": "value.time", "format": "%Y-%m-%d %H:%M:%S.%f", "timezone": "UTC"}}
    [event] = events(raw_fate([{"name": "viewed", "put_events": members}], row, format="delimited", columns=columns))
    assert (event["sessionId"], event["itemId"], event["sentAt"]) == ("8a1c", "struct", 1795509011)


def test_lines_of_json_make_an_event_each() -> None:
    made = events(raw_fate(EACH, ONE + b"\n\n" + ONE.replace(b"p1", b"p2") + b"\n", format="json_lines"))
    assert [event["itemId"] for event in made] == ["p1", "p2"]
