"""Whatever reads a mapping knows all five operations: map, tap, plan, test and play say the same of the same record."""

import json
from pathlib import Path
from typing import Any

import pytest

from connector.config import Loaded, load_text
from connector.core.operations import OPERATIONS, PUT_ACTION_INTERACTIONS, PUT_EVENTS, PUT_ITEMS, PUT_USERS
from connector.core.records import Entry, Record, TopicPartition
from connector.core.sending.backlog import Count
from connector.dry_run import DryRun, calls
from connector.looking.session import Filter, Session
from connector.looking.window import Partition, Window
from connector.planning.consequences import CONSEQUENCES, Plan
from connector.planning.findings import Comparison
from connector.planning.masks import Masks, texts_of
from connector.planning.programs import as_json
from connector.planning.settings import settings
from connector.planning.shown import text as plan_text
from connector.planning.sides import Side
from connector.playground.evaluating import Evaluation
from connector.schema_wait import SchemaWait
from connector.showing.text import RecordText
from tests.support.trials import ran as run_tests

ITEMS = "arn:aws:personalize:eu-west-1:123456789012:dataset/shop/ITEMS"
USERS = ITEMS.replace("ITEMS", "USERS")
ACTIONS = ITEMS.replace("ITEMS", "ACTIONS")
MAPPING = f"""\
kafka: {{bootstrap_servers: "b:9092", group_id: g}}
personalize:
  tracking_id: t1
  region: eu-west-1
  items_dataset_arn: {ITEMS}
  users_dataset_arn: {USERS}
  actions_dataset_arn: {ACTIONS}
dead_letter: {{topic: d}}
pipelines:
  - name: shop
    topics: [shop]
    rules:
      - name: view
        when: value.kind == 'view'
        put_events: {{sessionId: value.session, eventType: {{const: View}}, eventId: value.id, sentAt: timestamp}}
      - name: products
        when: value.kind == 'products'
        for_each: value.products
        put_items: {{itemId: item.sku, properties: {{price: item.price, colours: item.colours}}}}
      - name: profile
        when: value.kind == 'profile'
        put_users: {{userId: value.user, properties: value.more}}
      - {{name: offer, when: value.kind == 'offer', put_actions: {{actionId: value.offer}}}}
      - name: taken
        when: value.kind == 'taken'
        put_action_interactions:
          actionId: value.offer
          sessionId: value.session
          eventType: {{const: Taken}}
"""
NOW = 1_795_509_100.0
VALUES: list[dict[str, Any]] = [
    {"kind": "view", "session": "jane-session", "id": "e1"},
    {
        "kind": "products",
        "products": [{"sku": "p1", "price": 3, "colours": ["red", "blue"]}, {"sku": "p2"}, {"sku": "p1", "price": 4}],
    },
    {"kind": "profile", "user": "jane-user", "more": {"tier": "gold"}},
    {"kind": "offer", "offer": "o1"},
    {"kind": "taken", "offer": "o1", "session": "jane-session"},
    {"kind": "profile"},
]
OF_ITEMS = [
    {
        "operation": "PutItems",
        "datasetArn": ITEMS,
        "items": [{"itemId": "p1", "properties": '{"price":3,"colours":"red|blue"}'}, {"itemId": "p2"}],
    },
    {"operation": "PutItems", "datasetArn": ITEMS, "items": [{"itemId": "p1", "properties": '{"price":4}'}]},
]


def loaded(text: str = MAPPING) -> Loaded:
    found = load_text(text, "file.yaml", {})
    assert isinstance(found, Loaded), found
    return found


def record(value: Any, offset: int = 0) -> Record:
    return Record("shop", 0, offset, 1_795_509_000_000 + 1_000 * offset, None, json.dumps(value).encode())


def dry_run(*, explain: bool = False) -> tuple[DryRun, list[dict[str, Any]]]:
    dry = DryRun(loaded(), None, explain=explain)
    return dry, [dry.given(record(value, number), number + 1) for number, value in enumerate(VALUES)]


