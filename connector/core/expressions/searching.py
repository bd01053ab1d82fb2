"""``regex_extract`` cannot stall the process: the longest time of a search is known before the first record.

The operator writes the pattern, but whoever writes records chooses the text. Each search counts the work that it may
have taken.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from math import isqrt
from typing import Any, NamedTuple

from connector.core.expressions.calling import EvaluationError, ExpressionError, Spend, free, nullable
from connector.core.expressions.regex_automaton import TooComplex
from connector.core.expressions.regex_cost import backtracking_cost

MAX_SEARCHED = 8192  # characters that regex_extract searches; fewer where a pattern's steps would be too many
MAX_SEARCH = 200_000  # moves that one search may take, a few milliseconds at most
MOVES = 3  # of a search are a step
MAX_WAYS = 1_000  # in which a pattern may read a text, whatever its length


def prepare_regex(known: Sequence[Any], position: int | None, spend: Spend) -> Callable[..., Any]:
    """The search by a literal pattern, as ``Function.prepare`` does."""
    pattern, group = known[1], known[2] if len(known) > 2 else None
    if not isinstance(pattern, str):
        # A pattern from a record could take any time.
        raise ExpressionError(
            "regex_extract() expected a literal pattern as argument 2",
            position,
            code="bad_argument",
            hint="write the pattern between single quotes",
        )
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        message = f"regex_extract() expected a regular expression as argument 2: {error}"
        raise ExpressionError(message, position, code="bad_argument") from error
    if group is None:
        group = min(compiled.groups, 1)
    if not (
        group in compiled.groupindex if isinstance(group, str) else type(group) is int and 0 <= group <= compiled.groups
    ):
        message = "regex_extract() expected the literal number or name of a group of the pattern as argument 3"
        raise ExpressionError(message, position, code="bad_argument")
    return nullable(partial(_extract, compiled, group, _searching(pattern, position), spend))


class _Searching(NamedTuple):
    """What a search by a pattern may take: ``ways`` a character, or with ``square`` for each two of them.

    ``most`` characters may be searched, so that no text takes more than ``MAX_SEARCH``.
    """

    ways: int
    square: bool
    most: int

    def steps(self, length: int, start: int | None) -> int:
        """The most that a search has taken, of which the match begins at ``start``."""
        if not self.square:
            return self.ways * length // MOVES
        places = length if start is None else start + 1
        return self.ways * places * (2 * length - places) // (2 * MOVES)


def _searching(pattern: str, position: int | None) -> _Searching:
    """How long a search by the pattern takes at most, so small that one search for each element is bearable."""
    try:
        degree, ways = backtracking_cost(pattern)
    except TooComplex as error:
        raise _too_slow(f"a pattern whose running time can be bounded: {error}", None, position) from None
    if degree is None:
        hint = "say what is allowed, as in [^/]* for .*, or use a possessive repeat, as in (?:a++)+ for (a+)+"
        raise _too_slow(
            "a pattern without nested or overlapping repeats: this one can take exponential time", hint, position
        )
    if degree > 1:
        hint = "begin it with ^, say what is allowed, as in [^/]* for .*, or use a possessive repeat, as in [^/]*+"
        raise _too_slow(
            "a pattern with fewer repeats that can match the same text: this one can take hours for a long text",
            hint,
            position,
        )
    if ways > MAX_WAYS:
        raise _too_slow("a pattern with fewer optional parts", None, position)
    # From each place to the end of the text is half of its square.
    most = isqrt(2 * MAX_SEARCH // ways) if degree == 1 else MAX_SEARCH // ways
    return _Searching(ways, degree == 1, min(MAX_SEARCHED, most))


def _too_slow(expected: str, hint: str | None, position: int | None) -> ExpressionError:
    return ExpressionError(f"regex_extract() expected {expected}", position, code="bad_argument", hint=hint)


def _extract(
    pattern: re.Pattern[str], group: int | str, searching: _Searching, spend: Spend, text: str, *_: Any
) -> str | None:
    if len(text) > searching.most:
        raise EvaluationError(f"regex_extract() expected at most {searching.most} characters for its pattern, not more")
    found = pattern.search(text)
    spend(searching.steps(len(text), None if found is None else found.start()))
    return None if found is None else found.group(group)


def regex_extract(*arguments: Any) -> Any:
    """The search as the library's interpreter calls it: the pattern is compiled each time."""
    return prepare_regex(arguments, None, free)(*arguments)
