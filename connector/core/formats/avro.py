"""A writer's schema becomes a decoder of its records, once; no record can crash, hang or swell the process.

There is no reader's schema: a mapping sees what was written, and a field that a later schema adds is null before it. A
record is bounded in the steps that it takes and in how deep it is nested, and it must end where its bytes end.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connector.core.formats import avro_reading as reading
from connector.core.formats.avro_reading import DEPTH, MAX_DEPTH, MAX_STEPS, Left, Malformed, Read
from connector.core.formats.avro_schema import Type, read_schema
from connector.core.formats.avro_values import conversion_of
from connector.core.formats.decoded import Decode, DecodingError, SchemaError
from connector.core.formats.framing import unframed
from connector.core.records import Reason

_PATH = 6  # names of fields that a message has at most


def compile_avro(schema: str, references: Sequence[str] = ()) -> Decode:
    """The decoder of payloads, without a frame, that were written with this schema.

    Args:
        schema: JSON text.
        references: texts of the schemas that define names which ``schema`` uses, in any order.

    Raises:
        SchemaError: it is not a schema of Avro, or one of which a record could take too many steps.
    """
    root = read_schema(schema, references)
    try:
        compiled = _Compiler().compile(root)
    except RecursionError:
        raise _too_deep() from None
    if compiled.depth > MAX_DEPTH:
        raise _too_deep()
    if compiled.steps > MAX_STEPS:
        raise SchemaError(
            f"expected a schema whose records take at most {MAX_STEPS} steps to decode, found a larger one"
        )
    return _decoder(compiled.read, root.name or root.kind)


def compile_avro_file(schema: str) -> Decode:
    """As ``compile_avro``, for values without a frame: the decoder of a ``schema_file``."""
    return unframed(compile_avro(schema))


def _too_deep() -> SchemaError:
    return SchemaError(f"expected a schema nested at most {MAX_DEPTH} deep, found a deeper one")


def _decoder(read: Read, name: str) -> Decode:
    def decode(payload: bytes) -> Any:
        try:
            value, end = read(payload, 0, [MAX_STEPS, MAX_DEPTH])
        except Malformed as error:
            raise _undecodable(error, name) from None
        except IndexError:
            raise _undecodable(reading.ends_early(), name) from None
        except RecursionError:  # where the caller's own stack is deep
            raise _undecodable(_nested_too_deep(), name) from None
        if end != len(payload):
            more = f"{len(payload) - end} more: was it written with this schema?"
            raise _undecodable(Malformed(f"expected the record to end after {end} bytes, found {more}"), name)
        return value

    return decode


def _undecodable(error: Malformed, name: str) -> DecodingError:
    path = ".".join(error.path[:_PATH][::-1])
    field = f", field {'...' if len(error.path) > _PATH else ''}{path}" if path else ""
    return DecodingError(error.reason, f"Avro of {name}{field}: {error.message}")


def _nested_too_deep() -> Malformed:
    message = f"expected records, lists and maps nested at most {MAX_DEPTH} deep, found deeper ones"
    return Malformed(message, Reason.NESTED_TOO_DEEP)


class _Compiled(NamedTuple):
    """A reader, how many steps one value takes at least, and how deep it is nested.

    Items of lists and maps, and records within themselves, are not in ``steps``: they pay when they are read.
    """

    read: Read
    steps: int
    depth: int = 0


# Steps of one value: what it takes at worst, against a boolean.
_TEXT, _RECORD, _COLLECTION, _FLOAT, _CONVERTED = 3, 2, 5, 10, 16
_PLAIN: Mapping[str, _Compiled] = {
    "null": _Compiled(reading.read_null, 1),
    "boolean": _Compiled(reading.read_boolean, 1),
    "int": _Compiled(reading.read_int, 3),
    "long": _Compiled(reading.read_long, 5),
    "float": _Compiled(reading.read_float, _FLOAT),
    "double": _Compiled(reading.read_double, 1),
    "bytes": _Compiled(reading.read_bytes, _TEXT),
    "string": _Compiled(reading.read_text, _TEXT),
}


class _Compiler:
    def __init__(self) -> None:
        self._records: dict[Type, _Compiled] = {}
        # Records that are being compiled. One that is found in itself is read by what will be in its list then.
        self._open: dict[Type, list[_Compiled]] = {}

    def compile(self, found: Type) -> _Compiled:
        compiled = self._plain(found)
        convert = conversion_of(found)
        if convert is None:
            return compiled
        return _Compiled(reading.converted(compiled.read, convert), compiled.steps + _CONVERTED, compiled.depth)

    def _plain(self, found: Type) -> _Compiled:
        match found.kind:
            case "record":
                return self._record(found)
            case "union":
                return self._union(found)
            case "array" | "map":
                return self._collection(found)
            case "enum":
                return _Compiled(reading.enum(found.symbols), 2)
            case "fixed":
                return _Compiled(reading.fixed(found.size), 2)
            case kind:
                return _PLAIN[kind]

    def _record(self, record: Type) -> _Compiled:
        if record in self._open:
            return _Compiled(_guarded(self._open[record]), 1)
        if record not in self._records:
            later = self._open[record] = []
            fields = [(name, self.compile(part)) for name, part in record.parts]
            del self._open[record]
            compiled = _Compiled(
                reading.record([(name, field.read) for name, field in fields]),
                _RECORD + sum(field.steps for _, field in fields),
                1 + max((field.depth for _, field in fields), default=0),
            )
            later.append(compiled)
            self._records[record] = compiled
        return self._records[record]

    def _union(self, union: Type) -> _Compiled:
        branches = [self.compile(part) for _, part in union.parts]
        kinds = [part.kind for _, part in union.parts]
        if len(branches) == 2 and "null" in kinds:
            null = kinds.index("null")
            read = reading.optional(branches[1 - null].read, null)
        else:
            read = reading.union([branch.read for branch in branches])
        return _Compiled(read, 1 + max(branch.steps for branch in branches), max(branch.depth for branch in branches))

    def _collection(self, collection: Type) -> _Compiled:
        ((_, part),) = collection.parts
        inner = self.compile(part)
        if collection.kind == "array":
            return _Compiled(reading.array(inner.read, inner.steps), _COLLECTION, inner.depth + 1)
        return _Compiled(reading.mapping(inner.read, inner.steps + _TEXT), _COLLECTION, inner.depth + 1)


def _guarded(later: list[_Compiled]) -> Read:
    """The reader of a record within itself: it pays for the record, and for the levels that it is nested in."""

    def read(data: bytes, at: int, left: Left) -> tuple[Any, int]:
        record = later[0]
        reading.pay(left, record.steps)
        left[DEPTH] -= record.depth
        if left[DEPTH] < 0:
            raise _nested_too_deep()
        value, at = record.read(data, at, left)
        left[DEPTH] += record.depth
        return value, at

    return read
