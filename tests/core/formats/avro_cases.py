"""Random schemas of Avro, values of them, and what these become, told by other means than the decoder's own."""

import base64
import io
import itertools
import json
import math
import struct
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import fastavro
from hypothesis import strategies as st

Schema = Any
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Case(NamedTuple):
    """A schema, a value as fastavro writes it, and what a mapping sees."""

    schema: Schema
    datum: Any
    expected: Any

    @property
    def text(self) -> str:
        return json.dumps(self.schema)

    @property
    def payload(self) -> bytes:
        return written(self.schema, self.datum)


def written(schema: Schema, datum: Any) -> bytes:
    """What fastavro's writer makes of a value."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), datum)
    return out.getvalue()


PRIMITIVES: Mapping[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32, allow_nan=False),
    "double": st.floats(allow_nan=False),
    "bytes": st.binary(max_size=80),
    "string": st.text(max_size=80),
}
_moments = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))  # noqa: DTZ001
LOGICAL: Mapping[tuple[str, str], st.SearchStrategy[Any]] = {
    ("int", "date"): st.dates(),
    ("int", "time-millis"): st.times().map(lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)),
    ("long", "time-micros"): st.times(),
    ("long", "timestamp-millis"): _moments.map(
        lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000, tzinfo=UTC)
    ),
    ("long", "timestamp-micros"): _moments.map(lambda t: t.replace(tzinfo=UTC)),
    ("long", "local-timestamp-micros"): _moments,
    ("string", "uuid"): st.uuids(),
}


def _decimal(draw: st.DrawFn) -> Schema:
    return {"type": "bytes", "logicalType": "decimal", "precision": 40, "scale": draw(st.integers(0, 20))}


def _logical(draw: st.DrawFn) -> Schema:
    base, logical = draw(st.sampled_from(sorted(LOGICAL)))
    return {"type": base, "logicalType": logical}


def _union(draw: st.DrawFn, depth: int, names: Iterator[int]) -> Schema:
    record = draw(records(depth - 1, names))
    others = draw(st.lists(st.sampled_from(sorted(PRIMITIVES)), unique=True, min_size=1, max_size=4))
    return draw(st.permutations([record, *others]))


Make = Callable[[st.DrawFn, int, Iterator[int]], Schema]
_LEAVES: tuple[Make, ...] = (
    lambda draw, _, __: draw(st.sampled_from(sorted(PRIMITIVES))),
    lambda draw, _, __: _logical(draw),
    lambda draw, _, __: _decimal(draw),
    lambda _, __, names: {"type": "enum", "name": f"N{next(names)}", "symbols": ["A", "B", "C"]},
    lambda draw, _, names: {"type": "fixed", "name": f"N{next(names)}", "size": draw(st.integers(1, 20))},
)


@st.composite
def schemas(draw: st.DrawFn, depth: int = 2, names: Iterator[int] | None = None) -> Schema:
    """A schema whose named types have names of their own."""
    make = draw(st.sampled_from(_LEAVES + _NESTED if depth else _LEAVES))
    return make(draw, depth, itertools.count() if names is None else names)


@st.composite
def records(draw: st.DrawFn, depth: int = 2, names: Iterator[int] | None = None) -> Schema:
    """A record of up to five fields."""
    names = itertools.count() if names is None else names
    name = f"N{next(names)}"
    count = draw(st.integers(0, 5))
    fields = [{"name": f"f{number}", "type": draw(schemas(max(depth, 0), names))} for number in range(count)]
    return {"type": "record", "name": name, "fields": fields}


_NESTED: tuple[Make, ...] = (
    lambda draw, depth, names: {"type": "array", "items": draw(schemas(depth - 1, names))},
    lambda draw, depth, names: {"type": "map", "values": draw(schemas(depth - 1, names))},
    *(2 * (lambda draw, depth, names: draw(records(depth - 1, names)),)),
    _union,
)


@st.composite
def values(draw: st.DrawFn, schema: Schema) -> tuple[Any, Any]:
    """A value as fastavro writes it, and what a mapping sees."""
    if isinstance(schema, list):
        branch = draw(st.sampled_from(schema))
        datum, expected = draw(values(branch))
        return (branch["name"] if isinstance(branch, dict) else branch, datum), expected
    if isinstance(schema, str):
        datum = draw(PRIMITIVES[schema])
        return datum, plain(schema, datum)
    if "logicalType" in schema:
        return _logical_value(draw, schema)
    return _VALUES[schema["type"]](draw, schema)


def _logical_value(draw: st.DrawFn, schema: Schema) -> tuple[Any, Any]:
    logical = schema["logicalType"]
    if logical == "decimal":
        # Not with arithmetic, which would round.
        exact = Decimal(f"{draw(st.integers(-(10**39), 10**39))}E-{schema['scale']}")
        return exact, as_number(exact, schema["scale"])
    datum = draw(LOGICAL[schema["type"], logical])
    return datum, iso(datum, logical)


def _enum(draw: st.DrawFn, schema: Schema) -> tuple[Any, Any]:
    symbol = draw(st.sampled_from(schema["symbols"]))
    return symbol, symbol


def _fixed(draw: st.DrawFn, schema: Schema) -> tuple[Any, Any]:
    datum = draw(st.binary(min_size=schema["size"], max_size=schema["size"]))
    return datum, plain("bytes", datum)


def _array(draw: st.DrawFn, schema: Schema) -> tuple[Any, Any]:
    pairs = draw(st.lists(values(schema["items"]), max_size=4))
    return [datum for datum, _ in pairs], [expected for _, expected in pairs]


def _map(draw: st.DrawFn, schema: Schema) -> tuple[Any, Any]:
    found = draw(st.dictionaries(st.text(max_size=20), values(schema["values"]), max_size=4))
    return {key: datum for key, (datum, _) in found.items()}, {key: expected for key, (_, expected) in found.items()}


def _record(draw: st.DrawFn, schema: Schema) -> tuple[Any, Any]:
    found = {field["name"]: draw(values(field["type"])) for field in schema["fields"]}
    return {key: datum for key, (datum, _) in found.items()}, {key: expected for key, (_, expected) in found.items()}


_VALUES: Mapping[str, Callable[[st.DrawFn, Schema], tuple[Any, Any]]] = {
    "enum": _enum,
    "fixed": _fixed,
    "array": _array,
    "map": _map,
    "record": _record,
}


@st.composite
def cases(draw: st.DrawFn, schema: st.SearchStrategy[Schema] | None = None) -> Case:
    """A schema with a value."""
    chosen = draw(schemas() if schema is None else schema)
    return Case(chosen, *draw(values(chosen)))


def plain(kind: str, datum: Any) -> Any:
    """What a value without a logical type becomes."""
    if kind == "bytes":
        return base64.b64encode(datum).decode()
    if kind == "float" and math.isfinite(datum) and not datum.is_integer():
        # Of all decimals that read back to this float of 32 bits, the one with the fewest digits.
        return next(
            found
            for digits in range(1, 18)
            if abs(found := float(f"{datum:.{digits}g}")) < 3.4028236e38
            and struct.pack("<f", found) == struct.pack("<f", datum)
        )
    return datum


def as_number(exact: Decimal, scale: int) -> Any:
    """A decimal is a number where that loses nothing."""
    if scale == 0:
        return int(exact) if -(2**63) < exact < 2**63 else str(int(exact))
    return float(exact) if Decimal(repr(float(exact))) == exact else f"{exact:f}"


def iso(datum: Any, logical: str) -> str:
    """Python's own ISO 8601."""
    match datum:
        case UUID():
            return str(datum)
        case datetime():
            text = datum.isoformat(timespec="milliseconds" if "millis" in logical else "microseconds")
            return text.replace("+00:00", "Z")
        case time():
            return datum.isoformat(timespec="milliseconds" if "millis" in logical else "microseconds")
        case _:
            assert isinstance(datum, date)
            return datum.isoformat()
