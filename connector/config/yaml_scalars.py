"""What a plain scalar means, by the core schema of YAML 1.2.

Only ``true`` and ``false`` are booleans and nothing is a date, so that ``const: NO`` is the text NO.
"""

import re
from collections.abc import Callable
from typing import Any

# Beyond this an integer is no number of ours, and Python itself refuses to parse it at some length.
MAX_DIGITS = 400

# The schema's own patterns, and the characters that their texts can start with.
SCALARS = (
    ("null", re.compile(r"(?:null|Null|NULL|~|)\Z"), ["n", "N", "~", ""]),
    ("bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF")),
    ("int", re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"), list("-+0123456789")),
    (
        "float",
        re.compile(
            r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
        ),
        list("-+.0123456789"),
    ),
)
EXPECTED = {
    "null": "null",
    "bool": "true or false",
    "int": f"a whole number of at most {MAX_DIGITS} digits",
    "float": "a finite number",
}


def scalar(text: str) -> Any:
    """None, bool, int, float, or the text itself; raises ValueError for a number that only YAML has."""
    kind = next((kind for kind, pattern, _ in SCALARS if pattern.match(text)), None)
    return text if kind is None else _READ[kind](text)


def read_scalar(kind: str, text: str) -> Any:
    """A text that is tagged as of a kind; raises ValueError where it is not."""
    if not _PATTERNS[kind].match(text):
        raise ValueError(kind)
    return _READ[kind](text)


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("too long")
    return int(text, 0) if text[:2] in ("0x", "0o") else int(text)


def _float(text: str) -> float:
    number = float(text)  # ".inf" and ".nan" are not Python's spelling: they raise, and no setting takes them
    if number in (float("inf"), float("-inf")):
        raise ValueError("too large")
    return number


_PATTERNS = {kind: pattern for kind, pattern, _ in SCALARS}
_READ: dict[str, Callable[[str], Any]] = {
    "null": lambda _: None,
    "bool": lambda text: text[0] in "tT",
    "int": _integer,
    "float": _float,
}
