"""Lines that kcat and Kafka's console consumer print become the records that they were printed from.

``kcat -J`` and the console consumer's labels (``CreateTime:``, ``Partition:``, ``Offset:``) are recognised. What else
stands beside a value is found by the format that kcat was given (``-f``): no line shows by itself where a key ends.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from connector.core.records import Record, known_timestamp
from connector.given_records import UnreadableRecord, now_ms

_NEEDED = frozenset({"topic", "partition", "offset", "payload"})
KCAT = _NEEDED | {"tstype", "ts", "broker", "headers", "key", "key_schema_id", "value_schema_id"}
Headers = tuple[tuple[str, bytes | None], ...]


def is_kcat(document: Any) -> bool:
    """Whether an object of JSON is a record as ``kcat -J`` prints it."""
    return isinstance(document, dict) and document.keys() >= {"topic", "payload"} and document.keys() <= KCAT


# -- kcat -J --------------------------------------------------------------------------------------------------


def of_kcat(line: bytes, number: int) -> Record | None:
    """The record of a line of ``kcat -J``; None where the line is another thing.

    Raises:
        UnreadableRecord: a member of it is of the wrong type.
    """
    if b'"payload"' not in line or b'"offset"' not in line:
        return None
    try:
        given = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not is_kcat(given) or not given.keys() >= _NEEDED:
        return None
    for name, kind, wanted in (("topic", str, "text"), ("partition", int, "a number"), ("offset", int, "a number")):
        if not isinstance(given[name], kind):
            raise UnreadableRecord(f"line {number}: expected {name} of a line of kcat -J to be {wanted}")
    time = given.get("ts")
    if not isinstance(time, int | None):
        raise UnreadableRecord(f"line {number}: expected ts of a line of kcat -J to be a number of milliseconds")
    headers = tuple(_listed(given.get("headers") or [], number))
    place = given["topic"], given["partition"], given["offset"], known_timestamp(time)
    return Record(*place, _bytes(given.get("key")), _bytes(given["payload"]), headers)


def _listed(headers: Any, number: int) -> Iterator[tuple[str, bytes | None]]:
    """Names and values in turn, as kcat lists them."""
    if not isinstance(headers, list) or len(headers) % 2 or not all(isinstance(name, str) for name in headers[::2]):
        raise UnreadableRecord(f"line {number}: expected headers of a line of kcat -J to be names and values in turn")
    for name, value in zip(headers[::2], headers[1::2], strict=True):
        yield name, _bytes(value)


def _bytes(value: Any) -> bytes | None:
    """Text as it is; what kcat has decoded itself (``-s``) as JSON."""
    if value is None:
        return None
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else orjson.dumps(value)


# -- kafka-console-consumer -----------------------------------------------------------------------------------

_LABELS = re.compile(
    rb"(?=CreateTime:|LogAppendTime:|NO_TIMESTAMP\t|Partition:\d+\t)"
    rb"(?:(?:(?:CreateTime|LogAppendTime):(?P<time>-?\d+)|NO_TIMESTAMP)(?:\t|$))?"
    rb"(?:Partition:(?P<partition>\d+)(?:\t|$))?(?:Offset:(?P<offset>\d+)(?:\t|$))?"
    rb"(?:Delivery:\w+\t)?(?:Epoch:\w+\t)?"
)
_NAMED = re.compile(rb"[\w.-]+:")
_WAY_OUT = "say how with --kcat-format, as in 'CreateTime:%T\\t%h\\t%s'"


def of_console(line: bytes, number: int, topic: str, *, way_out: str = _WAY_OUT) -> Record | None:
    """The record of a line of ``kafka-console-consumer``; None where nothing on it says that it is one.

    Args:
        line: as it was printed.
        number: that of the line; the offset of a record that names none is one less.
        topic: that of the record, which no line names.
        way_out: what somebody can do whose lines could be read in two ways.

    Raises:
        UnreadableRecord: what is printed beside the value could be headers or a key.
    """
    found = _LABELS.match(line)
    if found is None or found.end() == 0:
        return None
    key, headers, value = _cells(line[found.end() :], number, way_out)
    offset = found["offset"]
    return Record(
        topic,
        int(found["partition"] or 0),
        number - 1 if offset is None else int(offset),
        None if found["time"] is None else known_timestamp(int(found["time"])),
        key,
        value,
        headers,
    )


def _cells(rest: bytes, number: int, way_out: str) -> tuple[bytes | None, Headers, bytes | None]:
    """Key, headers and value: what is between tabs behind the labels. Within JSON there may be tabs, too."""
    cells = rest.split(b"\t")
    start = next((place for place, cell in enumerate(cells) if cell[:1] in {b"{", b"["}), len(cells) - 1)
    before, value = cells[:start], b"\t".join(cells[start:])
    headers: Headers = ()
    if len(before) == 2 or (before and before[0] == b"NO_HEADERS"):
        headers = _pairs(before.pop(0), b":", b"null")
    elif before and _NAMED.match(before[0]):
        raise UnreadableRecord(f"line {number}: before the value stands a key, or headers: {way_out}")
    if len(before) > 1:
        raise UnreadableRecord(f"line {number}: expected headers, a key and a value at most, not more parts: {way_out}")
    return _null(before[0] if before else None, b"null"), headers, _null(value, b"null")


def _pairs(text: bytes, between: bytes, null: bytes) -> Headers:
    """Headers as both tools print them; a comma is part of a value unless a name follows it."""
    if not text or text == b"NO_HEADERS":
        return ()
    pairs = []
    for each in re.split(b",(?=[^," + between + b"]+" + between + b")", text):
        name, _, value = each.partition(between)
        pairs.append((name.decode("utf-8", "replace"), _null(value, null)))
    return tuple(pairs)


def _null(value: bytes | None, null: bytes) -> bytes | None:
    return None if value == null else value


# -- a format of kcat -----------------------------------------------------------------------------------------


class KcatFormat(NamedTuple):
    """What ``kcat -f`` was given, as the pattern of a line."""

    pattern: re.Pattern[bytes]
    text: str


_PARTS: Mapping[str, bytes] = {
    "t": rb"(?P<topic>[\w.-]+?)",
    "p": rb"(?P<partition>\d+)",
    "o": rb"(?P<offset>\d+)",
    "T": rb"(?P<time>-?\d+)",
    "k": rb"(?P<key>.*?)",
    "h": rb"(?P<headers>.*?)",
    "s": rb"(?P<value>.*)",
    "S": rb"-?\d+",
    "K": rb"-?\d+",
    "%": rb"%",
}
_ESCAPES: Mapping[str, str] = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}
_TOKEN = re.compile(r"%(?P<part>.?)|\\x(?P<code>[0-9a-fA-F]{2})|\\(?P<escape>.)|(?P<plain>.)", re.DOTALL)


def kcat_format(text: str) -> KcatFormat:
    """The format as a pattern.

    Raises:
        ValueError: no line of it can be read again; the message says why.
    """
    ended = text.removesuffix("\\n").removesuffix("\n").removesuffix("\\r")
    pieces, seen = [], set()
    for token in _TOKEN.finditer(ended):
        part = token["part"]
        if part is None:
            pieces.append(re.escape(_character(token)))
            continue
        if part not in _PARTS:
            raise ValueError(f"expected %t, %p, %o, %T, %k, %h, %s, %S, %K or %%, not %{part}")
        if part in seen and part in "tpoTkhs":
            raise ValueError(f"expected %{part} once")
        seen.add(part)
        pieces.append(_PARTS[part])
    if "s" not in seen:
        raise ValueError("expected %s, the value, as in '%k:%s'")
    return KcatFormat(re.compile(b"".join(pieces), re.DOTALL), text)


def _character(token: re.Match[str]) -> bytes:
    if token["code"]:
        found = chr(int(token["code"], 16))
    else:
        found = token["plain"] or _ESCAPES.get(token["escape"], token["escape"])
    if found == "\n":
        raise ValueError("expected one line for each record: \\n only at the end")
    return found.encode()


def of_format(form: KcatFormat, line: bytes, number: int, topic: str) -> Record:
    """The record of a line that was printed in this format.

    An empty key is none, and so is an empty value: kcat prints both alike.

    Raises:
        UnreadableRecord: the line was not.
    """
    found = form.pattern.fullmatch(line)
    if found is None:
        raise UnreadableRecord(f"line {number}: expected a line as kcat -f prints it with --kcat-format {form.text!r}")
    parts: dict[str, bytes] = {name: part for name, part in found.groupdict().items() if part is not None}
    offset, time = parts.get("offset"), parts.get("time")
    return Record(
        parts.get("topic", topic.encode()).decode(),
        int(parts.get("partition", 0)),
        number - 1 if offset is None else int(offset),
        now_ms() if time is None else known_timestamp(int(time)),
        _null(parts.get("key") or None, b"NULL"),
        _null(parts["value"] or None, b"NULL"),
        _headers(parts.get("headers", b"")),
    )


def _headers(text: bytes) -> Headers:
    """As kcat prints them, ``name=value``; or as the console consumer does, ``name:value``."""
    kcat = text.partition(b",")[0].find(b"=")
    console = text.partition(b",")[0].find(b":")
    is_console = console >= 0 and (kcat < 0 or console < kcat)
    return _pairs(text, b":", b"null") if is_console else _pairs(text, b"=", b"NULL")
