"""From any records comes a valid file whose tests are right, or a message that says why not."""

import string
from collections.abc import Iterable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.starting.samples import NoSamplesError
from tests.support.drafts import VIEW, drafted, loaded, members
from tests.support.examples import examples
from tests.support.file_tests import check, rules_reached


def test_a_flat_record_is_mapped_member_by_member_with_the_evidence_above() -> None:
    text = drafted([VIEW, {**VIEW, "session": "s-82", "user": None, "action": "purchase"}])
    assert members(text) == {
        "sessionId": "value.session",
        "userId": "value.user",
        "eventType": {
            "from": "value.action",
            "lookup": {"view": "View", "purchase": "Purchase"},
            "otherwise": "skip",
        },
        "itemId": "value.item",
        "sentAt": "value.time",
    }
    assert "# value.session: 100 % present, 2 distinct in 2\n          sessionId: value.session\n" in text
    assert "# value.user: 50 % present, 1 distinct in 2; null before the login\n" in text
    check(loaded(text))


def test_nobody_of_the_sample_is_in_the_file() -> None:
    lines = [{**VIEW, "ip": "203.0.113.9", "name": "Anna Smith", "userAgent": "Mozilla/5.0 (Anna's)"}] * 3
    text = drafted([*lines, {**VIEW, "item": "anna@shop.example"}])
    for secret in ("anna", "Anna", "s-81", "203.0.113.9", "Smith"):
        assert secret not in text


def test_orders_with_a_list_of_products_make_an_event_each() -> None:
    order = {**VIEW, "action": "order", "lines": [{"sku": "A1", "price": "19.00"}, {"sku": "B2"}], "id": "o1"}
    del order["item"]
    text = drafted([VIEW, order, {**VIEW, "item": "B2"}])
    [rule] = [each for each in yaml.safe_load(text)["pipelines"][0]["rules"] if each["name"] == "products"]
    assert (rule["when"], rule["for_each"]) == ('contains(`["order"]`, value.action)', "value.lines")
    assert members(text, "products")["itemId"] == "item.sku"
    assert members(text, "products")["eventValue"] == "item.price"
    assert members(text, "products")["eventType"] == {"const": "Purchase"}
    assert members(text)["itemId"] == "value.item"
    check(loaded(text))


def test_a_list_that_was_shown_becomes_an_impression() -> None:
    shown = {
        "session": "s1",
        "event": "Product List Viewed",
        "products": [{"id": "a"}, {"id": "b"}],
        "time": 1795509011,
    }
    text = drafted([shown])
    assert members(text, "list-shown")["impression"] == "value.products[:25].id"
    assert members(text, "list-shown")["eventType"] == {"const": "ListView"}
    check(loaded(text))


@pytest.mark.parametrize(
    ("session", "spec", "note"),
    [
        ({"sid": "s1", "anonymousId": "a1"}, "value.sid", None),
        ({"anonymousId": "a1"}, "value.anonymousId", "the visitor stands for it"),
        ({"cookie": "c1", "customer_id": 7}, "value.cookie", "the visitor stands for it"),
        ({"customer_id": 7}, "value.customer_id", "the user stands for it"),
        ({"session": {"id": "s1"}}, "value.session.id", None),
        ({"$session_id": "s1"}, 'value."$session_id"', None),
    ],
)  # fmt: skip
def test_without_a_session_the_nearest_to_one_stands_for_it_and_is_said(
    session: dict[str, Any], spec: str, note: str | None
) -> None:
    text = drafted([{**session, "action": "view", "item": "p1", "time": 1795509011}])
    assert members(text)["sessionId"] == spec
    assert (note or "stands for it") in text or note is None
    check(loaded(text))


def test_the_user_that_stands_for_the_session_is_the_user_id_too() -> None:
    text = drafted([{"customer_id": 7, "action": "view", "item": "p1", "time": 1795509011}])
    assert members(text)["userId"] == members(text)["sessionId"] == "value.customer_id"
    assert "null before the login" not in text  # then the record has no session either
    check(loaded(text))


def test_one_broken_time_in_twenty_does_not_hide_the_others_and_is_said() -> None:
    records = [{**VIEW, "time": 1795509011 + number} for number in range(19)]
    broken = {**VIEW, "time": "soon"}
    for sample in ([*records, broken], [broken, *records]):
        text = drafted(sample)
        assert members(text)["sentAt"] == "value.time"
        assert "seconds since 1970" in text
        assert "1 of 20 values of value.time are no time" in text.replace("\n#", "")
        assert "names no zone" not in text
        check(loaded(text))
    more = drafted([*records, broken, broken])
    assert "sentAt" not in members(more)
    assert "the record's own timestamp counts" in more


def test_a_session_that_is_sometimes_absent_falls_back_on_the_visitor() -> None:
    lines = [{"sid": "s1", "visitor_id": "v1", "item": "p"}, {"sid": "", "visitor_id": "v1", "item": "p"}] * 3
    assert members(drafted(lines))["sessionId"] == "coalesce_empty(value.sid, value.visitor_id)"


