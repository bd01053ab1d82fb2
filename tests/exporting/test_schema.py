"""The schema fits the files: order, types, nullability; what it suggests of categories."""

import json
from pathlib import Path

import pytest

from connector.exporting.columns import Columns, column_name
from connector.exporting.datasets import DATASETS, INTERACTIONS, ITEMS, Dataset
from tests.exporting.exports import RULE, Exported, event


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("numRatings", "NUM_RATINGS"),
        ("price", "PRICE"),
        ("size2", "SIZE2"),
        ("isURL", "IS_U_R_L"),
        ("CamelCase", "CAMEL_CASE"),
    ],
)
def test_a_column_is_named_as_the_service_names_it(name: str, column: str) -> None:
    assert column_name(name) == column
    # The service's own way back: each word but the first begins with a capital.
    first, *others = column.split("_")
    assert (first.lower() + "".join(each.capitalize() for each in others)).lower() == name.lower()


def test_the_schema_has_the_columns_of_the_files_in_their_order(tmp_path: Path) -> None:
    exported = Exported(tmp_path).read([event(more={"kind": "a"}), event(price=1, more={"count": 2, "kind": "b"})])
    exported.finish()
    assert exported.schema == {
        "type": "record",
        "name": "Interactions",
        "namespace": "com.amazonaws.personalize.schema",
        "fields": [
            {"name": "USER_ID", "type": "string"},
            {"name": "ITEM_ID", "type": "string"},
            {"name": "TIMESTAMP", "type": "long"},
            {"name": "EVENT_TYPE", "type": "string"},
            {"name": "KIND", "type": "string", "categorical": True},
            {"name": "EVENT_VALUE", "type": ["null", "float"]},
            {"name": "COUNT", "type": ["null", "long"]},
        ],
        "version": "1.0",
    }
    assert [each["name"] for each in exported.schema["fields"]] == exported.header


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "long"),
        ([1, 2.5], "double"),
        ([2.5], "double"),
        ([True, False], "boolean"),
        (["a"], "string"),
        ([1, "a"], "string"),
        ([True, 1], "string"),
        ([["a", "b"]], "string"),
        ([2**40], "long"),
    ],
)
def test_a_type_is_that_of_all_values_that_were_seen(tmp_path: Path, values: list[object], kind: str) -> None:
    exported = Exported(tmp_path).read([event(more={"n": each}) for each in values])
    assert exported.seen["N"].type == kind
    assert not exported.seen["N"].nullable


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ("{from: value.n, as: int}", "long"),
        ("{from: value.n, as: float}", "double"),
        ("{from: value.n, as: string}", "string"),
        ("{const: true}", "boolean"),
        ("{const: 3}", "long"),
        ("{const: a}", "string"),
    ],
)
def test_a_type_is_that_of_the_mapping(tmp_path: Path, spec: str, kind: str) -> None:
    rule = RULE.replace("properties: value.more", f"properties: {{n: {spec}}}")
    assert Exported(tmp_path, rule).read([event(n="7")]).seen["N"].type == kind


@pytest.mark.parametrize("absent", [None, ""])
def test_a_column_without_a_value_somewhere_may_be_empty(tmp_path: Path, absent: object) -> None:
    exported = Exported(tmp_path).read([event(more={"n": "a"}), event(more={"n": absent})])
    assert exported.seen["N"].nullable
    assert [row["N"] for row in exported.dicts()] == ["a", ""]


def test_few_distinct_texts_are_a_category_and_many_or_long_ones_are_not(tmp_path: Path) -> None:
    values = [
        event(more={"few": f"k{n % 7}", "many": f"text {n}", "long": "x" * 1001 if n == 5 else "y"}) for n in range(100)
    ]
    values[5]["more"] = {"few": "k5", "many": "m", "long": "x" * 1001}
    seen = Exported(tmp_path, RULE).read(values).seen
    assert (seen["FEW"].categorical, seen["MANY"].categorical) == (True, False)


