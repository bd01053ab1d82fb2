"""How asking a registry for a schema can end. Every way of asking ends in one of these values, never in an exception.

The differences decide what becomes of records: a schema that is missing makes bad data, a registry that is away makes
records wait, and a refusal ends the process.
"""

from enum import StrEnum
from typing import NamedTuple, Protocol

from connector.core.sending.outcomes import Fatal


class Request(StrEnum):
    """How one request ended. Values are labels of a metric."""

    OK = "ok"
    NOT_FOUND = "not_found"
    DENIED = "denied"
    THROTTLED = "throttled"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    GARBAGE = "garbage"


class Part(NamedTuple):
    """A schema that another one refers to, by the name that it is referred to with."""

    name: str
    text: str


class Found(NamedTuple):
    """The schema. ``parts`` are those that it refers to, each after those that it refers to itself.

    ``kind`` is ``avro``, ``protobuf`` or ``json_schema``, or the registry's own word for any other. ``glue`` says that
    payloads were written by AWS Glue's clients, whose Protobuf begins otherwise than Confluent's.
    """

    kind: str
    text: str
    parts: tuple[Part, ...] = ()
    glue: bool = False


class Missing(NamedTuple):
    """The registry says that there is no such schema; ``what`` names it for people."""

    what: str


class Unusable(NamedTuple):
    """The registry has the schema, but nobody could use it; ``why`` is for people."""

    why: str


class Away(NamedTuple):
    """No answer, or none that a registry gives: ask again.

    ``detail`` says where and why; ``retry_after`` is how many seconds the registry asks to wait.
    """

    request: Request
    detail: str
    retry_after: float = 0.0

    @property
    def silent(self) -> bool:
        """Whether asking for another schema would end the same way."""
        return self.request in {Request.TIMEOUT, Request.CONNECTION, Request.THROTTLED}


Answer = Found | Missing | Unusable | Away | Fatal


class Origin(Protocol):
    """A registry. Its methods are called in one thread, apart from ``misfit``, which only looks at its argument."""

    def fetch(self, schema: int | str, kind: str) -> Answer:
        """Ask for a schema; ``schema`` and ``kind`` as in ``Schemas.reader``. Never raises."""

    def misfit(self, schema: int | str) -> str | None:
        """Why this registry cannot have a schema of such a name, in words; None where it can."""

    def rest(self) -> None:
        """Nothing is to be fetched for now: close what is open."""
