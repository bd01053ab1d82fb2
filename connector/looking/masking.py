"""Values of records as they may be shown: their type and size, and nothing that identifies anybody.

Names of members are shown, since messages name them as well. But an object can be a table whose names are ids of
people, so a name with many digits, with an @ or of an unusual form is masked like a value, and of a large object only
its size is shown.
"""

import re
from typing import Any

MOST_NAMES = 100  # of an object; more make a table
_NAME = re.compile(r"[A-Za-z_$@][A-Za-z_$.:\- 0-9]{0,63}")
_MANY_DIGITS = re.compile(r"(?:[^0-9]*[0-9]){5}")
_LOOKS_LIKE_HEX = re.compile(r"[0-9a-fA-F-]{8,}")


def masked(value: Any) -> str:
    """The type of a value, and how long it is: ``text(36)``, ``number(5)``, ``true or false``, ``null``."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return f"number({len(str(value))})"
        case str():
            return f"text({len(value)})"
        case bytes():
            return f"bytes({len(value)})"
        case list() | tuple():
            return f"list({len(value)})"
        case dict():
            return f"object({len(value)})"
        case _:
            return "value"


def masked_name(name: str) -> str:
    """A member's name, or its mask where it looks like data."""
    return name if is_name(name) else masked(name)


def is_name(name: str) -> bool:
    """Whether this looks like a name that a programmer gave."""
    data = _MANY_DIGITS.match(name) or (_LOOKS_LIKE_HEX.fullmatch(name) and any(map(str.isdigit, name)))
    return _NAME.fullmatch(name) is not None and "@" not in name[1:] and not data


def masked_tree(value: Any) -> Any:
    """The same structure with masks in the place of values, for JSON. Null stays null."""
    match value:
        case None:
            return None
        case dict() if len(value) <= MOST_NAMES:
            return _masked_object(value)
        case list() | tuple():
            return [masked_tree(each) for each in value]
        case _:
            return masked(value)


def _masked_object(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, each in value.items():
        shown = masked_name(name)
        # Two names of one length have one mask.
        found[shown if shown not in found else f"{shown} #{len(found) + 1}"] = masked_tree(each)
    return found
