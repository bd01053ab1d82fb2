"""What is shown as a limit is the limit that every event is checked against."""

import pytest

from connector.core.mapping.events import Invalid, check_envelope, check_event
from connector.core.mapping.limits import MAX_EVENT_BYTES
from connector.showing.limits import Use, use_of, use_of_call, use_of_event

NOW = 1_767_225_600


def is_taken(member: str, value: object) -> bool:
    if member in {"trackingId", "sessionId", "userId"}:
        envelope = {"trackingId": "t", "sessionId": "s", "userId": "u", member: value}
        return check_envelope(envelope["trackingId"], envelope["sessionId"], envelope["userId"]) is None
    given = {"metricAttribution": {member: value}} if member == "eventAttributionSource" else {member: value}
    return isinstance(check_event({"eventType": "View", "sentAt": NOW, **given}, NOW), bytes)


def text_of(member: str, length: int) -> str:
    return '{"a":"' + "x" * (length - 8) + '"}' if member == "properties" else "x" * length


TEXTS = ("trackingId", "sessionId", "userId", "eventType", "eventId", "itemId", "recommendationId")


@pytest.mark.parametrize("member", [*TEXTS, "properties", "eventAttributionSource"])
def test_the_longest_value_that_is_shown_to_fit_is_the_longest_that_is_taken(member: str) -> None:
    use = use_of(member, "x")
    assert use is not None
    longest, longer = text_of(member, use.most), text_of(member, use.most + 1)
    assert is_taken(member, longest)
    assert not is_taken(member, longer)
    assert [use_of(member, value) for value in (longest, longer)] == [
        Use(use.most, use.most, "characters"),
        Use(use.most + 1, use.most, "characters"),
    ]


@pytest.mark.parametrize(
    ("items", "use"),
    [
        (["x"] * 25, Use(25, 25, "items")),
        (["x"] * 26, Use(26, 25, "items")),
        (["x" * 249] * 4, Use(999, 1_000, "characters")),
        (["x" * 250] * 4, Use(1_003, 1_000, "characters")),
    ],
)
def test_of_the_two_limits_of_an_impression_the_nearer_is_shown(items: list[str], use: Use) -> None:
    assert use_of("impression", items) == use
    assert is_taken("impression", items) is use.fits


@pytest.mark.parametrize(("member", "value"), [("eventValue", 5.0), ("sentAt", NOW), ("itemId", None), ("itemId", 5)])
def test_what_has_no_limit_of_length_shows_none(member: str, value: object) -> None:
    assert use_of(member, value) is None


def test_the_bytes_of_an_event_are_those_that_its_check_counts() -> None:
    event = {"eventType": "View", "sentAt": NOW, "itemId": "ü"}
    body = check_event(event, NOW)
    assert not isinstance(body, Invalid)
    assert use_of_event(event) == Use(len(body), MAX_EVENT_BYTES, "bytes")
    assert use_of_call(3) == Use(3, 10, "events")


def test_only_characters_are_not_named() -> None:
    assert str(Use(1_000, 1_024, "characters")) == "1,000 of 1,024"
    assert str(Use(3, 25, "items")) == "3 of 25 items"
