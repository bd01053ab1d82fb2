"""A record becomes entries or a fate that needs none; nothing that it contains raises."""

from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from connector.core.formats.decoded import SchemaPending
from connector.core.mapping.rules import compile_pipeline
from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.transform import Pipeline, Router
from connector.core.records import Entry, Filtered, Reason, Record, Rejection, Skipped, Stage, Transformed
from connector.core.rejections import merge

NOW = 1_800_000_000.0
SHOP = """
name: shop
topics: [clicks]
rules:
  - name: view
    when: value.type == 'view'
    put_events:
      trackingId: value.tracker
      sessionId: value.session
      userId: value.user
      eventType: {const: View}
      itemId: value.item
      eventValue: value.price
      sentAt: value.at
      eventAttributionSource: value.source
      properties: {page: value.page}
  - name: order
    when: value.type == 'order'
    for_each: value.lines
    put_events:
      sessionId: value.session
      eventType: {const: Purchase}
      itemId: item.sku
  - {name: test, when: value.type == 'test', skip: test traffic}
"""


def pipeline(text: str = SHOP, tracking_id: str | None = "tracker") -> Pipeline:
    spec = PipelineSpec.model_validate(yaml.safe_load(text))
    mapping = compile_pipeline(spec)
    assert not isinstance(mapping, list), mapping
    return Pipeline(spec, mapping, tracking_id)


def record(value: Any, **parts: Any) -> Record:
    given: dict[str, Any] = {"topic": "clicks", "partition": 2, "offset": 7, "timestamp": int(NOW) * 1000, "key": None}
    return Record(value=value if isinstance(value, bytes | None) else orjson.dumps(value), **{**given, **parts})


def view(**members: Any) -> Record:
    return record({"type": "view", "session": "s", "item": "i", **members})


shop, another_shop = pipeline(), pipeline()


def the_entry(read: Record, through: Pipeline = shop) -> Entry:
    made = through(read, NOW)
    assert isinstance(made, Transformed)
    assert made.rejection is None
    (entry,) = made.entries
    return entry


def rejected(read: Record, through: Pipeline = shop) -> Rejection:
    made = through(read, NOW)
    assert isinstance(made, Rejection)
    return made


def test_an_event_is_checked_serialised_and_put_under_its_call() -> None:
    entry = the_entry(view(user="u", price=2, at=int(NOW) - 5, page="home", source="mail"))
    assert entry[:3] == ("tracker", "s", "u")
    assert entry.element is None
    assert orjson.loads(entry.body) == {
        "eventType": "View",
        "eventId": "clicks-2-7-mywpiww0",
        "itemId": "i",
        "eventValue": 2.0,
        "sentAt": int(NOW) - 5,
        "properties": '{"page":"home"}',
        "metricAttribution": {"eventAttributionSource": "mail"},
    }


def test_a_rules_own_tracking_id_comes_before_that_of_the_configuration() -> None:
    assert the_entry(view(at=1_700_000_000, tracker="own")).target == "own"
    assert the_entry(view(at=1_700_000_000)).target == "tracker"


def test_an_event_without_any_tracking_id_is_missing_a_member() -> None:
    rejection = rejected(view(at=1_700_000_000), pipeline(tracking_id=None))
    assert (rejection.stage, rejection.reason, rejection.field) == (
        Stage.VALIDATE,
        Reason.MISSING_MEMBER,
        "trackingId",
    )


def test_a_session_without_a_user_has_none() -> None:
    assert the_entry(view(at=1_700_000_000)).user_id is None


@pytest.mark.parametrize("value", [None, b"null", b" null\n"])
def test_a_tombstone_is_skipped(value: bytes | None) -> None:
    assert shop(record(value), NOW) == Skipped("tombstone", pipeline="shop")


def test_without_a_timestamp_an_event_has_an_id_of_its_place_alone() -> None:
    assert orjson.loads(the_entry(view(at=1_700_000_000)._replace(timestamp=None)).body)["eventId"] == "clicks-2-7"
    made = pipeline(SHOP.replace("itemId: item.sku", "sentAt: item.at"))(
        record({"type": "order", "session": "s", "lines": [{"at": 1_700_000_000}]}, timestamp=None), NOW
    )
    assert isinstance(made, Transformed)
    assert orjson.loads(made.entries[0].body)["eventId"] == "clicks-2-7-0"


def test_a_topic_that_is_recreated_repeats_no_id() -> None:
    ids = {
        orjson.loads(the_entry(view(at=1_700_000_000)._replace(timestamp=at)).body)["eventId"]
        for at in (1_795_500_000_123, 1_795_500_000_124, None)
    }
    assert len(ids) == 3


