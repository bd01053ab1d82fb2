"""The slip that made YAML stumble, which is often before the place where it did.

A blank left out, a variable of a shell, a bracket that is not closed, quotes of a word processor.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

UNEXPANDED = "expected no variable in text: nothing replaces it"
REFER = "write {env: NAME}"
_ODD_BLANK = re.compile("[ \t]*[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff]")
_JOINED = re.compile(r"(\s*(?:- +)?[A-Za-z_][\w.]*:)(?=[^\s:/])|(\s*-)(?=[A-Za-z_]\w*:(?:\s|$))")
_TYPOGRAPHIC = re.compile("[:{,\\[]\\s*([\u2018-\u201f\u00ab\u00bb])")
_QUOTED = re.compile(r"""\s*(?:- +)?[\w.$-]+:\s+(['"]).*\1\s*\Z""")
_MARK = re.compile(r"(?:<{7}|>{7}|\|{7})(?: |$)|={7}$")
_KEY = re.compile(r"(\s*(?:- +)?)[A-Za-z_][\w.]*:(?:\s|$)")


class Stumble(NamedTuple):
    """Where YAML gave up, in our words; ``opened`` is the line and column of what it was inside of. All from 0."""

    message: str
    line: int
    column: int
    opened: tuple[int, int] | None = None


class Slip(NamedTuple):
    """What was meant, and where."""

    message: str
    hint: str | None
    line: int
    column: int
    length: int = 1


def slip_of(stumble: Stumble, lines: Sequence[str]) -> Slip | None:
    """The first slip that explains the stumble."""
    return next(filter(None, (look(stumble, lines) for look in _LOOKS)), None)


def _odd_blank(stumble: Stumble, lines: Sequence[str]) -> Slip | None:
    """An indentation that looks like one and is text: what web pages and word processors make of blanks."""
    for number, line in enumerate(lines[: stumble.line + 1]):
        odd = _ODD_BLANK.match(line)
        if odd:
            hint = "was it copied from a page or a document? YAML indents with plain spaces only"
            return Slip("expected plain spaces, not other white space", hint, number, odd.end() - 1)
    return None


def _conflict(stumble: Stumble, lines: Sequence[str]) -> Slip | None:
    """What git leaves of two versions that it could not merge; YAML may give up a line later."""
    for number, line in enumerate(lines[: stumble.line + 2]):
        if _MARK.match(line):
            hint = "git could not merge two versions: keep one of them, and remove the lines with marks"
            return Slip("expected no marks of a merge", hint, number, 0, len(line.split(" ")[0]))
    return None


def _typographic(stumble: Stumble, lines: Sequence[str]) -> Slip | None:
    found = _TYPOGRAPHIC.search(_line(stumble, lines)[: stumble.column + 1])
    if found is None:
        return None
    hint = "write \" or ' in place of quotes that a word processor has made"
    return Slip("expected straight quotes", hint, stumble.line, found.start(1))


def _variable(stumble: Stumble, lines: Sequence[str]) -> Slip | None:
    start = max(stumble.column - 1, 0)
    if _line(stumble, lines)[start : stumble.column + 1] != "${":
        return None
    return Slip(UNEXPANDED, REFER, stumble.line, stumble.column - 1, 2)


def _joined(stumble: Stumble, lines: Sequence[str]) -> Slip | None:
    """A key or a dash without the blank after it, on the line or on the one above."""
    if "one key: value" not in stumble.message:
        return None
    for number in (stumble.line, *_above(stumble, lines)):
        joined = _JOINED.match(lines[number])
        if joined:
            what = "colon" if joined[1] else "dash"
            return Slip(f"expected a blank after the {what}", None, number, joined.end() - 1)
    return None


def _indented(stumble: Stumble, lines: Sequence[str]) -> Slip | None:
    """A key further to the right than the one above, which has its value already."""
    if "one key: value" not in stumble.message:
        return None
    key = _KEY.match(_line(stumble, lines))
    for number in _above(stumble, lines):
        above = _KEY.match(lines[number])
        has_value = above is not None and lines[number][above.end() :].strip()
        if key and above and has_value and key.end() - 1 == stumble.column + 1 and len(key[1]) > len(above[1]):
            hint = "start all keys of a mapping in the same column"
            return Slip("expected the indentation of the lines above", hint, stumble.line, len(key[1]))
    return None


def _not_closed(stumble: Stumble, lines: Sequence[str]) -> Slip | None:
    """A bracket that is still open where the lines are no longer indented as what is in it."""
    end = re.search(r"or ([\]}]) at the end", stumble.message)
    if end is None or stumble.opened is None or stumble.opened[0] >= stumble.line:
        return None
    number, column = stumble.opened
    line = _line(stumble, lines)
    if line.strip() and _indent(line) > _indent(lines[number]):
        return None
    opening = lines[number][column : column + 1]
    return Slip(f"expected a closing {end[1]}", f"this {opening} is not closed", number, column)


def _after_quotes(stumble: Stumble, lines: Sequence[str]) -> Slip | None:
    """More behind a value that began with a quotation mark and so ended at the next."""
    line = _line(stumble, lines)
    quoted = _QUOTED.match(line[: stumble.column])
    if "indentation" not in stumble.message or quoted is None:
        return None
    other = "double" if quoted[1] == "'" else "single"
    hint = f"a value that begins with a quote ends at the next one: put {other} quotes around all of it"
    return Slip("expected nothing after the closing quote", hint, stumble.line, stumble.column)


def _line(stumble: Stumble, lines: Sequence[str]) -> str:
    return lines[stumble.line] if stumble.line < len(lines) else ""


def _above(stumble: Stumble, lines: Sequence[str]) -> list[int]:
    """The number of the line above that is not blank, if there is one."""
    return [number for number in range(min(stumble.line, len(lines))) if lines[number].strip()][-1:]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


_Look = Callable[[Stumble, Sequence[str]], Slip | None]
_LOOKS: tuple[_Look, ...] = (
    _conflict,
    _odd_blank,
    _typographic,
    _variable,
    _joined,
    _indented,
    _not_closed,
    _after_quotes,
)
