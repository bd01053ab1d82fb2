"""Every limit of the service's own model, and those that only its documentation knows, is refused before a call."""

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import botocore.session
import orjson
import pytest
from botocore.model import ListShape, Shape, StringShape, StructureShape
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from connector.core.mapping import events
from connector.core.mapping.events import (
    Envelope,
    Event,
    Invalid,
    MetricAttribution,
    check_envelope,
    check_event,
)
from connector.core.mapping.limits import (
    EARLIEST_SENT_AT,
    GREATEST_FLOAT,
    IGNORED_LITERALS,
    LATEST_AHEAD,
    MAX_EVENT_BYTES,
    RESERVED_PROPERTIES,
)
from connector.core.mapping.plain_events import is_plain_event
from connector.core.records import MAX_EVENTS_PER_CALL, Reason

NOW = 1_800_000_000.5
EVENT: dict[str, Any] = {"eventType": "View", "sentAt": int(NOW)}
ENVELOPE: dict[str, Any] = {"trackingId": "t", "sessionId": "s"}
ATTRIBUTION = {"eventAttributionSource": "mail"}
SECRET = "s3cr3t-Zq7"


def event(**members: Any) -> bytes | Invalid:
    return check_event({**EVENT, **members}, NOW)


def envelope(**members: Any) -> Invalid | None:
    given = {"userId": None, **ENVELOPE, **members}
    return check_envelope(given["trackingId"], given["sessionId"], given["userId"])


def invalid(**members: Any) -> Invalid:
    answer = event(**members)
    assert isinstance(answer, Invalid), f"{sorted(members)} passed"
    return answer


def passes(**members: Any) -> bool:
    return isinstance(event(**members), bytes)


# -- the service's model ----------------------------------------------------------------------------------------------

_SERVICE = botocore.session.get_session().get_service_model("personalize-events")
_CALL = cast("StructureShape", _SERVICE.operation_model("PutEvents").input_shape)
_EVENTS = cast("ListShape", _CALL.members["eventList"])
_EVENT = cast("StructureShape", _EVENTS.member)
_ATTRIBUTION = cast("StructureShape", _EVENT.members["metricAttribution"])
UNDERSTOOD = {"min", "max", "pattern", "required", "sensitive"}
# botocore's type to values of other types, true among them: boto3 would send it as a number
WRONG: dict[str, list[Any]] = {
    "string": [1, True, b"text", ["text"], {}],
    "float": ["1", True, [1.0]],
    "timestamp": [1.0e9, "1000000000", True, [1]],
    "list": ["item", ("item",), {"item": 1}],
    "structure": ["text", 1, [ATTRIBUTION]],
}


class Member(NamedTuple):
    """A scalar or a list somewhere in a call, and how to check a call that holds a value there."""

    path: tuple[str, ...]
    shape: Shape

    def check(self, value: Any) -> Any:
        name = self.path[-1]
        if self.path[0] == "call":
            return envelope(**{name: value})
        if "[]" in self.path:
            return event(impression=[value])
        return event(metricAttribution={name: value}) if "metricAttribution" in self.path else event(**{name: value})

    def passes(self, value: Any) -> bool:
        return not isinstance(self.check(value), Invalid)


def _members() -> Iterator[Member]:
    for name, shape in _CALL.members.items():
        if name != "eventList":
            yield Member(("call", name), shape)
    for name, shape in _EVENT.members.items():
        if shape.type_name != "structure":
            yield Member(("event", name), shape)
        if isinstance(shape, ListShape):
            yield Member(("event", name, "[]"), shape.member)
    for name, shape in _ATTRIBUTION.members.items():
        yield Member(("event", "metricAttribution", name), shape)


MEMBERS = list(_members())
each_member = pytest.mark.parametrize("member", MEMBERS, ids=lambda member: ".".join(member.path))


def _of_length(member: Member, length: int) -> Any:
    if isinstance(member.shape, ListShape):
        return ["i"] * length
    if member.path[-1] == "properties" and length >= 2:
        return "{" + " " * (length - 2) + "}"
    return "x" * length