def test_conditions_that_fail_are_named_whatever_becomes_of_the_record() -> None:
    text = SHOP.replace("rules:", "rules:\n  - {name: bots, when: \"contains(value.agent, 'bot')\", skip: bot}")
    failing, failed = pipeline(text), (("shop", "bots"),)
    assert failing(view(at=1_700_000_000), NOW)[-1] == failed
    assert failing(view(at=1_700_000_000, item="null"), NOW)[-1] == failed
    assert failing(record({"type": "test"}), NOW) == Skipped("test traffic", "test", "shop", failed)
    assert failing(record({"type": "other"}), NOW) == Filtered(failed)
    assert failing(view(agent="robot"), NOW) == Skipped("bot", "bots", "shop")
    made = failing(order("a", "null"), NOW)
    assert isinstance(made, Transformed)
    assert made.failed == failed
    assert made.rejection is not None
    assert made.rejection.failed == ()  # it is counted once


def test_a_rule_that_skips_names_itself_and_its_pipeline() -> None:
    assert shop(record({"type": "test"}), NOW) == Skipped("test traffic", "test", "shop")


def test_a_record_that_no_rule_wants_is_filtered() -> None:
    assert shop(record({"type": "other"}), NOW) == Filtered()


@pytest.mark.parametrize(
    ("value", "stage", "reason", "field"),
    [
        (b"{", Stage.DECODE, Reason.NOT_JSON, "value"),
        (b"[]", Stage.DECODE, Reason.NOT_AN_OBJECT, "value"),
        ({"type": "view", "item": "i"}, Stage.MAP, Reason.MISSING_MEMBER, "sessionId"),
        ({"type": "view", "session": "x" * 257, "at": 1}, Stage.VALIDATE, Reason.TOO_LONG, "sessionId"),
        ({"type": "view", "session": "s", "at": 86_400_000}, Stage.VALIDATE, Reason.TIME_OUT_OF_WINDOW, "sentAt"),
        (
            {"type": "view", "session": "s", "at": 1_700_000_000, "item": "null"},
            Stage.VALIDATE,
            Reason.IGNORED_LITERAL,
            "itemId",
        ),
        (
            {"type": "view", "session": "s", "at": 1_700_000_000, "source": "é"},
            Stage.VALIDATE,
            Reason.INVALID_VALUE,
            "eventAttributionSource",
        ),
    ],
)
def test_a_rejection_names_stage_reason_member_and_pipeline(
    value: Any, stage: Stage, reason: Reason, field: str
) -> None:
    rejection = rejected(record(value))
    assert (rejection.stage, rejection.reason, rejection.field) == (stage, reason, field)
    assert rejection.pipeline == "shop"
    assert rejection.indexes == ()


def test_a_rejection_by_a_limit_names_the_rule() -> None:
    rejection = rejected(view(at=1_700_000_000, item=" "))
    assert rejection.rule == "view"
    assert rejection.message == "pipeline shop, rule view: itemId: expected a character that is not a blank"


def order(*skus: Any) -> Record:
    return record({"type": "order", "session": "s", "lines": [{"sku": sku} for sku in skus]})


def test_every_element_makes_an_event_of_its_own_id() -> None:
    made = shop(order("a", "b"), NOW)
    assert isinstance(made, Transformed)
    assert [entry.element for entry in made.entries] == [0, 1]
    assert [orjson.loads(entry.body)["eventId"] for entry in made.entries] == [
        "clicks-2-7-mywpiww0-0",
        "clicks-2-7-mywpiww0-1",
    ]


def test_the_elements_that_are_valid_go_although_others_are_not() -> None:
    made = shop(order("a", "x" * 257, "b", [1], "null", [2], ""), NOW)
    assert isinstance(made, Transformed)
    assert [entry.element for entry in made.entries] == [0, 2, 6]
    assert made.rejection is not None
    assert (made.rejection.reason, made.rejection.indexes) == (Reason.TOO_LONG, (1, 3, 4, 5))
    assert made.rejection.message == (
        "pipeline shop, rule order: [1] itemId: expected at most 256 characters, not 257; "
        "[3, 5] itemId from item.sku: expected text or a number, not a list; "
        "[4] itemId: expected an id or a name, not the text null, which stands for nothing"
    )


def test_a_record_of_which_no_element_is_valid_is_a_rejection() -> None:
    assert rejected(order("\n", "null")).indexes == (0, 1)


def invalid(words: str, *indexes: int) -> Rejection:
    message = f"pipeline p, rule r: {words}"
    return Rejection(Stage.VALIDATE, Reason.EMPTY, message, "itemId", "p", "r", indexes)


def test_merged_rejections_keep_the_first_reason_all_indexes_and_everybodys_words() -> None:
    last = Rejection(Stage.DELIVER, Reason.REJECTED_BY_SERVICE, "refused", pipeline="p", rule="r", indexes=(4,))
    first = merge([invalid("b", 2), invalid("a", 1)])
    message = "pipeline p, rule r: [1] a; [2] b; [4] refused"
    assert merge([last, first]) == invalid("a", 1)._replace(indexes=(1, 2, 4), message=message)
    assert merge([last]) == last


