"""What changed between two documents is told by names of members, and never by what may be a person's."""

from __future__ import annotations

import pytest

from connector.core.mapping import shapes
from connector.core.mapping.shapes import DEEPEST, MOST, SHOWN, Changes

NAMED = frozenset(["product_id", "page", "sku", "zItem", *(f"a{name}" for name in "bcdefg")])


def changes(before: object, now: object) -> Changes:
    return shapes.changes(before, now, NAMED)


def test_a_renamed_member_is_told_as_gone_and_appeared() -> None:
    before, now = {"product_id": "p1", "user": "u"}, {"productId": "p2", "user": "v"}
    assert str(changes(before, now)) == "value.product_id is gone, value.productId appeared"


def test_the_same_members_with_other_values_are_no_change() -> None:
    assert str(changes({"a": {"b": 1}, "c": [{"d": 1}]}, {"a": {"b": 2}, "c": [{"d": 3}, {"e": 1}]})) == ""


def test_a_table_whose_keys_are_people_is_not_told() -> None:
    before, now = {"likes": {"ada": 1}, "product_id": 1}, {"likes": {"grace": 1}, "productId": 1}
    assert str(changes(before, now)) == "value.product_id is gone, value.productId appeared"


def test_a_known_name_in_another_spelling_is_told_wherever_it_appears() -> None:
    assert str(changes({"a": 1}, {"a": 1, "b": {"ProductID": 1}, "c": 1})) == ""
    assert str(changes({"b": {}}, {"b": {"ProductID": 1, "c": 1}})) == "value.b.ProductID appeared"


def test_a_member_that_moved_into_an_object_is_told_by_the_object() -> None:
    found = changes({"page": {"id": 1}}, {"context": {"page": {"id": 1}}})
    assert found == Changes(("value.page",), ("value.context",))


def test_members_of_elements_have_the_list_in_their_name() -> None:
    assert str(changes({"items": [{"sku": 1}]}, {"items": [{"SKU": 1}]})) == (
        "value.items[].sku is gone, value.items[].SKU appeared"
    )


def test_what_looks_renamed_comes_first_and_few_are_shown() -> None:
    before = {**{f"a{name}": 1 for name in "bcdefg"}, "zItem": 1}
    found = changes(before, {"z_item": 1})
    assert found.gone[0] == "value.zItem"
    assert len(found.gone) == SHOWN
    assert found.came == ("value.z_item",)


@pytest.mark.parametrize("name", ["ada@example.com", "user-48151623", "Ada Lovelace", "x" * 41, "", "é", "1"])
def test_keys_that_may_be_data_are_not_told(name: str) -> None:
    assert str(changes({"a": 1}, {"a": 1, name: {"b": 1}})) == ""


@pytest.mark.parametrize("document", [None, 1, "text", [], [None]])
def test_what_has_no_members_has_no_names(document: object) -> None:
    assert str(changes(document, document)) == ""


def test_large_documents_are_looked_at_in_part() -> None:
    deep: dict[str, object] = {"end": 1}
    for _ in range(DEEPEST + 5):
        deep = {"a": deep}
    wide = {f"m{chr(97 + n % 26)}{'x' * (n % 30)}": n for n in range(MOST * 2)}
    assert changes({"page": 1}, {"deep": deep, **wide}).came
