"""A value that cannot be decoded as the file says is often of a format that can be told: then the message names it.

Only what is certain is named, and only after decoding has failed. Nothing here shows a byte of the value.
"""

import re
import uuid
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from connector.core.formats.decoded import DecodingError
from connector.core.formats.plain import decode_json, is_utf8
from connector.core.records import Reason

_LOOKED_AT = 4_096  # bytes
_SCHEMA_FORMATS = frozenset({"avro", "protobuf", "json_schema"})
# Reasons that already say all: another format would not have come so far.
_CLEAR = frozenset({Reason.EMPTY_VALUE, Reason.NESTED_TOO_DEEP, Reason.NUMBER_OUT_OF_RANGE, Reason.TOO_LONG})
_KAFKAS_OWN = "which is not supported inside a value: use Kafka's own compression.type, or gzip, zlib or zstd"


class Setting(NamedTuple):
    """Which format and compression the file sets, and for which part of a record: ``value`` or ``key``."""

    part: str
    format: str
    compression: str = "none"


def explained(error: DecodingError, raw: bytes, setting: Setting) -> DecodingError:
    """The same error, with what the bytes are where that can be told.

    Args:
        error: why they cannot be decoded.
        raw: what was decoded, or unpacked where that is what failed.
        setting: what the file says.
    """
    if error.reason in _CLEAR:
        return error
    found = _found(error.reason, raw, setting)
    return DecodingError(error.reason, f"{error.message}; found {found}") if found else error


def _found(reason: Reason, raw: bytes, setting: Setting) -> str | None:
    if setting.format in _SCHEMA_FORMATS or reason is Reason.NOT_COMPRESSED:
        found = _plain_json(raw, setting, packed=reason is Reason.NOT_COMPRESSED)
        if found or reason is not Reason.NOT_COMPRESSED:
            return found or _packed(raw, setting)
    found = next((found for look in _LOOKS if (found := look(raw, setting))), None)
    # What is cut off or broken still begins as the file says.
    return None if reason is Reason.NOT_COMPRESSED and found == setting.compression else found


def _plain_json(raw: bytes, setting: Setting, *, packed: bool) -> str | None:
    if raw.lstrip(b" \t\r\n\xef\xbb\xbf")[:1] not in {b"{", b"["}:
        return None
    try:
        decode_json(raw)
    except DecodingError:
        return None
    if packed:
        return f"JSON that is not packed: set {setting.part}.compression to none"
    return f"plain JSON: set {setting.part}.format to json"


