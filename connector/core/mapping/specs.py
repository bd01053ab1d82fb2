"""Data only: rules and field specs as the file has them, before they are compiled.

``mapping`` compiles it, ``config`` reads it out of YAML and gives every part a line and a column.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from connector.core.mapping.durations import Duration
from connector.core.operations import (
    PUT_ACTION_INTERACTIONS,
    PUT_ACTIONS,
    PUT_EVENTS,
    PUT_ITEMS,
    PUT_USERS,
    Operation,
)

type_name = type  # so that a model may have a field called ``type`` beside it


class Spec(BaseModel):
    """Strict base: an unknown key is an error, and a loaded spec does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Const(Spec):
    """``{const: View}``: the same value for every record."""

    const: Any


class Template(Spec):
    """``{template: "{{ value.id }}:{{ index }}"}``: text around expressions; null as soon as one part is."""

    template: str


class Arm(Spec):
    """``{when, then}`` of a case."""

    when: str
    then: "FieldSpec"


class Else(Spec):
    """The last arm of a case."""

    else_: "FieldSpec" = Field(alias="else")


class Case(Spec):
    """``{case: [{when, then}, ..., {else}]}``: the first arm whose ``when`` is true; null without one."""

    case: list["CaseArm"] = Field(min_length=1)


class From(Spec):
    """``{from: expr, ...}``: an expression and what is done to its result, in the order of the fields here."""

    source: str = Field(alias="from")
    lookup: dict[str, Any] | None = None
    otherwise: Literal["skip", "dead_letter"] | Const | None = None  # of the lookup or, without one, for null
    default: Any = None
    format: str | None = None
    timezone: str | None = None
    as_: Literal["string", "int", "float", "bool"] | None = Field(default=None, alias="as")


SPEC_KINDS = ("const", "template", "case", "from")  # the keys of which a field spec has exactly one
_KINDS = {**{kind: kind for kind in SPEC_KINDS}, "source": "from"}  # ``source`` is the model's own name for from


def _arm_kind(value: Any) -> str:
    return "else" if isinstance(value, Else) or (isinstance(value, dict) and "else" in value) else "when"


def _field_kind(value: Any) -> str | None:
    """Which spec a value is meant to be; chosen by key, so that an error speaks of one shape, not of five."""
    if isinstance(value, str):
        return "expression"
    keys = value if isinstance(value, dict) else type_name(value).model_fields if isinstance(value, Spec) else ()
    found = [_KINDS[key] for key in keys if key in _KINDS]
    return found[0] if len(found) == 1 else None


CaseArm = Annotated[
    Annotated[Arm, Tag("when")] | Annotated[Else, Tag("else")],
    Discriminator(_arm_kind),
]
FieldSpec = Annotated[
    Annotated[str, Tag("expression")]
    | Annotated[Const, Tag("const")]
    | Annotated[Template, Tag("template")]
    | Annotated[Case, Tag("case")]
    | Annotated[From, Tag("from")],
    Discriminator(
        _field_kind,
        custom_error_type="field_spec",
        custom_error_message="expected an expression (text), or a mapping with one of const, template, case, from",
    ),
]


class PutEventsSpec(Spec):
    """The members of one PutEvents event and of the call that carries it; names are the service's own.

    Under ``properties`` a mapping is always property name to field spec; text is an expression for an object.
    Under ``impression`` a list is one field spec an item; anything else is a field spec for the whole list.
    """

    trackingId: FieldSpec | None = None  # noqa: N815  the service's names
    sessionId: FieldSpec  # noqa: N815
    userId: FieldSpec | None = None  # noqa: N815
    eventType: FieldSpec  # noqa: N815
    eventId: FieldSpec | None = None  # noqa: N815
    eventValue: FieldSpec | None = None  # noqa: N815
    itemId: FieldSpec | None = None  # noqa: N815
    impression: list[FieldSpec] | FieldSpec | None = None
    properties: str | dict[str, FieldSpec] | None = None
    recommendationId: FieldSpec | None = None  # noqa: N815
    sentAt: FieldSpec | None = None  # noqa: N815
    eventAttributionSource: FieldSpec | None = None  # noqa: N815


class PutUsersSpec(Spec):
    """The members of one user, and the dataset that it goes to."""

    datasetArn: FieldSpec | None = None  # noqa: N815
    userId: FieldSpec  # noqa: N815
    properties: str | dict[str, FieldSpec] | None = None


class PutItemsSpec(Spec):
    """The members of one item, and the dataset that it goes to."""

    datasetArn: FieldSpec | None = None  # noqa: N815
    itemId: FieldSpec  # noqa: N815
    properties: str | dict[str, FieldSpec] | None = None


class PutActionsSpec(Spec):
    """The members of one action, and the dataset that it goes to."""

    datasetArn: FieldSpec | None = None  # noqa: N815
    actionId: FieldSpec  # noqa: N815
    properties: str | dict[str, FieldSpec] | None = None


