"""A template is text with expressions between ``{{`` and ``}}``; braces and quotes inside one are its own.

An expression may hold braces (``{a: b}``) and text (``'}}'``), so its end is found by counting the one and
skipping the other. ``{{ '{{' }}`` writes two braces.
"""

import re
from typing import NamedTuple

_QUOTED_OR_BRACE = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|[{}]""", re.DOTALL)


class Piece(NamedTuple):
    """Literal text, or an expression without the blanks around it; ``position`` counts characters from 0."""

    text: str
    position: int
    is_expression: bool


class UnbalancedError(ValueError):
    """``{{`` without ``}}``, or the other way round, at ``position``."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


def split_template(text: str) -> list[Piece]:
    """The pieces of a template, in order.

    Raises:
        UnbalancedError: at the first brace that has no partner.
    """
    pieces: list[Piece] = []
    start = 0
    while (opening := text.find("{{", start)) >= 0:
        pieces += _literal(text, start, opening)
        closing = _closing(text, opening)
        inner = text[opening + 2 : closing]
        blanks = len(inner) - len(inner.lstrip())
        pieces.append(Piece(inner.strip(), opening + 2 + blanks, is_expression=True))
        start = closing + 2
    return pieces + _literal(text, start, len(text))


def _literal(text: str, start: int, end: int) -> list[Piece]:
    stray = text.find("}}", start, end)
    if stray >= 0:
        raise UnbalancedError("expected {{ before }}", stray)
    return [Piece(text[start:end], start, is_expression=False)] if start < end else []


def _closing(text: str, opening: int) -> int:
    depth = 0
    for token in _QUOTED_OR_BRACE.finditer(text, opening + 2):
        if token[0] == "{":
            depth += 1
        elif token[0] == "}" and depth:
            depth -= 1
        elif token[0] == "}":
            if not text.startswith("}}", token.start()):
                raise UnbalancedError("expected }}, not a single brace", token.start())
            return token.start()
    raise UnbalancedError("expected }} after {{", opening)
