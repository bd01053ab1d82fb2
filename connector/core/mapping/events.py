"""An event that passes here is within every limit of the service.

PutEvents answers for a whole call and does not say which event was wrong, so a limit that is not checked here costs
several calls to find. Limits are those of the service model (``personalize-events``, 2018-03-22), of the API
reference, and of reports about values that are accepted and then ignored.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

import orjson
from pydantic import Field, StringConstraints, ValidationError
from pydantic import field_validator as check
from pydantic_core import ErrorDetails

from connector.core.mapping.limits import (
    GREATEST_FLOAT,
    MAX_EVENT_BYTES,
    MAX_JOINED_IMPRESSION,
    MAX_PROPERTIES,
    OURS,
    RESERVED_PROPERTIES,
    Strict,
    Text,
    fail,
    is_in_window,
    properties_are_an_object,
    refuse_text_by_accident,
)
from connector.core.mapping.plain_events import is_plain_event, is_plain_id
from connector.core.records import Reason


class Envelope(Strict):
    """What all events of one call share: the tracker, the session, and whose it is (absent before login)."""

    trackingId: Text  # noqa: N815  the names are the service's, here and below
    sessionId: Text  # noqa: N815
    userId: Text | None = None  # noqa: N815

    _meant = check("trackingId", "sessionId", "userId")(refuse_text_by_accident)


class MetricAttribution(Strict):
    """Where an event came from, for metric attribution: printable ASCII, not only spaces."""

    eventAttributionSource: Annotated[  # noqa: N815
        str, StringConstraints(max_length=1024, pattern=r"^[\x20-\x7E]*[\x21-\x7E]+[\x20-\x7E]*$")
    ]


class Event(Strict):
    """One event of a PutEvents call; validate with ``context={"now": unix_seconds}``."""

    eventType: Text  # noqa: N815
    sentAt: int  # noqa: N815  whole Unix seconds
    eventId: Text | None = None  # noqa: N815
    itemId: Text | None = None  # noqa: N815
    eventValue: Annotated[float, Field(allow_inf_nan=False, ge=-GREATEST_FLOAT, le=GREATEST_FLOAT)] | None = None  # noqa: N815
    impression: Annotated[list[Text], Field(min_length=1, max_length=25)] | None = None
    recommendationId: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None  # noqa: N815
    properties: Annotated[str, StringConstraints(min_length=1, max_length=MAX_PROPERTIES)] | None = None
    metricAttribution: MetricAttribution | None = None  # noqa: N815

    _meant = check("eventType", "eventId", "itemId", "recommendationId")(refuse_text_by_accident)

    _in_window = check("sentAt")(is_in_window)

    @check("impression")
    @classmethod
    def _impression_fits(cls, items: list[str] | None) -> list[str] | None:
        if items is not None:
            joined = sum(map(len, items)) + len(items) - 1
            if joined > MAX_JOINED_IMPRESSION:
                raise fail(
                    Reason.TOO_LONG,
                    f"expected at most {MAX_JOINED_IMPRESSION} characters when joined by |, not {joined}",
                )
            for item in items:
                refuse_text_by_accident(item)
        return items

    _object = check("properties")(properties_are_an_object(*RESERVED_PROPERTIES))


class Invalid(NamedTuple):
    """Which limit a member is beyond; the message carries no value."""

    reason: Reason
    message: str
    field: str


# Taking off a last byte makes a copy in half the time of others: 0.38 µs with the serialising instead of 0.54.
ONE_MORE = orjson.OPT_APPEND_NEWLINE

_validate_event = Event.__pydantic_validator__.validate_python
_validate_envelope = Envelope.__pydantic_validator__.validate_python


def check_event(event: dict[str, Any], now: float) -> bytes | Invalid:
    """The event's JSON, ready to be sent; or the first limit that it is beyond.

    Strict validation changes nothing, so what is serialised is what was given: members in the mapping's order.

    Args:
        event: PutEvents' own members of one event, those that are null left out.
        now: Unix seconds.
    """
    try:
        if not is_plain_event(event, now):
            _validate_event(event, context={"now": now})
        # A copy: what the serialiser returns holds on to the four kilobytes that it was written in.
        body = orjson.dumps(event, None, ONE_MORE)[:-1]
    except ValidationError as error:
        return first_problem(error, event)
    except orjson.JSONEncodeError:
        # Text that JSON cannot hold was refused, so what is left is an integer.
        return Invalid(Reason.INVALID_VALUE, "eventValue: expected an integer that 64 bits hold", "eventValue")
    if len(body) > MAX_EVENT_BYTES:
        message = f"expected an event of at most {MAX_EVENT_BYTES} bytes, not {len(body)}"
        return Invalid(Reason.EVENT_TOO_LARGE, message, "event")
    return body


def check_envelope(tracking_id: Any, session_id: Any, user_id: Any) -> Invalid | None:
    """The first limit that trackingId, sessionId or userId is beyond; None when all are within. None is absent."""
    if is_plain_id(tracking_id) and is_plain_id(session_id) and (user_id is None or is_plain_id(user_id)):
        return None
    given = {"trackingId": tracking_id, "sessionId": session_id, "userId": user_id}
    envelope = {name: value for name, value in given.items() if value is not None}
    try:
        _validate_envelope(envelope)
    except ValidationError as error:
        return first_problem(error, envelope)
    return None


def first_problem(error: ValidationError, members: dict[str, Any], noun: str = "PutEvents event") -> Invalid:
    """What pydantic found first, in our words; ``members`` is what it looked at, and ``noun`` what that is."""
    problem = error.errors(include_url=False, include_input=False)[0]
    path = problem["loc"]
    field = "eventAttributionSource" if path[0] == "metricAttribution" else str(path[0])
    where = f"{field}[{path[1]}]" if len(path) > 1 and isinstance(path[1], int) else field
    if problem["type"] == OURS:
        return Invalid(problem["ctx"]["reason"], f"{where}: {problem['msg']}", field)
    value: Any = members
    for step in path if problem["type"] in _MEASURED else ():
        value = value[step]
    if problem["type"] == "extra_forbidden":
        return Invalid(Reason.INVALID_VALUE, f"{where}: is not a member of {a(noun)}", field)
    reason, words = _TRANSLATIONS.get(problem["type"], _UNFORESEEN)
    return Invalid(reason, f"{where}: {words(problem, value)}", field)


def a(noun: str) -> str:
    """The noun with its article."""
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


_Words = Callable[[ErrorDetails, Any], str]
_MEASURED = frozenset({"string_too_long", "too_long"})  # whose message says how long the value is


def _say(text: str) -> _Words:
    return lambda _, __: text


def _too_long(problem: ErrorDetails, value: Any) -> str:
    unit = "items" if isinstance(value, list) else "characters"
    return f"expected at most {problem['ctx']['max_length']} {unit}, not {len(value)}"


_NOT_32_BITS = (Reason.INVALID_VALUE, _say("expected a number that a float of 32 bits holds"))
# An error type that only a later pydantic knows must not stop the process at the record that shows it.
_UNFORESEEN = (Reason.INVALID_VALUE, _say("is not what the service takes"))
# pydantic's error types, each with our reason and words. A type that is missing here fails a test.
_TRANSLATIONS: Mapping[str, tuple[Reason, _Words]] = {
    "missing": (Reason.MISSING_MEMBER, _say("expected a value, but there is none")),
    "string_too_long": (Reason.TOO_LONG, _too_long),
    "string_too_short": (Reason.EMPTY, _say("expected at least one character")),
    "too_long": (Reason.TOO_LONG, _too_long),
    "too_short": (Reason.EMPTY, _say("expected at least one item")),
    "string_pattern_mismatch": (
        Reason.INVALID_VALUE,
        _say("expected printable ASCII with at least one character that is not a space"),
    ),
    "string_type": (Reason.WRONG_TYPE, _say("expected text")),
    "string_unicode": (Reason.INVALID_VALUE, _say("expected text of valid Unicode")),
    "int_type": (Reason.WRONG_TYPE, _say("expected whole seconds")),
    "float_type": (Reason.WRONG_TYPE, _say("expected a number")),
    "finite_number": (Reason.INVALID_VALUE, _say("expected a finite number")),
    "greater_than_equal": _NOT_32_BITS,
    "less_than_equal": _NOT_32_BITS,
    "list_type": (Reason.WRONG_TYPE, _say("expected a list of ids")),
    "model_type": (Reason.WRONG_TYPE, _say("expected an object")),
}
