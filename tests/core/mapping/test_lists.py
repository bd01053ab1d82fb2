"""Lists within lists: which elements there are, what they may read, and what an outer element without a list means."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector.core.expressions.work import EVENT, MAX_STEPS
from connector.core.mapping.explain import Evaluated, Trace
from connector.core.mapping.rules import MAX_ELEMENTS, CompiledRules, SpecError, compile_pipeline
from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.transform import Pipeline
from connector.core.records import (
    Fate,
    Pending,
    Reason,
    Record,
    Rejection,
    Skipped,
    Stage,
    Transformed,
    place_text,
)

AT = 1_795_509_011  # Unix seconds
NOW = 1_795_600_000.0
MEMBERS = {"sessionId": "value.s", "eventType": {"const": "View"}, "itemId": "item.id", "sentAt": "timestamp"}
LISTS: Any = ["value.events", "item.products"]


def compiled(for_each: Any, trace: Trace | None = None, **members: Any) -> tuple[PipelineSpec, Any]:
    rule = {"name": "r", "for_each": for_each, "put_events": {**MEMBERS, **members}}
    spec = PipelineSpec.model_validate({"name": "p", "topics": ["t"], "rules": [rule]})
    return spec, compile_pipeline(spec, trace)


def fate(value: Any, for_each: Any = LISTS, **members: Any) -> Fate | Pending:
    spec, rules = compiled(for_each, **members)
    assert isinstance(rules, CompiledRules), rules
    return Pipeline(spec, rules, "tracker")(Record("t", 0, 7, AT * 1000, None, orjson.dumps(value)), NOW)


def events(value: Any, for_each: Any = LISTS, **members: Any) -> list[dict[str, Any]]:
    made = fate(value, for_each, **members)
    assert isinstance(made, Transformed)
    assert made.rejection is None
    return [{"sessionId": entry.lane, "userId": entry.user_id, **orjson.loads(entry.body)} for entry in made.entries]


def rejected(made: Fate | Pending) -> Rejection:
    assert isinstance(made, Rejection)
    return made


def errors(for_each: Any, **members: Any) -> list[SpecError]:
    _, found = compiled(for_each, **members)
    assert isinstance(found, list)
    return found


def products(*ids: Any) -> dict[str, Any]:
    return {"products": [{"id": each} for each in ids]}


# -- what there is ----------------------------------------------------------------------------------------------------


def test_each_product_of_each_event_is_an_event_with_what_stands_around_it() -> None:
    """A batch of mParticle has events, and a commerce event has a list of products."""
    batch = json.loads(
        '{"mpid":-7346244611012968789,"events":[{"event_type":"session_start","data":{"session_uuid":"S1"}},'
        '{"event_type":"commerce_event","data":{"event_id":-4211,"session_uuid":"S1",'
        '"timestamp_unixtime_ms":"1795509011000",'
        '"product_action":{"action":"view_detail","products":[{"id":"p1","price":10.5}]}}},'
        '{"event_type":"commerce_event","data":{"event_id":-4212,"session_uuid":"S1",'
        '"timestamp_unixtime_ms":"1795509012000",'
        '"product_action":{"action":"purchase","products":[{"id":"p1","price":10.5},{"id":"p2","price":3}]}}}]}'
    )
    made = events(
        batch,
        ["value.events[?event_type == 'commerce_event']", "item.data.product_action.products"],
        sessionId="parent.data.session_uuid",
        userId="value.mpid",
        eventType={
            "from": "parent.data.product_action.action",
            "lookup": {"view_detail": "View", "purchase": "Purchase"},
            "otherwise": "skip",
        },
        eventId={"template": "{{ parent.data.event_id }}:{{ item.id }}"},
        sentAt="parent.data.timestamp_unixtime_ms",
    )
    assert {(event["sessionId"], event["userId"]) for event in made} == {("S1", "-7346244611012968789")}
    assert [(event["eventType"], event["itemId"], event["eventId"], event["sentAt"]) for event in made] == [
        ("View", "p1", "-4211:p1", 1795509011),
        ("Purchase", "p1", "-4212:p1", 1795509012),
        ("Purchase", "p2", "-4212:p2", 1795509012),
    ]


def test_index_counts_the_elements_of_all_inner_lists() -> None:
    made = events({"s": "s", "events": [products("a"), products(), products("b", "c")]}, userId="index")
    assert [(event["itemId"], event["userId"], event["eventId"]) for event in made] == [
        ("a", "0", "t-0-7-mwufpflk-0"),
        ("b", "1", "t-0-7-mwufpflk-1"),
        ("c", "2", "t-0-7-mwufpflk-2"),
    ]


def test_with_three_lists_parent_is_one_level_up() -> None:
    value = {"s": "s", "a": [{"n": 1, "b": [{"n": 2, "c": [{"id": "x"}, {"id": "y"}]}, {"n": 3, "c": [{"id": "z"}]}]}]}
    made = events(value, ["value.a", "item.b", "item.c"], userId="parent.n")
    assert [(event["itemId"], event["userId"]) for event in made] == [("x", "2"), ("y", "2"), ("z", "3")]
    made = events(value, ["value.a", "item.b", "[{id: join('-', [item.c[0].id, to_string(parent.n)])}]"])
    assert [event["itemId"] for event in made] == ["x-1", "z-1"]


def test_a_list_of_one_expression_is_that_expression() -> None:
    value = {"s": "s", "events": [{"id": "a"}, {"id": "b"}]}
    for one in (["value.events"], [{"from": "value.events", "otherwise": "skip"}]):
        assert events(value, one) == events(value, "value.events")
    assert fate({}, [{"from": "value.events", "otherwise": "skip"}]) == Skipped("missing_list", "r", "p")


numbers = st.lists(st.none() | st.lists(st.integers(0, 3), max_size=3), max_size=4)


@given(numbers)
def test_the_elements_are_those_of_two_loops(lists: Any) -> None:
    value = {"s": "s", "events": [{"n": n, "products": inner} for n, inner in enumerate(lists)]}
    made = fate(value, [LISTS[0], {"from": LISTS[1], "otherwise": "skip"}], itemId="item", userId="parent.n")
    expected = [
        (str(n), str(item), (n, place))
        for n, inner in enumerate(lists)
        if inner is not None
        for place, item in enumerate(inner)
    ]
    if not expected:
        reason = "missing_list" if lists and lists[0] is None else "no_elements"
        assert made == Skipped(reason, "r", "p")
        return
    assert isinstance(made, Transformed)
    assert made.rejection is None
    assert [(entry.user_id, orjson.loads(entry.body)["itemId"], entry.element) for entry in made.entries] == expected


# -- lists that are not there -----------------------------------------------------------------------------------------


def test_an_outer_list_that_is_absent_is_a_dead_letter_unless_it_may_be_and_an_empty_one_is_skipped() -> None:
    rejection = rejected(fate({"s": "s"}))
    assert (rejection.reason, rejection.indexes) == (Reason.MISSING_LIST, ())
    assert rejection.message == "pipeline p, rule r: for_each[0] from value.events: expected a list, found null"
    assert fate({"s": "s"}, [{"from": LISTS[0], "otherwise": "skip"}, LISTS[1]]) == Skipped("missing_list", "r", "p")
    assert fate({"s": "s", "events": []}) == Skipped("no_elements", "r", "p")
    assert rejected(fate({"s": "s", "events": {}})).reason is Reason.WRONG_TYPE


def test_empty_inner_lists_add_nothing_and_where_all_are_empty_the_record_is_skipped() -> None:
    assert [event["itemId"] for event in events({"s": "s", "events": [products(), products("a")]})] == ["a"]
    assert fate({"s": "s", "events": [products(), products()]}) == Skipped("no_elements", "r", "p")


@pytest.mark.parametrize(
    ("inner", "reason", "found"),
    [
        (None, Reason.MISSING_LIST, ", found null"),
        ({"a": 1}, Reason.WRONG_TYPE, ", not an object"),
        ("secret", Reason.WRONG_TYPE, ", not text"),
    ],
)
def test_an_inner_list_that_is_none_fails_its_outer_element_alone(inner: Any, reason: Reason, found: str) -> None:
    made = fate({"s": "s", "events": [products("a"), {"products": inner}, products("b")]})
    assert isinstance(made, Transformed)
    assert [(entry.element, orjson.loads(entry.body)["itemId"]) for entry in made.entries] == [
        ((0, 0), "a"),
        ((2, 0), "b"),
    ]
    message = f"pipeline p, rule r: for_each[1] from item.products: expected a list{found}"
    assert made.rejection == Rejection(Stage.MAP, reason, message, None, "p", "r", ((1,),))


def test_an_inner_list_that_may_be_absent_adds_nothing_there() -> None:
    lists = [LISTS[0], {"from": LISTS[1], "otherwise": "skip"}]
    assert [event["itemId"] for event in events({"s": "s", "events": [{}, products("a")]}, lists)] == ["a"]
    assert fate({"s": "s", "events": [{}, products()]}, lists) == Skipped("missing_list", "r", "p")
    rejection = rejected(fate({"s": "s", "events": [{}, {"products": 5}]}, lists))
    assert (rejection.reason, rejection.indexes) == (Reason.WRONG_TYPE, ((1,),))


def test_a_filter_of_an_inner_list_says_what_it_found_in_its_place() -> None:
    made = rejected(fate({"s": "s", "events": [{"products": 5}]}, [LISTS[0], "item.products[?id]"]))
    words = (
        "for_each[1] from item.products[?id]: expected a list, found null: a filter or slice takes a list, and this is"
    )
    assert made.message == f"pipeline p, rule r: {words} a number"


def test_invalid_elements_of_all_levels_are_named_by_their_places_in_order() -> None:
    many = [products(*["a"] * 11)] * 11
    value = {"s": "s", "events": [products("a", [1]), {}, *many, products("b", [2], "c"), {}]}
    made = fate(value)
    assert isinstance(made, Transformed)
    assert made.rejection is not None
    assert [place_text(place) for place in made.rejection.indexes] == ["0/1", "1", "13/1", "14"]
    assert made.rejection.message == (
        "pipeline p, rule r: [0/1, 13/1] itemId from item.id: expected text or a number, not a list; "
        "[1, 14] for_each[1] from item.products: expected a list, found null"
    )
    assert len(made.entries) == 11 * 11 + 3


def test_what_a_limit_refuses_has_its_place_beside_what_the_mapping_refuses() -> None:
    made = fate({"s": "s", "events": [products("a", "null"), {"products": [{"id": []}, {"id": "b"}]}]})
    assert isinstance(made, Transformed)
    assert made.rejection is not None
    assert (made.rejection.stage, made.rejection.reason) == (Stage.VALIDATE, Reason.IGNORED_LITERAL)
    assert made.rejection.indexes == ((0, 1), (1, 0))
    assert [entry.element for entry in made.entries] == [(0, 0), (1, 1)]


def test_places_are_those_of_the_records_own_lists_and_ids_count_what_is_left() -> None:
    lists = ["value.events[?kind == 'x']", "item.products[?id != 'no']"]
    value = {
        "s": "s",
        "events": [{}, {"kind": "x", **products("no", "a")}, {"kind": "y"}, {"kind": "x", **products("b")}],
    }
    made = fate(value, lists)
    assert isinstance(made, Transformed)
    assert [(entry.element, orjson.loads(entry.body)["eventId"]) for entry in made.entries] == [
        ((1, 1), "t-0-7-mwufpflk-0"),
        ((3, 0), "t-0-7-mwufpflk-1"),
    ]


# -- bounds -----------------------------------------------------------------------------------------------------------


def test_the_elements_of_all_lists_together_are_bounded_and_empty_lists_do_not_count() -> None:
    half = products(*range(MAX_ELEMENTS // 2))
    assert len(events({"s": "s", "events": [half, products(), half, products()]})) == MAX_ELEMENTS
    rejection = rejected(fate({"s": "s", "events": [half, half, products("one more")]}))
    message = f"for_each: expected at most {MAX_ELEMENTS} elements in all lists, not more"
    assert (rejection.reason, rejection.message) == (Reason.TOO_LONG, f"pipeline p, rule r: {message}")
    assert (rejection.indexes, rejection.rule) == ((), "r")
    assert rejected(fate({"s": "s", "events": [products()] * (MAX_ELEMENTS + 1)})).reason is Reason.TOO_LONG


def test_the_work_of_inner_lists_and_of_their_elements_is_bounded() -> None:
    assert EVENT * MAX_ELEMENTS < MAX_STEPS
    searches = [f"sha256(item.text{number})" for number in range(600)]
    lists = [LISTS[0], f"not_null({', '.join(searches)}) && item.products || item.products"]
    rejection = rejected(fate({"s": "s", "events": [products("a")] * 900}, lists))
    assert (rejection.reason, rejection.message[:31]) == (Reason.TOO_COMPLEX, "pipeline p, rule r: for_each: e")
    rejection = rejected(
        fate({"s": "s", "events": [products(*range(100))] * 10}, itemId=f"not_null({', '.join(searches)})")
    )
    assert rejection.reason is Reason.TOO_COMPLEX


# -- mistakes in the file ---------------------------------------------------------------------------------------------


def test_parent_exists_only_where_there_is_an_outer_element() -> None:
    for for_each in ("value.events", ["value.events"]):
        (error,) = errors(for_each, userId="parent.id")
        assert (error.code, error.message) == (
            "unknown_name",
            "parent exists only where for_each has two lists or more",
        )
        assert error.hint is not None
        assert error.hint.startswith("write for_each: [value.<outer list>, item.<inner list>]")
        (error,) = errors(for_each, userId="parant.id")
        assert "parent" not in error.message
    assert errors(LISTS, userId="parant.id")[0].hint == "did you mean parent?"


@pytest.mark.parametrize("name", ["parent", "index"])
def test_an_inner_list_is_found_in_the_element_before_it(name: str) -> None:
    (error,) = errors(["value.events", f"[item.products, {name}]"])
    assert (error.path, error.code) == (("rules", 0, "for_each", 1), "unknown_name")
    assert error.message == f"{name} does not exist in this list of for_each"
    assert error.hint == "item is the element of the list before"
    (error,) = errors(["item.products", "item.products"])
    assert (error.path, error.message) == (("rules", 0, "for_each", 0), "item exists only under for_each")


@pytest.mark.parametrize("second", ["value.products", "`[1, 2]`", {"from": "value.products", "otherwise": "skip"}])
def test_lists_side_by_side_are_refused_because_each_would_be_combined_with_each(second: Any) -> None:
    (error,) = errors(["value.events", second])
    path = ("rules", 0, "for_each", 1)
    assert (error.path, error.code) == (path, "list_without_item")
    assert error.hint == "write item.<name>; to join two lists write them as one expression, [value.a, value.b][]"


def test_joined_lists_are_one_expression() -> None:
    value = {"s": "s", "a": [{"id": "x"}], "b": [{"id": "y"}, {"id": "z"}]}
    assert [event["itemId"] for event in events(value, "[value.a, value.b][]")] == ["x", "y", "z"]


def test_a_mistake_in_an_inner_list_is_found_once_at_its_place() -> None:
    (error,) = errors(["value.events", {"from": "item."}])
    assert (error.path, error.code) == (("rules", 0, "for_each", 1, "from"), "syntax")
    first, second = errors(["vlaue.events", "item["])
    assert (first.path[-1], second.path[-1]) == (0, 1)


def test_an_event_id_that_the_products_of_an_event_share_is_refused() -> None:
    (error,) = errors(LISTS, eventId="parent.id")
    assert error.code == "shared_event_id"
    assert not isinstance(compiled(LISTS, eventId={"template": "{{ parent.id }}:{{ index }}"})[1], list)


@pytest.mark.parametrize("for_each", [[], [[]], [5], ["value.a", None], ["value.a", ["item.b"]], 5])
def test_a_list_holds_expressions_and_at_least_one(for_each: Any) -> None:
    with pytest.raises(ValidationError):
        compiled(for_each)


# -- explained --------------------------------------------------------------------------------------------------------


def test_a_trace_shows_the_lists_of_all_levels_and_the_place_of_each_event() -> None:
    trace = Trace()
    spec, rules = compiled(LISTS, trace, userId="parent.n")
    assert isinstance(rules, CompiledRules)
    value = {"s": "s", "events": [{"n": 1, **products("a")}, {"n": 2, **products("b")}]}
    Pipeline(spec, rules, "tracker")(Record("t", 0, 7, AT * 1000, None, orjson.dumps(value)), NOW)
    trace.end()
    assert trace.elements == (
        Evaluated("value.events", value["events"]),
        Evaluated("item.products", [{"id": "a"}]),
        Evaluated("item.products", [{"id": "b"}]),
    )
    assert [event.index for event in trace.events] == [(0, 0), (1, 0)]
    users = [next(member.value for member in event.members if member.name == "userId") for event in trace.events]
    assert users == ["1", "2"]
