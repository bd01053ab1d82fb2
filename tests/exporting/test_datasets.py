"""Users, items, actions and action interactions become files, too: of each id the newest version only."""

from pathlib import Path
from typing import Any

import pytest

from connector.core.operations import OPERATIONS
from connector.exporting.datasets import ACTION_INTERACTIONS, ACTIONS, DATASETS, ITEMS, USERS
from tests.exporting.exports import RULE, TIME, Exported, event

ARN = "arn:aws:personalize:eu-west-1:123456789012:dataset/shop/{}"


def rule(action: str, member: str, dataset: str) -> str:
    arn = ARN.format(dataset)
    return (
        f"{{name: {action}, when: value.is == '{action}', {action}: "
        f"{{datasetArn: {{const: '{arn}'}}, {member}: value.id, properties: value.more}}}}"
    )


def test_there_is_a_dataset_for_each_operation() -> None:
    assert {each.operation for each in DATASETS.values()} == set(OPERATIONS)
    assert all(name == each.name for name, each in DATASETS.items())


@pytest.mark.parametrize(
    ("dataset", "action", "member", "column", "target"),
    [
        (USERS, "put_users", "userId", "USER_ID", "USERS"),
        (ITEMS, "put_items", "itemId", "ITEM_ID", "ITEMS"),
        (ACTIONS, "put_actions", "actionId", "ACTION_ID", "ACTIONS"),
    ],
    ids=lambda each: str(getattr(each, "name", each)),
)
def test_the_newest_version_of_each_id_is_the_row(
    tmp_path: Path, dataset: object, action: str, member: str, column: str, target: str
) -> None:
    assert isinstance(dataset, type(USERS))
    exported = Exported(tmp_path, rule(action, member, target), dataset, target=ARN.format(target))
    versions: list[dict[str, Any]] = [
        {"is": action, "id": f"x{n % 7}", "more": {"kind": f"k{n % 3}", "numSold": n}} for n in range(40)
    ]
    versions.append({"is": action, "id": "x0", "more": {"kind": "last"}})
    rows = exported.read(versions).dicts()
    assert exported.header == [column, "KIND", "NUM_SOLD"]
    newest = {each["id"]: each["more"] for each in versions}
    assert {row[column]: (row["KIND"], row["NUM_SOLD"]) for row in rows} == {
        name: (more["kind"], str(more.get("numSold", ""))) for name, more in newest.items()
    }
    assert len(rows) == 7
    assert exported.left_out == {"superseded": 34}
    assert exported.schema["name"] == dataset.record


def test_a_version_that_is_older_than_one_before_a_kill_does_not_win(tmp_path: Path) -> None:
    exported = Exported(tmp_path, rule("put_items", "itemId", "ITEMS"), ITEMS, target=ARN.format("ITEMS"))
    exported.read([{"is": "put_items", "id": "x", "more": {"a": 1}}])
    exported.reading = exported.begun()
    exported.read([{"is": "put_items", "id": "x", "more": {"a": 2}}], 1)
    assert exported.finish() == [["x", "2"]]


def test_an_items_creation_time_has_the_services_column_and_type(tmp_path: Path) -> None:
    exported = Exported(tmp_path, rule("put_items", "itemId", "ITEMS"), ITEMS, target=ARN.format("ITEMS"))
    exported.read([{"is": "put_items", "id": "x", "more": {"creationTimestamp": TIME, "genres": ["a", "b"]}}])
    assert exported.dicts() == [{"ITEM_ID": "x", "CREATION_TIMESTAMP": str(TIME), "GENRES": "a|b"}]
    assert exported.seen["CREATION_TIMESTAMP"].type == "long"


def test_action_interactions_have_the_user_that_is_in_each_or_logs_in_later(tmp_path: Path) -> None:
    rule = (
        "{name: shown, put_action_interactions: {actionId: value.action, sessionId: value.session, "
        "userId: value.user, eventType: {const: Viewed}, timestamp: value.time, impression: value.seen}}"
    )
    exported = Exported(tmp_path, rule, ACTION_INTERACTIONS)
    values: list[dict[str, Any]] = [
        {"action": "a1", "session": "s", "user": None, "time": TIME, "seen": ["a1", "a2"]},
        {"action": "a2", "session": "s", "user": "u1", "time": TIME + 1},
        {"action": "a3", "session": "t", "user": None, "time": TIME},
    ]
    rows = exported.read(values).dicts()
    assert {row["ACTION_ID"]: row["USER_ID"] for row in rows} == {"a1": "u1", "a2": "u1"}
    assert {row["IMPRESSION"] for row in rows} == {"a1|a2", ""}
    assert exported.left_out == {"no_user": 1}


def test_entries_of_other_datasets_are_counted_by_their_action(tmp_path: Path) -> None:
    rules = f"{rule('put_items', 'itemId', 'ITEMS')}, {RULE}"
    exported = Exported(tmp_path, rules).read([event(), {"is": "put_items", "id": "x"}, event()])
    assert len(exported.finish()) == 2
    assert exported.reading.rows.others == {"put_items": 1}
