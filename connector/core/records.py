"""What becomes of a record is a value: one of the types below, never an exception.

Nothing that a record contains raises past ``transform``. Every ``match`` over these types is exhaustive.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple, TypeVar, cast

from connector.core.operations import PUT_EVENTS, Operation

Kind = TypeVar("Kind")


def fast_constructor(kind: type[Kind]) -> Callable[[tuple[Any, ...]], Kind]:
    """A constructor of a NamedTuple that takes all fields in one tuple, defaults included, in a third of the time.

    For the few types of which every record makes one.
    """
    return cast("Callable[[tuple[Any, ...]], Kind]", partial(tuple.__new__, kind))


HEADER = 100  # bytes that a header takes in memory, however short it is
EARLIEST_TIMESTAMP = 946_684_800_000  # 2000-01-01T00:00:00Z in milliseconds; Kafka is younger


def known_timestamp(milliseconds: int | None) -> int | None:
    """A Kafka timestamp in milliseconds; None for -1, 0 and everything before 2000, which is not the time of an event.

    Clients write -1 for "none", and 0 or seconds by mistake. Taken as times they give a latency and a lag of 56 years.
    """
    return None if milliseconds is None or milliseconds < EARLIEST_TIMESTAMP else milliseconds


MAX_EVENTS_PER_CALL = 10

# Of an element of ``for_each``: its number in the record's list, from 0. Of lists within lists the number in each, from
# the outermost inward; fewer numbers name an outer element as a whole.
Place = int | tuple[int, ...]


def place_text(place: Place) -> str:
    """A place in words of messages and headers: ``2``, or ``2/0`` for the first element of an inner list."""
    return str(place) if isinstance(place, int) else "/".join(map(str, place))


def place_order(place: Place) -> tuple[int, ...]:
    """What places are sorted by."""
    return (place,) if isinstance(place, int) else place


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


class Record(NamedTuple):
    """One Kafka record, as it was read: bytes are not interpreted yet.

    ``timestamp`` is in milliseconds since the epoch, or None where there is none (see ``known_timestamp``).
    """

    topic: str
    partition: int
    offset: int
    timestamp: int | None
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def topic_partition(self) -> TopicPartition:
        """Where the record lies."""
        return TopicPartition(self.topic, self.partition)

    @property
    def size(self) -> int:
        """Bytes that holding the record costs, roughly: of key, value and headers, and ``HEADER`` more a header."""
        size = len(self.key or b"") + len(self.value or b"") + HEADER * len(self.headers)
        for name, value in self.headers:
            size += len(name) + len(value or b"")
        return size


class Stage(StrEnum):
    """In which step a record turned out to be invalid. Values are a contract: labels and headers."""

    DECODE = "decode"
    MAP = "map"
    VALIDATE = "validate"
    DELIVER = "deliver"


class Reason(StrEnum):
    """Why a record is invalid. A fixed list: values are labels of metrics and headers of dead letters."""

    # decode
    EMPTY_VALUE = "empty_value"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    NESTED_TOO_DEEP = "nested_too_deep"
    NUMBER_OUT_OF_RANGE = "number_out_of_range"
    NOT_A_LIST = "not_a_list"
    WRONG_COLUMNS = "wrong_columns"
    NOT_AVRO = "not_avro"
    NOT_PROTOBUF = "not_protobuf"
    NOT_FRAMED = "not_framed"
    UNKNOWN_SCHEMA = "unknown_schema"
    UNUSABLE_SCHEMA = "unusable_schema"
    NOT_OF_THE_SCHEMA = "not_of_the_schema"
    NOT_COMPRESSED = "not_compressed"
    UNPACKED_TOO_LARGE = "unpacked_too_large"
    NOT_AN_ENVELOPE = "not_an_envelope"
    INVALID_KEY = "invalid_key"
    # map
    UNMATCHED = "unmatched"
    MISSING_MEMBER = "missing_member"
    WRONG_TYPE = "wrong_type"
    EXPRESSION_FAILED = "expression_failed"
    TOO_COMPLEX = "too_complex"
    LOOKUP_FAILED = "lookup_failed"
    INVALID_TIME = "invalid_time"
    MISSING_LIST = "missing_list"
    # validate
    TOO_LONG = "too_long"
    EMPTY = "empty"
    IGNORED_LITERAL = "ignored_literal"
    RESERVED_PROPERTY = "reserved_property"
    INVALID_PROPERTIES = "invalid_properties"
    INVALID_VALUE = "invalid_value"
    TIME_OUT_OF_WINDOW = "time_out_of_window"
    EVENT_TOO_LARGE = "event_too_large"
    LATE = "late"
    # deliver
    REJECTED_BY_SERVICE = "rejected_by_service"


class Skip(StrEnum):
    """Why a record is skipped, beside the reasons that rules give with ``skip``. Values are labels of a metric."""

    TOMBSTONE = "tombstone"
    DELETE = "delete"
    NO_ROW = "no_row"
    NO_ELEMENTS = "no_elements"
    MISSING_LIST = "missing_list"
    LOOKUP = "lookup"
    MISSING_MEMBER = "missing_member"
    LATE = "late"


# What each means, for the reference.
SKIPS: Mapping[Skip, str] = {
    Skip.TOMBSTONE: "The record has no value, or its value is the JSON text `null`.",
    Skip.DELETE: "A change event of Debezium says that a row was deleted.",
    Skip.NO_ROW: "A change event of Debezium is about no row: a truncated table, a message of the database.",
    Skip.NO_ELEMENTS: "The list of `for_each` is empty.",
    Skip.MISSING_LIST: "The list of `for_each` is absent or null, and its `otherwise` is `skip`.",
    Skip.LOOKUP: "A lookup does not have the value, and its `otherwise` is `skip`.",
    Skip.MISSING_MEMBER: "A value is null or empty, and its `otherwise` is `skip`.",
    Skip.LATE: "The event is older than `max_age`, and `late` is `skip`.",
}

# (pipeline, rule) of each condition that could not be evaluated on a record, and so counted as false.
Failed = tuple[tuple[str, str], ...]


class DataError(Exception):
    """A value of a record does not fit where the mapping puts it; ``mapping`` turns it into a Rejection.

    ``of_key``: the record's key is what does not fit, whichever member asked for it.
    """

    def __init__(self, reason: Reason, message: str, *, of_key: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.of_key = of_key


class Rejection(NamedTuple):
    """A record (or some of its events) is invalid: it goes to the dead letters.

    ``message`` names the member and the rule, never a value of the record. ``field`` is the PutEvents member.
    ``indexes`` are the failing elements under ``for_each``; empty where the record makes one event.
    """

    stage: Stage
    reason: Reason
    message: str
    field: str | None = None
    pipeline: str | None = None
    rule: str | None = None
    indexes: tuple[Place, ...] = ()
    failed: Failed = ()


class Skipped(NamedTuple):
    """A record that makes no event on purpose; ``reason`` is ours or the configuration's."""

    reason: str
    rule: str | None = None
    pipeline: str | None = None
    failed: Failed = ()


