"""Checks a call against the service's own model.

botocore ships the model: members, types, required members, lengths, patterns. It is compiled once to a tree of
closures, so a new release of botocore changes the checks by itself. ``DOCUMENTED`` holds the rules of the
developer guide that the model lacks (properties are an object, the joined length of an impression). ``core``
states the same limits independently, on purpose: so each tests the other.

The service refuses the whole call for one invalid event and does not say which one, so no path here has an
index.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import Any, NoReturn

import orjson
from botocore.model import ListShape, Shape, StructureShape

from connector.local.endpoint.errors import ServiceError, invalid_input
from connector.local.endpoint.operations import Operation, operation

MAX_EVENT_BYTES = 10 * 1024
MAX_JOINED_IMPRESSION = 1_000
RESERVED_PROPERTIES = frozenset(["userid", "sessionid", "eventtype", "timestamp", "recommendationid", "impression"])
IGNORED_IDS = frozenset(["null", "undefined", "NaN", "None"])
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
DAY_SECONDS = 86_400

type_name = type
Check = Callable[[Any], None]
Call = dict[str, Any]


def _wrong_type(path: str, expected: str, value: object) -> NoReturn:
    message = f"expected {expected} at '{path}', not {type_name(value).__name__}"
    raise ServiceError("SerializationException", message)


def _unsatisfied(path: str, constraint: str, value: str = "Value") -> NoReturn:
    """In AWS's words. AWS does not quote values that the model calls sensitive; here no value is quoted."""
    raise invalid_input(f"1 validation error detected: {value} at '{path}' failed to satisfy constraint: {constraint}")


def _check_length(path: str, length: int, low: float, high: float) -> None:
    if length < low:
        _unsatisfied(path, f"Member must have length greater than or equal to {low}")
    if length > high:
        _unsatisfied(path, f"Member must have length less than or equal to {high}")


# The model's pattern backtracks over every pair of positions: a thousand printable characters before one that is
# not printable would block the loop for minutes. This one accepts the same texts in one pass; a test compares them.
LINEAR_PATTERNS: Mapping[str, str] = MappingProxyType(
    {r"^[\x20-\x7E]*[\x21-\x7E]+[\x20-\x7E]*$": r"[\x20]*[\x21-\x7E][\x20-\x7E]*"}
)


def _between(shape: Shape) -> tuple[float, float]:
    return shape.metadata.get("min", 0), shape.metadata.get("max", float("inf"))


def _string(shape: Shape, path: str) -> Check:
    low, high = _between(shape)
    pattern = shape.metadata.get("pattern")
    matches = re.compile(LINEAR_PATTERNS.get(pattern, pattern)).fullmatch if pattern else None

    def check_length(value: Any) -> None:
        if type(value) is not str:
            _wrong_type(path, "a string", value)
        if not low <= len(value) <= high:
            _check_length(path, len(value), low, high)

    def check(value: Any) -> None:
        check_length(value)
        if matches is not None and not matches(value):
            _unsatisfied(path, f"Member must satisfy regular expression pattern: {pattern}")

    # A call holds a hundred strings and at most one pattern; checks are most of its cost.
    return check if matches else check_length


def _number(_shape: Shape, path: str) -> Check:
    def check(value: Any) -> None:
        kind = type(value)
        if kind is not int and kind is not float:  # a bool is an int to isinstance
            _wrong_type(path, "a number", value)

    return check


def _list(shape: Shape, path: str) -> Check:
    assert isinstance(shape, ListShape)  # noqa: S101  the table below pairs names and classes
    low, high = _between(shape)
    check_member = compile_shape(shape.member, f"{path}.member")
    # Plain strings are compared here, without a function call each: impressions are most of a call's values.
    plain = shape.member.type_name == "string" and "pattern" not in shape.member.metadata
    shortest, longest = _between(shape.member) if plain else (1, 0)

    def check(value: Any) -> None:
        if type(value) is not list:
            _wrong_type(path, "a list", value)
        if not low <= len(value) <= high:
            _check_length(path, len(value), low, high)
        for member in value:
            if type(member) is not str or not shortest <= len(member) <= longest:
                check_member(member)

    return check


