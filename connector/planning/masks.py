"""Values in words that do not show them: their types and how long they are.

What a file itself says (the texts of its constants, lookups and defaults) is no value of a record, and is shown.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from connector.config import Loaded
from connector.core.mapping.specs import Case, Const, Else, From
from connector.looking.masking import masked, masked_name
from connector.planning.comparing import ABSENT, Difference
from connector.planning.outcomes import PROPERTIES

LONGEST = 60  # characters of a value that is shown
ARROW = "->"
_LITERAL = re.compile(r"\s*'([^'\\]*)'\s*")  # of JMESPath


def texts_of(loaded: Loaded) -> frozenset[str]:
    """The texts that a file names in field specs, its tracking id and its datasets."""
    puts = [rule.put for pipeline in loaded.config.pipelines for rule in pipeline.rules if rule.put]
    found = {text for put in puts for _, spec in put for text in _texts(spec)}
    return frozenset(found | loaded.targets)


def _texts(spec: Any) -> Iterator[str]:
    match spec:
        case str() if literal := _LITERAL.fullmatch(spec):
            yield literal[1]
        case Const(const=value):
            yield from _text(value)
        case Case(case=arms):
            yield from _of_all(arm.else_ if isinstance(arm, Else) else arm.then for arm in arms)
        case From():
            yield from _text(spec.default)
            yield from _of_all(Const(const=value) for value in (spec.lookup or {}).values())
            yield from _texts(spec.otherwise)
        case dict() | list():
            yield from _of_all(spec.values() if isinstance(spec, dict) else spec)
        case _:
            pass


def _of_all(specs: Iterable[Any]) -> Iterator[str]:
    for spec in specs:
        yield from _texts(spec)


def _text(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value


class Masks:
    """Words for values.

    Args:
        known: texts that may be shown.
        values: whether all may be.
    """

    def __init__(self, known: frozenset[str], *, values: bool) -> None:
        self._known = known
        self._values = values

    def change(self, difference: Difference) -> str:
        """What a member was and is: ``text(4) -> absent``."""
        left, right = self.value(difference.old), self.value(difference.new)
        if left == right:
            return f"{left}, another value"
        return f"{left} {ARROW} {right}"

    def name(self, member: str) -> str:
        """A member; the name of a property may come out of a record, and be an id."""
        if self._values or not member.startswith(PROPERTIES):
            return member
        return PROPERTIES + self.column(member.removeprefix(PROPERTIES))

    def column(self, name: str) -> str:
        """A column of the schema, which is the name of a property."""
        return name if self._values else masked_name(name)

    def value(self, value: Any) -> str:
        """One value."""
        if value is ABSENT:
            return "absent"
        if self._values or (isinstance(value, str) and value in self._known):
            return _shown(value)
        return masked(value)


def _shown(value: Any) -> str:
    """On one line, nothing of which moves a terminal's cursor."""
    text = "".join(
        c if c.isprintable() else f"\\u{ord(c):04x}" for c in json.dumps(value, ensure_ascii=False, default=repr)
    )
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
