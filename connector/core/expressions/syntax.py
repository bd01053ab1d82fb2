"""A text that is not an expression is refused with the position of its first mistake, and a hint where one is known."""

import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from jmespath.exceptions import EmptyExpressionError, IncompleteExpressionError, LexerError, ParseError
from jmespath.lexer import Lexer
from jmespath.parser import Parser

from connector.core.expressions.calling import ExpressionError
from connector.core.expressions.hints import syntax_hint


def _silently(read: Callable[[str], Any], text: str) -> Any:
    with warnings.catch_warnings():
        # `View` for "View" is deprecated, and in every second example of aws --query.
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        return read(text)


def parse(text: str) -> dict[str, Any]:
    """The library's tree of an expression.

    Raises:
        ExpressionError: the first mistake, with its position.
    """
    try:
        tree = _silently(Parser().parse, text).parsed
    except EmptyExpressionError:
        raise ExpressionError("expected an expression, not an empty text", 0) from None
    except IncompleteExpressionError:
        raise ExpressionError("expected more, not the end of the expression", len(text)) from None
    except ParseError as error:
        raise _syntax_error(text, error) from None
    except ValueError:  # of int(): the library reads any number of digits
        raise ExpressionError("expected a number with fewer digits") from None
    return dict(tree)


def _syntax_error(text: str, error: ParseError) -> ExpressionError:
    position = error.lex_position
    if error.msg.startswith("Quoted"):  # its position is always zero
        return ExpressionError("expected a function name without quotes", text.find("("))
    if isinstance(error, LexerError) and error.message.startswith("Unclosed"):
        return ExpressionError(f"expected a closing {text[position]}, not the end of the expression", position)
    found = re.match(r"-?\w+|==|&&|\|\||\S", text[position:])
    fragment = found.group() if found else "end of the expression"
    return ExpressionError(f"unexpected {fragment}", position, hint=syntax_hint(text, position))


def tokens(text: str) -> Iterator[tuple[str, int]]:
    """Names, ``&`` and ``!`` with their positions, in the order of the text."""
    kinds = {"unquoted_identifier", "quoted_identifier", "expref", "not"}
    found = _silently(lambda whole: list(Lexer().tokenize(whole)), text)
    return ((token["value"], token["start"]) for token in found if token["type"] in kinds)