@pytest.mark.parametrize(
    ("shape", "model"),
    [(_CALL, Envelope), (_EVENT, Event), (_ATTRIBUTION, MetricAttribution)],
    ids=["call", "event", "attribution"],
)
def test_the_service_has_no_member_that_we_do_not_know_and_requires_the_same(
    shape: StructureShape, model: type[BaseModel]
) -> None:
    assert set(shape.members) - {"eventList"} == set(model.model_fields)
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert set(shape.required_members) - {"eventList"} == required


def test_every_kind_of_limit_in_the_model_is_one_that_these_tests_generate() -> None:
    shapes = [_EVENTS, _EVENT, _ATTRIBUTION, *(member.shape for member in MEMBERS)]
    assert {limit for shape in shapes for limit in shape.metadata} <= UNDERSTOOD
    assert {shape.type_name for shape in shapes} <= set(WRONG)


def test_a_call_holds_as_many_events_as_the_model_says() -> None:
    assert _EVENTS.metadata == {"min": 1, "max": MAX_EVENTS_PER_CALL}


@each_member
def test_the_longest_value_passes_and_one_longer_is_refused(member: Member) -> None:
    longest = member.shape.metadata.get("max")
    if longest is None:
        assert member.shape.type_name in {"float", "timestamp"}
        return
    assert member.passes(_of_length(member, longest))
    refused = member.check(_of_length(member, longest + 1))
    assert refused.reason is Reason.TOO_LONG
    assert f"at most {longest}" in refused.message
    assert f"not {longest + 1}" in refused.message


@each_member
def test_the_shortest_value_passes_and_one_shorter_is_refused(member: Member) -> None:
    shortest = member.shape.metadata.get("min")
    if shortest is None:
        assert member.shape.type_name in {"float", "timestamp"} or "pattern" in member.shape.metadata
        return
    # properties is a JSON object, so its shortest is longer than the model's
    assert member.passes(_of_length(member, 2 if member.path[-1] == "properties" else shortest))
    assert member.check(_of_length(member, shortest - 1)).reason is Reason.EMPTY


@each_member
def test_a_value_of_another_type_is_refused(member: Member) -> None:
    for value in WRONG[member.shape.type_name]:
        assert member.check(value).reason is Reason.WRONG_TYPE
        assert member.check(value).field == next(name for name in reversed(member.path) if name != "[]")


@pytest.mark.parametrize("source", ["a", " a", "a ", "~", "!", "x" * 1024, " " * 1023 + "x"])
def test_a_source_of_the_models_pattern_passes(source: str) -> None:
    assert passes(metricAttribution={"eventAttributionSource": source})


@pytest.mark.parametrize("source", ["", " ", "   ", "é", "a\n", "\na", "a\x7f", "\x1fa", "a\tb"])
def test_a_source_against_the_models_pattern_is_refused(source: str) -> None:
    refused = invalid(metricAttribution={"eventAttributionSource": source})
    assert refused.reason is Reason.INVALID_VALUE
    assert refused.field == "eventAttributionSource"


def test_our_pattern_is_the_models() -> None:
    shape = cast("StringShape", _ATTRIBUTION.members["eventAttributionSource"])
    metadata = MetricAttribution.model_fields["eventAttributionSource"].metadata
    assert [each.pattern for each in metadata if getattr(each, "pattern", None)] == [shape.metadata["pattern"]]


@pytest.mark.parametrize("name", _EVENT.required_members)
def test_an_event_without_a_required_member_is_refused(name: str) -> None:
    refused = check_event({key: value for key, value in EVENT.items() if key != name}, NOW)
    assert isinstance(refused, Invalid)
    assert (refused.reason, refused.field) == (Reason.MISSING_MEMBER, name)


@pytest.mark.parametrize("name", ["trackingId", "sessionId"])
def test_a_call_without_a_required_member_is_refused(name: str) -> None:
    refused = envelope(**{name: None})
    assert refused is not None
    assert (refused.reason, refused.field) == (Reason.MISSING_MEMBER, name)


