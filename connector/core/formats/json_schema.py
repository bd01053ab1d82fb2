"""JSON that is held against its JSON Schema. Only a file that says ``validate: true`` comes here.

Nothing is fetched over the network while a schema is compiled or used: what it refers to must come with it. Patterns
run in linear time where they can, and with a bounded number of steps where they look around.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

import jsonschema_rs

from connector.core.formats.decoded import Decode, DecodingError, SchemaError
from connector.core.formats.framing import CONFLUENT, GLUE, framed
from connector.core.formats.json_schema_work import TooMuchWork, compile_work
from connector.core.formats.plain import decode_json
from connector.core.records import Reason

_FRAMES = {CONFLUENT, GLUE}  # no JSON begins with one of them
_MAX_STEPS = 10_000  # of a pattern that looks around
_MAX_PARTS = 12  # of a path that a message names
_MAX_EXPLAINED = 256 * 1024  # bytes of a value whose message says where it is wrong
_NO_BASE = "json-schema:///"  # the library's own for a schema without an $id


def compile_json_schema(text: str, references: Mapping[str, str] | None = None) -> Decode:
    """A decoder of JSON that refuses what the schema does not allow. A registry's frame is skipped where there is one.

    Args:
        text: the schema.
        references: the schemas that it refers to, by the names that it uses.

    Raises:
        SchemaError: the schema cannot be used.
    """
    schema = _schema(text, "the schema")
    others = {name: _schema(part, name) for name, part in (references or {}).items()}
    validator, check_work = _validator(schema, others), compile_work(schema, others)
    names = frozenset(_names(schema)).union(*map(_names, others.values()))

    def decode(value: bytes) -> Any:
        document = decode_json(framed(value).payload if value and value[0] in _FRAMES else value)
        if check_work is not None:
            _check(check_work, document, len(value))
        if not validator.is_valid(document):
            raise DecodingError(Reason.NOT_OF_THE_SCHEMA, _words(validator, document, len(value), names))
        return document

    return decode


def _check(check_work: Callable[[Any, int], None], document: Any, size: int) -> None:
    try:
        check_work(document, size)
    except TooMuchWork:
        message = (
            "expected a value that can be held against its JSON Schema in a moment: the schema's parts refer to each "
            "other so often that it takes too long; split the schema, or set value.validate to false"
        )
        raise DecodingError(Reason.NOT_OF_THE_SCHEMA, message) from None


def _schema(text: str, name: str) -> Any:
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError):
        raise SchemaError(f"expected a JSON Schema, but {name} is not JSON") from None
    if not isinstance(schema, dict | bool):
        raise SchemaError(f"expected a JSON Schema, but {name} is neither an object nor true or false")
    return schema


def _validator(schema: Any, references: Mapping[str, Any]) -> Any:
    # Without $schema Confluent's clients take draft 7; the library would take the newest.
    has_draft = isinstance(schema, dict) and "$schema" in schema
    make = jsonschema_rs.validator_for if has_draft else jsonschema_rs.Draft7Validator
    resources = list(_resources(schema, references))
    try:
        registry = jsonschema_rs.Registry(resources, retriever=_refuse) if references else None
        options: dict[str, Any] = {"registry": registry, "validate_formats": False, "offline": True, "mask": "a value"}
        try:
            return make(schema, pattern_options=jsonschema_rs.RegexOptions(), **options)
        except jsonschema_rs.ValidationError:  # perhaps for a pattern that looks around
            patterns = jsonschema_rs.FancyRegexOptions(backtrack_limit=_MAX_STEPS)
            return make(schema, pattern_options=patterns, **options)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise SchemaError(f"expected a valid JSON Schema: {_first_line(error)}") from None


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri} is missing: register it as a reference of the schema")


def _first_line(error: Exception) -> str:
    return str(getattr(error, "message", None) or error).splitlines()[0]


def _resources(schema: Any, references: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    base = schema.get("$id") if isinstance(schema, dict) else None
    bases = [_NO_BASE, base] if isinstance(base, str) else [_NO_BASE]
    seen = set()
    for name, reference in references.items():
        own = reference.get("$id") if isinstance(reference, dict) else None
        for uri in (name, *(urljoin(base, name) for base in bases), own):
            if isinstance(uri, str) and uri not in seen:
                seen.add(uri)
                yield uri, reference


def _names(schema: Any) -> Iterator[str]:
    """The members that a schema names. Others may be data: a map's keys are somebody's ids."""
    waiting = [schema]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            properties = found.get("properties")
            if isinstance(properties, dict):
                yield from properties
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found


def _words(validator: Any, document: Any, size: int, names: frozenset[str]) -> str:
    if size > _MAX_EXPLAINED:  # the library's errors hold a copy of the value, and of all of it where its type is wrong
        return f"{_SOMETHING_ELSE} in a value too large to say where"
    try:
        validator.validate(document)  # stops at the first error: a hostile value may have a million of them
    except jsonschema_rs.ValidationError as error:
        return _explained(error, names)
    return _SOMETHING_ELSE  # pragma: no cover  a value is valid or it is not


_SOMETHING_ELSE = "expected what the JSON Schema allows, found something else"


def _explained(error: Any, names: frozenset[str]) -> str:
    path = "".join(_step(part, names) for part in error.instance_path[:_MAX_PARTS])
    lacks = error.kind.property if error.kind.name == "required" else None
    missing = f": {lacks} is missing" if lacks in names else ""
    return f"expected what the JSON Schema allows, but {error.kind.name} does not hold at ${path}{missing}"


def _step(part: str | int, names: frozenset[str]) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if part in names else ".*"
