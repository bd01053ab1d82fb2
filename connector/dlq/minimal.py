"""The smallest document that keeps a property: members and elements are left out as long as it stays. Pure.

Large parts are tried before small ones (delta debugging), until nothing more can be left out. The work is bounded: what
is found by then keeps the property as well, and is only less small.
"""

from collections.abc import Callable, Iterator
from typing import Any

Path = tuple[str | int, ...]
MOST = 4_000  # documents that are tried


class _Spent(Exception):
    """No more documents are tried."""


def smallest(document: Any, keeps: Callable[[Any], bool], most: int = MOST) -> Any:
    """The document with as few members and elements as keep the property.

    Args:
        document: JSON data that has the property.
        keeps: whether some data has it.
        most: how often ``keeps`` is asked at most.
    """
    left = most

    def asked(candidate: Any) -> bool:
        nonlocal left
        if not left:
            raise _Spent
        left -= 1
        return keeps(candidate)

    best = [document]
    try:
        while _smaller(best, asked):
            pass
    except _Spent:
        pass
    return best[0]


def _smaller(best: list[Any], keeps: Callable[[Any], bool]) -> bool:
    """One walk over the containers, from the outermost; whether anything was left out."""
    found = False
    for path in list(_containers(best[0])):
        container = at(best[0], path)
        if isinstance(container, dict | list) and container:
            found = _reduced(best, path, keeps) or found
    return found


def _reduced(best: list[Any], path: Path, keeps: Callable[[Any], bool]) -> bool:
    """Leave out halves of a container's parts, then quarters, down to single ones."""
    found, size = False, len(at(best[0], path))
    while size:
        start = 0
        while start < len(at(best[0], path)):
            candidate = put(best[0], path, _without(at(best[0], path), start, start + size))
            if keeps(candidate):
                best[0], found = candidate, True
            else:
                start += size
        size //= 2
    return found


def _without(container: Any, start: int, end: int) -> Any:
    if isinstance(container, list):
        return container[:start] + container[end:]
    names = list(container)
    return {name: container[name] for name in names[:start] + names[end:]}


def _containers(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, dict | list):
        yield path
        for name, part in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield from _containers(part, (*path, name))


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The values that are no containers, with their paths."""
    if isinstance(value, dict | list):
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(part, (*path, name))
    else:
        yield path, value


def at(value: Any, path: Path) -> Any:
    """The value at a path; None where there is none."""
    for name in path:
        try:
            value = value[name]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def put(value: Any, path: Path, part: Any) -> Any:
    """The document with another value at a path."""
    if not path:
        return part
    name, rest = path[0], path[1:]
    if isinstance(value, list):
        return [put(each, rest, part) if number == name else each for number, each in enumerate(value)]
    return {key: put(each, rest, part) if key == name else each for key, each in value.items()}
