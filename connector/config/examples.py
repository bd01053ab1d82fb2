"""The ``tests`` of a file: records and what must become of each. ``putevents test`` runs them."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from connector.config.section import BlankList, Section
from connector.core.records import Reason

VALUES = ("value", "value_text", "value_base64", "file", "records")  # where a value may come from
KEYS = ("key", "key_text", "key_base64")
_OF_ONE_RECORD = (*KEYS, "headers", "headers_base64", "partition", "offset")

Whole = Annotated[int, Field(strict=True, ge=0)]
Text = Annotated[str, Field(min_length=1)]


class ExampleInput(Section):
    """A record, or several of a file, as a test gives them."""

    value: Any = None
    """The record's value as a document, encoded as the pipeline decodes; null for a record without one."""
    value_text: str | None = None
    """The record's value as it is on the topic, as text. None unless set."""
    value_base64: Text | None = None
    """The record's value as it is on the topic, in base64. None unless set."""
    file: Text | None = None
    """Path of a file, beside this one: each line is the value of a record. None unless set."""
    records: Text | None = None
    """Path of a file, beside this one: each line is a record, as `map --records` takes it. None unless set."""
    schema_file: Text | None = None
    """Path of the schema of the value, beside this one, in place of the schema registry. None unless set."""
    key_schema_file: Text | None = None
    """Path of the schema of the key, beside this one, in place of the schema registry. None unless set."""
    key: Any = None
    """The record's key: text, a number for long and int, or a document where the pipeline's key format is json."""
    key_text: str | None = None
    """The record's key as it is on the topic, as text. None unless set."""
    key_base64: Text | None = None
    """The record's key as it is on the topic, in base64. None unless set."""
    headers: dict[str, str | None] = Field(default_factory=dict)
    """The record's headers, name to text."""
    headers_base64: dict[str, str] = Field(default_factory=dict)
    """Further headers, name to base64."""
    topic: str | None = None
    """Topic of the record; unless set, the pipeline's first."""
    partition: Whole = 0
    """Partition of the record, 0 or more."""
    offset: Whole = 0
    """Offset of the record, 0 or more; that of the first line of a `file`."""
    timestamp: Annotated[int, Field(strict=True)] | None = None
    """The record's timestamp in milliseconds since 1970; none unless set."""

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        for names in (VALUES, KEYS):
            given = [name for name in names if name in self.model_fields_set]
            if len(given) > 1:
                _refuse(f"expected one of {', '.join(names)}", f"keep {given[0]} or {given[1]}")
        extra = [name for name in _OF_ONE_RECORD if name in self.model_fields_set]
        if self.records is not None and extra:
            _refuse(f"expected no {extra[0]} beside records", "each line of the file has its own")
        return self


class SkippedOutput(Section):
    """A rule skips the record on purpose."""

    skipped: str
    """The reason that the rule gives. Required."""


class FilteredOutput(Section):
    """No rule matches the record."""

    filtered: Literal[True]
    """Always true. Required."""


Events = list[dict[str, Any]]


class RejectedOutput(Section):
    """The record goes to the dead letters."""

    rejected: Reason
    """The reason, as dead letters and metrics name it. Required."""
    member: Text | None = None
    """The member that is invalid; any unless set."""
    events: Events | None = None
    """Events of the same record that are valid, of a `for_each` or a batch; none unless set."""


_OUTPUTS = ("skipped", "filtered", "rejected")


def _output_kind(value: Any) -> str | None:
    if isinstance(value, list):
        return "events"
    keys = value if isinstance(value, dict) else getattr(type(value), "model_fields", ())
    return next((kind for kind in _OUTPUTS if kind in keys), None)


ExampleOutput = Annotated[
    Annotated[Events, Tag("events")]
    | Annotated[SkippedOutput, Tag("skipped")]
    | Annotated[FilteredOutput, Tag("filtered")]
    | Annotated[RejectedOutput, Tag("rejected")],
    Discriminator(
        _output_kind,
        custom_error_type="output",
        custom_error_message="expected a list of events, or one of skipped, filtered, rejected",
    ),
]


class Example(Section):
    """A record and its expected result; `putevents test` runs it."""

    name: Text
    """What the test shows, in a few words. Required."""
    pipeline: Text
    """Name of the pipeline that maps the record. Required."""
    rule: Text | None = None
    """Name of the rule that must decide; any unless set."""
    now: Annotated[int, Field(strict=True)] | None = None
    """The clock, in milliseconds since 1970; unless set, the latest time that the test names."""
    input: ExampleInput
    """The record. Required."""
    output: ExampleOutput | None = None
    """Each event's members in order (`contains: {...}` for some of them), or {skipped: reason}, {filtered: true}, \
{rejected: reason}. Required, or `outputs`."""
    outputs: list[ExampleOutput] | None = None
    """With `file` or `records`: the output of each line, in order. None unless set."""

    @model_validator(mode="after")
    def _one_output(self) -> Self:
        several = self.input.file is not None or self.input.records is not None
        wanted, other = ("outputs", "output") if several else ("output", "outputs")
        if getattr(self, other) is not None:
            _refuse(f"expected {wanted} in place of {other}", "outputs is for the lines of file or records")
        if getattr(self, wanted) is None:
            what = "the output of each line" if several else "what becomes of the record"
            raise PydanticCustomError("missing_key", f"expected the key {wanted}: {what}")
        return self

    @property
    def expected(self) -> list[Any]:
        """The output of each record."""
        return [self.output] if self.outputs is None else self.outputs


class ExampleFile(Section):
    """A file of tests beside a configuration."""

    version: Literal[1] = 1
    """Version of this configuration language."""
    tests: Annotated[list[Example], BlankList]
    """Records with their expected events. Required."""


def _refuse(message: str, hint: str) -> None:
    raise PydanticCustomError("inconsistent", message, {"hint": hint})
