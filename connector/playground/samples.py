"""Sample records as text that people read and edit: an object with value, key, headers, topic, timestamp.

That is what ``putevents map --records`` takes, and what expressions see: ``value.x`` is ``x`` in ``value``.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from connector.config import Loaded
from connector.config.formats import not_text
from connector.core.records import Record
from connector.starting.samples import LONGEST, NoSamplesError, Sample, read
from connector.trials.cases import Suite, suite_of

MOST = 100  # samples of a page


class Samples(NamedTuple):
    """Texts of records, and what to say about them."""

    texts: Sequence[str]
    note: str


def from_file(path: Path, loaded: Loaded | None) -> Samples:
    """The first records of a file: JSON lines, dumps of kcat or the console consumer, CSV; else each line is a value.

    Raises:
        NoSamplesError: there are none.
        OSError: it cannot be read.
    """
    spec = None if loaded is None else loaded.config.pipelines[0].value
    raw = spec is not None and spec.format in {"text", "delimited", "json_lines"}
    with path.open("rb") as file:
        lines = [line for _ in range(MOST + 1) if (line := file.readline(LONGEST))]
    if not any(line.strip() for line in lines):
        raise NoSamplesError("expected sample records: the file is empty")
    try:
        texts = _lines(lines) if raw else _records(lines)
    except NoSamplesError:
        binary = None if spec is None else not_text(spec)
        if binary is not None:
            hint = 'describe them, a line each: {"value_base64": "…"}'
            raise NoSamplesError(
                f"expected sample records: values are {binary} here, which no lines hold; {hint}"
            ) from None
        texts = _lines(lines)
    more = f", the first {MOST} of the file" if len(lines) > MOST else ""
    return Samples(texts[:MOST], f"{path.name}{more}")


def _records(lines: Iterable[bytes]) -> list[str]:
    """Each line that is described as a record stays as it is; of others the value, and what a dump tells beside it."""
    texts: list[str] = []
    for line in lines:
        described = _described(line)
        if described is not None:
            texts.append(described)
        elif line.strip():
            break
    else:
        return texts
    return [_of_sample(sample) for sample in read(lines).records]


def _of_sample(sample: Sample) -> str:
    return as_text({name: each for name, each in sample._asdict().items() if name == "value" or each})


def _described(line: bytes) -> str | None:
    try:
        given = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    packed = isinstance(given, dict) and ("value_base64" in given or ("value" in given and len(given) > 1))
    return as_text(given) if packed and given.keys() <= _NAMES else None


_NAMES = frozenset(
    {"value", "key", "headers", "topic", "partition", "offset", "timestamp"}
    | {"value_base64", "key_base64", "headers_base64"}
)


def _lines(lines: Iterable[bytes]) -> list[str]:
    return [_of_bytes("value", line.rstrip(b"\r\n")) for line in lines if line.strip()]


def _of_bytes(name: str, value: bytes) -> str:
    return as_text(_packed(name, value))


def from_tests(text: str, path: Path, loaded: Loaded | None) -> Samples:
    """The records of the file's tests; none where the file is wrong, which the page says elsewhere."""
    suite = [] if loaded is None else suite_of(text, path, loaded)
    cases = suite.cases if isinstance(suite, Suite) else ()
    texts = [of_record(record) for case in cases for record in case.records]
    if not texts:
        hint = "add one, or start with --sample FILE; records of the file's tests are samples, too"
        return Samples([as_text({"value": {}})], f"the file has no tests to take samples from: {hint}")
    more = f", the first {MOST} of {len(texts)}" if len(texts) > MOST else ""
    return Samples(texts[:MOST], f"records of the file's tests{more}")


def of_record(record: Record) -> str:
    """The record described, with what differs from one that has a value alone."""
    given: dict[str, Any] = {"topic": record.topic}
    given |= {} if record.partition == 0 else {"partition": record.partition}
    given |= {} if record.offset == 0 else {"offset": record.offset}
    given |= {} if record.timestamp is None else {"timestamp": record.timestamp}
    given |= {} if record.key is None else _packed("key", record.key)
    given |= _headers(record)
    return as_text({**given, **({"value": None} if record.value is None else _packed("value", record.value))})


def _headers(record: Record) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    packed: dict[str, str] = {}
    for name, value in record.headers:
        try:
            plain[name] = None if value is None else value.decode()
        except UnicodeDecodeError:
            packed[name] = base64.b64encode(value or b"").decode()
    return {**({"headers": plain} if plain else {}), **({"headers_base64": packed} if packed else {})}


def _packed(name: str, value: bytes) -> dict[str, Any]:
    """As JSON where that gives the very bytes back or is a document, as text, or else in base64."""
    try:
        document = orjson.loads(value)
        # Numbers beyond 64 bits become others here; then it is the text that is kept.
        exact = isinstance(document, dict | list) and json.loads(value) == document
    except (ValueError, RecursionError):
        document, exact = None, False
    if exact:
        return {name: document}
    try:
        return {name: value.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(value).decode()}


def as_text(given: Any) -> str:
    """JSON over several lines."""
    return orjson.dumps(given, option=orjson.OPT_INDENT_2).decode()