def test_of_a_large_column_no_more_than_a_thousand_values_are_remembered(tmp_path: Path) -> None:
    exported = Exported(tmp_path).read([event(more={"n": f"text {n}"}) for n in range(3_000)])
    [column] = exported.reading.columns.others
    assert len(column.state()["distinct"]) <= 1_001
    assert not exported.seen["N"].categorical


def test_properties_that_can_be_no_column_are_left_out_and_counted(tmp_path: Path) -> None:
    more = {"numRatings": 1, "num_ratings": 2, "itemId": "x", "naïve": 3, "1st": 4}
    exported = Exported(tmp_path).read([event(more=more), event(more=more)])
    exported.finish()
    assert exported.header[4:] == ["NUM_RATINGS"]
    assert exported.reading.columns.left_out == {"same_column": 4, "name": 4}


def test_columns_are_bounded_whatever_names_the_data_has(tmp_path: Path) -> None:
    exported = Exported(tmp_path).read(
        [event(more={f"p{a}{b}": 1}) for a in "abcdefghij" for b in "abcdefghijklmnopqrst"]
    )
    exported.finish()
    assert len(exported.header) == 104
    assert exported.reading.columns.left_out == {"too_many": 100}


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=lambda each: each.name)
def test_a_dataset_has_its_required_columns_and_takes_its_reserved_ones(dataset: Dataset) -> None:
    columns = Columns(dataset)
    for member in dataset.members:
        columns.of_member(member)
    for column in dataset.reserved:
        words = column.lower().split("_")
        assert columns.of_property(words[0] + "".join(map(str.capitalize, words[1:]))) is not None
    types = {each.name: each.type for each in columns.seen(1)}
    assert types.items() >= {name: kind for name, kind in GUIDE[dataset.name].items() if name in types}.items()
    assert set(types) == set(GUIDE[dataset.name])


# "Custom dataset and schema requirements" of the developer guide: required fields, then reserved keywords.
GUIDE = {
    "interactions": {
        "USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long", "EVENT_TYPE": "string", "EVENT_VALUE": "float",
        "IMPRESSION": "string", "RECOMMENDATION_ID": "string", "EVENT_ATTRIBUTION_SOURCE": "string",
    },
    "users": {"USER_ID": "string"},
    "items": {"ITEM_ID": "string", "CREATION_TIMESTAMP": "long"},
    "actions": {
        "ACTION_ID": "string", "CREATION_TIMESTAMP": "long", "VALUE": "long", "ACTION_EXPIRATION_TIMESTAMP": "long",
        "REPEAT_FREQUENCY": "long",
    },
    "action-interactions": {
        "USER_ID": "string", "ACTION_ID": "string", "TIMESTAMP": "long", "EVENT_TYPE": "string",
        "IMPRESSION": "string", "RECOMMENDATION_ID": "string",
    },
}  # fmt: skip


def test_a_reserved_column_of_properties_has_the_services_type() -> None:
    columns = Columns(ITEMS)
    column = columns.of_property("creationTimestamp")
    assert column is not None
    column.cell("2026-11-24")
    assert columns.seen(1)[1].type == "long"


def test_a_price_of_items_is_the_float_that_the_shop_domain_asks_for() -> None:
    columns = Columns(ITEMS)
    for name, value in (("price", 5), ("price", 19.95), ("weight", 5)):
        column = columns.of_property(name)
        assert column is not None
        column.cell(value)
    assert {each.name: each.type for each in columns.seen(2)} == {
        "ITEM_ID": "string",
        "PRICE": "float",
        "WEIGHT": "long",
    }


def test_what_is_noted_of_columns_is_what_is_restored() -> None:
    columns = Columns(INTERACTIONS)
    for name, value in (("aB", 1), ("aB", 2.5), ("text", "x")):
        column = columns.of_property(name)
        assert column is not None
        column.cell(value)
    member = columns.of_member("eventValue")
    assert member is not None
    member.cell(1.5)
    columns.count_strangers(["itemId"])
    again = Columns(INTERACTIONS)
    again.restore(json.loads(json.dumps(columns.state())))
    assert (again.names, again.seen(3), again.left_out) == (columns.names, columns.seen(3), columns.left_out)
