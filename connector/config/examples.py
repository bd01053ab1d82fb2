"""The ``tests`` of the file: a record and its expected result."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from connector.config.section import Section
from connector.core.records import Reason


class ExampleInput(Section):
    """A record, as an example gives it."""

    value: Any = None
    """The record's value as a document; null for a record without one."""
    key: Any = None
    """The record's key: text, or a document where the pipeline's key format is json."""
    headers: dict[str, str | None] = Field(default_factory=dict)
    """The record's headers, name to text."""
    topic: str | None = None
    """Topic of the record; unless set, the pipeline's first."""
    partition: Annotated[int, Field(strict=True, ge=0)] = 0
    """Partition of the record, 0 or more."""
    offset: Annotated[int, Field(strict=True, ge=0)] = 0
    """Offset of the record, 0 or more."""
    timestamp: Annotated[int, Field(strict=True)] | None = None
    """The record's timestamp in milliseconds since 1970; none unless set."""


class SkippedOutput(Section):
    """A rule skips the record on purpose."""

    skipped: str
    """The reason that the rule gives. Required."""


class FilteredOutput(Section):
    """No rule matches the record."""

    filtered: Literal[True]
    """Always true. Required."""


class RejectedOutput(Section):
    """The record goes to the dead letters."""

    rejected: Reason
    """The reason, as dead letters and metrics name it. Required."""


_OUTPUTS = ("skipped", "filtered", "rejected")


def _output_kind(value: Any) -> str | None:
    if isinstance(value, list):
        return "events"
    keys = value if isinstance(value, dict) else getattr(type(value), "model_fields", ())
    return next((kind for kind in _OUTPUTS if kind in keys), None)


ExampleOutput = Annotated[
    Annotated[list[dict[str, Any]], Tag("events")]
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
    """A record and its expected result. Only its form is checked; `putevents map` shows the result of a record."""

    name: Annotated[str, Field(min_length=1)]
    """What the test shows, in a few words. Required."""
    pipeline: Annotated[str, Field(min_length=1)]
    """Name of the pipeline that maps the record. Required."""
    input: ExampleInput
    """The record. Required."""
    output: ExampleOutput
    """Each event's members in order, or {skipped: reason}, {filtered: true}, {rejected: reason}. Required."""
