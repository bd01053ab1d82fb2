"""Rules that make users, items, actions and action interactions: what a record becomes, and under which operation."""

from typing import Any

import orjson
import pytest
import yaml

from connector.core.mapping.rules import CompiledRules, compile_pipeline
from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.targets import example_of
from connector.core.mapping.transform import MOST_KNOWN, Pipeline
from connector.core.operations import (
    PUT_ACTION_INTERACTIONS,
    PUT_ACTIONS,
    PUT_EVENTS,
    PUT_ITEMS,
    PUT_USERS,
    Operation,
)
from connector.core.records import Entry, Filtered, Reason, Record, Rejection, Skip, Skipped, Stage, Transformed

NOW = 1_800_000_000.0
DATASETS = {operation: example_of(operation) for operation in (PUT_USERS, PUT_ITEMS, PUT_ACTIONS)}
MEMBERS: dict[Operation, str] = {
    PUT_USERS: "{userId: value.id, properties: {plan: value.plan, likes: value.likes}}",
    PUT_ITEMS: "{itemId: value.id, properties: {price: value.price, likes: value.likes}}",
    PUT_ACTIONS: "{actionId: value.id, properties: value.all}",
    PUT_ACTION_INTERACTIONS: "{actionId: value.id, sessionId: value.session, userId: value.user, "
    "eventType: {const: Taken}, timestamp: value.at, impression: value.shown, properties: {likes: value.likes}}",
}
OTHERS = pytest.mark.parametrize("operation", MEMBERS, ids=lambda each: each.name)
REPLACING = pytest.mark.parametrize("operation", DATASETS, ids=lambda each: each.name)
GOOD = {"id": 7, "session": "s", "user": "u", "at": int(NOW) - 5}


def pipeline(operation: Operation, members: str | None = None, more: str = "", rule: str = "") -> Pipeline:
    made = f"{operation.action}: {MEMBERS[operation] if members is None else members}"
    spec = PipelineSpec.model_validate(
        yaml.safe_load(f"{{name: p, topics: [t], {more} rules: [{{name: r, {rule} {made}}}]}}")
    )
    rules = compile_pipeline(spec)
    assert isinstance(rules, CompiledRules), rules
    return Pipeline(spec, rules, "tracker", datasets=DATASETS)


def record(value: Any, offset: int = 7) -> Record:
    raw = value if isinstance(value, bytes | None) else orjson.dumps(value)
    return Record("t", 2, offset, int(NOW) * 1000, None, raw)


def entries(through: Pipeline, value: Any) -> tuple[Entry, ...]:
    made = through(record(value), NOW)
    assert isinstance(made, Transformed), made
    assert made.rejection is None, made.rejection
    return made.entries


def entry(through: Pipeline, value: Any) -> Entry:
    [made] = entries(through, value)
    return made


def body(through: Pipeline, value: Any) -> Any:
    return orjson.loads(entry(through, value).body)


def rejected(through: Pipeline, value: Any) -> Rejection:
    made = through(record(value), NOW)
    assert isinstance(made, Rejection), made
    return made


# -- what a record becomes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (PUT_USERS, {"userId": "7", "properties": '{"plan":"gold","likes":"a|b"}'}),
        (PUT_ITEMS, {"itemId": "7", "properties": '{"price":2.5,"likes":"a|b"}'}),
        (PUT_ACTIONS, {"actionId": "7", "properties": '{"price":2.5,"kinds":"x|2"}'}),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
def test_a_version_is_sent_to_its_dataset_in_the_order_of_its_id(operation: Operation, expected: Any) -> None:
    value = {"plan": "gold", "price": 2.5, "likes": ["a", "b"], "all": {"price": 2.5, "kinds": ["x", 2], "no": None}}
    made = entry(pipeline(operation), {**GOOD, **value})
    assert made[:3] == (DATASETS[operation], "7", None)
    assert (made.element, made.operation) == (None, operation)
    assert orjson.loads(made.body) == expected


def test_an_action_interaction_is_sent_to_the_tracker_in_the_order_of_its_session() -> None:
    made = entry(pipeline(PUT_ACTION_INTERACTIONS), {**GOOD, "shown": ["a", None, 3], "likes": ["x", "y"]})
    assert made[:3] == ("tracker", "s", None), "its user is inside of the entry, so that a call mixes users"
    assert made.operation is PUT_ACTION_INTERACTIONS
    sent = orjson.loads(made.body)
    assert sent.pop("eventId") == f"t-2-7-{_in_36(int(NOW) * 1000)}", "the same as that of an event of this record"
    assert sent == {
        "actionId": "7",
        "sessionId": "s",
        "userId": "u",
        "eventType": "Taken",
        "timestamp": int(NOW) - 5,
        "impression": ["a", "3"],
        "properties": '{"likes":["x","y"]}',
    }


