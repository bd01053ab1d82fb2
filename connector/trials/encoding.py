"""A document of a test becomes the bytes that a producer would have written, where there is only one way to.

Avro and Protobuf have many: unions, defaults, the order of maps. A test of these gives the bytes of a real record.
"""

import gzip
import importlib
import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from connector.config.formats import needs_registry
from connector.core.mapping.specs import KeyFormat, ValueFormat
from connector.core.words import type_word

# What Confluent's serializers write before a value whose schema has the id 1.
FRAME = b"\x00\x00\x00\x00\x01"
_TAB = "\t"


class CannotEncode(ValueError):
    """There is no single way to encode the document; the message says what to give instead."""


def encode_value(document: Any, spec: ValueFormat) -> bytes | None:
    """The value of a record; None where the document is null.

    Raises:
        CannotEncode: see there.
    """
    if document is None:
        return None
    encode = _VALUES.get(spec.format)
    if encode is None:
        raise CannotEncode(
            f"expected value_base64 with format {spec.format}: a document can be encoded in several ways; "
            "`kcat -C -c 1 -D '' | base64` gives the bytes of a record"
        )
    return _PACK[spec.compression](encode(document, spec))


def encode_key(key: Any, spec: KeyFormat) -> bytes | None:
    """The key of a record.

    Raises:
        CannotEncode: its format is binary.
    """
    if key is None:
        return None
    if spec.format == "json":
        return _json(key)
    if spec.format in _NUMBERS and type(key) is int:
        size = _NUMBERS[spec.format]
        try:
            return key.to_bytes(size, "big", signed=True)
        except OverflowError:
            raise CannotEncode(f"expected a key of {size * 8} bits with format {spec.format}") from None
    if spec.format in {"string", "uuid"}:
        return key.encode() if isinstance(key, str) else _json(key)
    if spec.format == "bytes" and isinstance(key, str):
        return key.encode()
    raise CannotEncode(f"expected key_base64 with key format {spec.format}, not {type_word(key)}")


_NUMBERS = {"long": 8, "int": 4}


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _as_json(document: Any, spec: ValueFormat) -> bytes:
    return FRAME + _json(document) if needs_registry(spec) else _json(document)


def _as_lines(document: Any, _: ValueFormat) -> bytes:
    documents = document if isinstance(document, list) else [document]
    return b"\n".join(map(_json, documents))


def _as_text(document: Any, _: ValueFormat) -> bytes:
    if not isinstance(document, str):
        raise CannotEncode(f"expected text with format text, not {type_word(document)}")
    return document.encode()


def _as_row(document: Any, spec: ValueFormat) -> bytes:
    """One cell for each column up to the last that is given; a cell that would need quotes has no single form."""
    columns, delimiter = spec.columns or [], spec.delimiter or _TAB
    if not isinstance(document, dict) or not document or not document.keys() <= set(columns):
        raise CannotEncode("expected a mapping of columns to text with format delimited, or value_text")
    cells = list(document.values())
    if list(document) != columns[: len(cells)] or not all(isinstance(cell, str) for cell in cells):
        raise CannotEncode("expected text for every column up to the last that is given, in their order, or value_text")
    if any(character in cell for cell in cells for character in (delimiter, '"', "\r", "\n")):
        raise CannotEncode("expected value_text: a cell with a delimiter, a quote or a line break has no single form")
    return delimiter.join(cells).encode()


_VALUES: Mapping[str, Callable[[Any, ValueFormat], bytes]] = {
    "json": _as_json,
    "json_schema": _as_json,
    "json_lines": _as_lines,
    "text": _as_text,
    "delimited": _as_row,
}


def _zstd(raw: bytes) -> bytes:
    packed: bytes = importlib.import_module("zstandard").ZstdCompressor().compress(raw)
    return packed


_PACK: Mapping[str, Callable[[bytes], bytes]] = {
    "none": lambda raw: raw,
    "gzip": lambda raw: gzip.compress(raw, mtime=0),
    "zlib": zlib.compress,
    "zstd": _zstd,
}