def test_an_attribution_without_its_source_is_refused() -> None:
    assert invalid(metricAttribution={}).reason is Reason.MISSING_MEMBER


def test_a_member_that_the_service_does_not_have_is_refused() -> None:
    refused = invalid(colour="red")
    assert (refused.reason, refused.field) == (Reason.INVALID_VALUE, "colour")


# -- what the model does not say --------------------------------------------------------------------------------------


def _sized(size: int) -> dict[str, Any]:
    """An event whose JSON has that many bytes, each member within its own limits."""
    face = "\N{GRINNING FACE}"  # four bytes in JSON
    wide = {"eventType": face * 256, "eventId": face * 256, "itemId": face * 256, "recommendationId": face * 40}
    event = {**EVENT, **wide, "impression": [face * 199] * 5, "properties": f'{{"a":"{face * 650}"}}'}
    padding = size - len(orjson.dumps(event))
    return {**event, "properties": event["properties"][:-1] + " " * padding + "}"}


def test_an_event_of_the_most_bytes_passes_and_one_byte_more_is_refused() -> None:
    largest = _sized(MAX_EVENT_BYTES)
    body = check_event(largest, NOW)
    assert isinstance(body, bytes)
    assert len(body) == MAX_EVENT_BYTES
    refused = check_event(_sized(MAX_EVENT_BYTES + 1), NOW)
    assert isinstance(refused, Invalid)
    assert refused.reason is Reason.EVENT_TOO_LARGE
    assert refused.message == "expected an event of at most 10240 bytes, not 10241"


def test_bytes_are_counted_and_not_characters() -> None:
    wide = "\N{GRINNING FACE}"
    members = {"eventType": wide * 256, "eventId": wide * 256, "itemId": wide * 256, "impression": [wide * 199] * 5}
    assert passes(**members)
    assert invalid(**members, properties=json.dumps({"a": wide * 900}, ensure_ascii=False)).reason is (
        Reason.EVENT_TOO_LARGE
    )


def test_an_impression_is_measured_as_it_is_joined() -> None:
    assert passes(impression=[*["x" * 199] * 4, "x" * 200])  # 996 characters and 4 bars
    refused = invalid(impression=[*["x" * 199] * 4, "x" * 201])
    assert refused == (
        Reason.TOO_LONG,
        "impression: expected at most 1000 characters when joined by |, not 1001",
        "impression",
    )


@given(st.sampled_from(sorted(RESERVED_PROPERTIES)), st.data())
def test_a_reserved_property_is_refused_in_any_case(name: str, data: st.DataObject) -> None:
    upper = data.draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
    spelt = "".join(letter.upper() if up else letter for letter, up in zip(name, upper, strict=True))
    refused = invalid(properties=json.dumps({"price": 1, spelt: 1}))
    assert (refused.reason, refused.field) == (Reason.RESERVED_PROPERTY, "properties")


def test_a_property_whose_name_only_holds_a_reserved_one_passes() -> None:
    assert passes(properties=json.dumps({"userIdHash": 1, "impressions": 2, "nested": {"userId": 3}}))


@pytest.mark.parametrize("text", ["[]", "1", "null", '"{}"', "{", "{}x", "x", '{"a": NaN}', '{"a": 1e999}'])
def test_properties_that_are_not_a_json_object_are_refused(text: str) -> None:
    assert invalid(properties=text).reason is Reason.INVALID_PROPERTIES


@pytest.mark.parametrize("name", [name for name in Event.model_fields if name not in _EVENT.required_members])
def test_an_optional_member_may_be_null(name: str) -> None:
    assert passes(**{name: None})


@pytest.mark.parametrize("literal", sorted(IGNORED_LITERALS))
@pytest.mark.parametrize("name", ["eventType", "eventId", "itemId", "recommendationId"])
def test_an_id_or_an_event_type_that_stands_for_nothing_is_refused(name: str, literal: str) -> None:
    assert invalid(**{name: literal}).reason is Reason.IGNORED_LITERAL
    assert passes(**{name: literal + "1"})


