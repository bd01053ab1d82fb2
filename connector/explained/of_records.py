"""Why records go to the dead letters, and why they are skipped."""

from collections.abc import Mapping

from connector.core.records import SKIPS, Reason, Skip
from connector.explained.page import Page

_JSON = "formats/json.md"
_MEMBERS = "mapping.md#members"
_WHEN = "mapping.md#when-an-event-is-invalid"

# Reason to what it means, what to do, and where to read on.
_REASONS: Mapping[Reason, tuple[str, str, str]] = {
    Reason.EMPTY_VALUE: (
        "The value has no bytes. A record without a value, a tombstone, is skipped instead.",
        "Ask the producer; nothing in the mapping can help.",
        _JSON,
    ),
    Reason.NOT_UTF8: (
        "The value is not UTF-8 text.",
        "The message names the format where it can be told; set `value.format` or `value.compression`.",
        "formats/README.md",
    ),
    Reason.NOT_JSON: (
        "The value is not JSON: another format, text that is cut off, or NaN.",
        "The message names the format where it can be told; set `value.format`, or correct the producer.",
        _JSON,
    ),
    Reason.NOT_AN_OBJECT: (
        "The value is JSON, but not an object.",
        "For a list set `value.root: array`, and write rules with `for_each: value`.",
        "formats/json.md#a-list-or-something-else-than-an-object",
    ),
    Reason.NESTED_TOO_DEEP: (
        "The document nests deeper than the decoder goes.",
        "Such a record is made by mistake or by an attacker; look at it before you map it.",
        _JSON,
    ),
    Reason.NUMBER_OUT_OF_RANGE: (
        "A number is beyond what 64 bits hold.",
        "It is most often an id, which should be text in the producer.",
        _JSON,
    ),
    Reason.NOT_A_LIST: (
        "`value.root` is array, and the value is something else.",
        "Remove `root`, or set it to any.",
        "formats/json.md#a-list-or-something-else-than-an-object",
    ),
    Reason.WRONG_COLUMNS: (
        "A row has more columns than `value.columns` names, or a quotation mark is not closed.",
        "Compare `columns` and `delimiter` with a record of the topic.",
        "formats/text-and-delimited.md",
    ),
    Reason.NOT_AVRO: (
        "The bytes are not a value of the Avro schema.",
        "The schema that wrote them was another one: check schema_file, or the subject in the registry.",
        "formats/avro.md#what-can-go-wrong",
    ),
    Reason.NOT_PROTOBUF: (
        "The bytes are not a message of the Protobuf type.",
        "Check `message` and schema_file, or whether the records have a registry's frame.",
        "formats/protobuf.md#what-can-go-wrong",
    ),
    Reason.NOT_FRAMED: (
        "The value does not begin with a schema registry's frame.",
        "The producer writes without the registry: name the schema with schema_file, or correct its serializer.",
        "formats/registry.md",
    ),
    Reason.UNKNOWN_SCHEMA: (
        "The registry has confirmed that it has no schema of the id in the record.",
        "The record was written with another registry, or the schema was deleted.",
        "formats/registry.md",
    ),
    Reason.UNUSABLE_SCHEMA: (
        "The schema of the record cannot be used: invalid, of another kind, or not safe to decode with.",
        "The message says why; compare with `value.format`.",
        "formats/registry.md",
    ),
    Reason.NOT_OF_THE_SCHEMA: (
        "The value breaks its JSON Schema, and `validate: true` asks for that.",
        "The message has the keyword and the path; correct the producer or the schema.",
        "formats/json-schema.md#what-can-go-wrong",
    ),
    Reason.NOT_COMPRESSED: (
        "The value is not packed by what `value.compression` says.",
        "What Kafka itself compresses needs no setting: remove `compression`.",
        "formats/compression.md#what-can-go-wrong",
    ),
    Reason.UNPACKED_TOO_LARGE: (
        "The value is larger than a mebibyte when it is unpacked.",
        "Use the producer's own compression.type instead, which does not change what a record holds.",
        "formats/compression.md#what-can-go-wrong",
    ),
    Reason.NOT_AN_ENVELOPE: (
        "The value does not have the form of its `value.envelope`.",
        "Remove `envelope`, or send other records to another topic.",
        "formats/README.md",
    ),
    Reason.INVALID_KEY: (
        "The record's key cannot be read as `key.format` says, and a rule asks for it.",
        "Set `key.format`; keys of numbers are long or int.",
        "pipelines[].key",
    ),
    Reason.UNMATCHED: (
        "No rule matches the record, and the pipeline says `unmatched: dead_letter`.",
        "Add a rule, or set `unmatched: skip`.",
        "mapping.md",
    ),
    Reason.MISSING_MEMBER: (
        "A required member is null or empty: sessionId, eventType, sentAt, or one with `otherwise: dead_letter`.",
        "Write not_null(value.a, value.b), with timestamp last for the time; see `putevents map FILE --explain`.",
        _MEMBERS,
    ),
    Reason.WRONG_TYPE: (
        "An expression gives another type than the member takes, such as an object for an id.",
        "Write a longer path; for a list its first element (`| [0]`), or `for_each`.",
        _MEMBERS,
    ),
    Reason.EXPRESSION_FAILED: (
        "A function got an argument of a type that it does not take.",
        "See which with `putevents map FILE --explain`, and guard it, as in not_null(value.name, '').",
        "mapping.md#expressions",
    ),
    Reason.TOO_COMPLEX: (
        "The mapping would go through the record's lists or texts too often.",
        "Write fewer expressions over long lists, or send smaller records.",
        _WHEN,
    ),
    Reason.LOOKUP_FAILED: (
        "A lookup does not have the value, and its `otherwise` is dead_letter.",
        "Add the value to the table, or set `otherwise: skip`.",
        "a field spec with from",
    ),
    Reason.INVALID_TIME: (
        "The time is not in the format that is expected: ISO 8601 or a number, unless `format` is set.",
        "Set `format`, and `timezone` where the text has none.",
        "a field spec with from",
    ),
    Reason.MISSING_LIST: (
        "The list of `for_each` is absent or null.",
        "Correct its expression, or write for_each: {from: EXPRESSION, otherwise: skip}.",
        "pipelines[].rules[].for_each",
    ),
    Reason.TOO_LONG: (
        "A value is longer than the service allows, or a list has more elements than a record may make events.",
        "Shorten it by an expression, as in substring(value.name, `0`, `256`), or leave it out.",
        _MEMBERS,
    ),
    Reason.EMPTY: (
        "A value is blank where the service needs a character.",
        "Map it by trim(), so that blanks become empty and count as null.",
        _MEMBERS,
    ),
    Reason.IGNORED_LITERAL: (
        "An id or an event type is the text null, undefined, NaN or None, which the service accepts and ignores.",
        "Correct the producer, or leave it out by a case whose condition is value.item != 'null'.",
        _MEMBERS,
    ),
    Reason.RESERVED_PROPERTY: (
        "A property has the name of one of the service's own members.",
        "Name the properties one by one, and leave that one out.",
        _MEMBERS,
    ),
    Reason.INVALID_PROPERTIES: (
        "The properties are not an object of plain values that JSON can hold.",
        "Name the properties one by one.",
        _MEMBERS,
    ),
    Reason.INVALID_VALUE: (
        "A value is of the right type and not possible, such as text that is no number, or an id with a line break.",
        "The message names the member and what it takes.",
        _MEMBERS,
    ),
    Reason.TIME_OUT_OF_WINDOW: (
        "sentAt is before 2000, or more than a day ahead.",
        "Most often seconds are taken for milliseconds or the reverse: set `format: epoch_ms`, or epoch_s.",
        "a field spec with from",
    ),
    Reason.EVENT_TOO_LARGE: (
        "The event is larger than 10 kB.",
        "Leave out properties.",
        _MEMBERS,
    ),
    Reason.LATE: (
        "The event happened longer ago than `max_age`, and the pipeline says `late: dead_letter`.",
        "Nothing, if it came late; to replay it, raise `max_age` for the replay.",
        "pipelines[]",
    ),
    Reason.REJECTED_BY_SERVICE: (
        "Amazon Personalize refused the event by itself, after it was sent alone.",
        "Compare its properties with the schema of the interactions dataset: unknown, missing, or of another type.",
        "runbooks.md#puteventsrejected",
    ),
}

_SKIPS_DO: Mapping[Skip, str] = {
    Skip.TOMBSTONE: "Nothing: compacted topics have them.",
    Skip.DELETE: "Nothing: PutEvents cannot delete.",
    Skip.NO_ROW: "Nothing.",
    Skip.NO_ELEMENTS: "Nothing, unless every record is skipped: then look at the expression of `for_each`.",
    Skip.MISSING_LIST: "Nothing, unless every record is skipped: then the expression of `for_each` has a wrong name.",
    Skip.LOOKUP: "Add the value to the lookup if it should become an event.",
    Skip.MISSING_MEMBER: "Nothing; with `otherwise: dead_letter` such a record would be reported.",
    Skip.LATE: "Nothing, if it came late. Unless every record is: then a clock or a time zone is wrong.",
}

PAGES = (
    *(Page(reason, "reason", means, do, see=see) for reason, (means, do, see) in _REASONS.items()),
    *(Page(skip, "skip", SKIPS[skip], do, see="reference/reasons.md") for skip, do in _SKIPS_DO.items()),
)
