"""The traced pipeline does what the other does, and says why."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.mapping.explain import DROPPED, Evaluated, Trace
from connector.core.mapping.rules import CompiledRules, compile_pipeline
from connector.core.mapping.specs import PipelineSpec

SPEC = PipelineSpec.model_validate(
    {
        "name": "p",
        "topics": ["t"],
        "rules": [
            {"name": "noise", "when": "value.noise", "skip": "noise"},
            {"name": "number", "when": "abs(value.number) > `5`", "skip": "large"},
            {
                "name": "items",
                "when": "value.items",
                "for_each": "value.items",
                "put_events": {
                    "sessionId": "value.session",
                    "eventType": {"from": "item.type", "lookup": {"a": "A", "b": "B"}, "otherwise": "skip"},
                    "itemId": {"template": "{{ item.id }}:{{ index }}"},
                    "eventValue": {"case": [{"when": "item.price", "then": "item.price"}, {"else": {"const": 1}}]},
                    "properties": {"first": "value.session", "second": "item.id"},
                    "sentAt": {"const": 1795500000},
                },
            },
            {
                "name": "rest",
                "put_events": {"sessionId": "value.session", "eventType": {"const": "Rest"}, "sentAt": "value.time"},
            },
        ],
    }
)


def compiled(trace: Trace | None = None) -> CompiledRules:
    mapping = compile_pipeline(SPEC, trace)
    assert isinstance(mapping, CompiledRules)
    return mapping


def root(value: Any) -> dict[str, Any]:
    record = {"topic": "t", "partition": 0, "offset": 7, "timestamp": 1_795_500_000_000}
    return {"value": value, "key": None, "headers": None, **record}


PLAIN = compiled()
TRACE = Trace()
TRACED = compiled(TRACE)


def explained(value: Any) -> Trace:
    TRACE.begin()
    TRACED(root(value))
    TRACE.end()
    return TRACE


scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "b", "7"])
items = st.lists(st.fixed_dictionaries({}, optional={"type": scalars, "id": scalars, "price": scalars}), max_size=4)
values = st.fixed_dictionaries(
    {},
    optional={"noise": scalars, "number": scalars, "items": items | scalars, "session": scalars, "time": scalars},
)


@given(values)
def test_a_traced_pipeline_makes_of_every_record_what_the_other_does(value: Any) -> None:
    TRACE.begin()
    assert TRACED(root(value)) == PLAIN(root(value))


@given(values)
def test_at_most_the_last_rule_that_was_tried_matches_and_it_is_the_one_of_the_result(value: Any) -> None:
    trace = explained(value)
    assert not any(tried.matched for tried in trace.rules[:-1])
    assert getattr(PLAIN(root(value)), "rule", None) == trace.rules[-1].rule


def test_a_condition_shows_what_it_found() -> None:
    trace = explained({"number": -3})
    assert [(tried.rule, tried.matched) for tried in trace.rules[:2]] == [("noise", False), ("number", False)]
    assert trace.rules[0].evaluated == (Evaluated("value.noise", None),)


def test_a_condition_that_fails_shows_why() -> None:
    trace = explained({"number": "x", "session": "s", "time": 1795500000})
    assert not trace.rules[1].matched
    assert "abs" in (trace.rules[1].failed or "")
    [evaluated] = trace.rules[1].evaluated
    assert evaluated.failed
    assert evaluated.found is None


def test_members_show_their_expressions_and_their_value_for_each_element() -> None:
    trace = explained({"number": 1, "session": "s", "items": [{"type": "a", "id": 1, "price": "2.5"}, {"type": "b"}]})
    assert trace.elements == (Evaluated("value.items", [{"type": "a", "id": 1, "price": "2.5"}, {"type": "b"}]),)
    first, second = ({member.name: member for member in event.members} for event in trace.events)
    assert first["itemId"].evaluated == (Evaluated("item.id", 1), Evaluated("index", 0))
    assert (first["eventType"].value, first["itemId"].value, first["eventValue"].value) == ("A", "1:0", 2.5)
    assert second["itemId"].evaluated == (Evaluated("item.id", None),)
    assert (second["itemId"].value, second["eventValue"].value) == (None, 1.0)
    assert second["sessionId"].evaluated == (Evaluated("value.session", "s"),)


def test_a_member_that_fails_or_drops_its_event_ends_it() -> None:
    trace = explained({"number": 1, "session": {}, "items": [{"type": "a"}, {"type": "c"}]})
    failing, dropped = trace.events
    assert failing.members[-1].name == "sessionId"
    assert "expected text" in (failing.members[-1].failed or "")
    assert [member.name for member in dropped.members] == ["eventType"]
    assert dropped.members[-1].failed == DROPPED


@pytest.mark.parametrize("found", [[], "text"])
def test_a_list_without_elements_shows_what_was_found_in_its_place(found: Any) -> None:
    spec = SPEC.model_copy(update={"rules": [SPEC.rules[2].model_copy(update={"when": None})]})
    trace = Trace()
    mapping = compile_pipeline(spec, trace)
    assert isinstance(mapping, CompiledRules)
    mapping(root({"items": found}))
    trace.end()
    assert (trace.events, trace.elements) == ([], (Evaluated("value.items", found),))


def test_a_record_knows_nothing_of_the_one_before() -> None:
    explained({"number": 1, "session": "s", "items": [{"type": "a", "id": 1}]})
    trace = explained({"noise": True})
    assert [tried.rule for tried in trace.rules] == ["noise"]
    assert (trace.events, trace.elements) == ([], ())


# -- which parts were used --------------------------------------------------------------------------------------

PARTS = PipelineSpec.model_validate(
    {
        "name": "p",
        "topics": ["t"],
        "rules": [
            {
                "name": "r",
                "put_events": {
                    "sessionId": {"from": "value.session", "default": "nobody"},
                    "userId": {"from": "value.user", "otherwise": {"const": "u"}},
                    "eventType": {"from": "value.type", "lookup": {"a": "A", "b": None}, "default": "Other"},
                    "itemId": {
                        "case": [
                            {"when": "value.item == 'x'", "then": {"const": "X"}},
                            {"else": {"from": "value.item", "lookup": {"y": "Y"}, "otherwise": "skip"}},
                        ]
                    },
                    "properties": "value.properties",
                    "sentAt": {"const": 1795500000},
                },
            }
        ],
    }
)
USED = Trace()
USES = compile_pipeline(PARTS, USED)
UNTRACED = compile_pipeline(PARTS)
RULE = ("rules", 0)


def used(value: Any) -> set[tuple[str | int, ...]]:
    """The paths in the event, without that of the rule itself and those of members that are always there."""
    assert isinstance(USES, CompiledRules)
    USED.reached.clear()
    USED.begin()
    USES(root(value))
    assert RULE in USED.reached
    always = {(*RULE, "put_events", name) for name in ("sessionId", "userId", "eventType", "sentAt")}
    return {path[3:] for path in USED.reached - {RULE} - always if None not in path}


def test_rows_and_arms_and_members_with_a_value_are_used() -> None:
    assert used({"session": "s", "user": "v", "type": "a", "item": "x", "properties": {"k": 1}}) == {
        ("eventType", "lookup", "a"),
        ("itemId",),
        ("itemId", "case", 0),
        ("itemId", "case", 0, "then"),
        ("properties",),
    }


def test_defaults_and_otherwise_are_used_where_there_is_nothing_else() -> None:
    found = used({"item": "y"})
    assert found == {
        ("sessionId", "default"),
        ("userId", "otherwise"),
        ("eventType", "default"),
        ("itemId",),
        ("itemId", "case", 1),
        ("itemId", "case", 1, "else"),
        ("itemId", "case", 1, "else", "lookup", "y"),
    }
    assert ("itemId", "case", 1, "else", "otherwise") in used({"item": "z"})


def test_a_row_that_is_null_is_a_row_and_no_default() -> None:
    found = used({"session": "s", "type": "b", "item": "x"})
    assert ("eventType", "lookup", "b") in found
    assert ("eventType", "default") not in found


parts = st.fixed_dictionaries(
    {},
    optional={
        "session": scalars,
        "user": scalars,
        "type": scalars,
        "item": st.sampled_from(["x", "y", "z", None]),
        "properties": st.none() | st.just({"k": 1}) | scalars,
    },
)


@given(parts)
def test_noting_what_is_used_changes_no_result(value: Any) -> None:
    assert isinstance(USES, CompiledRules)
    assert isinstance(UNTRACED, CompiledRules)
    USED.begin()
    assert USES(root(value)) == UNTRACED(root(value))
