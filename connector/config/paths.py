"""From pydantic's location of an error to a path of the file, and from a path to what is there."""

from collections.abc import Iterator
from typing import Any

from connector.config.yaml_tree import Path


def file_path(loc: tuple[str | int, ...], data: Any, last: str = "any") -> Path:
    """``loc`` without the names of union members that pydantic puts into it.

    ``last`` says what is known of the last part: a "missing" one is not in the data, a "present" one is.
    """
    found = _longest_walk(loc, data, last, {})
    return file_path(loc[:-1], data) if found is None and loc else found or ()


_Walks = dict[tuple[int, int, str], Path | None]


def _longest_walk(loc: tuple[str | int, ...], data: Any, last: str, known: _Walks) -> Path | None:
    """The walk through most keys; of equal ones the last, for a member of a union stands before its keys.

    `from` is such a member and a key, and so may many names in a row be. ``known`` has the walks that have been
    found, by what is left of ``loc`` and by where: or each such name would double the time.
    """
    if not loc:
        return None if last == "missing" else ()
    here = (len(loc), id(data), last)
    if here not in known:
        best: Path | None = None
        for walk in _walks(loc, data, last, known):
            if walk is not None and (best is None or len(walk) >= len(best)):
                best = walk
        known[here] = best
    return known[here]


def _walks(loc: tuple[str | int, ...], data: Any, last: str, known: _Walks) -> Iterator[Path | None]:
    head, rest = loc[0], loc[1:]
    is_end = not rest and last != "any"
    if _has(data, head) and not (is_end and last == "missing"):
        walk = _longest_walk(rest, data[head], "any" if is_end else last, known)
        yield None if walk is None else (head, *walk)
    if is_end and last == "missing" and (data is None or (isinstance(data, dict) and head not in data)):
        yield (head,)
    if isinstance(head, str) and not (is_end and last == "present"):
        yield _longest_walk(rest, data, last, known)


def _has(data: Any, part: str | int) -> bool:
    if isinstance(data, dict):
        return part in data
    return isinstance(data, list) and isinstance(part, int) and part < len(data)


def at(data: Any, path: Path) -> Any:
    """The data at a path, None where there is none."""
    for part in path:
        if not _has(data, part):
            return None
        data = data[part]
    return data
