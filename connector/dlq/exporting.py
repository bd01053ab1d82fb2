"""A letter as a line for ``map --records``: the record as it was, to the byte, in its first place."""

import base64
from typing import Any

import orjson

from connector.core.records import Record

Headers = tuple[tuple[str, bytes | None], ...]


def line_of(record: Record) -> bytes:
    """One JSON object, which ``given_records.record_of`` reads as the same record again."""
    members: dict[str, Any] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        **_part("key", record.key),
        **_part("value", record.value),
        **_headers(record.headers),
    }
    return orjson.dumps(members) + b"\n"


def _part(name: str, raw: bytes | None) -> dict[str, Any]:
    """Text as it is; a document only if it is written in the same bytes again."""
    if raw is None:
        return {name: None}
    text = _text(raw)
    if text is None:
        return {f"{name}_base64": base64.b64encode(raw).decode()}
    document = _document(raw)
    return {name: text if document is None else document}


def _document(raw: bytes) -> dict[str, Any] | list[Any] | None:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict | list) and orjson.dumps(found) == raw else None


def _headers(headers: Headers) -> dict[str, Any]:
    """An object where each name stands once; else pairs, in their order. All in base64 if one is no text."""
    if not headers:
        return {}
    texts = [(name, None if value is None else _text(value)) for name, value in headers]
    binary = any(text is None and value is not None for (_, text), (_, value) in zip(texts, headers, strict=True))
    pairs: list[tuple[str, str | None]] = texts
    if binary:
        pairs = [(name, None if value is None else base64.b64encode(value).decode()) for name, value in headers]
    member = "headers_base64" if binary else "headers"
    return {member: dict(pairs) if len({name for name, _ in pairs}) == len(pairs) else pairs}


def _text(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None
