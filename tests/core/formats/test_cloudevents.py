"""CloudEvents as the specification 1.0.2 and its bindings of Kafka and JSON show them, and as version 0.3 did."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.formats.cloudevents import MAX_BATCH, cloudevents, is_binary, is_json
from connector.core.formats.decoded import DecodingError, Document
from connector.core.mapping.rules import MAX_ELEMENTS
from connector.core.records import Reason

ATTRIBUTES = {"specversion": "1.0", "type": "shop.viewed", "source": "/web", "id": "e1"}
HEADERS = tuple((f"ce_{name}", value.encode()) for name, value in ATTRIBUTES.items())
EVENT = {**ATTRIBUTES, "data": {"session": "s1"}}


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def content(media: str) -> tuple[tuple[str, bytes], ...]:
    return (("content-type", media.encode()),)


def refused(document: Any, headers: Any = ()) -> DecodingError:
    with pytest.raises(DecodingError) as caught:
        cloudevents(document, headers)
    assert "secret" not in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    "headers",
    [
        (),
        content("application/cloudevents+json"),
        content("application/cloudevents+json; charset=UTF-8"),
        content("Application/CloudEvents"),
        (("Content-Type", b"application/cloudevents+json"), *HEADERS[:1]),
        (("content-type", None),),
        content("application/json"),
        (("content-type", b"\xff"),),
    ],
)
def test_in_structured_mode_the_value_has_both(headers: Any) -> None:
    assert cloudevents(EVENT, headers) == Document({"session": "s1"}, ATTRIBUTES)


def test_extensions_and_optional_attributes_stay_as_they_are() -> None:
    more = {"time": "2026-11-24T08:30:11.250Z", "subject": "p1", "datacontenttype": "application/json", "shard": 7}
    assert cloudevents({**EVENT, **more}, ()) == Document({"session": "s1"}, {**ATTRIBUTES, **more})


def test_in_binary_mode_the_headers_are_the_attributes_and_the_value_the_data() -> None:
    headers = (*HEADERS, ("ce_time", b"2026-11-24T08:30:11Z"), ("ce_odd", b"\xff"), ("ce_none", None), ("trace", b"x"))
    found = cloudevents({"session": "s1"}, (*headers, *content("application/json")))
    more = {"time": "2026-11-24T08:30:11Z", "odd": None, "none": None, "datacontenttype": "application/json"}
    assert found == Document({"session": "s1"}, {**ATTRIBUTES, **more})


@pytest.mark.parametrize("data", [None, ["a"], "text", 7, {"specversion": "1.0"}, EVENT])
def test_in_binary_mode_the_data_may_be_anything(data: Any) -> None:
    assert cloudevents(data, HEADERS) == Document(data, ATTRIBUTES)


@pytest.mark.parametrize("headers", [(), content("application/cloudevents-batch+json")])
def test_a_batch_is_a_list_of_events(headers: Any) -> None:
    second = {**EVENT, "id": "e2", "data": None}
    assert cloudevents([EVENT, second], headers) == [
        Document({"session": "s1"}, ATTRIBUTES),
        Document(None, {**ATTRIBUTES, "id": "e2"}),
    ]
    assert cloudevents([], headers) == []


def test_an_invalid_event_of_a_batch_leaves_the_others_valid() -> None:
    found = cloudevents([EVENT, {"id": "e2"}, ["secret"]], ())
    assert isinstance(found, list)
    assert found[0] == Document({"session": "s1"}, ATTRIBUTES)
    errors = [error for error in found[1:] if isinstance(error, DecodingError)]
    assert [error.reason for error in errors] == [Reason.NOT_AN_ENVELOPE] * 2
    assert errors[1].message.endswith("found a list")


def test_a_batch_has_as_many_events_as_for_each_may_make() -> None:
    assert MAX_BATCH == MAX_ELEMENTS
    assert len(cloudevents([EVENT] * MAX_BATCH, ())) == MAX_BATCH
    error = refused([EVENT] * (MAX_BATCH + 1))
    assert (error.reason, error.message) == (Reason.TOO_LONG, "expected at most 1000 events, found 1001")


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ({"data_base64": encoded(b'{"session":"s1"}')}, {"session": "s1"}),
        (
            {"data_base64": encoded(b'{"session":"s1"}'), "datacontenttype": "application/json; charset=utf-8"},
            {"session": "s1"},
        ),
        (
            {"data_base64": encoded(b'{"session":"s1"}'), "datacontenttype": "application/vnd.shop+json"},
            {"session": "s1"},
        ),
        ({"data_base64": encoded(b"<a/>"), "datacontenttype": "application/xml"}, "<a/>"),
        ({"data_base64": encoded(b"\xff\x00"), "datacontenttype": "image/png"}, encoded(b"\xff\x00")),
        ({"data_base64": encoded(b'{"id":9007199254740993}')}, {"id": 9007199254740993}),
        ({"data_base64": None}, None),
        ({"data": "text", "datacontenttype": "text/plain"}, "text"),
        (
            {"data": encoded(b'{"session":"s1"}'), "datacontentencoding": "base64", "specversion": "0.3"},
            {"session": "s1"},
        ),
        ({"data": None, "datacontentencoding": "base64", "specversion": "0.3"}, None),
        ({}, None),
    ],
)
def test_data_in_base64_is_what_its_type_says(event: dict[str, Any], data: Any) -> None:
    found = cloudevents({**ATTRIBUTES, **event}, ())
    assert isinstance(found, Document)
    assert found.value == data
    assert found.envelope is not None
    assert not {"data", "data_base64"} & found.envelope.keys()


@given(st.binary())
def test_bytes_of_any_kind_come_as_text_or_as_their_own_base64(data: bytes) -> None:
    found = cloudevents({**ATTRIBUTES, "data_base64": encoded(data), "datacontenttype": "application/octet-stream"}, ())
    assert isinstance(found, Document)
    assert data in {found.value.encode(), base64.b64decode(found.value) if found.value == encoded(data) else None}


@pytest.mark.parametrize(
    ("document", "headers", "reason", "message"),
    [
        (
            {"session": "secret"},
            (),
            Reason.NOT_AN_ENVELOPE,
            "an object with specversion, found an object without specversion",
        ),
        ("secret", (), Reason.NOT_AN_ENVELOPE, "found text"),
        (["secret"], content("application/cloudevents+json"), Reason.NOT_AN_ENVELOPE, "found a list"),
        (
            EVENT,
            content("application/cloudevents-batch+json"),
            Reason.NOT_AN_ENVELOPE,
            "a batch of CloudEvents, a JSON list, found",
        ),
        ({"specversion": "1.0"}, (), Reason.NOT_AN_ENVELOPE, "found no text for id, source, type"),
        ({**EVENT, "id": 7, "source": ""}, (), Reason.NOT_AN_ENVELOPE, "found no text for id, source"),
        ({}, HEADERS[:3], Reason.NOT_AN_ENVELOPE, "found no text for id"),
        ({}, (*HEADERS[:3], ("ce_id", b"\xff")), Reason.NOT_AN_ENVELOPE, "found no text for id"),
        ({**EVENT, "specversion": "0.2"}, (), Reason.NOT_AN_ENVELOPE, "specversion: expected 1.0 or 0.3"),
        ({**EVENT, "data_base64": "e30="}, (), Reason.NOT_AN_ENVELOPE, "expected data or data_base64, found both"),
        (
            {**ATTRIBUTES, "data_base64": "%secret"},
            (),
            Reason.NOT_AN_ENVELOPE,
            "data_base64: expected base64, found other text",
        ),
        (
            {**ATTRIBUTES, "data_base64": 7},
            (),
            Reason.NOT_AN_ENVELOPE,
            "data_base64: expected base64 text, found a number",
        ),
        ({**ATTRIBUTES, "data_base64": encoded(b"{secret")}, (), Reason.NOT_JSON, "data_base64: expected JSON"),
    ],
)
def test_what_is_no_event_is_told_what_is_missing(document: Any, headers: Any, reason: Reason, message: str) -> None:
    error = refused(document, headers)
    assert error.reason is reason
    assert message in error.message


@pytest.mark.parametrize(
    ("media", "json"),
    [
        ("application/cloudevents+json", True),
        ("application/cloudevents-batch+json; charset=utf-8", True),
        ("application/cloudevents", True),
        ("application/json", False),
        ("application/avro", False),
    ],
)
def test_a_structured_event_is_json_whatever_the_data_is(media: str, json: bool) -> None:  # noqa: FBT001
    assert is_json(content(media)) is json


def test_a_structured_event_in_another_format_is_refused_by_name() -> None:
    with pytest.raises(DecodingError, match="found one in another event format") as caught:
        is_json(content("application/cloudevents+avro"))
    assert caught.value.reason is Reason.NOT_AN_ENVELOPE


def test_headers_alone_tell_binary_mode() -> None:
    assert is_binary(HEADERS)
    assert not is_binary((*content("application/json"), ("trace", b"ce_")))
