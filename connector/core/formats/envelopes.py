"""Which envelope a row or data comes in, by its name in the file; a new one is a line of the table."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from connector.core.formats.cloudevents import cloudevents, is_binary, is_json
from connector.core.formats.connect import Connect, is_wrapped
from connector.core.formats.debezium import Debezium
from connector.core.formats.decoded import DecodingError, Document, Headers
from connector.core.records import Skip

# What was in the document; a list is a batch. Raises DecodingError, and has those of a batch in their places.
Unwrap = Callable[[Any, Headers], Document | list[Document | DecodingError] | Skip]


def _never(_: Headers) -> bool:
    return False


class Envelope(NamedTuple):
    """How an envelope is taken off.

    ``is_json`` tells by the headers that the value is JSON whatever the format says; it may raise DecodingError.
    ``is_whole`` tells that the headers are an event even where the record has no value.
    """

    unwrap: Unwrap
    is_json: Callable[[Headers], bool] = _never
    is_whole: Callable[[Headers], bool] = _never


_ENVELOPES: Mapping[str, Callable[[], Envelope]] = {
    "connect": lambda: Envelope(Connect()),
    "debezium": lambda: Envelope(Debezium()),
    "cloudevents": lambda: Envelope(cloudevents, is_json, is_binary),
}


def compile_envelope(name: str) -> Envelope | None:
    """The envelope of this name, None for ``none``; each pipeline has one of its own."""
    make = _ENVELOPES.get(name)
    return None if make is None else make()


def envelope_left_on(value: Any) -> str:
    """Words for the message about a value in which something is missing: the envelope that it seems to be in, or ""."""
    if type(value) is not dict:
        return ""
    payload = value["payload"] if is_wrapped(value) else value
    name = ""
    if type(payload) is dict and "op" in payload and ("after" in payload or "before" in payload):
        name = "debezium"
    elif payload is not value:
        name = "connect"
    elif "specversion" in value and ("data" in value or "data_base64" in value):
        name = "cloudevents"
    return f"; the value looks like an envelope: value.envelope {name} takes it off" if name else ""