def test_map_writes_calls_of_each_operation_and_an_id_once_a_call() -> None:
    dry, results = dry_run()
    assert results[0]["calls"][0]["eventList"][0]["eventId"] == "e1"
    assert "operation" not in results[0]["calls"][0], "a call of PutEvents is as it was"
    assert results[1]["calls"] == OF_ITEMS
    assert [result["calls"][0]["operation"] for result in results[1:5]] == [
        "PutItems",
        "PutUsers",
        "PutActions",
        "PutActionInteractions",
    ]
    assert dry.summary().splitlines() == [
        "6 records: 5 mapped, 1 dead_letter",
        "1 event: 1 call when sent as a backlog",
        "3 items: 1 call when sent as a backlog",
        "1 user: 1 call when sent as a backlog",
        "1 action: 1 call when sent as a backlog",
        "1 action interaction: 1 call when sent as a backlog",
    ]


def test_a_call_holds_ten_entries_of_any_lane() -> None:
    entries = tuple(Entry("t", f"s{n}", None, b"{}", n, PUT_ACTION_INTERACTIONS) for n in range(11))
    assert [len(call["actionInteractions"]) for call in calls(entries)] == [10, 1]


def test_text_names_what_is_made_and_the_limits_of_its_operation() -> None:
    _, results = dry_run(explain=True)
    shown = RecordText(room=200, colour=False)
    text = shown(results[1])
    assert "line 2: mapped to 3 items, pipeline shop, rule products" in text
    assert "  item 3 of 3, element 2\n" in text
    assert "call 1 of PutItems: 2 of 10 items" in text
    assert "32 of 32,000" in text
    assert " bytes" not in text, "only an event has a limit in bytes"
    assert "15 of 24,000" in shown(results[2])
    interaction = shown(results[4])
    assert "action interaction 1 of 1" in interaction
    assert "the record's time" in interaction


def test_tap_masks_and_counts_by_operation() -> None:
    window = Window({TopicPartition("shop", 0): Partition(0, 100, from_beginning=True, to_end=True)})
    chosen = Filter()
    for in_json in (False, True):
        found = Session(loaded(), None, SchemaWait(None), window, chosen, values=False, as_json=in_json)
        lines = "".join(found.add(record(value, number)) for number, value in enumerate(VALUES))
        assert "jane" not in lines
        assert ITEMS not in lines
        table = found.ended()
        assert "jane" not in table
        if in_json:
            call = json.loads(lines.splitlines()[1])["calls"][0]
            assert (call["operation"], call["items"][0]) == (
                "PutItems",
                {"itemId": "text(2)", "properties": "text(32)"},
            )
            others = {each["operation"]: each for each in json.loads(table)["summary"]["others"]}
            assert others["PutItems"] == {"operation": "PutItems", "entries": 3, "columns": {"price": 2, "colours": 1}}
            assert others["PutActionInteractions"]["event_types"] == {"Taken": 1}
        else:
            assert "item 1 of 2" in lines
            assert "columns of items" in table
            assert "event types and columns of action interactions" in table
            assert "calls of PutItems within" in table
            assert "calls a second needed, of 10 (" in table
            assert "calls a second needed, of 1,000 (" in table


def plan(new: str) -> Plan:
    files = loaded(), loaded(new)
    comparison = Comparison(Side("old", files[0]), Side("new", files[1]), NOW)
    for number, value in enumerate(VALUES):
        comparison.add(record(value, number), number + 1)
    return Plan(comparison, settings(files[0].config, files[1].config))


def test_plan_compares_items_by_their_ids_and_none_of_them_has_an_event_id() -> None:
    found = plan(MAPPING.replace("price: item.price", "cost: item.price"))
    masks = Masks(texts_of(found.comparison.old.loaded), values=False)
    text = plan_text(found, masks, [], colour=False)
    assert "properties.cost" in text
    assert "calls of PutItems, sent as a backlog" in text
    assert found.comparison.new.repeated == 0
    assert found.comparison.found.changed_ids == 0
    assert found.comparison.new.by_operation[PUT_ITEMS] == Count(1, 3)
    assert found.comparison.new.calls == Count(1, 1)
    assert list(found.comparison.new.kinds) == ["t1"], "the quota of event types is that of events"
    others = as_json(found, masks, [])["new"]["others"]
    assert {"operation": "PutItems", "entries": 3, "calls": 1} in others


