"""What a decoded value must be: an object, a list, or anything. ``null`` is a tombstone whatever is expected."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from connector.core.formats.decoded import DecodingError
from connector.core.formats.plain import decode_json
from connector.core.mapping.specs import ValueFormat
from connector.core.records import Reason
from connector.core.words import type_word

Kind = Literal["object", "array", "any", "either"]  # either: an object or a list
_TYPES: Mapping[Kind, frozenset[type]] = {
    "object": frozenset({dict}),
    "array": frozenset({list}),
    "either": frozenset({dict, list}),
    "any": frozenset({dict, list, str, int, float, bool}),
}
_EXPECTED: Mapping[Kind, str] = {
    "object": "a JSON object",
    "array": "a JSON list",
    "either": "a JSON object or list",
    "any": "a value",
}
_OF_A_FORMAT: Mapping[str, Kind] = {"json_lines": "array", "text": "any", "delimited": "object"}


class Root(NamedTuple):
    """What is expected of a value, and the types that fit."""

    kind: Kind
    types: frozenset[type]


def root_of(spec: ValueFormat, *, takes_list: bool) -> Root:
    """What a pipeline's values must be; ``takes_list``: a rule's ``for_each`` takes the value itself."""
    kind: Kind = _OF_A_FORMAT.get(spec.format) or spec.root or ("either" if takes_list else "object")
    return Root(kind, _TYPES[kind])


def wrong_root(root: Root, document: Any) -> DecodingError:
    """What is wrong with a document of another type, and the setting that takes it."""
    reason = Reason.NOT_A_LIST if root.kind == "array" else Reason.NOT_AN_OBJECT
    found, advice = type_word(document), "set value.root to any"
    if isinstance(document, list):
        advice = "set value.root to array, and take its elements with for_each: value"
    elif isinstance(document, dict):
        advice = "set value.root to object"
    elif isinstance(document, str) and _holds_json(document):
        found, advice = "text that holds JSON itself", f"{advice}, and read parse_json(value)"
    return DecodingError(reason, f"expected {_EXPECTED[root.kind]}, not {found}: {advice}")


def _holds_json(text: str) -> bool:
    try:
        return isinstance(decode_json(text.encode(errors="surrogatepass")), dict | list)
    except DecodingError:
        return False
