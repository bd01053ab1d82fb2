"""Schemas of Kafka Connect in JSON: what they say of a payload's types, compiled to a function that puts it right.

Most of a payload is right as JSON has it. The function touches only what a logical type gives another meaning, and maps
whose keys are not text, which Connect writes as a list of pairs. A schema comes with every record, so it is compiled
once for its text, and both it and the work that it asks for are bounded.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson

from connector.core.formats.connect_types import Conversion, MisfitError, conversion
from connector.core.formats.decoded import DecodingError
from connector.core.records import Reason
from connector.core.words import type_word

MAX_TYPES = 10_000  # of one schema: a change event of a table of 4,096 columns, MySQL's most, has 8,200
MAX_DEPTH = 64
MAX_CONVERSIONS = 10_000  # in one payload: 50 ms when all are used, by the slowest type
MAX_CACHED = 256 * 1024  # bytes of a schema's text that is remembered
_REMEMBERED = 16  # schemas; a topic has one, or a few after its table changed


class Typed:
    """Puts payloads right by the schemas that come with them.

    One thread at a time: the work of a payload is counted.
    """

    def __init__(self) -> None:
        self._left = 0
        self._compiled = lru_cache(_REMEMBERED)(lambda text: _Compiler(self._spend).whole(orjson.loads(text)))

    def __call__(self, schema: Any, payload: Any) -> Any:
        """The payload, changed in place where its schema says that something means something else.

        Raises:
            DecodingError: the schema cannot be used, or the payload is not of it.
        """
        if payload is None or schema is None:
            return payload
        convert = self._conversion(schema)
        if convert is None:
            return payload
        self._left = MAX_CONVERSIONS
        try:
            return convert(payload)
        except MisfitError as error:
            raise DecodingError(Reason.NOT_OF_THE_SCHEMA, _placed("payload", error)) from None

    def _conversion(self, schema: Any) -> Conversion | None:
        try:
            text = orjson.dumps(schema)
            return self._compiled(text) if len(text) <= MAX_CACHED else _Compiler(self._spend).whole(schema)
        except orjson.JSONEncodeError:
            message = f"schema: expected a schema nested at most {MAX_DEPTH} deep, found a deeper one"
            raise DecodingError(Reason.UNUSABLE_SCHEMA, message) from None
        except MisfitError as error:
            raise DecodingError(Reason.UNUSABLE_SCHEMA, _placed("schema", error)) from None

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise MisfitError(
                f"expected at most {MAX_CONVERSIONS} values of lists and maps that have types, found more"
            )


class _PlacedError(MisfitError):
    """A misfit somewhere inside; ``place`` leads there, as in ``after.price``."""

    def __init__(self, name: str, error: MisfitError) -> None:
        inner = error.place if isinstance(error, _PlacedError) else ""
        super().__init__(str(error))
        self.place: str = f"{name}.{inner}" if inner and not inner.startswith("[") else f"{name}{inner}"


def _placed(start: str, error: MisfitError) -> str:
    return f"{_PlacedError(start, error).place}: {error}"


class _Compiler:
    """Compiles one schema; ``spend`` is called with the number of values that are about to be converted."""

    def __init__(self, spend: Callable[[int], None]) -> None:
        self._spend = spend
        self._types = 0

    def whole(self, schema: Any) -> Conversion | None:
        """The function for payloads of this schema; None where nothing needs to be changed."""
        return self._compile(schema, 1)

    def _compile(self, schema: Any, depth: int) -> Conversion | None:
        self._types += 1
        if self._types > MAX_TYPES or depth > MAX_DEPTH:
            raise MisfitError(f"expected at most {MAX_TYPES} types, nested at most {MAX_DEPTH} deep, found more")
        if schema is None:
            return None
        if type(schema) is not dict:
            raise MisfitError(f"expected an object, found {type_word(schema)}")
        return _logical(schema) or self._nested(schema, depth)

    def _nested(self, schema: dict[str, Any], depth: int) -> Conversion | None:
        match schema.get("type"):
            case "struct":
                return self._struct(schema.get("fields"), depth)
            case "array":
                return self._array(schema.get("items"), depth)
            case "map":
                return self._map(schema, depth)
            case _:
                return None

    def _struct(self, fields: Any, depth: int) -> Conversion | None:
        if type(fields) is not list:
            return None
        changed: list[tuple[str, Conversion]] = []
        for field in fields:
            name = field.get("field") if type(field) is dict else None
            if type(name) is not str:
                raise MisfitError("expected fields that are objects with their name as field")
            try:
                convert = self._compile(field, depth + 1)
            except MisfitError as error:
                raise _PlacedError(name, error) from None
            if convert is not None:
                changed.append((name, convert))
        return _of_struct(changed, self._spend) if changed else None

    def _array(self, items: Any, depth: int) -> Conversion | None:
        convert = self._compile(items, depth + 1)
        return None if convert is None else _of_array(convert, self._spend)

    def _map(self, schema: dict[str, Any], depth: int) -> Conversion | None:
        convert = self._compile(schema.get("values"), depth + 1)
        keys = schema.get("keys")
        if convert is None and type(keys) is dict and keys.get("type") == "string":
            return None
        return _of_map(convert or _as_it_is, self._spend)


def _logical(schema: dict[str, Any]) -> Conversion | None:
    name, parameters = schema.get("name"), schema.get("parameters")
    if type(name) is not str:
        return None
    return conversion(name, parameters if type(parameters) is dict else {})


def _as_it_is(value: Any) -> Any:
    return value


def _of_struct(changed: list[tuple[str, Conversion]], spend: Callable[[int], None]) -> Conversion:
    def convert(value: Any) -> Any:
        if type(value) is not dict:
            raise MisfitError(f"expected an object, found {type_word(value)}")
        spend(len(changed))
        name = ""
        try:
            for name, inner in changed:
                found = value.get(name)
                if found is not None:
                    value[name] = inner(found)
        except MisfitError as error:
            raise _PlacedError(name, error) from None
        return value

    return convert


def _of_array(inner: Conversion, spend: Callable[[int], None]) -> Conversion:
    def convert(value: Any) -> Any:
        if type(value) is not list:
            raise MisfitError(f"expected a list, found {type_word(value)}")
        spend(len(value))
        place = 0
        try:
            for place, item in enumerate(value):
                if item is not None:
                    value[place] = inner(item)
        except MisfitError as error:
            raise _PlacedError(f"[{place}]", error) from None
        return value

    return convert


def _of_map(inner: Conversion, spend: Callable[[int], None]) -> Conversion:
    def convert(value: Any) -> Any:
        pairs = _pairs(value)
        spend(len(pairs))
        converted = {}
        for key, item in pairs:
            try:
                converted[_key(key)] = None if item is None else inner(item)
            except MisfitError as error:
                # A key may be anybody's id, so the message does not have it.
                raise _PlacedError("[]", error) from None
        return converted

    return convert


def _pairs(value: Any) -> list[Any]:
    """Keys and values; a map whose keys are not text is a list of lists of two."""
    if type(value) is dict:
        return list(value.items())
    if type(value) is not list:
        raise MisfitError(f"expected an object or a list of pairs, found {type_word(value)}")
    if any(type(pair) is not list or len(pair) != 2 for pair in value):
        raise MisfitError("expected pairs of a key and a value")
    return value


def _key(key: Any) -> str:
    if type(key) is str:
        return key
    if key is None or type(key) in {bool, int, float}:
        return orjson.dumps(key).decode()
    raise MisfitError(f"expected a key that is text or a number, found {type_word(key)}")
