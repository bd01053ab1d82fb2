"""The endpoint's checks against botocore's model: every limit passes at its edge and is refused one past it."""

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from botocore.model import ListShape, Shape, StructureShape
from hypothesis import given
from hypothesis import strategies as st

from connector.local.endpoint.errors import ServiceError
from connector.local.endpoint.operations import operations, service_model
from connector.local.endpoint.validation import (
    DOCUMENTED,
    LINEAR_PATTERNS,
    MAX_EVENT_BYTES,
    RESERVED_PROPERTIES,
    check_of,
    count_ignored,
    read_call,
)
from tests.wire.endpoint_support import NOW, call, event

PUT_EVENTS = service_model().operation_model("PutEvents").input_shape
JSON_OBJECTS_OF_LENGTH = "eventList.member.properties"


def members(shape: Shape | None = PUT_EVENTS, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Shape]]:
    assert shape is not None
    if path:
        yield path, shape
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            yield from members(member, (*path, name))
    elif isinstance(shape, ListShape):
        yield from members(shape.member, (*path, "member"))


def sized(shape: Shape, size: int, path: tuple[str, ...]) -> Any:
    if isinstance(shape, ListShape):
        return [event()] * size if path == ("eventList",) else ["x"] * size
    if ".".join(path) == JSON_OBJECTS_OF_LENGTH:
        return '{"a":"' + "x" * (size - 8) + '"}' if size >= 8 else "x" * size
    return "x" * size


