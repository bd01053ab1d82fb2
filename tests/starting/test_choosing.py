"""Members that the user names decide, whatever their names; and what is said where none is found."""

from typing import Any

import pytest

from connector.starting.choosing import ROLES
from connector.starting.samples import NoSamplesError
from tests.support.drafts import VIEW, drafted, loaded, members
from tests.support.file_tests import check

ROW = {
    "Zeit": "24.11.2026 09:30:11",
    "Sitzung": "s1",
    "Kunde": "k1",
    "Artikel": "A-1",
    "Aktion": "angesehen",
    "Preis": "19.90",
    "Nummer": 7,
}
NAMED = {
    "sentAt": "Zeit",
    "sessionId": "Sitzung",
    "userId": "Kunde",
    "itemId": "Artikel",
    "eventType": "Aktion",
    "eventValue": "Preis",
    "eventId": "Nummer",
}


def test_every_member_can_be_named() -> None:
    assert NAMED.keys() == ROLES.keys()
    text = drafted([ROW, {**ROW, "Kunde": "", "Nummer": 8}], *(f"{name}=value.{path}" for name, path in NAMED.items()))
    assert members(text) == {
        "sessionId": "value.Sitzung",
        "userId": "value.Kunde",
        "eventType": {"from": "value.Aktion", "lookup": {"angesehen": "Angesehen"}, "otherwise": "skip"},
        "eventId": "value.Nummer",
        "itemId": "value.Artikel",
        "eventValue": "value.Preis",
        "sentAt": {"from": "value.Zeit", "format": "%d.%m.%Y %H:%M:%S"},
    }
    check(loaded(text))


def test_a_name_wins_over_what_would_be_proposed() -> None:
    text = drafted([{**VIEW, "visitor_id": "v1", "art": "b1"}], "itemId=value.art", "sessionId = value.visitor_id")
    assert (members(text)["itemId"], members(text)["sessionId"]) == ("value.art", "value.visitor_id")
    assert "could also be" not in text


def test_a_member_of_the_elements_of_a_list_is_one_of_item() -> None:
    order = {"session": "s1", "action": "order", "posten": [{"art": "A1"}, {"art": "B2"}]}
    text = drafted([order], "itemId=item.art")
    assert members(text, "products")["itemId"] == "item.art"
    check(loaded(text))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("item=value.item", "expected --member NAME=EXPRESSION with a NAME of sessionId, userId, "),
        ("itemId", "expected a member of the records for itemId; there are value.session, value.user, "),
        ("itemId=value.nope", "expected a member of the records for itemId; there are value.session, "),
        ("eventValue=value.user", "expected numbers in value.user, which --member names for eventValue"),
        ("sentAt=value.user", "expected times in a form that is known in value.user"),
        ("itemId=value", "expected text or whole numbers in value, which"),
        ("eventId=value.action", "expected another text or number in each record in value.action"),
    ],
)
def test_a_member_that_cannot_be_meant_is_refused_without_a_value(given: str, message: str) -> None:
    with pytest.raises(NoSamplesError) as raised:
        drafted([VIEW, {**VIEW, "user": "otto"}], given)
    assert message in str(raised.value)
    assert "otto" not in str(raised.value)


@pytest.mark.parametrize(
    ("record", "hint"),
    [
        ({"a": 1}, "Say which it is: --member sessionId=EXPRESSION"),
        ({"message": '{"session": "s1"}'}, "value.message is text that holds JSON"),
        ({"message": "{session"}, "--member sessionId=EXPRESSION"),
        ({"a": 1, "parts": [{"x": [{"y": 1}]}]}, "The elements of value.parts may be events"),
    ],
)
def test_where_nobody_is_found_the_message_says_how_to_go_on(record: Any, hint: str) -> None:
    with pytest.raises(NoSamplesError) as raised:
        drafted([record])
    assert hint in str(raised.value)


def test_where_no_event_is_found_the_message_asks_for_the_item() -> None:
    with pytest.raises(NoSamplesError, match="--member itemId=EXPRESSION"):
        drafted([{"session": "s1", "Zahl": 7}])


def test_long_lists_of_members_are_cut() -> None:
    with pytest.raises(NoSamplesError, match=r"value\.m11 and 8 more"):
        drafted([{f"m{number}": 1 for number in range(20)}])


def test_roles_that_nobody_names_are_still_proposed() -> None:
    text = drafted([{**VIEW, "art": "b1"}], "itemId=value.art")
    assert members(text)["userId"] == "value.user"
