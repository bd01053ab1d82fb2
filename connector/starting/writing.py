"""JSON documents as YAML in flow style, broken after commas: how the files of this project write their tests."""

import json
import re
from typing import Any

WIDTH = 118
# Text that needs no quotation marks, whatever reads it; the words are other things than text in some version of YAML.
_PLAIN = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_ ./@+-]*[A-Za-z0-9_])?")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def flow(value: Any, column: int) -> str:
    """The document as it stands from this column on: on one line, or broken after commas and aligned."""
    line = _line(value)
    parts = _parts(value)
    if column + len(line) <= WIDTH:
        return line
    if not parts:
        return _folded(value, column) if isinstance(value, str) else line
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    text, at, broken = opening, column + 1, False
    for number, (name, part) in enumerate(parts):
        end = closing if number == len(parts) - 1 else ","
        piece = name + _line(part) + end
        if number and (broken or at + 1 + len(piece) > WIDTH):
            text, at = f"{text}\n{' ' * (column + 1)}", column + 1
        elif number:
            text, at = f"{text} ", at + 1
        broken = at + len(piece) > WIDTH
        text += name + flow(part, at + len(name)) + end if broken else piece
        at += len(piece)
    return text


def scalar(value: Any) -> str:
    """Text, a number, true, false or null."""
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return quoted(value)


def spelled(expression: str) -> str:
    """An expression outside of flow style: as it is where YAML reads it so."""
    starts = expression[:1].isascii() and expression[:1].isalpha()
    ends = not expression.endswith((":", " "))
    if starts and ends and expression.isprintable() and ": " not in expression and " #" not in expression:
        return expression
    return quoted(expression)


def quoted(text: str) -> str:
    """Text in quotation marks; what is not printable is escaped."""
    return "".join(_escaped(character) for character in json.dumps(text, ensure_ascii=False))


def _folded(text: str, column: int) -> str:
    """Text in quotation marks over several lines: a backslash at the end of one joins it to the next."""
    room = max(WIDTH - column - 2, 20)
    lines = [""]
    for character in text:
        piece = quoted(character)[1:-1]
        if len(lines[-1]) + len(piece) > room:
            lines.append("")
        lines[-1] += "\\ " if piece == " " and not lines[-1] and len(lines) > 1 else piece
    return '"' + f"\\\n{' ' * (column + 1)}".join(lines) + '"'


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"


def _parts(value: Any) -> list[tuple[str, Any]]:
    """The members of an object with their names, the elements of a list without; of others none."""
    if isinstance(value, dict):
        return [(f"{scalar(str(name))}: ", part) for name, part in value.items()]
    return [("", part) for part in value] if isinstance(value, list) else []


def _line(value: Any) -> str:
    if isinstance(value, dict | list):
        inner = ", ".join(name + _line(part) for name, part in _parts(value))
        return f"{{{inner}}}" if isinstance(value, dict) else f"[{inner}]"
    return scalar(value)
