"""Change events of Debezium: the row after the change becomes ``value``, what is around it ``envelope``.

They come bare, or in Kafka Connect's ``{"schema": …, "payload": …}``, whose schema says what decimals and times are.
"""

from collections.abc import Mapping
from typing import Any

from connector.core.formats.connect import is_wrapped
from connector.core.formats.connect_schema import Typed
from connector.core.formats.decoded import DecodingError, Document, Headers
from connector.core.formats.plain import decode_json
from connector.core.records import Reason, Skip
from connector.core.words import type_word

_ROW = frozenset({"c", "u", "r"})  # created, updated, read by a snapshot
# Truncated, a message of the database (Postgres: pg_logical_emit_message), a delete.
_SKIPPED: Mapping[Any, Skip] = {"d": Skip.DELETE, "t": Skip.NO_ROW, "m": Skip.NO_ROW}
# Members that tell what else Debezium writes, beside changes: heartbeats, the ends of transactions, changes of tables.
_NO_ROW = (frozenset({"ts_ms"}), frozenset({"status", "id", "event_count", "data_collections"}), frozenset({"ddl"}))


class Debezium:
    """Takes the envelope off."""

    def __init__(self) -> None:
        self._typed = Typed()

    def __call__(self, document: Any, headers: Headers) -> Document | Skip:
        """The row, or why there is none.

        Raises:
            DecodingError: this is no change event, or its schema cannot be used.
        """
        del headers  # Debezium writes none that matter
        event = self._event(document)
        if event is None:
            return Skip.TOMBSTONE
        if type(event) is not dict or "op" not in event:
            return _other(event, document)
        op = event["op"]
        if type(op) is str and op in _ROW:
            return _row(event)
        skipped = _SKIPPED.get(op) if type(op) is str else None
        if skipped is None:
            message = "op: expected c, u, r, d, t or m, as Debezium writes it, found something else"
            raise DecodingError(Reason.NOT_AN_ENVELOPE, message)
        return skipped

    def _event(self, document: Any) -> Any:
        if is_wrapped(document):
            return self._typed(document["schema"], document["payload"])
        if type(document) is dict and "op" not in document and "payload" in document:
            return document["payload"]
        return document


def _row(event: dict[str, Any]) -> Document:
    envelope = {name: _opened(part) if name == "before" else part for name, part in event.items() if name != "after"}
    after = _opened(event.get("after"))
    if type(after) is not dict:
        message = f"after: expected the row, an object, found {type_word(after)}"
        if after is None:
            message += ": MongoDB's updates have it with capture.mode change_streams_update_full"
        raise DecodingError(Reason.NOT_AN_ENVELOPE, message)
    return Document(after, envelope)


def _opened(row: Any) -> Any:
    """A row; MongoDB's connector writes its documents as JSON in text."""
    if type(row) is not str:
        return row
    try:
        return decode_json(row.encode())
    except DecodingError as error:
        raise DecodingError(error.reason, f"after or before, as text: {error.message}") from None


def _other(event: Any, document: Any) -> Skip:
    names = set(event) if type(event) is dict else set()
    if names and (names == _NO_ROW[0] or any(kind <= names for kind in _NO_ROW[1:])):
        return Skip.NO_ROW
    without = "connect" if is_wrapped(document) else "none"
    if any(name.startswith("__") for name in names):
        found, advice = "a row that is unwrapped already (ExtractNewRecordState)", f"set value.envelope to {without}"
    else:
        found = "an object without op" if type(event) is dict else type_word(event)
        advice = f"where a topic holds bare rows, set value.envelope to {without}"
    message = f"expected a change event of Debezium, with op, before and after, found {found}: {advice}"
    raise DecodingError(Reason.NOT_AN_ENVELOPE, message)
