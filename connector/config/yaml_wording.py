"""PyYAML's reasons in our words.

Its reasons speak of tokens; the reader wrote a file. A reason without a row below is passed on as it is.
"""

import re
from typing import NamedTuple

_COMMA = "write a comma between the two, or quote text that holds , [ ] { or }"


class Reworded(NamedTuple):
    """``at_context``: the place to point at is where the construct began, not where the parser gave up."""

    code: str
    message: str
    hint: str | None = None
    at_context: bool = False


_ROWS: tuple[tuple[str, Reworded], ...] = (
    (
        r"found character '\\t' that cannot start",
        Reworded("bad-yaml", "expected spaces, not a tab", "YAML indents with spaces only"),
    ),
    (
        r"found character '%' that cannot start",
        Reworded("bad-yaml", "expected a value, not %", "quote text that starts with %"),
    ),
    (
        r"found character (['\"][@`]['\"]) that cannot start",
        Reworded("bad-yaml", "expected a value, not @ or `", "quote text that starts with @ or `"),
    ),
    (
        r"cannot start any token",
        Reworded("bad-yaml", "expected a key or a value, not this character", "quote text that starts with it"),
    ),
    (
        r"mapping values are not allowed here",
        Reworded("bad-yaml", "expected one key: value on the line", "quote text that holds a colon and a space"),
    ),
    (
        r"sequence entries are not allowed here",
        Reworded("bad-yaml", "expected a value, not the - of a list", "start the list on the line after its key"),
    ),
    (
        r"mapping keys are not allowed here",
        Reworded("bad-yaml", "expected key: value, not a key after ?", "quote text that starts with ?"),
    ),
    (
        r"could not find expected ':'",
        Reworded("bad-yaml", "expected a colon after the key", "write key: value", at_context=True),
    ),
    (
        r"expected <block end>, but found",
        Reworded(
            "bad-yaml",
            "expected the indentation of the lines above",
            "start all keys of a mapping in the same column",
        ),
    ),
    (
        r"expected ',' or ']'",
        Reworded("bad-yaml", "expected a comma, or ] at the end of the list", _COMMA),
    ),
    (
        r"expected ',' or '}'",
        Reworded(
            "bad-yaml",
            "expected a comma, or } at the end of the mapping",
            _COMMA,
        ),
    ),
    (r"expected the node content", Reworded("bad-yaml", "expected a value")),
    (
        r"unexpected (end of stream|document separator)",
        Reworded("bad-yaml", "expected a closing quote", at_context=True),
    ),
    (
        r"found unknown escape character|escape sequence of",
        Reworded("bad-yaml", "expected an escape that YAML knows", "in single quotes a backslash needs no escape"),
    ),
    (
        r"found undefined alias",
        Reworded("unknown-alias", "expected an alias of an anchor above", "quote text that starts with *"),
    ),
    (r"second occurrence", Reworded("duplicate-anchor", "expected each anchor once", "rename one of the two anchors")),
    (
        r"found another document",
        Reworded("many-documents", "expected one document, not several", "remove the --- between them"),
    ),
    (
        r"expected '<document start>'",
        Reworded("bad-yaml", "expected the whole file to be one mapping", "write each section as key: value"),
    ),
    (
        r"while scanning an (alias|anchor)",
        Reworded("bad-yaml", "expected a name after & or *", "quote text that starts with & or *"),
    ),
    (
        r"undefined tag handle|scanning a tag|parsing a tag",
        Reworded("unknown-tag", "expected a value without a tag", "quote text that starts with !"),
    ),
    (
        r"scanning a directive|directive|tag handle",
        Reworded("bad-yaml", "expected no line that starts with %", "remove the line"),
    ),
    (
        r"scanning a block scalar",
        Reworded("bad-yaml", "expected a line break after | or >", "quote text that starts with | or >"),
    ),
    (r"nested more than", Reworded("too-large", "expected fewer levels of lists and mappings")),
)


def reword(problem: str, context: str) -> Reworded:
    """The first row that fits the reason, or the construct that the parser was in."""
    reason = f"{context}: {problem}"
    for pattern, words in _ROWS:
        if re.search(pattern, reason):
            return words
    return Reworded("bad-yaml", "expected YAML")