@pytest.mark.parametrize("by", ["rule", "setting"])
def test_plan_says_that_items_go_to_another_dataset(by: str) -> None:
    other = ITEMS.replace("shop", "other")
    new = (
        MAPPING.replace("put_items: {", f'put_items: {{datasetArn: {{const: "{other}"}}, ')
        if by == "rule"
        else MAPPING.replace(ITEMS, other)
    )
    found = plan(new)
    assert CONSEQUENCES["dataset"].found(found)
    assert not CONSEQUENCES["tracking_id"].found(found)
    assert "users, items or actions go to another dataset" in plan_text(
        found, Masks(frozenset(), values=False), [], colour=False
    )
    assert not CONSEQUENCES["dataset"].found(plan(MAPPING))


TESTS = """\
tests:
  - name: products
    pipeline: shop
    input:
      value: {kind: products, products: [{sku: p1, price: 3, colours: [red, blue]}, {sku: p2}]}
    output: [{itemId: p1, properties: {price: 3, colours: red|blue}}, {itemId: p2}]
  - name: a profile
    pipeline: shop
    input: {value: {kind: profile, user: u1, more: {tier: gold}}}
    output: [{contains: {userId: u1}}]
  - name: which dataset
    pipeline: shop
    input: {value: {kind: offer, offer: o1}}
    output: [{datasetArn: "%s", actionId: o1}]
  - name: taken
    pipeline: shop
    input: {value: {kind: taken, offer: o1, session: s1}, timestamp: 1795509011000}
    output:
      - {actionId: o1, sessionId: s1, eventType: Taken, timestamp: 1795509011, eventId: %s}
"""


def test_tests_expect_what_map_shows_and_an_item_that_differs_is_named(tmp_path: Path) -> None:
    good = MAPPING + TESTS % (ACTIONS, "shop-0-0-mwu9qk7c")
    results = run_tests(tmp_path, good).results
    [block] = results[3].blocks[0]
    differing = [row for row in block.rows if not row.same]
    assert [result.passed for result in results] == [True, True, True, False]
    assert (block.title, [row.name for row in differing]) == ("action interaction 1", ["eventId"])
    right = MAPPING + TESTS % (ACTIONS, differing[0].found)
    assert all(result.passed for result in run_tests(tmp_path, right).results)
    fewer = right.replace(", {itemId: p2}]", "]")
    [missing] = run_tests(tmp_path, fewer).results[0].blocks[0]
    assert missing.title == "item 2 is not expected"
    wrong = right.replace(ACTIONS + '", actionId', ACTIONS.replace("shop", "other") + '", actionId')
    [other] = run_tests(tmp_path, wrong).results[2].blocks[0]
    assert [row.name for row in other.rows if not row.same] == ["datasetArn"]


def test_the_playground_shows_items_and_hides_a_dataset_that_comes_from_elsewhere() -> None:
    text = MAPPING.replace(f"items_dataset_arn: {ITEMS}", "items_dataset_arn: {env: DATASET}")
    samples = [json.dumps({"value": value, "timestamp": 1795509011000}) for value in VALUES]
    answer = Evaluation(Path("file.yaml"), {"DATASET": ITEMS})(text, samples)
    assert ITEMS not in json.dumps(answer)
    found = answer["records"][1]
    assert (found["events"], found["made"], found["explain"][0]["noun"]) == (3, "3 items", "item")
    assert found["limits"][0] == {"what": "call 1, items", "used": 2, "most": 10}
    assert {"what": "call 1, characters of the longest properties", "used": 32, "most": 32000} in found["limits"]
    assert not any("bytes" in limit["what"] for limit in found["limits"])
    assert json.loads(answer["records"][2]["calls"][0])["datasetArn"] == USERS


def test_the_rates_of_all_operations_are_those_of_the_file() -> None:
    delivery = loaded(MAPPING + "delivery: {requests_per_second: 7, rates: {put_users: 3}}\n").config.delivery
    assert set(delivery.by_operation) == set(OPERATIONS)
    assert [delivery.by_operation[each] for each in (PUT_EVENTS, PUT_USERS, PUT_ITEMS)] == [7, 3, 10]