def test_merged_rejections_of_one_fault_are_said_once_and_of_very_many_the_first() -> None:
    assert merge([invalid("a", index) for index in range(3)]).message == "pipeline p, rule r: [0, 1, 2] a"
    many = merge([invalid("a", index) for index in range(1000)])
    assert many.message == "pipeline p, rule r: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …] a"
    assert many.indexes == tuple(range(1000))
    differing = merge([invalid("x" * 90 + str(index), index) for index in range(1000)])
    assert len(differing.message) < 900
    assert differing.message.endswith("; and 992 more")
    assert merge([invalid("x" * 2000, 0), invalid("y", 1)]).message.endswith("x; and 1 more")


def test_a_filtered_list_has_the_places_of_the_record_in_its_letter_and_in_its_entries() -> None:
    filtered = pipeline(SHOP.replace("for_each: value.lines", "for_each: value.lines[?sku != 'no']"))
    made = filtered(order("no", "a", "no", "null", "b"), NOW)
    assert isinstance(made, Transformed)
    assert made.rejection is not None
    assert ([entry.element for entry in made.entries], made.rejection.indexes) == ([1, 4], (3,))
    assert [orjson.loads(entry.body)["eventId"] for entry in made.entries] == [
        "clicks-2-7-mywpiww0-0",
        "clicks-2-7-mywpiww0-2",
    ]


# -- keys and headers -------------------------------------------------------------------------------------------------

KEYED = """
name: keyed
topics: [keyed, ^shop\\..*]
key: {format: json}
rules:
  - name: all
    put_events:
      sessionId: key.session
      eventType: headers.kind
      sentAt: timestamp
"""
keyed = pipeline(KEYED)


def test_keys_and_headers_are_read_where_an_expression_asks_for_them() -> None:
    read = record({}, key=b'{"session": "k"}', headers=(("kind", b"Click"),))
    entry = the_entry(read, keyed)
    assert entry.lane == "k"
    assert orjson.loads(entry.body) == {"eventType": "Click", "eventId": "clicks-2-7-mywpiww0", "sentAt": int(NOW)}


def test_a_key_that_cannot_be_read_rejects_the_record_only_where_it_is_asked_for() -> None:
    rejection = rejected(record({}, key=b"\xff"), keyed)
    assert (rejection.stage, rejection.reason, rejection.field) == (Stage.DECODE, Reason.NOT_UTF8, "key")
    assert rejection.message == (
        "pipeline keyed, rule all: sessionId from key.session: key: expected UTF-8, but byte 0 is not"
    )
    assert isinstance(shop(view(at=1_700_000_000)._replace(key=b"\xff"), NOW), Transformed)


LAZY = """
name: lazy
topics: [lazy]
key: {format: json}
rules:
  - {name: by-when, when: key.kind == 'test', skip: test}
  - name: by-key
    when: value.kind == 'a'
    put_events:
      sessionId: key.session
      eventType: {const: View}
  - name: by-arm
    when: value.kind == 'b'
    put_events:
      sessionId: {case: [{when: value.session, then: value.session}, {else: {template: "k-{{ key.session }}"}}]}
      eventType: {const: View}
      userId: value.session && key.user
  - name: elements
    when: value.kind == 'list'
    for_each: value.lines
    put_events:
      sessionId: {case: [{when: item.own, then: item.own}, {else: to_string(@.key)}]}
      eventType: {const: View}
  - name: plain
    put_events:
      sessionId: value.session
      eventType: {const: View}
"""
lazy = pipeline(LAZY)


def test_a_key_fails_only_what_asks_for_it() -> None:
    def fate(value: Any) -> Any:
        return lazy(record(value, key=b"plain text"), NOW)

    failed = (("lazy", "by-when"),)  # its condition asks for the key, and so is false
    made = fate({"kind": "c", "session": "s"})
    assert isinstance(made, Transformed)
    assert (made.rule, made.failed) == ("plain", failed)
    for value in ({"kind": "a", "session": "s"}, {"kind": "b"}):
        made = fate(value)
        assert isinstance(made, Rejection)
        assert (made.stage, made.reason, made.field, made.failed) == (Stage.DECODE, Reason.NOT_JSON, "key", failed)
        assert "plain" not in made.message
    made = fate({"kind": "list", "lines": [{"own": "s"}, {}]})
    assert isinstance(made, Transformed)
    assert made.rejection is not None
    assert (len(made.entries), made.rejection.field, made.rejection.indexes) == (1, "key", (1,))


