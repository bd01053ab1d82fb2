"""What decoding bytes ends in: a document, a DecodingError, or the wait for a schema that is not here yet."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from connector.core.records import Reason, Record

Decode = Callable[[bytes], Any]  # raises DecodingError and SchemaPending, and nothing else
Headers = tuple[tuple[str, bytes | None], ...]  # as in a Record


class Document(NamedTuple):
    """What rules see of a record: ``value``, and the fields of the envelope that it was in."""

    value: Any
    envelope: dict[str, Any] | None = None


class DecodingError(ValueError):
    """Bytes cannot be decoded; carries the reason, and a message without the bytes."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class SchemaPending(Exception):
    """The schema of a record is being fetched: the record must wait, and so must those after it in its partition.

    ``schema`` names it for people, such as ``schema 7``.
    """

    def __init__(self, schema: str) -> None:
        super().__init__(schema)
        self.schema = schema


class SchemaError(ValueError):
    """A schema that cannot be used: invalid, of another kind, or unsafe. The message is for people."""


class Undecodable(NamedTuple):
    """Stands for a key that cannot be decoded. That is a mistake only once an expression reads the key."""

    reason: Reason
    message: str


class UnreadKey:
    """Stands for a key until an expression asks for it: most records match a rule that does not.

    ``read`` gives the key, None where there is none, or Undecodable. Where it raises SchemaPending it is asked again.
    """

    __slots__ = ("_found", "_read", "_record")

    def __init__(self, read: Callable[[Record], Any], record: Record) -> None:
        self._read = read
        self._record: Record | None = record
        self._found: Any = None

    def decoded(self) -> Any:
        """The key, decoded at most once."""
        if self._record is not None:
            self._found = self._read(self._record)
            self._record = None
        return self._found


class Schemas(Protocol):
    """Where a frame's schema comes from. Never waits: it is asked in the loop's thread."""

    def reader(self, schema: int | str, kind: str) -> Decode:
        """The decoder of payloads that were written with this schema.

        Args:
            schema: Confluent's id, or the version's UUID as text for AWS Glue.
            kind: ``avro``, ``protobuf`` or ``json_schema``, as the file says.

        Raises:
            SchemaPending: it is not here yet; asking has started a fetch.
            DecodingError: the registry has confirmed that there is no such schema, or it cannot be used.
        """
