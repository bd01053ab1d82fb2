"""What is wrong with a file, as a value, and how it is shown.

A problem carries no value of a setting: its message names types and keys, and its source line has been
through ``masking`` before it gets here. So it can be printed, logged and put on a pull request as it is.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from connector.core.words import suggest

Format = Literal["text", "json", "github"]
# An error makes a file invalid. A warning marks an unlikely value, a note something easily misunderstood.
Severity = Literal["error", "warning", "note"]

_LISTED_KEYS = 8


class Problem(NamedTuple):
    """One mistake and where it stands.

    ``line`` and ``column`` are 1-based, columns count characters. ``source_line`` is the line with secrets
    masked, so the mistake starts at ``caret`` (0-based) in it, not always at ``column``. ``length`` is how
    many characters of it are meant. ``code`` is kebab-case and stable. ``hint`` says what to write instead.
    """

    code: str
    message: str
    file: str
    line: int
    column: int
    source_line: str = ""
    caret: int = 0
    length: int = 1
    hint: str | None = None
    severity: Severity = "error"


def render(problems: Sequence[Problem], format: Format = "text") -> str:  # noqa: A002  the option's own name
    """The problems as one text without a final newline; ``json`` is an array even when there are none."""
    return _RENDERERS[format](problems)


def suggest_or_list(word: str, choices: Sequence[str], what: str) -> str | None:
    """A near miss, or else the choices themselves while they are few enough to read."""
    listed = f"{what}: {', '.join(choices)}" if 0 < len(choices) <= _LISTED_KEYS else None
    return suggest(word, choices) or listed


def printable(text: str, limit: int = 60) -> str:
    """A key or a name from the file, fit for a message: one line, no control characters, not long."""
    shown = _visible(text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def key_word(key: str) -> str:
    """A key in a message. What does not look like a name may be a value whose colon was lost, even a secret."""
    return key if re.fullmatch(r"[\w.-]{1,60}", key) else "this one"


def _visible(text: str) -> str:
    """The same number of characters, none of which moves a terminal's cursor."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text)


def width(text: str) -> int:
    """Columns on a terminal: East Asian wide characters take two, combining marks none."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) != 0 for c in text)


def _text(problems: Sequence[Problem]) -> str:
    return "\n\n".join(map(_paragraph, problems))


def _paragraph(problem: Problem) -> str:
    place = f"{_visible(problem.file)}:{problem.line}:{problem.column}"
    head = f"{place}: {_severity(problem)}{problem.message} [{problem.code}]"
    hint = f" {problem.hint}" if problem.hint else ""
    if not problem.source_line.strip():
        return head + (f"\n  {problem.hint}" if problem.hint else "")
    source = _visible(problem.source_line)
    gutter = " " * len(str(problem.line))
    pad = " " * width(source[: problem.caret])
    marks = "^" * max(1, width(source[problem.caret : problem.caret + problem.length]))
    return f"{head}\n  {problem.line} | {source}\n  {gutter} | {pad}{marks}{hint}"


def _severity(problem: Problem) -> str:
    return "" if problem.severity == "error" else f"{problem.severity}: "


def _json(problems: Sequence[Problem]) -> str:
    return json.dumps([problem._asdict() for problem in problems], indent=2)


def _github(problems: Sequence[Problem]) -> str:
    return "\n".join(map(_annotation, problems))


def _annotation(problem: Problem) -> str:
    """A workflow command: the runner turns it into a remark on the line of the file."""
    end = problem.column + max(1, problem.length) - 1
    place = {"file": problem.file, "line": problem.line, "col": problem.column, "endColumn": end}
    options = ",".join(f"{name}={_escaped(str(value), ',:')}" for name, value in place.items())
    message = f"{problem.message} ({problem.hint})" if problem.hint else problem.message
    command = "notice" if problem.severity == "note" else problem.severity
    return f"::{command} {options},title={problem.code}::{_escaped(message)}"


def _escaped(text: str, separators: str = "") -> str:
    """What the runner would take for its own syntax, in the percent form that it decodes."""
    return re.sub(f"[%\r\n{separators}]", lambda found: f"%{ord(found[0]):02X}", text)


_RENDERERS: Mapping[Format, Callable[[Sequence[Problem]], str]] = {
    "text": _text,
    "json": _json,
    "github": _github,
}
