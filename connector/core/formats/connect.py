"""What Kafka Connect's JsonConverter writes with ``schemas.enable``: ``{"schema": …, "payload": …}``.

The payload becomes ``value``, typed by the schema; name and version of the schema are left as ``envelope``.
"""

from typing import Any

from connector.core.formats.connect_schema import Typed
from connector.core.formats.decoded import DecodingError, Document, Headers
from connector.core.records import Reason, Skip
from connector.core.words import type_word


class Connect:
    """Takes the envelope off."""

    def __init__(self) -> None:
        self._typed = Typed()

    def __call__(self, document: Any, headers: Headers) -> Document | Skip:
        """The payload, or a tombstone where it is null.

        Raises:
            DecodingError: this is no such envelope, or its schema cannot be used.
        """
        del headers  # Connect writes none that matter
        if not is_wrapped(document):
            message = (
                'expected {"schema": …, "payload": …}, as Kafka Connect writes it with schemas.enable, found '
                f"{_found(document)}: without that wrapper set value.envelope to none"
            )
            raise DecodingError(Reason.NOT_AN_ENVELOPE, message)
        schema = document["schema"]
        payload = self._typed(schema, document["payload"])
        return Skip.TOMBSTONE if payload is None else Document(payload, {"schema": _named(schema)})


def is_wrapped(document: Any) -> bool:
    """Whether the document has a schema beside its payload."""
    return type(document) is dict and "schema" in document and "payload" in document


def _found(document: Any) -> str:
    if type(document) is not dict:
        return type_word(document)
    missing = [name for name in ("schema", "payload") if name not in document]
    return f"an object without {' and '.join(missing)}"


def _named(schema: Any) -> dict[str, Any] | None:
    if type(schema) is not dict:
        return None
    return {name: schema[name] for name in ("name", "version") if schema.get(name) is not None}