def test_a_key_that_can_be_read_is_there_for_whoever_asks() -> None:
    def session(value: Any, key: Any) -> str:
        return the_entry(record(value, key=orjson.dumps(key)), lazy).lane

    assert session({"kind": "a"}, {"session": "k"}) == "k"
    assert session({"kind": "b"}, {"session": "k"}) == "k-k"
    assert session({"kind": "b", "session": "s"}, {"user": "u"}) == "s"
    assert isinstance(lazy(record({}, key=b'{"kind": "test"}'), NOW), Skipped)
    assert isinstance(lazy(record({"session": "s"}, key=None), NOW), Transformed)


def test_a_topic_goes_to_the_pipeline_that_names_it_and_else_to_one_whose_expression_matches() -> None:
    router = Router([(PipelineSpec.model_validate(yaml.safe_load(text)), pipeline(text)) for text in (SHOP, KEYED)])
    assert router(record({"type": "test"}), NOW) == Skipped("test traffic", "test", "shop")
    for _ in range(2):
        made = router(record({}, topic="shop.eu", key=b"{}"), NOW)
        assert isinstance(made, Rejection)
        assert made.pipeline == "keyed"


def test_a_name_comes_before_an_expression() -> None:
    catch_all = KEYED.replace("[keyed, ^shop\\.]", "[^.*]")
    router = Router([(PipelineSpec.model_validate(yaml.safe_load(text)), pipeline(text)) for text in (catch_all, SHOP)])
    assert isinstance(router(record({"type": "test"}), NOW), Skipped)


# -- laws -------------------------------------------------------------------------------------------------------------

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=5)
)
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)
NAMES = ("session", "user", "item", "price", "at", "source", "page", "tracker")
DOCUMENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["view", "order", "test", "other"]) | JSON},
    optional={
        **dict.fromkeys(NAMES, JSON | st.sampled_from(["s", "null", "x" * 257, 1_700_000_000])),
        "lines": st.lists(JSON | st.fixed_dictionaries({"sku": JSON}), max_size=4) | JSON,
    },
)


@given(DOCUMENTS.map(orjson.dumps) | st.binary(max_size=30), st.none() | st.binary(max_size=5))
def test_any_record_has_a_fate_and_none_raises(value: bytes, key: bytes | None) -> None:
    for through in (shop, keyed):
        made = through(record(value, key=key, headers=(("kind", key),)), NOW)
        assert isinstance(made, Transformed | Skipped | Filtered | Rejection)
        if isinstance(made, Transformed):
            assert made.entries
            assert all(len(entry.body) <= 10_240 for entry in made.entries)


@given(DOCUMENTS.map(orjson.dumps))
def test_the_same_record_makes_the_same_events_whoever_reads_it(value: bytes) -> None:
    read = record(value)
    made = another_shop(read, NOW)
    assert shop(read, NOW) == made
    assert shop(read, NOW) == made  # and nothing of the first time is left behind


@given(st.sampled_from(NAMES), st.sampled_from(["text", "list", "object"]), st.integers(1, 40))
def test_no_rejection_tells_a_value(name: str, kind: str, length: int) -> None:
    secret = "s3cr3t"
    text = secret * length
    values: dict[str, Any] = {"text": text, "list": [text], "object": {text: text}}
    made = shop(view(**{"at": 1_700_000_000, name: values[kind]}), NOW)
    if isinstance(made, Rejection):
        assert secret not in str(made)


def test_a_topic_that_no_expression_matches_goes_to_the_dead_letters() -> None:
    spec = PipelineSpec.model_validate(yaml.safe_load(SHOP.replace("[clicks]", "['^clicks-[0-9]+']")))
    router = Router([(spec, pipeline())])
    made = router(view(at=int(NOW))._replace(topic="clicks-x"), NOW)
    assert isinstance(made, Rejection)
    assert (made.stage, made.reason) == (Stage.MAP, Reason.UNMATCHED)
    assert "clicks-x" in made.message
    assert isinstance(router(view(at=int(NOW))._replace(topic="clicks-1"), NOW), Transformed)


def test_a_router_tells_what_changed_between_two_records_and_whose_topic_it_is() -> None:
    spec = PipelineSpec.model_validate(yaml.safe_load(SHOP))
    router = Router([(spec, pipeline())])
    assert (router.owner("clicks"), router.owner("other")) == ("shop", None)
    before, now = view(user="u"), record({"type": "view", "session": "s", "Item": "i", "user": "v"})
    assert router.changed(before, now) == "value.item is gone, value.Item appeared"
    assert router.changed(before, now._replace(topic="other")) == ""
    assert router.changed(before, record(b"{")) != "", "what cannot be read has no members"


def test_a_record_whose_schema_is_not_here_has_no_document() -> None:
    def wait(_: Record) -> object:
        raise SchemaPending("schema 7")

    waiting = pipeline()
    waiting.read = wait  # type: ignore[assignment]
    assert waiting.document(view()) is None