def with_value(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A call that is right but for the value at ``path``."""
    for name in reversed(path[1:]):
        value = [value] if name == "member" else {name: value}
    if path[0] == "eventList":
        return call(eventList=[event(**value[0])] if len(path) > 1 else value)
    return call(**{path[0]: value})


def refused(body: Any) -> str | None:
    """The code that a body is refused with."""
    try:
        read_call(body if isinstance(body, bytes) else orjson.dumps(body))
    except ServiceError as error:
        return error.code
    return None


def edges(which: str) -> list[Any]:
    found = [(path, shape) for path, shape in members() if which in shape.metadata]
    assert len(found) >= 10, "the walk over the model has lost its way"
    return [pytest.param(path, shape, id=".".join(path)) for path, shape in found]


@pytest.mark.parametrize(("path", "shape"), edges("max"))
def test_every_maximum_of_the_model_passes_and_one_more_is_refused(path: tuple[str, ...], shape: Shape) -> None:
    most = shape.metadata["max"]
    assert refused(with_value(path, sized(shape, most, path))) is None
    assert refused(with_value(path, sized(shape, most + 1, path))) == "InvalidInputException"


@pytest.mark.parametrize(("path", "shape"), edges("min"))
def test_every_minimum_of_the_model_passes_and_one_less_is_refused(path: tuple[str, ...], shape: Shape) -> None:
    least = 2 if ".".join(path) == JSON_OBJECTS_OF_LENGTH else shape.metadata["min"]
    value = "{}" if least == 2 else sized(shape, least, path)
    assert refused(with_value(path, value)) is None
    assert refused(with_value(path, sized(shape, shape.metadata["min"] - 1, path))) == "InvalidInputException"


@pytest.mark.parametrize("path", [path for path, _ in members()], ids=".".join)
def test_every_member_of_the_model_refuses_a_value_of_the_wrong_type(path: tuple[str, ...]) -> None:
    wrong_for_all = True  # a bool is no string, number, list or object
    value = with_value(path[:-1], [wrong_for_all]) if path[-1] == "member" else with_value(path, wrong_for_all)
    assert refused(value) == "SerializationException"


def structures() -> list[Any]:
    shapes = [((), PUT_EVENTS), *members()]
    return [
        pytest.param(path, name, id=".".join((*path, name)))
        for path, shape in shapes
        if isinstance(shape, StructureShape)
        for name in shape.required_members
    ]


@pytest.mark.parametrize(("path", "name"), structures())
@pytest.mark.parametrize("absent", ["null", "missing"])
def test_every_required_member_is_missed(path: tuple[str, ...], name: str, absent: str) -> None:
    body = with_value((*path, name), None) if path else call(**{name: None})
    if absent == "missing":
        body = orjson.loads(re.sub(rb',?"%b":null' % name.encode(), b"", orjson.dumps(body)).replace(b"{,", b"{"))
    assert refused(body) == "InvalidInputException"


def test_every_documented_rule_belongs_to_a_member_of_the_model() -> None:
    inputs = [each.shape for each in operations().values()]
    assert set(DOCUMENTED) <= {".".join(path) for shape in inputs for path, _ in members(shape)}


@pytest.mark.parametrize("name", sorted(RESERVED_PROPERTIES))
@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
def test_reserved_properties_are_refused_in_any_case(name: str, spell: Any) -> None:
    assert refused(call(event(properties=orjson.dumps({spell(name): 1}).decode()))) == "InvalidInputException"


@pytest.mark.parametrize("text", ["[]", "x", "1", "null", "{", '{"a":NaN}', " "])
def test_properties_that_are_not_a_json_object_are_refused(text: str) -> None:
    assert refused(call(event(properties=text))) == "InvalidInputException"


def test_an_impression_joins_to_a_thousand_characters_and_not_one_more() -> None:
    fits = ["x" * 249] * 3 + ["x" * 250]
    assert sum(map(len, fits)) + 3 == 1_000
    assert refused(call(event(impression=fits))) is None
    assert refused(call(event(impression=[*fits[:3], "x" * 251]))) == "InvalidInputException"


def test_an_event_holds_ten_kilobytes_and_not_one_more() -> None:
    def of(size: int) -> dict[str, Any]:
        # Members that the model does not know are ignored but count, as they do at the service.
        padded = event(padding="")
        padded["padding"] = "x" * (size - len(orjson.dumps(padded)))
        assert len(orjson.dumps(padded)) == size
        return padded

    assert refused(call(*[of(MAX_EVENT_BYTES)] * 10)) is None
    assert refused(call(of(MAX_EVENT_BYTES + 1))) == "InvalidInputException"


@pytest.mark.parametrize("source", ["", " ", "   ", "é", "a\n", "a\x7f", "!" * 1_023 + "\x01"])
def test_an_attribution_source_that_breaks_the_pattern_is_refused(source: str) -> None:
    body = call(event(metricAttribution={"eventAttributionSource": source}))
    assert refused(body) == "InvalidInputException"


@given(st.text(st.sampled_from(" !a~\x1f\x7fé\n"), max_size=8))
def test_a_linear_pattern_accepts_exactly_what_the_models_pattern_accepts(text: str) -> None:
    for pattern, linear in LINEAR_PATTERNS.items():
        assert bool(re.fullmatch(pattern, text)) == bool(re.fullmatch(linear, text))


def test_every_linear_pattern_stands_for_one_of_the_model() -> None:
    assert set(LINEAR_PATTERNS) <= {shape.metadata.get("pattern") for _, shape in members()}


@pytest.mark.parametrize("body", [b"x", b"[]", b"1", b'"x"', b"\xff", b"{", b"null", b"[" * 2_000])
def test_a_body_that_is_not_a_json_object_is_a_serialization_error(body: bytes) -> None:
    assert refused(body) == "SerializationException"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["trackingId", "sessionId", "eventList", "properties", "impression", "sentAt", "eventType"]
                ),
                inner,
            )
        ),
    )
)
def test_any_json_is_accepted_or_refused_and_never_fails(body: Any) -> None:
    assert refused(body) in {None, "InvalidInputException", "SerializationException"}
    assert refused(call(event(properties=body, impression=body))) in {
        None,
        "InvalidInputException",
        "SerializationException",
    }


def test_one_bad_event_refuses_the_call_and_the_message_names_neither_its_place_nor_its_value() -> None:
    with pytest.raises(ServiceError) as caught:
        read_call(orjson.dumps(call(event(), event(itemId="private" * 100), event())))
    assert "eventList.member.itemId" in caught.value.message
    assert not re.search(r"private|eventList\.?\[?[0-9]", caught.value.message)


@pytest.mark.parametrize(
    ("members_", "ignored"),
    [
        ({"userId": "null"}, 2),
        ({"sessionId": "undefined"}, 2),
        ({"eventList": [event(itemId="NaN"), event()]}, 1),
        ({"eventList": [event(sentAt=NOW * 1000), event()]}, 1),
        ({"eventList": [event(sentAt=0), event(eventId="None")]}, 2),
        ({"eventList": [event(itemId="null-island"), event()]}, 0),
    ],
)
def test_events_that_the_service_would_ignore_are_counted(members_: dict[str, Any], ignored: int) -> None:
    body = call(event(), event(), **members_)
    check_of("PutEvents")(body)
    assert count_ignored(body, NOW) == ignored
