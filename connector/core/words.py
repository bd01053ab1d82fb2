"""The words of a message: one name for each type of value, and one way to suggest what was meant."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import NoneType
from typing import Any

_SUGGESTED = 0.6  # how alike two words must be, of 1.0
TYPE_WORDS: Mapping[type, str] = {
    NoneType: "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}


def type_word(value: Any) -> str:
    """What a value is, for a message that must not show the value itself."""
    return TYPE_WORDS.get(type(value), type(value).__name__)


def plural(word: str) -> str:
    """The word of a type for several values: ``numbers`` for ``a number``."""
    article, _, noun = word.rpartition(" ")
    return f"{noun}s" if article else noun


def closest(word: str, choices: Iterable[str], cutoff: float = _SUGGESTED) -> str | None:
    """The choice that looks most like the word; None where none looks like it."""
    close = get_close_matches(word, sorted(choices), n=1, cutoff=cutoff)
    return close[0] if close else None


def suggest(word: str, choices: Iterable[str], cutoff: float = _SUGGESTED) -> str | None:
    """``did you mean linger?``, or None where no choice looks like the word."""
    close = closest(word, choices, cutoff)
    return f"did you mean {close}?" if close else None
