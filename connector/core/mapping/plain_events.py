"""Whether an event is plainly valid, as nearly every one is: found in a fraction of the time that pydantic takes.

What passes here passes the models of events.py, which a property test holds; about what does not, they decide.
"""

from collections.abc import Callable
from typing import Any

import orjson

from connector.core.mapping.limits import (
    EARLIEST_SENT_AT,
    GREATEST_FLOAT,
    IGNORED_LITERALS,
    LATEST_AHEAD,
    MAX_PROPERTIES,
    MAX_TEXT,
    RESERVED_PROPERTIES,
)
from connector.core.mapping.values import MAX_EXACT_INTEGER
from connector.core.mapping.written import JsonObject


def is_plain_id(value: Any) -> bool:
    """Text without control characters and surrogates, that does not begin with a blank."""
    return (
        type(value) is str
        and value >= "!"
        and len(value) <= MAX_TEXT
        and value not in IGNORED_LITERALS
        and value.isprintable()
    )


def _is_plain_object(text: Any) -> bool:
    if type(text) is JsonObject:  # written from a mapping, which was refused if one of its names is reserved
        return len(text) <= MAX_PROPERTIES
    if type(text) is not str or not 0 < len(text) <= MAX_PROPERTIES:
        return False
    try:
        properties = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return type(properties) is dict and RESERVED_PROPERTIES.isdisjoint(map(str.lower, properties))


def is_plain_event(event: dict[str, Any], now: float) -> bool:
    """Whether the event is within all limits, found in half the time; where it says no, ``events.Event`` decides.

    Nearly every event is as simple as this. A property test holds that whatever passes here passes there.
    """
    event_type, seconds = event.get("eventType"), event.get("sentAt")
    if not is_plain_id(event_type):
        return False
    # Compiled to C, an int is compared with a float as a float, which one of hundreds of digits cannot become.
    if type(seconds) is not int or not EARLIEST_SENT_AT <= seconds < MAX_EXACT_INTEGER:
        return False
    if seconds > now + LATEST_AHEAD:
        return False
    known = 2
    for name, look in _QUICK:
        if name in event:
            if not look(event[name]):
                return False
            known += 1
    return known == len(event)


def _is_plain_number(value: Any) -> bool:
    return type(value) is float and -GREATEST_FLOAT <= value <= GREATEST_FLOAT


# The optional members of a plain event, each with a quick look at its value.
_QUICK: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ("eventId", is_plain_id),
    ("itemId", is_plain_id),
    ("eventValue", _is_plain_number),
    ("properties", _is_plain_object),
)