def _in_36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return digits[number] if number < 36 else _in_36(number // 36) + digits[number % 36]


def test_an_action_interaction_without_a_time_of_its_own_has_that_of_its_record() -> None:
    members = "{actionId: value.id, sessionId: value.session, eventType: {const: Taken}}"
    assert body(pipeline(PUT_ACTION_INTERACTIONS, members), GOOD)["timestamp"] == int(NOW)


@OTHERS
def test_each_element_of_for_each_is_an_entry_with_its_place(operation: Operation) -> None:
    through = pipeline(operation, MEMBERS[operation].replace("value.id", "item.id"), rule="for_each: value.lines,")
    made = entries(through, {**GOOD, "lines": [{"id": "a"}, {"id": "b"}]})
    assert [(each.element, each.operation) for each in made] == [(0, operation), (1, operation)]
    name = operation.identity or "actionId"
    assert [orjson.loads(each.body)[name] for each in made] == ["a", "b"]


def test_action_interactions_of_one_record_have_ids_of_their_own() -> None:
    members = MEMBERS[PUT_ACTION_INTERACTIONS].replace("value.id", "item.id")
    through = pipeline(PUT_ACTION_INTERACTIONS, members, rule="for_each: value.lines,")
    made = entries(through, {**GOOD, "lines": [{"id": "a"}, {"id": "a"}]})
    assert len({orjson.loads(each.body)["eventId"] for each in made}) == 2


@OTHERS
def test_the_bad_elements_of_a_list_are_named_and_the_good_ones_are_sent(operation: Operation) -> None:
    through = pipeline(operation, MEMBERS[operation].replace("value.id", "item.id"), rule="for_each: value.lines,")
    made = through(record({**GOOD, "lines": [{"id": "null"}, {"id": "b"}, {}]}), NOW)
    assert isinstance(made, Transformed)
    assert [each.element for each in made.entries] == [1]
    assert made.rejection is not None
    assert made.rejection.indexes == (0, 2)


def test_one_pipeline_makes_events_and_items_each_by_its_rule() -> None:
    spec = PipelineSpec.model_validate(
        yaml.safe_load(
            """
            name: p
            topics: [t]
            rules:
              - {name: item, when: value.price, put_items: {itemId: value.id, properties: {price: value.price}}}
              - {name: click, when: value.session, put_events: {sessionId: value.session, eventType: {const: View}}}
            """
        )
    )
    rules = compile_pipeline(spec)
    assert isinstance(rules, CompiledRules)
    through = Pipeline(spec, rules, "tracker", datasets=DATASETS)
    made = [entry(through, value) for value in ({"id": "i", "price": 1}, {"session": "s"})]
    assert [(each.operation, each.target) for each in made] == [
        (PUT_ITEMS, DATASETS[PUT_ITEMS]),
        (PUT_EVENTS, "tracker"),
    ]
    assert isinstance(through(record({}), NOW), Filtered)


# -- where it goes ----------------------------------------------------------------------------------------------


def test_a_mapped_target_wins_over_the_default_and_null_falls_back_on_it() -> None:
    arn = DATASETS[PUT_ITEMS].replace("/shop/", "/other/")
    items = pipeline(PUT_ITEMS, "{itemId: value.id, datasetArn: value.to}")
    assert [entry(items, {**GOOD, "to": to}).target for to in (arn, None, arn)] == [arn, DATASETS[PUT_ITEMS], arn]
    members = "{actionId: value.id, sessionId: value.session, eventType: {const: Taken}, trackingId: value.to}"
    taken = pipeline(PUT_ACTION_INTERACTIONS, members)
    assert [entry(taken, {**GOOD, "to": to}).target for to in ("t2", None)] == ["t2", "tracker"]


@REPLACING
def test_a_wrong_arn_in_the_data_is_a_dead_letter_that_does_not_show_it(operation: Operation) -> None:
    through = pipeline(operation, MEMBERS[operation].replace("{", "{datasetArn: value.to, ", 1))
    others = [arn for each, arn in DATASETS.items() if each is not operation]
    for wrong in ["tracker-secret", *others]:
        made = rejected(through, {**GOOD, "to": wrong})
        assert made[:2] == (Stage.VALIDATE, Reason.INVALID_VALUE)
        assert (made.field, made.rule) == ("datasetArn", "r")
        assert wrong not in made.message


def test_an_arn_in_place_of_a_tracking_id_is_a_dead_letter() -> None:
    members = MEMBERS[PUT_ACTION_INTERACTIONS].replace("{", "{trackingId: value.to, ", 1)
    made = rejected(pipeline(PUT_ACTION_INTERACTIONS, members), {**GOOD, "to": DATASETS[PUT_ITEMS]})
    assert (made.reason, made.field) == (Reason.INVALID_VALUE, "trackingId")


def test_without_a_dataset_there_is_no_entry() -> None:
    spec = PipelineSpec.model_validate(
        yaml.safe_load(f"{{name: p, topics: [t], rules: [{{name: r, put_items: {MEMBERS[PUT_ITEMS]}}}]}}")
    )
    rules = compile_pipeline(spec)
    assert isinstance(rules, CompiledRules)
    made = rejected(Pipeline(spec, rules, "tracker"), GOOD)
    assert (made.reason, made.field) == (Reason.MISSING_MEMBER, "datasetArn")


def test_more_targets_than_are_remembered_are_all_checked() -> None:
    through = pipeline(PUT_ITEMS, "{itemId: value.id, datasetArn: value.to}")
    for number in range(MOST_KNOWN + 2):
        arn = DATASETS[PUT_ITEMS].replace("shop", f"shop{number}")
        assert entry(through, {**GOOD, "to": arn}).target == arn
    assert rejected(through, {**GOOD, "to": "tracker"}).field == "datasetArn"


# -- what makes nothing -----------------------------------------------------------------------------------------


@REPLACING
def test_the_service_has_no_delete_so_tombstones_and_deleted_rows_are_skipped(operation: Operation) -> None:
    plain, rows = pipeline(operation), pipeline(operation, more="value: {envelope: debezium},")
    cases: list[tuple[Pipeline, Any, Skip]] = [
        (plain, None, Skip.TOMBSTONE),
        (plain, b"null", Skip.TOMBSTONE),
        (rows, None, Skip.TOMBSTONE),
        (rows, {"op": "d", "before": GOOD, "after": None}, Skip.DELETE),
        (rows, {"op": "t"}, Skip.NO_ROW),
    ]
    for through, value, reason in cases:
        assert through(record(value), NOW) == Skipped(reason, pipeline="p"), value
    assert entry(rows, {"op": "r", "before": None, "after": GOOD}).lane == "7", "a snapshot is the state of a row"


@OTHERS
def test_a_value_that_a_lookup_does_not_have_skips_the_record(operation: Operation) -> None:
    spec = "{from: value.kind, lookup: {good: '1'}, otherwise: skip}"
    through = pipeline(operation, MEMBERS[operation].replace("value.id", spec))
    assert entry(through, {**GOOD, "kind": "good"}).operation is operation
    assert through(record({**GOOD, "kind": "bad"}), NOW) == Skipped(Skip.LOOKUP, "r", "p")


@OTHERS
def test_a_member_may_skip_the_record_where_it_is_null(operation: Operation) -> None:
    through = pipeline(operation, MEMBERS[operation].replace("value.id", "{from: value.id, otherwise: skip}"))
    assert through(record({**GOOD, "id": None}), NOW) == Skipped(Skip.MISSING_MEMBER, "r", "p")


@OTHERS
@pytest.mark.parametrize("found", [None, ""])
def test_a_required_member_that_is_null_or_empty_is_a_dead_letter(operation: Operation, found: str | None) -> None:
    made = rejected(pipeline(operation), {**GOOD, "id": found})
    assert (made.stage, made.reason) == (Stage.MAP, Reason.MISSING_MEMBER)
    assert made.field == (operation.identity or "actionId")


@OTHERS
def test_optional_members_that_are_null_or_empty_are_left_out(operation: Operation) -> None:
    nothing = dict.fromkeys(("user", "plan", "price", "likes", "shown", "all"))
    empty: dict[str, Any] = {**nothing, "user": "", "likes": [], "shown": [None, ""], "all": {}}
    for value in (nothing, empty):
        sent = body(pipeline(operation), {**GOOD, **value})
        assert not {"userId", "impression"} & (set(sent) - {operation.identity})
    assert "properties" not in body(pipeline(operation), {**GOOD, **nothing})


@pytest.mark.parametrize("late", ["skip", "dead_letter"])
def test_an_action_interaction_may_be_too_old_and_users_items_and_actions_have_no_age(late: str) -> None:
    old = {**GOOD, "at": int(NOW) - 86_401}
    more = f"max_age: 1d, late: {late},"
    made = pipeline(PUT_ACTION_INTERACTIONS, more=more)(record(old), NOW)
    if late == "skip":
        assert made == Skipped(Skip.LATE, "r", "p")
    else:
        message = "pipeline p, rule r: timestamp: expected a time at most max_age (1d) ago"
        assert made == Rejection(Stage.VALIDATE, Reason.LATE, message, "timestamp", "p", "r")
    for operation in DATASETS:
        aged = record(old)._replace(timestamp=1_000_000_000_000)
        assert isinstance(pipeline(operation, more=more)(aged, NOW), Transformed)
