"""The kinds of scalar that settings are made of, each of which may be a reference.

Strict: ``"8080"`` in quotes is no number and ``yes`` is no boolean. What comes out of an environment variable
is text, so it is read as YAML would read it where a number or a boolean is expected.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    SecretStr,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from connector.config import addresses
from connector.config.masking import MASK
from connector.config.references import Reference
from connector.config.yaml_scalars import scalar
from connector.core.mapping.constants import check_constant
from connector.core.mapping.durations import Duration
from connector.core.mapping.targets import check_target
from connector.core.operations import PUT_ACTIONS, PUT_ITEMS, PUT_USERS, Operation

PropertyValue = str | int | float | bool

_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,576}")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


def is_topic(name: str) -> bool:
    """Whether Kafka allows a topic of this name."""
    return bool(_TOPIC.fullmatch(name)) and name not in (".", "..")


def _topic(name: str) -> str:
    if not is_topic(name):
        raise PydanticCustomError("bad_topic", "expected a topic name: at most 249 of the characters a-z A-Z 0-9 . _ -")
    return name


def _address(read: Callable[[str], str], code: str) -> Callable[[str], str]:
    """A function of ``addresses`` as a validator."""

    def validate(text: str) -> str:
        try:
            return read(text)
        except addresses.AddressError as error:
            raise PydanticCustomError(code, f"{error}", {"hint": error.hint}) from None

    return validate


def _servers(value: Any) -> Any:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _not_blank(text: str) -> str:
    if text.isspace():
        raise PydanticCustomError("bad_text", "expected text, not only white space")
    if not text.isprintable():
        raise PydanticCustomError("bad_text", "expected text without line breaks and other control characters")
    return text


def _tracking_id(text: str) -> str:
    problem = check_constant("trackingId", text)
    if problem is not None:
        raise PydanticCustomError("bad_tracking_id", problem.message.removeprefix("trackingId: "))
    return text


def _dataset(operation: Operation) -> Callable[[str], str]:
    def checked(text: str) -> str:
        problem = check_target(operation, text)
        if problem is not None:
            raise PydanticCustomError("bad_arn", problem.message.removeprefix("datasetArn: "))
        return text

    return checked


def _role_arn(text: str) -> str:
    if not _ROLE_ARN.fullmatch(text):
        message = "expected the ARN of a role, such as arn:aws:iam::123456789012:role/name"
        raise PydanticCustomError("bad_arn", message)
    return text


def _session_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_+=,.@-]{2,64}", text):
        raise PydanticCustomError("bad_name", "expected a name of 2 to 64 of the characters a-z A-Z 0-9 _ + = , . @ -")
    return text


def _property(value: Any) -> Any:
    if not isinstance(value, PropertyValue):
        raise PydanticCustomError("property_type", "expected text, a number, or true or false")
    return value


def _share(value: Any, info: ValidationInfo) -> float:
    """A part of a whole, from ``90%``. A bare number is refused: 0.9 and 90 would both be read as the same."""
    if info.context is None and isinstance(value, float):
        return value  # a model that is built in code
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?\s?%", value):
        message = "expected a share such as 90%"
        raise PydanticCustomError("bad_share", message, {"hint": "write it as a number and %, such as 90%"})
    share = float(value.rstrip("% ")) / 100
    if not 0 < share <= 1:
        raise PydanticCustomError("out_of_range", "expected a share above 0% and up to 100%")
    return share


_NotEmpty = Field(min_length=1)
_Text = Annotated[str, _NotEmpty, AfterValidator(_not_blank)]
Text = Annotated[_Text, Reference()]
OptionalText = Annotated[_Text | None, Reference()]
RoleArn = Annotated[_Text, AfterValidator(_role_arn), Reference()]
OptionalRoleArn = Annotated[Annotated[_Text, AfterValidator(_role_arn)] | None, Reference()]
SessionName = Annotated[_Text, AfterValidator(_session_name), Reference()]
Endpoint = Annotated[Annotated[str, AfterValidator(_address(addresses.endpoint, "bad_url"))] | None, Reference()]
Url = Annotated[str, AfterValidator(_address(addresses.url, "bad_url")), Reference()]
_RegistryUrl = Annotated[str, AfterValidator(_address(addresses.registry, "bad_url")), Reference()]
RegistryUrls = Annotated[
    list[_RegistryUrl],
    _NotEmpty,
    BeforeValidator(_servers, json_schema_input_type=list[_RegistryUrl] | str),
    Reference(),
]
Listener = Annotated[str, _NotEmpty, AfterValidator(_address(addresses.listener, "bad_address")), Reference()]
_Masked = Annotated[SecretStr, _NotEmpty, PlainSerializer(lambda _: MASK, return_type=str)]
Secret = Annotated[_Masked, Reference()]
OptionalSecret = Annotated[_Masked | None, Reference()]
TrackingId = Annotated[
    Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_tracking_id)] | None, Reference()
]
UsersDataset = Annotated[Annotated[str, _NotEmpty, AfterValidator(_dataset(PUT_USERS))] | None, Reference()]
ItemsDataset = Annotated[Annotated[str, _NotEmpty, AfterValidator(_dataset(PUT_ITEMS))] | None, Reference()]
ActionsDataset = Annotated[Annotated[str, _NotEmpty, AfterValidator(_dataset(PUT_ACTIONS))] | None, Reference()]
TopicName = Annotated[str, AfterValidator(_topic), Reference()]
Flag = Annotated[bool, Field(strict=True), Reference(scalar)]
OptionalFlag = Annotated[Annotated[bool, Field(strict=True)] | None, Reference(scalar)]

_SHARE: dict[str, Any] = {"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,3})?\s?%$", "examples": ["90%"]}
Share = Annotated[
    float,
    BeforeValidator(_share),
    PlainSerializer(lambda share: f"{share * 100:g}%", return_type=str),
    WithJsonSchema(_SHARE),
    Reference(),
]

Port = Annotated[int, Field(strict=True, ge=0, le=65535), Reference(scalar)]
Count = Annotated[int, Field(strict=True, ge=1), Reference(scalar)]
SenderThread = Annotated[int, Field(strict=True, ge=1, le=1000), Reference(scalar)]
Buffer = Annotated[int, Field(strict=True, ge=10), Reference(scalar)]
Rate = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False), Reference(scalar)]

Window = Annotated[int, Field(strict=True, ge=10, le=100_000), Reference(scalar)]

Wait = Annotated[Duration, Field(ge=0), Reference()]
Period = Annotated[Duration, Field(gt=0), Reference()]

_Address = Annotated[str, AfterValidator(_address(addresses.server, "bad_server")), Reference()]
Servers = Annotated[
    list[_Address],
    _NotEmpty,
    BeforeValidator(_servers, json_schema_input_type=list[_Address] | str),
    Reference(),
]
Property = Annotated[
    PropertyValue, PlainValidator(_property, json_schema_input_type=PropertyValue), Reference(empty=True)
]