class Filtered(NamedTuple):
    """No rule matched, and the pipeline says ``unmatched: skip``."""

    failed: Failed = ()


class Pending(NamedTuple):
    """The record cannot be decoded before a schema is fetched: it must wait, and so must its partition.

    ``schema`` names it for people, such as ``schema 7``.
    """

    schema: str
    pipeline: str


class Entry(NamedTuple):
    """One checked event, user, item or action, and the call it belongs in.

    ``target`` is the tracking id, or the ARN of the dataset. ``lane`` is what keeps its order: the session of an event
    or of an action interaction, the id of a user, an item or an action. ``user_id`` is whose all events of a call are;
    None before login, and for every other operation. ``body`` is the entry's JSON, serialised once; ``element`` is its
    place in the record's list under ``for_each``.
    """

    target: str
    lane: str
    user_id: str | None
    body: bytes
    element: Place | None = None
    operation: Operation = PUT_EVENTS


class Transformed(NamedTuple):
    """What one record made: entries in order, and a Rejection for those of its events that are invalid."""

    pipeline: str
    rule: str
    entries: tuple[Entry, ...]
    rejection: Rejection | None = None
    failed: Failed = ()


Fate = Transformed | Skipped | Filtered | Rejection
Transform = Callable[[Record, float], Fate | Pending]