@pytest.mark.parametrize("literal", sorted(IGNORED_LITERALS))
def test_an_id_that_stands_for_nothing_is_refused_in_calls_and_impressions(literal: str) -> None:
    for name in ("trackingId", "sessionId", "userId"):
        refused = envelope(**{name: literal})
        assert refused is not None
        assert (refused.reason, refused.field) == (Reason.IGNORED_LITERAL, name)
    assert invalid(impression=["a", literal]).reason is Reason.IGNORED_LITERAL


IDS = ("eventType", "eventId", "itemId", "recommendationId")
# A line break, the ends of C0 and of C1, DEL, the next line of C1, and the separators of lines and paragraphs.
CONTROLS = ("\x00", "\n", "\x1f", "\x7f", "\x80", "\x85", "\x9f", "\u2028", "\u2029")


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("text", ["{}a", "a{}b", "ab{}", "é{}"])
def test_control_characters_and_line_separators_are_refused_in_ids_and_event_types(text: str, control: str) -> None:
    value = text.format(control)
    answers = [invalid(**{name: value}) for name in IDS]
    answers += [each for name in ("trackingId", "sessionId", "userId") if (each := envelope(**{name: value}))]
    answers.append(invalid(impression=["a", value]))
    fields = (*IDS, "trackingId", "sessionId", "userId", "impression")
    assert [(each.reason, each.field) for each in answers] == [(Reason.INVALID_VALUE, name) for name in fields]
    assert answers[0].message == "eventType: expected text without control characters and line separators"


@pytest.mark.parametrize("text", ["a b", " a", "Łódź", "家", "👩\u200d🚀", "a\u00a0b", "\ufeffa", "~"])
def test_other_text_is_an_id_wherever_it_comes_from(text: str) -> None:
    assert passes(**dict.fromkeys(IDS, text), impression=[text])
    assert envelope(trackingId=text, sessionId=text, userId=text) is None


@pytest.mark.parametrize("blanks", [" ", "   ", "\u00a0", "\u3000 "])
def test_an_id_of_blanks_alone_is_refused(blanks: str) -> None:
    """Whether it means no id is not ours to guess: the rule can say so with trim()."""
    answers = [invalid(**{name: blanks}) for name in IDS]
    answers += [each for name in ("trackingId", "sessionId", "userId") if (each := envelope(**{name: blanks}))]
    assert [each.reason for each in answers] == [Reason.EMPTY] * 7
    assert answers[0].message == "eventType: expected a character that is not a blank"


def test_a_session_may_have_no_user() -> None:
    assert envelope() is None
    assert envelope(userId="u") is None


def test_an_event_is_accepted_inside_its_window_only() -> None:
    latest = int(NOW) + LATEST_AHEAD
    assert passes(sentAt=EARLIEST_SENT_AT)
    assert passes(sentAt=latest)
    assert invalid(sentAt=EARLIEST_SENT_AT - 1).reason is Reason.TIME_OUT_OF_WINDOW
    assert invalid(sentAt=latest + 1).reason is Reason.TIME_OUT_OF_WINDOW


