"""Members whose names nobody has listed: what is told by their values, by other words for id, and what is not taken."""

import pytest

from tests.support.drafts import VIEW, drafted, loaded, members
from tests.support.file_tests import check


def test_a_time_of_an_unknown_name_is_told_by_its_values() -> None:
    record = {key: value for key, value in VIEW.items() if key != "time"}
    assert members(drafted([{**record, "geschehen": "2026-11-24 08:30:11"}]))["sentAt"] == "value.geschehen"
    # Digits alone, and a date alone, may be anything.
    for other in ("20261124083011", "2026-11-24", 1795509011250):
        assert "sentAt" not in members(drafted([{**record, "geschehen": other}]))


@pytest.mark.parametrize(
    ("member", "found"),
    [
        ("accountNo", "userId"),
        ("customer_number", "userId"),
        ("article_no", "itemId"),
        ("ProductCode", "itemId"),
        ("prod", "itemId"),
        ("event_uid", "eventId"),
        ("visit", "sessionId"),
        ("session_uuid", "sessionId"),
    ],
)
def test_the_many_words_for_an_id_are_known(member: str, found: str) -> None:
    role = {"userId": "user", "itemId": "item", "sessionId": "session"}.get(found, "")
    record = {key: value for key, value in VIEW.items() if key != role}
    text = drafted([{**record, member: "x1"}])
    assert members(text)[found] == f"value.{member}"
    check(loaded(text))


@pytest.mark.parametrize("member", ["emittedAtMillis", "event_time_utc", "createdAtEpochMs", "timestampInSeconds"])
def test_a_time_may_say_its_unit(member: str) -> None:
    record = {key: value for key, value in VIEW.items() if key != "time"}
    text = drafted([{**record, member: 1795509011250}])
    assert members(text)["sentAt"] == f"value.{member}"
    check(loaded(text))


@pytest.mark.parametrize("member", ["playbackSessionId", "app_session_id"])
def test_the_session_of_a_player_or_an_app_is_a_session(member: str) -> None:
    record = {key: value for key, value in VIEW.items() if key != "session"}
    assert members(drafted([{**record, member: "x1"}]))["sessionId"] == f"value.{member}"


@pytest.mark.parametrize("member", ["code", "number", "no", "ref", "postcode"])
def test_a_number_or_a_code_of_nothing_named_is_no_id(member: str) -> None:
    text = drafted([{**VIEW, member: "x1"}, {**VIEW, member: "x2"}])
    assert f"value.{member}" not in text


def test_an_order_number_is_no_id_of_an_event_since_a_review_of_the_order_may_have_it_too() -> None:
    assert "eventId" not in members(drafted([{**VIEW, "orderId": "o1"}, {**VIEW, "orderId": "o2"}]))


@pytest.mark.parametrize("thing", ["product", "store", "category", "device"])
def test_the_id_of_a_thing_is_never_the_events(thing: str) -> None:
    record = {**VIEW, thing: {"id": "x1"}}
    del record["item"]
    text = drafted([record])
    assert "eventId" not in members(text)
    for of_event in ("event", "meta", "headers", "data"):
        assert members(drafted([{**record, of_event: {"id": "e1"}}]))["eventId"] == f"value.{of_event}.id"


def test_ids_of_nothing_known_are_named_where_no_item_is_found() -> None:
    record = {key: value for key, value in VIEW.items() if key != "item"}
    text = drafted([{**record, "wotsit_id": "x1", "doodad": {"code": "y1"}}]).replace("\n#", "")
    assert "write itemId, if it is one of value.wotsit_id, value.doodad.code\n" in text


@pytest.mark.parametrize(("prices", "noted"), [((1995, 500), True), ((19, 500), False), ((19.95, 500), False)])
def test_prices_that_may_be_cents_are_noted(prices: tuple[float, ...], *, noted: bool) -> None:
    text = drafted([{**VIEW, "price": price} for price in prices])
    assert ("divide(value.price, `100`)" in text.replace("\n#", "")) is noted


@pytest.mark.parametrize("name", ["THUMBS_DOWN", "playback.paused", "PLAY_STOP"])
def test_what_ends_or_takes_back_interest_is_skipped(name: str) -> None:
    text = drafted([VIEW, {**VIEW, "action": name}])
    assert members(text)["eventType"]["lookup"] == {"view": "View"}


def test_the_number_of_a_session_among_a_visitors_is_no_session() -> None:
    record = {key: value for key, value in VIEW.items() if key != "session"}
    assert members(drafted([{**record, "sessionNumber": 1}]))["sessionId"] == "value.user"


@pytest.mark.parametrize(
    ("time", "noted"),
    [
        ("2026-11-24 08:30:11", True),
        ("2026-11-24", True),
        ("24.11.2026 08:30:11", True),
        ("2026-11-24T08:30:11Z", False),
        ("2026-11-24T08:30:11.250+0100", False),
        ("24/Nov/2026:09:30:11 +0100", False),
        ("Tue Nov 24 08:30:11 UTC 2026", False),
        ("1795509011", False),
        (1795509011, False),
    ],
)
def test_a_time_without_a_zone_is_noted_since_it_is_read_as_utc(time: object, *, noted: bool) -> None:
    text = drafted([{**VIEW, "time": time}])
    assert ("To decide: value.time names no zone and is read as UTC" in text) is noted
    check(loaded(text))


@pytest.mark.parametrize(("records", "values", "noted"), [(40, 2, True), (40, 20, False), (10, 2, False)])
def test_people_of_whom_there_are_few_are_doubted_once(records: int, values: int, *, noted: bool) -> None:
    lines = [{**VIEW, "session": f"s{number}", "user": f"u{number % values}"} for number in range(records)]
    text = drafted(lines)
    assert text.count(f"value.user has {values} values in {records} records: is each a person's?") == noted
    lines = [{**VIEW, "session": f"s{number % values}", "user": None} for number in range(records)]
    text = drafted(lines)
    assert text.count(f"value.session has {values} values in {records} records: is each a person's?") == noted