class PutActionInteractionsSpec(Spec):
    """The members of one action interaction, and the event tracker that it goes to."""

    trackingId: FieldSpec | None = None  # noqa: N815
    actionId: FieldSpec  # noqa: N815
    sessionId: FieldSpec  # noqa: N815
    eventType: FieldSpec  # noqa: N815
    timestamp: FieldSpec | None = None
    userId: FieldSpec | None = None  # noqa: N815
    eventId: FieldSpec | None = None  # noqa: N815
    recommendationId: FieldSpec | None = None  # noqa: N815
    impression: list[FieldSpec] | FieldSpec | None = None
    properties: str | dict[str, FieldSpec] | None = None


PutSpec = PutEventsSpec | PutUsersSpec | PutItemsSpec | PutActionsSpec | PutActionInteractionsSpec
PUT_SPECS: Mapping[Operation, type[PutSpec]] = {
    PUT_EVENTS: PutEventsSpec,
    PUT_USERS: PutUsersSpec,
    PUT_ITEMS: PutItemsSpec,
    PUT_ACTIONS: PutActionsSpec,
    PUT_ACTION_INTERACTIONS: PutActionInteractionsSpec,
}
PUT_KEYS = tuple(operation.action for operation in PUT_SPECS)


class ForEach(Spec):
    """``{from: expr, otherwise: skip}``: the list of a ``for_each``, and what to do where it is absent or null."""

    source: str = Field(alias="from")
    otherwise: Literal["skip", "dead_letter"] = "dead_letter"


def _list_kind(value: Any) -> str | None:
    return "expression" if isinstance(value, str) else "from" if isinstance(value, dict | ForEach) else None


def _lists_kind(value: Any) -> str | None:
    return "list" if isinstance(value, list) else _list_kind(value)


ListSpec = Annotated[
    Annotated[str, Tag("expression")] | Annotated[ForEach, Tag("from")],
    Discriminator(
        _list_kind,
        custom_error_type="wrong_type",
        custom_error_message="expected an expression (text), or a mapping with from",
    ),
]
# Several are lists within lists: each after the first is a list in the ``item`` of the one before.
ElementsSpec = Annotated[
    Annotated[str, Tag("expression")]
    | Annotated[ForEach, Tag("from")]
    | Annotated[list[ListSpec], Field(min_length=1), Tag("list")],
    Discriminator(
        _lists_kind,
        custom_error_type="wrong_type",
        custom_error_message="expected an expression (text), a mapping with from, or a list of these",
    ),
]


class Rule(Spec):
    """One row of a pipeline: when it matches, what it makes of the record."""

    name: str = Field(min_length=1)
    when: str | None = None
    for_each: ElementsSpec | None = None
    put_events: PutEventsSpec | None = None
    put_users: PutUsersSpec | None = None
    put_items: PutItemsSpec | None = None
    put_actions: PutActionsSpec | None = None
    put_action_interactions: PutActionInteractionsSpec | None = None
    skip: str | None = None

    @property
    def operation(self) -> Operation | None:
        """What the rule makes entries of; None for one that skips."""
        return next((each for each in PUT_SPECS if getattr(self, each.action) is not None), None)

    @property
    def put(self) -> PutSpec | None:
        """The members of what the rule makes; None for one that skips."""
        operation = self.operation
        return None if operation is None else cast("PutSpec", getattr(self, operation.action))

    @model_validator(mode="after")
    def _one_action(self) -> "Rule":
        actions = [key for key in (*PUT_KEYS, "skip") if getattr(self, key) is not None]
        if len(actions) != 1:
            raise ValueError(f"expected exactly one action: {', '.join(PUT_KEYS)}, or skip with a reason")
        if self.skip is not None and self.for_each is not None:
            raise ValueError("for_each makes one event an element; a rule that skips takes the whole record")
        return self


class ValueFormat(Spec):
    """How a record's value is decoded."""

    format: Literal["json", "json_lines", "text", "delimited", "avro", "protobuf", "json_schema"] = "json"
    root: Literal["object", "array", "any"] | None = None
    columns: list[str] | None = None
    delimiter: str | None = None
    compression: Literal["none", "gzip", "zlib", "zstd"] = "none"
    envelope: Literal["none", "connect", "debezium", "cloudevents"] = "none"
    schema_file: str | None = None
    message: str | None = None
    validate_: bool = Field(default=False, alias="validate")


class KeyFormat(Spec):
    """How a record's key is decoded, where an expression asks for it."""

    format: Literal["string", "json", "bytes", "long", "int", "uuid", "avro", "protobuf", "json_schema"] = "string"
    schema_file: str | None = None
    message: str | None = None


class PipelineSpec(Spec):
    """Topics, how their records are decoded, and the rules that map them."""

    name: str = Field(min_length=1)
    topics: list[str] = Field(min_length=1)
    exclude: list[str] = Field(default_factory=list)
    max_age: Annotated[Duration, Field(gt=0)] | None = None  # seconds
    late: Literal["skip", "dead_letter"] | None = None  # skip
    value: ValueFormat = ValueFormat()
    key: KeyFormat = KeyFormat()
    unmatched: Literal["skip", "dead_letter"] = "skip"
    rules: list[Rule] = Field(min_length=1)