# Bytes that a format begins with, and what to do about it. Those of a name alone are compressions that are supported.
_BEGINNINGS: Sequence[tuple[bytes, str]] = (
    (b"\x1f\x8b\x08", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xff\x06\x00\x00sNaPpY", f"snappy, {_KAFKAS_OWN}"),
    (b"\x82SNAPPY\x00", f"snappy, {_KAFKAS_OWN}"),
    (b"\x04\x22\x4d\x18", f"lz4, {_KAFKAS_OWN}"),
    (b"BZh", f"bzip2, {_KAFKAS_OWN}"),
    (b"\xfd7zXZ\x00", f"xz, {_KAFKAS_OWN}"),
    (
        b"Obj\x01",
        "an Avro container file: write one value a record, without the header of a file, and set format to avro",
    ),
    (b"\xc3\x01", "Avro's single-object encoding, which is not supported: use a schema registry's frame"),
    (b"PAR1", "a Parquet file, which is not supported"),
    (b"\xac\xed\x00\x05", "Java's serialization, which is not supported: set the producer's value.serializer to JSON"),
    (b":)\n", "Smile, which is not supported: write JSON"),
    (b"\xd9\xd9\xf7", "CBOR, which is not supported: write JSON"),
)
_SUPPORTED = frozenset({"gzip", "zlib", "zstd"})


def _packed(raw: bytes, setting: Setting) -> str | None:
    found = next((name for begins, name in _BEGINNINGS if raw.startswith(begins)), None)
    if found is None and _is_zlib(raw):
        found = "zlib"
    if found not in _SUPPORTED:
        return found
    if setting.part == "key":
        return f"{found}, which is not supported in a key"
    return f"{found}: set value.compression to {found}" if found != setting.compression else found


_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")


def _is_zlib(raw: bytes) -> bool:
    if len(raw) < 2 or raw[0] & 0x8F != 0x08 or int.from_bytes(raw[:2], "big") % 31 or _is_readable(raw):  # RFC 1950
        return False
    try:
        return bool(zlib.decompressobj().decompress(raw[:_LOOKED_AT], 1))
    except zlib.error:
        return False


def _is_readable(raw: bytes) -> bool:
    """Whether it is text for people: some of it, such as ``x^2``, is the beginning of a valid stream of zlib."""
    return _CONTROL.search(raw, 0, _LOOKED_AT) is None and is_utf8(raw)


_WIDTHS: Mapping[int, str] = {4: "an int", 8: "a long", 16: "a uuid"}


def _number(raw: bytes, setting: Setting) -> str | None:
    """A key that a serializer of Kafka's own may have written. Eight bytes may be a frame too, but seldom are."""
    name = _WIDTHS.get(len(raw)) if setting.part == "key" and setting.format in {"string", "json"} else None
    if name is None or _is_readable(raw):
        return None
    return f"{len(raw)} bytes, as {name} has: set key.format to {name.split()[1]} if it is one"


def _framed(raw: bytes, setting: Setting) -> str | None:
    formats = f"set {setting.part}.format to avro, protobuf or json_schema"
    if raw[:1] == b"\x00" and len(raw) > 5:
        return f"a {setting.part} framed for a schema registry, schema id {int.from_bytes(raw[1:5], 'big')}: {formats}"
    if raw[:1] == b"\x03" and len(raw) > 18 and raw[1] in {0, 5}:
        version = uuid.UUID(bytes=raw[2:18])
        return f"a {setting.part} framed for AWS Glue's schema registry, schema version {version}: {formats}"
    return None


_WIDE = (
    ("UTF-32", b"\xff\xfe\x00\x00"),
    ("UTF-32", b"\x00\x00\xfe\xff"),
    ("UTF-16", b"\xff\xfe"),
    ("UTF-16", b"\xfe\xff"),
)
_WITHOUT_MARK = (re.compile(rb"(?:[\t\n\r -~]\x00){4}"), re.compile(rb"(?:\x00[\t\n\r -~]){4}"))


def _wide_text(raw: bytes, _: Setting) -> str | None:
    name = next((name for name, mark in _WIDE if raw.startswith(mark)), None)
    if name is None and any(pattern.match(raw) for pattern in _WITHOUT_MARK):
        name = "UTF-16"
    return f"{name}: write UTF-8" if name else None


_BSON_TYPES = frozenset({*range(0x01, 0x14), 0x7F, 0xFF})


def _bson(raw: bytes, _: Setting) -> str | None:
    whole = len(raw) > 5 and int.from_bytes(raw[:4], "little") == len(raw) and raw[-1] == 0
    return "BSON, which is not supported: write JSON" if whole and raw[4] in _BSON_TYPES else None


# A map whose first key is text that looks like a name; the length of the key is in its header.
_MESSAGE_PACK = re.compile(
    rb"[\x91-\x9f]?(?:[\x81-\x8f]|\xde..|\xdf....)(?:([\xa1-\xbf])|\xd9(.))(?=[A-Za-z_$@])", re.DOTALL
)
_CBOR = re.compile(
    rb"(?:[\x81-\x97]?(?:[\xa1-\xb7]|\xb8.|\xb9..)|\xbf(?=.*\xff\Z))(?:([\x61-\x77])|\x78(.))(?=[A-Za-z_$@])", re.DOTALL
)
_HEADERS = (("MessagePack", _MESSAGE_PACK), ("CBOR", _CBOR))
_NAME = re.compile(rb"[\w$@.\- ]+")


def _binary_map(raw: bytes, _: Setting) -> str | None:
    # A list of CBOR may begin as a map of MessagePack does: then both are named.
    names = " or ".join(name for name, header in _HEADERS if _begins_with_name(raw, header))
    return f"{names}, which is not supported: write JSON" if names else None


def _begins_with_name(raw: bytes, header: re.Pattern[bytes]) -> bool:
    begins = header.match(raw)
    if begins is None:
        return False
    length = begins[1][0] & 0x1F if begins[1] else begins[2][0]
    key = raw[begins.end() : begins.end() + length]
    return len(raw) > begins.end() + length and _NAME.fullmatch(key) is not None


_FORM = re.compile(rb"[\w.%\[\]-]+=[\w.%+*~-]*(?:&[\w.%\[\]-]+=[\w.%+*~-]*)+")
_TEXTS: Sequence[tuple[re.Pattern[bytes], str]] = (
    (
        re.compile(rb"<(?:\?xml|!DOCTYPE|[A-Za-z][\w:.-]*[\s/>])", re.IGNORECASE),
        "XML or HTML: set {part}.format to {text}",
    ),
    (
        re.compile(rb"[\[(]*\{\s*'"),
        "names in single quotes: JSON has double quotes only, as Python's json.dumps writes",
    ),
    (
        re.compile(rb"eyJ[A-Za-z0-9+/=]+\Z"),
        "JSON in base64: set {part}.format to {text}, and use parse_json(base64_decode({part}))",
    ),
    (re.compile(rb"[^{\[\t\n][^\t\n]*\t[^\t\n]*\t"), "text with tabs between columns: {columns}"),
    (
        re.compile(rb"(?:\"[^\"\n]*\"|[^{\[(/\"\n,][^\"\n,]*),[^\n,]*,"),
        "text with commas between columns: {columns}, with a comma as the delimiter",
    ),
    (
        re.compile(rb"(?:\"[^\"\n]*\"|[^{\[(/\"\n;][^\"\n;]*);[^\n;]*;"),
        "text with semicolons between columns: {columns}, with a semicolon as the delimiter",
    ),
    # Not JSON that is cut short, and not words of other languages, which have hints of their own.
    (
        re.compile(rb"(?!true|false|null|none|nil|undefined|nan|inf)[a-z][\w.:@-]*(?: [ -~]*)?\Z", re.IGNORECASE),
        "text: set {part}.format to {text}",
    ),
)


def _text(raw: bytes, setting: Setting) -> str | None:
    text = "text" if setting.part == "value" else "string"
    if setting.format in {text, "delimited"}:
        return None
    begins = raw[:_LOOKED_AT].lstrip(b" \r\n").rstrip()
    if len(raw) <= _LOOKED_AT and _FORM.fullmatch(begins):
        return f"a URL-encoded form: set {setting.part}.format to {text}, and use url_param"
    found = next((words for pattern, words in _TEXTS if pattern.match(begins)), None)
    if found is None:
        return None
    columns = "set value.format to delimited" if setting.part == "value" else "set key.format to string, and use split"
    return found.format(part=setting.part, text=text, columns=columns)


# What is looked for first would otherwise be taken for something else: BSON and UTF-16 may begin with a zero byte.
_LOOKS: Sequence[Callable[[bytes, Setting], str | None]] = (
    _number, _bson, _wide_text, _framed, _packed, _binary_map, _text,
)  # fmt: skip
