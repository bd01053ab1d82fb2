"""How much work a JSON Schema makes of a value, counted before the validator begins: nothing can stop it afterwards.

A schema whose parts refer to others twice doubles the work with every reference: forty of them would keep the loop's
thread for days. Schemas of a bounded size that never repeat a part are not counted, so that they cost nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, TypeVar
from urllib.parse import unquote, urljoin

MAX_PARTS = 20_000  # of a schema with what it refers to written out; below, and without a circle, nothing is counted
STEPS, STEPS_A_BYTE = 100_000, 2  # parts of the schema that are held against parts of the value, at most

_ALL = ("allOf", "anyOf", "oneOf")  # lists of schemas for the same value
_ONE = ("not", "if", "then", "else")  # a schema for the same value
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_NAMED = ("dependentSchemas", "dependencies")  # schemas for the same value, by names
_MEMBERS = ("additionalProperties", "unevaluatedProperties")
_ITEMS = ("items", "additionalItems", "unevaluatedItems", "contains")

Each = TypeVar("Each")
Resolve = Callable[[Any], Any]  # a reference to the schema that it names; None where it is not known


class TooMuchWork(Exception):
    """The validator would take more steps than the value may cost."""


def compile_work(schema: Any, references: Mapping[str, Any]) -> Callable[[Any, int], None] | None:
    """A function that raises TooMuchWork for a value, of so many bytes, that would take too long; None if none can."""
    resolve = _resolver(schema, references)
    if _is_small(schema, resolve):
        return None

    def check(document: Any, size: int) -> None:
        def following(pair: tuple[Any, Any]) -> Iterator[tuple[Any, Any]]:
            part, value = pair
            yield from ((same, value) for same in _same(part, resolve))
            yield from _within(part, value)

        if _exceeds(STEPS + STEPS_A_BYTE * size, (schema, document), following):
            raise TooMuchWork

    return check


def _is_small(schema: Any, resolve: Resolve) -> bool:
    """Whether the schema, with what it refers to written out, has few parts."""
    return not _exceeds(MAX_PARTS, schema, lambda part: chain(_same(part, resolve), _below(part)))


def _exceeds(most: int, first: Each, following: Callable[[Each], Iterator[Each]]) -> bool:
    """Whether there are more than so many, with those that follow each; no more than that are ever kept."""
    waiting, left = [first], most
    while waiting:
        found = list(islice(following(waiting.pop()), left + 1))
        left -= len(found)
        if left < 0:
            return True
        waiting += found
    return False


def _same(part: Any, resolve: Resolve) -> Iterator[Any]:
    """The schemas that the same value is held against."""
    if not isinstance(part, dict):
        return
    for key in _ALL:
        found = part.get(key)
        if isinstance(found, list):
            yield from found
    for key in _NAMED:
        found = part.get(key)
        if isinstance(found, dict):
            yield from found.values()
    yield from (part[key] for key in _ONE if key in part)
    yield from (resolve(part[key]) for key in _REFERENCES if key in part)


def _below(part: Any) -> Iterator[Any]:
    """The schemas that parts of the value are held against."""
    if not isinstance(part, dict):
        return
    for key in ("properties", "patternProperties"):
        found = part.get(key)
        if isinstance(found, dict):
            yield from found.values()
    for key in (*_MEMBERS, *_ITEMS, "prefixItems"):
        found = part.get(key)
        if isinstance(found, list):
            yield from found
        elif found is not None:
            yield found


def _within(part: Any, value: Any) -> Iterator[tuple[Any, Any]]:
    """Parts of the value, each with a schema that it may be held against."""
    if isinstance(part, dict) and isinstance(value, dict):
        return _of_members(part, value)
    return _of_items(part, value) if isinstance(part, dict) and isinstance(value, list) else iter(())


def _of_members(part: dict[str, Any], value: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    named = part.get("properties")
    if isinstance(named, dict):
        yield from ((named[name], member) for name, member in value.items() if name in named)
    patterns = part.get("patternProperties")
    others = list(patterns.values()) if isinstance(patterns, dict) else []
    others += [part[key] for key in _MEMBERS if key in part]
    yield from ((other, member) for other in others for member in value.values())


def _of_items(part: dict[str, Any], value: list[Any]) -> Iterator[tuple[Any, Any]]:
    for key in _ITEMS:
        if isinstance(part.get(key), dict):
            yield from ((part[key], item) for item in value)
    for key in ("items", "prefixItems"):
        if isinstance(part.get(key), list):
            yield from zip(part[key], value, strict=False)


def _resolver(schema: Any, references: Mapping[str, Any]) -> Resolve:
    known: dict[str, Any] = {"": schema}
    for name, text in ({"": schema} | dict(references)).items():
        known[name] = text
        _add_names(text, name, known)

    def resolve(reference: Any) -> Any:
        if not isinstance(reference, str):
            return None
        place, _, fragment = reference.partition("#")
        whole = f"{place}#{fragment}"
        if not fragment or fragment.startswith("/"):
            return _pointed(known.get(place), unquote(fragment))
        return known.get(whole, known.get(f"#{fragment}"))

    return resolve


def _add_names(schema: Any, name: str, known: dict[str, Any]) -> None:
    """Add the names that parts of a schema have of their own: ids, as written and resolved, and anchors."""
    waiting = [(schema, name)]
    while waiting:
        part, base = waiting.pop()
        if isinstance(part, list):
            waiting += [(each, base) for each in part]
        if not isinstance(part, dict):
            continue
        own = part.get("$id")
        if isinstance(own, str):
            known.setdefault(own, part)
            base = urljoin(base, own)
            known.setdefault(base, part)
        for key in ("$anchor", "$dynamicAnchor"):
            if isinstance(part.get(key), str):
                known.setdefault(f"{base}#{part[key]}", part)
                known.setdefault(f"#{part[key]}", part)
        waiting += [(each, base) for each in part.values()]


def _pointed(schema: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(schema, list):
            schema = schema[int(name)] if name.isdecimal() and int(name) < len(schema) else None
        else:
            schema = schema.get(name) if isinstance(schema, dict) else None
    return schema
