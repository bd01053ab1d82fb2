"""Durations: ``250ms``, ``2s``, ``5m``, ``1h``, ``14d`` in the file, float seconds on the models.

A bare number is refused: half of the readers would take it for seconds, the other half for milliseconds.
"""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import PlainSerializer, ValidationInfo, WithJsonSchema
from pydantic.functional_validators import BeforeValidator
from pydantic_core import PydanticCustomError

_UNITS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600), "d": Decimal(86_400)}
# Twelve digits reach thousands of years and keep every product exact and finite.
PATTERN = r"^[0-9]{1,12}(\.[0-9]{1,6})?(ms|s|m|h|d)$"
LONGEST = 365 * 86_400.0


def parse_duration(value: object) -> float:
    """Seconds. Raises the located errors ``bad_duration`` and, past a year, ``out_of_range``."""
    if not isinstance(value, str) or not re.fullmatch(PATTERN, value):
        hint = _hint(value)
        raise PydanticCustomError(
            "bad_duration", "expected a duration such as 250ms, 2s, 5m, 1h or 14d", {"hint": hint}
        )
    digits = value.rstrip("mshd")
    seconds = float(Decimal(digits) * _UNITS[value[len(digits) :]])
    if seconds > LONGEST:
        raise PydanticCustomError("out_of_range", "expected at most a year (365d)")
    return seconds


def _hint(value: object) -> str | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float) or (isinstance(value, str) and re.fullmatch(r"[0-9.]+", value)):
        return "add a unit"
    text = value if isinstance(value, str) else ""
    if text.startswith("-"):
        return "a duration cannot be negative"
    words = re.fullmatch(r"([0-9.]+)\s*(milli|sec|min|hour|hr|day)\w*", text.lower())
    if words:
        return f"write {words[1]}{'ms' if words[2] == 'milli' else words[2][0]}"
    return "write it without blanks and in lower case" if re.fullmatch(PATTERN, "".join(text.lower().split())) else None


def format_duration(seconds: float) -> str:
    """Text that ``parse_duration`` reads back to the same number, in the largest unit that stays whole."""
    exact = Decimal(repr(seconds))
    for unit in ("d", "h", "m", "s"):
        if exact and exact % _UNITS[unit] == 0:
            return f"{exact / _UNITS[unit]:.0f}{unit}"
    return f"{exact / _UNITS['ms']:f}".removesuffix(".0").removesuffix(".") + "ms" if exact else "0s"


def _of_field(value: object, info: ValidationInfo) -> float:
    """A file comes with a context and says its units; a model that is built in code says seconds."""
    return value if info.context is None and isinstance(value, float) else parse_duration(value)


_SCHEMA: dict[str, Any] = {"type": "string", "pattern": PATTERN, "examples": ["250ms", "2s", "5m", "1h", "14d"]}

Duration = Annotated[
    float,
    BeforeValidator(_of_field),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(_SCHEMA),
]
