"""The kinds of scalar that settings are made of, each of which may be a reference.

Strict: ``"8080"`` in quotes is no number and ``yes`` is no boolean. What comes out of an environment variable
is text, so it is read as YAML would read it where a number or a boolean is expected.
"""

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PlainValidator, SecretStr
from pydantic_core import PydanticCustomError

from connector.config.durations import Duration
from connector.config.masking import MASK
from connector.config.references import Reference
from connector.config.yaml_scalars import scalar

PropertyValue = str | int | float | bool

_URL = "expected a URL that starts with http:// or https:// and names a host"
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


def is_topic(name: str) -> bool:
    """Whether Kafka allows a topic of this name."""
    return bool(_TOPIC.fullmatch(name)) and name not in (".", "..")


def _topic(name: str) -> str:
    if not is_topic(name):
        raise PydanticCustomError("bad_topic", "expected a topic name: at most 249 of the characters a-z A-Z 0-9 . _ -")
    return name


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise PydanticCustomError("bad_url", _URL) from None
    if not valid or re.search(r"\s", text):
        raise PydanticCustomError("bad_url", _URL)
    if "@" in parts.netloc:
        raise PydanticCustomError("bad_url", "expected a URL without a user and a password in it")
    return text


def _servers(value: Any) -> Any:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _server(address: str) -> str:
    if not re.fullmatch(r"[^\s,@]+", address):
        raise PydanticCustomError("bad_server", "expected an address such as broker-1:9092")
    return address


def _property(value: Any) -> Any:
    if not isinstance(value, PropertyValue):
        raise PydanticCustomError("property_type", "expected text, a number, or true or false")
    return value


_NotEmpty = Field(min_length=1)
Text = Annotated[str, _NotEmpty, Reference()]
OptionalText = Annotated[Annotated[str, _NotEmpty] | None, Reference()]
OptionalUrl = Annotated[Annotated[str, AfterValidator(_url)] | None, Reference()]
Url = Annotated[str, AfterValidator(_url), Reference()]
_Masked = Annotated[SecretStr, _NotEmpty, PlainSerializer(lambda _: MASK, return_type=str)]
Secret = Annotated[_Masked, Reference()]
OptionalSecret = Annotated[_Masked | None, Reference()]
TrackingId = Annotated[Annotated[str, Field(min_length=1, max_length=256)] | None, Reference()]
TopicName = Annotated[str, AfterValidator(_topic), Reference()]
Flag = Annotated[bool, Field(strict=True), Reference(scalar)]
OptionalFlag = Annotated[Annotated[bool, Field(strict=True)] | None, Reference(scalar)]

Port = Annotated[int, Field(strict=True, ge=0, le=65535), Reference(scalar)]
Count = Annotated[int, Field(strict=True, ge=1), Reference(scalar)]
Calls = Annotated[int, Field(strict=True, ge=1, le=1000), Reference(scalar)]
Buffer = Annotated[int, Field(strict=True, ge=10), Reference(scalar)]
Rate = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False), Reference(scalar)]

Wait = Annotated[Duration, Field(ge=0), Reference()]
Period = Annotated[Duration, Field(gt=0), Reference()]

_Address = Annotated[str, AfterValidator(_server), Reference()]
Servers = Annotated[
    list[_Address],
    _NotEmpty,
    BeforeValidator(_servers, json_schema_input_type=list[_Address] | str),
    Reference(),
]
Property = Annotated[PropertyValue, PlainValidator(_property, json_schema_input_type=PropertyValue), Reference()]
