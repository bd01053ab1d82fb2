"""An expectation as data of the file, and data as YAML on one line."""

import re
from collections.abc import Collection, Sequence
from typing import Any

from connector.config.example_checks import CONTAINS
from connector.config.examples import RejectedOutput
from connector.config.yaml_scalars import SCALARS
from connector.trials.outcomes import TARGETS, Event, Outcome

# Text that every reader of YAML takes for text, without quotes, also between braces.
_PLAIN = re.compile(r"[A-Za-z_/](?:[\w./+@-]| (?=[\w./+@-]))*\Z", re.ASCII)
# What YAML 1.1 takes for a boolean or for nothing.
_OTHER = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def as_output(found: Outcome, defaults: Collection[str] = (), expected: Any = None) -> Any:
    """What a file says of an outcome.

    Args:
        found: the outcome.
        defaults: the tracking id and the datasets of the file, which events need not name.
        expected: the output that the file has, whose choice of members is kept.
    """
    before = expected.events or [] if isinstance(expected, RejectedOutput) else expected
    before = before if isinstance(before, list) else []
    if found.skipped is not None:
        return {"skipped": found.skipped}
    if found.filtered:
        return {"filtered": True}
    events = [_event(event, defaults, before[number : number + 1]) for number, event in enumerate(found.events)]
    if found.rejection is None:
        return events
    output: dict[str, Any] = {"rejected": str(found.rejection.reason)}
    names_member = expected.member is not None if isinstance(expected, RejectedOutput) else True
    if names_member and found.rejection.field is not None:
        output["member"] = found.rejection.field
    return {**output, "events": events} if events else output


def _event(event: Event, defaults: Collection[str], before: Sequence[Event]) -> Event:
    some = before[0].get(CONTAINS) if before and list(before[0]) == [CONTAINS] else None
    if isinstance(some, dict):
        kept = {name: event[name] for name in some if name in event}
        if kept:
            return {CONTAINS: kept}
    order = before[0] if before else {}
    names = [name for name in dict.fromkeys([*order, *event]) if name in event]
    implied = {name for name in TARGETS if event.get(name) in defaults and name not in order}
    return {name: event[name] for name in names if name not in implied}


def in_yaml(value: Any) -> str:
    """Data as YAML on one line, in the style of JSON with as few quotes as are safe."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(name)}: {in_yaml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(in_yaml, value)) + "]"
    if isinstance(value, str):
        return _text(value)
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _text(text: str) -> str:
    is_other = text.lower() in _OTHER or any(pattern.match(text) for _, pattern, _ in SCALARS)
    return text if _PLAIN.match(text) and not is_other else '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65_536 else f"\\U{code:08x}"
