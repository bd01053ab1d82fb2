"""A document's shape without its values: names of members stay, values become the word for their type. Pure."""

import re
from typing import Any

# What a name looks like that somebody gave to a member; others may be values that were used as names, such as ids.
_NAME = re.compile(r"[A-Za-z_$@][A-Za-z_$@.\- ]*[0-9]{0,2}", re.ASCII)
_LONGEST_NAME = 60
_MOST = 100  # members of an object; one with more has values for names
_DEEPEST = 32


def masked(value: Any, depth: int = 0) -> Any:
    """The same document with words in place of values."""
    if isinstance(value, dict):
        if depth > _DEEPEST or len(value) > _MOST:
            return f"<an object of {len(value)} members>"
        return {_name(name, number): masked(part, depth + 1) for number, (name, part) in enumerate(value.items(), 1)}
    if isinstance(value, list):
        return f"<a list of {len(value)}>" if depth > _DEEPEST else [masked(part, depth + 1) for part in value]
    if isinstance(value, str):
        return "<empty text>" if not value else f"<text of {len(value)}>"
    if isinstance(value, bool) or value is None:
        return value
    return "<number>"


def _name(name: str, number: int) -> str:
    fits = len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) and "@" not in name[1:]
    return name if fits else f"<name {number}>"
