"""What texts, times and properties of an entry must keep, whichever operation takes it."""

import re
from collections.abc import Callable
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationInfo
from pydantic_core import PydanticCustomError

from connector.core.records import Reason

MAX_EVENT_BYTES = 10_240
MAX_TEXT = 256  # characters of an id or a name
MAX_PROPERTIES = 1_024  # characters
MAX_JOINED_IMPRESSION = 1_000
RESERVED_PROPERTIES = frozenset({"userid", "sessionid", "eventtype", "timestamp", "recommendationid", "impression"})
# Reported: answered with 200 and then dropped, so a broken producer would never be noticed.
IGNORED_LITERALS = frozenset({"null", "undefined", "NaN", "None"})
EARLIEST_SENT_AT = 946_684_800  # 2000-01-01T00:00:00Z; anything before is a time in the wrong unit
LATEST_AHEAD = 86_400  # seconds; a clock may be wrong by a time zone, not by more
GREATEST_FLOAT = 3.4028234663852886e38  # the model says float, which is 32 bits; anything beyond is infinite there


OURS = "limit"  # the type of the errors that this module raises itself, beside pydantic's own


def fail(reason: Reason, message: str) -> PydanticCustomError:
    """The error of a limit that pydantic does not know."""
    return PydanticCustomError(OURS, message, {"reason": reason})


# Control characters (those of C1 and DEL, too) and the separators of lines and paragraphs: they come of broken
# producers, and cut the lines of whatever lists the ids.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def refuse_text_by_accident(text: str | None) -> str | None:
    """Refuse what is not an id or a name: a literal such as ``null``, control characters, only blanks."""
    if text is None:
        return None
    if text in IGNORED_LITERALS:
        raise fail(Reason.IGNORED_LITERAL, f"expected an id or a name, not the text {text}, which stands for nothing")
    if _CONTROL.search(text):
        raise fail(Reason.INVALID_VALUE, "expected text without control characters and line separators")
    if text.isspace():
        raise fail(Reason.EMPTY, "expected a character that is not a blank")
    return text


def is_in_window(seconds: int, info: ValidationInfo) -> int:
    """Refuse a time that is in the wrong unit, or far ahead."""
    if seconds < EARLIEST_SENT_AT:
        raise fail(Reason.TIME_OUT_OF_WINDOW, "expected a time after 2000-01-01; is it in milliseconds, or seconds?")
    if seconds > info.context["now"] + LATEST_AHEAD:  # type: ignore[index]  # always given, see check_event
        raise fail(Reason.TIME_OUT_OF_WINDOW, "expected a time at most a day ahead; is it in seconds, or milliseconds?")
    return seconds


def properties_are_an_object(*reserved: str) -> Callable[[str | None], str | None]:
    """Refuse properties that are no JSON object, or that have one of these names, in any case."""
    names = frozenset(reserved)

    def checked(text: str | None) -> str | None:
        if text is None:
            return None
        try:
            properties = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise fail(Reason.INVALID_PROPERTIES, "expected a JSON object in a string, not other text") from None
        if type(properties) is not dict:
            raise fail(Reason.INVALID_PROPERTIES, "expected a JSON object in a string, not other JSON")
        found = sorted(names.intersection(map(str.lower, properties)))
        if found:
            raise fail(
                Reason.RESERVED_PROPERTY, f"expected no property called {found[0]}: the name is the service's own"
            )
        return text

    return checked


Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)]


class Strict(BaseModel):
    """Strict base: values are of their type already, and nothing beside the members is there."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