def test_the_placeholder_session_of_some_sdks_is_told() -> None:
    lines = [{"session_id": session, "device_id": "d1", "action": "view", "item": "p"} for session in (-1, 1795508000)]
    text = drafted(lines)
    assert members(text)["sessionId"]["case"][0] == {"when": "value.session_id == `-1`", "then": "value.device_id"}
    check(loaded(text))


@pytest.mark.parametrize(
    ("time", "spec", "words"),
    [
        (1795509011, "value.time", "seconds since 1970"),
        (1795509011250, "value.time", "milliseconds since 1970"),
        ("1795509011250000", "value.time", "microseconds since 1970"),
        ("2026-11-24T08:30:11.250Z", "value.time", "ISO 8601"),
        ("2026-11-24 08:30:11", "value.time", "ISO 8601"),
        ("24.11.2026 08:30:11", {"from": "value.time", "format": "%d.%m.%Y %H:%M:%S"}, "text like"),
        ("24/Nov/2026:09:30:11 +0100", {"from": "value.time", "format": "%d/%b/%Y:%H:%M:%S %z"}, "text like"),
        (
            "Tue, 24 Nov 2026 08:30:11 GMT",
            {"from": "value.time", "format": "%a, %d %b %Y %H:%M:%S GMT"},
            "text like",
        ),
        (
            "Tue Nov 24 08:30:11 UTC 2026",
            {"from": "value.time", "format": "%a %b %d %H:%M:%S UTC %Y"},
            "text like",
        ),
        ("11/12/2026 08:30", None, "the record's own timestamp counts"),
        (17, None, "the record's own timestamp counts"),
        (4102531201000013823, None, "the record's own timestamp counts"),
    ],
)  # fmt: skip
def test_a_time_is_told_by_its_values_and_what_has_two_readings_is_left_out(
    time: object, spec: object, words: str
) -> None:
    text = drafted([{**VIEW, "time": time}])
    assert members(text).get("sentAt") == spec
    assert words in text
    assert "sentAt: 1795509011" in text or spec is None
    assert str(time) in text or spec is None
    check(loaded(text))


def test_at_most_ten_event_types_and_columns_and_the_most_frequent_first() -> None:
    names = [f"shares {letter}x" for letter in string.ascii_lowercase]
    lines = [{**VIEW, "action": name, "category": "c"} for count, name in enumerate(names) for _ in range(40 - count)]
    text = drafted(lines)
    made = members(text)
    assert len(made["eventType"]["lookup"]) + len(made.get("properties", {})) + 2 <= 10
    assert list(made["eventType"]["lookup"]) == names[: len(made["eventType"]["lookup"])]
    assert '"shares zx"' not in str(made)


def test_what_is_no_interest_is_skipped_and_listed() -> None:
    lines = [VIEW, VIEW, {**VIEW, "action": "remove from cart"}, {**VIEW, "action": "login"}]
    text = drafted(lines)
    assert list(members(text)["eventType"]["lookup"]) == ["view"]
    assert '"remove from cart" (1), "login" (1)' in text


def test_crawlers_and_people_without_consent_are_skipped_where_the_records_tell() -> None:
    text = drafted([{**VIEW, "userAgent": "Mozilla/5.0", "consent": True}])
    skips = {rule["name"]: rule.get("skip") for rule in yaml.safe_load(text)["pipelines"][0]["rules"]}
    assert skips == {"bots": "bot", "without-consent": "no consent", "events": None}
    check(loaded(text))
    assert rules_reached(loaded(text)) >= {"bots", "without-consent", "events"}


def test_what_could_also_be_meant_is_listed() -> None:
    text = drafted([{**VIEW, "sku": "x1", "product_id": "y1"}])
    assert "# To decide: itemId could also be value.sku: 100 % present, 1 distinct in 1" in text


@pytest.mark.parametrize(
    ("wrapped", "value"),
    [
        ({"before": None, "after": VIEW, "op": "c"}, {"envelope": "debezium"}),
        ({"schema": {"type": "struct"}, "payload": VIEW}, {"envelope": "connect"}),
        ({"specversion": "1.0", "type": "view", "id": "e1", "source": "/w", "data": VIEW}, {"envelope": "cloudevents"}),
        ([VIEW, {**VIEW, "action": "buy"}], {"root": "array"}),
        ({"batch": 1, "events": [VIEW]}, None),
    ],
    ids=["debezium", "connect", "cloudevents", "array", "events in a list"],
)  # fmt: skip
def test_records_in_an_envelope_or_a_list_are_read_through_it(wrapped: Any, value: Any) -> None:
    text = drafted([wrapped] * 3)
    [pipeline] = yaml.safe_load(text)["pipelines"]
    assert pipeline.get("value") == value
    check(loaded(text))


def test_rows_of_columns_are_a_delimited_value() -> None:
    rows = [b"session;user;action;item;time", *[b's1;u1;view;"p,1";1795509011'] * 3]
    text = drafted(rows)
    [pipeline] = yaml.safe_load(text)["pipelines"]
    columns = ["session", "user", "action", "item", "time"]
    assert pipeline["value"] == {"format": "delimited", "delimiter": ";", "columns": columns}
    check(loaded(text))


