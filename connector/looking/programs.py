"""A record and what becomes of it as one JSON object; values are masked unless they are asked for."""

import base64
from typing import Any

from connector.core.records import Record
from connector.dry_run import shown_fate
from connector.given_records import Json
from connector.looking.masking import masked, masked_name, masked_tree
from connector.looking.tapping import Tapped
from connector.showing.calls import around, entries_of, operation_of


class AsJson:
    """Makes the objects.

    Args:
        values: whether values are shown.
        types: event types that the file names, which are shown in any case.
    """

    def __init__(self, *, values: bool, types: frozenset[str] = frozenset()) -> None:
        self._values = values
        self._types = types

    def __call__(self, tapped: Tapped) -> Json:
        """Where the record lies, what is in it, and what `putevents map` says of it."""
        result = shown_fate(tapped.fate)
        if "calls" in result and not self._values:
            result["calls"] = [self._masked_call(call) for call in result["calls"]]
        result.setdefault("pipeline", tapped.pipeline)
        return {**self._record(tapped.record, tapped.documents), **result}

    def _record(self, record: Record, documents: tuple[Any, ...]) -> Json:
        found: Json = {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "timestamp": record.timestamp,
        }
        if self._values:
            headers = {name: _text(value) for name, value in record.headers}
            return {**found, "key": _text(record.key), "value": _whole(record.value, documents), "headers": headers}
        headers = {masked_name(name): masked(value) for name, value in record.headers}
        value = [masked_tree(each) for each in documents] or [masked(record.value)]
        shown = value[0] if len(value) == 1 else value
        return {
            **found,
            "key": masked(record.key),
            "value": None if record.value is None else shown,
            "headers": headers,
        }

    def _masked_call(self, call: Json) -> Json:
        operation, given = operation_of(call), entries_of(call)
        entries = [{name: self.member(name, value) for name, value in each.items()} for each in given]
        named = {"operation": call["operation"]} if "operation" in call else {}
        return {**named, **{name: masked(value) for name, value in around(call).items()}, operation.entries: entries}

    def member(self, name: str, value: Any) -> Any:
        """The value of an event's member, masked where it may be of a person."""
        if self._values or (name == "eventType" and value in self._types):
            return value
        return masked_tree(value)


def _whole(value: bytes | None, documents: tuple[Any, ...]) -> Any:
    """The document where there is one, else the bytes, as text if they are text."""
    if len(documents) == 1:
        return documents[0]
    return list(documents) if documents else _text(value)


def _text(value: bytes | None) -> Any:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}