@pytest.mark.parametrize("seconds", [0, -1, int(NOW) * 1000, int(NOW) // 1000, 10**400, -(10**400)])
def test_a_time_in_the_wrong_unit_is_refused(seconds: int) -> None:
    assert invalid(sentAt=seconds).reason is Reason.TIME_OUT_OF_WINDOW


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_not_a_number_is_refused(value: float) -> None:
    assert invalid(eventValue=value).reason is Reason.INVALID_VALUE


def test_a_value_beyond_the_models_float_is_refused() -> None:
    assert _EVENT.members["eventValue"].type_name == "float"
    assert passes(eventValue=GREATEST_FLOAT)
    assert passes(eventValue=-GREATEST_FLOAT)
    for value in (3.5e38, -3.5e38):
        assert "32 bits" in invalid(eventValue=value).message


def test_an_integer_that_json_cannot_hold_is_refused_in_its_own_words() -> None:
    assert event(eventValue=5) == b'{"eventType":"View","sentAt":1800000000,"eventValue":5}'
    assert invalid(eventValue=2**70) == (
        Reason.INVALID_VALUE,
        "eventValue: expected an integer that 64 bits hold",
        "eventValue",
    )
    assert invalid(eventValue=10**400).field == "eventValue"


@pytest.mark.parametrize("name", ["eventType", "eventId", "itemId", "recommendationId", "properties"])
def test_text_that_is_not_unicode_is_refused(name: str) -> None:
    assert invalid(**{name: "\ud800"}).message == f"{name}: expected text of valid Unicode"


def test_what_passes_is_serialised_as_it_was_given() -> None:
    members = {
        "eventId": "e",
        "itemId": "i",
        "eventValue": 1.5,
        "impression": ["a", "b"],
        "recommendationId": "r",
        "properties": '{"price": 1}',
        "metricAttribution": ATTRIBUTION,
    }
    body = event(**members)
    assert isinstance(body, bytes)
    assert orjson.loads(body) == {**EVENT, **members}


def test_a_list_names_the_element_that_is_wrong() -> None:
    assert invalid(impression=["a", "", "b"]).message == "impression[1]: expected at least one character"


# -- nothing raises, nothing leaks ------------------------------------------------------------------------------------

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
LIMITED = (
    st.text(st.characters(), max_size=8)
    | st.integers(250, 260).map("x".__mul__)
    | st.integers(1000, 1030).map(lambda n: "{" + " " * n + "}")
    | st.lists(st.text(max_size=2), max_size=27)
    | st.integers(0, 2**40)
    | st.fixed_dictionaries({}, optional={"eventAttributionSource": VALUES, "other": VALUES})
)


_PLAUSIBLE = {
    "eventType": st.sampled_from(["View", "", "null", "x" * 256, "x" * 257, "Ansicht für alle", "\ud800", 1]),
    "sentAt": st.sampled_from([int(NOW), int(NOW) + LATEST_AHEAD, int(NOW) + LATEST_AHEAD + 1, EARLIEST_SENT_AT, True]),
    "eventId": st.sampled_from(["e1", "", "NaN", "é", "x" * 256, "x" * 257, None]),
    "itemId": st.sampled_from(["i1", "undefined", "\udfff", 5]),
    "eventValue": st.sampled_from([1.5, 1, 0.0, GREATEST_FLOAT, GREATEST_FLOAT * 2, float("nan"), True, 2**70]),
    "properties": st.sampled_from(
        [
            '{"a":1}',
            "{}",
            "[]",
            "",
            "{",
            '{"UserID":1}',
            '{"a":"' + "x" * 1016 + '"}',
            '{"a":"' + "x" * 1017 + '"}',
            "\ud800",
        ]
    ),
    "impression": st.sampled_from([["i"], [], ["null"]]),
    "recommendationId": st.sampled_from(["r", "x" * 41]),
    "colour": st.just("red"),
}


@given(st.fixed_dictionaries({}, optional=_PLAUSIBLE))
def test_the_quick_look_at_an_event_takes_nothing_that_the_model_refuses(members: dict[str, Any]) -> None:
    for checked in (members, {**EVENT, **members}, {**EVENT, **dict(list(members.items())[:1])}):
        if is_plain_event(checked, NOW):
            # Text that is no Unicode is left to the serialiser to find.
            assert _error_types(Event.model_validate, checked) <= {"string_unicode"}
        if isinstance(check_event(checked, NOW), bytes):
            assert not _error_types(Event.model_validate, checked)


def test_an_event_in_the_buffer_takes_hardly_more_memory_than_its_json() -> None:
    tracemalloc.start()
    try:
        bodies = [event(eventId=f"e{number}") for number in range(1000)]
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    written = sum(len(body) for body in bodies)
    assert taken / 1000 < written / 1000 + 200


def test_the_quick_look_takes_what_most_events_are() -> None:
    plain = {**EVENT, "eventId": "e1", "itemId": "i1", "eventValue": 1.5, "properties": '{"category":"bags"}'}
    assert is_plain_event(plain, NOW)
    assert is_plain_event(EVENT, NOW)


def _error_types(validate: Any, members: dict[str, Any]) -> set[str]:
    try:
        validate(members, context={"now": NOW})
    except ValidationError as error:
        return {problem["type"] for problem in error.errors()}
    return set()


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(Event.model_fields, VALUES | LIMITED)))
def test_any_values_make_an_event_or_a_reason_and_never_an_exception(members: dict[str, Any]) -> None:
    for checked in (members, {**EVENT, **members}):
        assert isinstance(check_event(checked, NOW), (bytes, Invalid))
        assert _error_types(Event.model_validate, checked) <= {*events._TRANSLATIONS, "extra_forbidden", "limit"}


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(Envelope.model_fields, VALUES | LIMITED)))
def test_any_values_make_an_envelope_or_a_reason_and_never_an_exception(members: dict[str, Any]) -> None:
    for checked in (members, {**ENVELOPE, **members}):
        problem = check_envelope(checked.get("trackingId"), checked.get("sessionId"), checked.get("userId"))
        present = {name: value for name, value in checked.items() if value is not None}
        assert (problem is None) is (not _error_types(Envelope.model_validate, present))
        assert _error_types(Envelope.model_validate, checked) <= {*events._TRANSLATIONS, "limit"}