def test_a_dump_of_kcat_gives_the_topic_and_the_key() -> None:
    line = {"topic": "web.clicks", "partition": 0, "ts": 1795509011250, "key": "k1", "payload": {"item": "p1"}}
    text = drafted([line, {**line, "key": "k2"}])
    assert yaml.safe_load(text)["pipelines"][0]["topics"] == ["web.clicks"]
    assert members(text)["sessionId"] == "key"
    check(loaded(text))


def test_records_of_a_known_source_name_its_preset() -> None:
    track = {"type": "track", "messageId": "m1", "anonymousId": "a1", "event": "Product Viewed"}
    assert "`putevents init --from segment`" in drafted([track])
    assert "`putevents init --from rudderstack`" in drafted([{**track, "channel": "web"}])


def test_records_without_anybody_are_refused_with_the_members_that_there_are() -> None:
    with pytest.raises(NoSamplesError, match=r"expected a session.* found no member .* among value\.a, value\.b\."):
        drafted([{"a": 1, "b": "x"}])


def test_a_refusal_asks_at_once_for_the_session_and_for_an_item_that_is_missing_too() -> None:
    with pytest.raises(NoSamplesError, match="--member sessionId=EXPRESSION, and which the item: --member itemId="):
        drafted([{"sitzung": "s1", "ware": "p1"}])
    with pytest.raises(NoSamplesError, match=r"--member sessionId=EXPRESSION$"):
        drafted([{"sitzung": "s1", "item": "p1"}])


_NAMES = st.sampled_from(
    ["session", "sessionId", "user", "userId", "event", "type", "name", "item", "sku", "product", "products", "items",
     "price", "time", "timestamp", "id", "userAgent", "consent", "category", "shown", "a.b", "$x", "", "{", "é", "y",
     "payload", "schema", "op", "after", "specversion", "data", "value", "topic", "events", "cents", "#", ": ", "'\""]
)  # fmt: skip
_SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12) | st.sampled_from(["view", "order", "Product List Viewed", "null", "2026-11-24T08:30:11Z",
        1795509011, 1795509011250, "x" * 300, "a@b.example", "{{ x }}", "#", "yes", "\u2028", "-", "1", -1])
)  # fmt: skip
_DOCUMENTS = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=6), max_leaves=20
)


def drafted_or_refused(records: Iterable[Any]) -> str:
    """The file, or the message."""
    try:
        return drafted(records)
    except NoSamplesError as error:
        return str(error)


def check_or_words(text: str) -> None:
    """A valid file with right tests, or what was expected; never a file that came out wrong."""
    if text.startswith("#"):
        check(loaded(text))
    else:
        assert text.startswith("expected ")
        assert "what came out is not" not in text


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(st.dictionaries(_NAMES, _DOCUMENTS, max_size=8) | st.lists(_DOCUMENTS, max_size=3), max_size=8))
def test_any_records_become_a_valid_file_with_right_tests_or_a_message(records: list[Any]) -> None:
    check_or_words(drafted_or_refused(records))


@pytest.mark.parametrize(
    "records",
    [
        [{"session": 0, "event": "\0"}],
        [{"session": 0, "event": "\0", "item": "a"}, {"session": 1, "event": "view", "item": "a"}],
        [{"session": 0, "event": "view", "item": "\0a"}],
        [{"session": 1, "consent": {"'\"": False}, "userId": 0, "event": {"item": 0}}],
    ],
)
def test_characters_that_a_file_cannot_hold_or_must_escape_lead_to_a_valid_file_all_the_same(
    records: list[dict[str, Any]],
) -> None:
    check(loaded(drafted(records)))


def test_records_without_events_are_refused_with_a_hint_where_the_source_is_known() -> None:
    body = {"client_id": "1.2", "events": [{"name": "page_view", "params": {"items": [{"item_id": "p1"}]}}]}
    with pytest.raises(NoSamplesError, match=r"expected the name of an event or an item.* putevents init --from ga4"):
        drafted([body])


def test_an_event_is_named_by_its_values_where_its_member_is_not() -> None:
    record = {"sid": "s1", "what_happened": "product_view", "item": "p1"}
    assert members(drafted([record, {**record, "what_happened": "add_to_cart"}]))["eventType"]["lookup"] == {
        "product_view": "View",
        "add_to_cart": "AddToCart",
    }


def test_without_names_of_events_only_records_with_an_item_become_views() -> None:
    text = drafted([{"sid": "s1", "item": "p1"}, {"sid": "s1"}])
    assert members(text)["itemId"] == {"from": "value.item", "otherwise": "skip"}
    check(loaded(text))


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.dictionaries(_NAMES, _DOCUMENTS, max_size=8), min_size=1, max_size=5))
def test_records_with_a_session_are_always_mapped(records: list[Any]) -> None:
    check(loaded(drafted([{**record, "session": f"s{number}", "item": "p"} for number, record in enumerate(records)])))


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.binary(max_size=60) | st.text(max_size=60).map(str.encode), max_size=6))
def test_any_bytes_become_a_valid_file_or_a_message(lines: list[bytes]) -> None:
    check_or_words(drafted_or_refused(lines))