def _structure(shape: Shape, path: str) -> Check:
    assert isinstance(shape, StructureShape)  # noqa: S101  the table below pairs names and classes
    prefix = f"{path}." if path else ""
    required = tuple(shape.required_members)
    checks = {name: compile_shape(member, prefix + name) for name, member in shape.members.items()}

    def check(value: Any) -> None:
        if type(value) is not dict:
            _wrong_type(path or "the body", "an object", value)
        for name in required:
            if value.get(name) is None:
                _unsatisfied(prefix + name, "Member must not be null", "Value null")
        for name, member in value.items():
            # Unknown members and nulls pass, as they do at every rest-json service.
            known = checks.get(name)
            if known is not None and member is not None:
                known(member)

    return check


def _object(path: str, reserved: frozenset[str] = frozenset()) -> Check:
    def check(value: str) -> None:
        try:
            properties = orjson.loads(value)
        except orjson.JSONDecodeError:
            properties = None
        if type(properties) is not dict:
            _unsatisfied(path, "Member must be the text of a JSON object")
        if not reserved.isdisjoint(map(str.lower, properties)):
            _unsatisfied(path, "Member must not hold a reserved key")

    return check


def _joined_impression(value: list[str]) -> None:
    joined = sum(map(len, value)) + len(value) - 1
    if joined > MAX_JOINED_IMPRESSION:
        _unsatisfied("eventList.member.impression", f"Member must join to at most {MAX_JOINED_IMPRESSION} characters")


# Rules of the developer guide that the model does not carry, by the path of the member they belong to.
_OF_DATASETS = ("users.member.properties", "items.member.properties", "actions.member.properties")
_OF_EVENTS = ("eventList.member.properties", "actionInteractions.member.properties")
DOCUMENTED: Mapping[str, Check] = MappingProxyType(
    {
        "eventList.member.impression": _joined_impression,
        **{path: _object(path, RESERVED_PROPERTIES) for path in _OF_EVENTS},
        **{path: _object(path) for path in _OF_DATASETS},
    }
)
COMPILERS: Mapping[str, Callable[[Shape, str], Check]] = MappingProxyType(
    {
        "string": _string,
        "float": _number,
        "timestamp": _number,  # rest-json carries times of a body as seconds since the epoch
        "list": _list,
        "structure": _structure,
    }
)


def compile_shape(shape: Shape, path: str) -> Check:
    """The check of one shape; it raises ServiceError. Raises KeyError for a type that has no row above."""
    from_model = COMPILERS[shape.type_name](shape, path)
    documented = DOCUMENTED.get(path)
    if documented is None:
        return from_model

    def check(value: Any) -> None:
        from_model(value)
        documented(value)

    return check


@cache
def check_of(name: str) -> Check:
    """The check of a whole body of the operation of this name, compiled once a process."""
    return compile_shape(operation(name).shape, "")


def read_call(body: bytes, of: Operation | None = None) -> Call:
    """The call that a body holds, checked against every limit; of PutEvents unless another operation is given.

    Raises:
        ServiceError: SerializationException where the body is not JSON of the right types,
            InvalidInputException where a value breaks a limit.
    """
    try:
        call = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        raise ServiceError("SerializationException", "expected a JSON body") from None
    check_of("PutEvents" if of is None else of.name)(call)
    # No event can be larger than the body that carries it, so most bodies need no second look.
    if (of is None or of.name == "PutEvents") and len(body) > MAX_EVENT_BYTES:
        for event in call["eventList"]:
            if len(orjson.dumps(event)) > MAX_EVENT_BYTES:
                _unsatisfied("eventList.member", f"Member must be at most {MAX_EVENT_BYTES} bytes of JSON")
    return call  # type: ignore[no-any-return]  # the check ensures that it is an object


def count_ignored(call: Call, now: float, of: Operation | None = None) -> int:
    """How many entries the service would accept and then ignore; ``now`` in seconds since the epoch.

    Users report this, AWS does not document it: ids such as "null" or "undefined", and times in the wrong unit.
    """
    of = of or operation("PutEvents")
    entries: list[dict[str, Any]] = call[of.entries]
    if call.get("sessionId") in IGNORED_IDS or call.get("userId") in IGNORED_IDS:
        return len(entries)
    latest = now + DAY_SECONDS
    return sum(
        (of.time is not None and not EARLIEST <= entry[of.time] <= latest)
        or not IGNORED_IDS.isdisjoint(map(entry.get, of.ids))
        for entry in entries
    )