WITNESSES: dict[str, dict[str, Any]] = {
    "missing": {"eventType": ...},
    "string_too_long": {"itemId": "x" * 257},
    "string_too_short": {"itemId": ""},
    "too_long": {"impression": ["i"] * 26},
    "too_short": {"impression": []},
    "string_pattern_mismatch": {"metricAttribution": {"eventAttributionSource": " "}},
    "string_type": {"itemId": 1},
    "string_unicode": {"itemId": "\ud800"},
    "int_type": {"sentAt": 1.5},
    "float_type": {"eventValue": "1"},
    "finite_number": {"eventValue": float("nan")},
    "greater_than_equal": {"eventValue": -1e39},
    "less_than_equal": {"eventValue": 1e39},
    "list_type": {"impression": "i"},
    "model_type": {"metricAttribution": 1},
    "extra_forbidden": {"colour": "red"},
}


def test_every_translation_has_a_value_that_needs_it() -> None:
    assert set(WITNESSES) == {*events._TRANSLATIONS, "extra_forbidden"}  # of which the message names the operation
    for kind, members in WITNESSES.items():
        checked = {name: value for name, value in {**EVENT, **members}.items() if value is not ...}
        assert _error_types(Event.model_validate, checked) == {kind}


def test_an_error_that_only_a_later_pydantic_knows_is_a_reason_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_TRANSLATIONS", {})
    assert invalid(itemId=1) == (Reason.INVALID_VALUE, "itemId: is not what the service takes", "itemId")


def _hostile() -> Iterator[Any]:
    yield from (SECRET, SECRET * 100, SECRET + "\ud800", SECRET + "\n", SECRET.encode(), {SECRET: SECRET})
    yield from ([SECRET], [SECRET * 100], [SECRET, ""], [SECRET] * 30, [SECRET] * 25 + [""], (SECRET,), [[SECRET]])
    yield from (json.dumps({SECRET: SECRET, "userId": SECRET}), json.dumps([SECRET]), "{" + SECRET)
    yield from ({"eventAttributionSource": value} for value in (SECRET * 200, SECRET + "é", [SECRET], {SECRET: 1}))


@pytest.mark.parametrize("name", [*Event.model_fields, *Envelope.model_fields])
def test_no_message_tells_a_value(name: str) -> None:
    for value in _hostile():
        check = envelope(**{name: value}) if name in Envelope.model_fields else event(**{name: value})
        if isinstance(check, Invalid):
            assert SECRET not in check.message
            assert SECRET not in check.field
