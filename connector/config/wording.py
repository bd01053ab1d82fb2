"""pydantic's errors as problems: at a place in the file, in our words, without the value.

One table holds every kind of error that our models can have; a test fails when one is missing.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from connector.config.advice import example_of, key_hint, left_empty, nested_property_hint, shape_hint, spec_hint
from connector.config.choices import keys_at
from connector.config.located import Located
from connector.config.paths import at, file_path
from connector.config.problems import Problem, key_word
from connector.config.synonyms import meant_choice
from connector.config.yaml_tree import Path
from connector.core import words
from connector.core.mapping.specs import PUT_KEYS, SPEC_KINDS

_LISTED = 12
_QUOTE = "quote it to make it text"
_PIECE = "quote text that holds , [ ] { or }"
_OF_A_FLAG = {  # what true means there, which quoting it would not
    "when": "remove the line: a rule without when takes every record",
    "skip": "write the reason as a word, as in skip: bot",
}


class Mistake(NamedTuple):
    """One error, before it has a place.

    ``shape``: what one member of a union would have taken here. ``meant``: the one known name that the key or the value
    at ``path`` comes close to.
    """

    path: Path
    code: str
    message: str
    hint: str | None = None
    at_key: bool = False
    shape: str | None = None
    found: str = ""
    meant: str | None = None


def problems_of(
    error: ValidationError, model: type[BaseModel], located: Located, faulty: Collection[Path] = ()
) -> list[Problem]:
    """One problem for each mistake in the file; a value that fits no member of a union is one mistake.

    Nothing is said about the values at ``faulty`` paths.
    """
    mistakes = mistakes_of(error, model, located.tree.data)
    return [located_problem(mistake, located) for mistake in _joined(mistakes) if mistake.path not in faulty]


def mistakes_of(error: ValidationError, model: type[BaseModel], data: Any) -> list[Mistake]:
    """The errors one by one, in the words of this module."""
    return [_mistake(details, model, data) for details in error.errors(include_url=False)]


def located_problem(mistake: Mistake, located: Located) -> Problem:
    """The mistake at its place in the file."""
    if mistake.code == "unknown-key" and not mistake.meant and located.is_bare(mistake.path):
        digits = str(mistake.path[-1]).isdigit()  # the rest of 10,000
        hint = "write a number without commas, as in 10000" if digits else _PIECE
        mistake = mistake._replace(message="expected key: value, not a key alone", hint=hint)
    point = located.at_key if mistake.at_key else located.at_value
    return point(mistake.path, mistake.code, mistake.message, mistake.hint)


def _joined(mistakes: list[Mistake]) -> Iterator[Mistake]:
    """Each member of a union has its own errors. The deepest is what the user meant; on one level, all of them."""
    above = {mistake.path[:depth] for mistake in mistakes for depth in range(len(mistake.path))}
    above |= {mistake.path for mistake in mistakes if mistake.shape is None}
    by_path: dict[Path, list[Mistake]] = {}
    for mistake in mistakes:
        by_path.setdefault(mistake.path, []).append(mistake)
    for mistake in mistakes:
        if mistake.shape is None:
            yield mistake
            continue
        shapes = by_path[mistake.path]
        if mistake.path not in above and shapes[0] is mistake:
            phrases = list(dict.fromkeys(other.shape for other in shapes if other.shape))
            hint = next((other.hint for other in shapes if other.hint), None)
            code = "wrong-type" if len(phrases) > 1 and not hint else mistake.code
            yield mistake._replace(code=code, message=f"expected {' or '.join(phrases)}{mistake.found}", hint=hint)


def type_word(value: Any) -> str:
    """The kind of a value of the file, as its writer would call it."""
    if isinstance(value, float):
        return "a number with a decimal point"
    word = "mapping" if isinstance(value, dict) else "list"
    return f"an empty {word}" if value in ({}, []) else "a mapping" if word == "mapping" else words.type_word(value)


# The table

_Row = Callable[[ErrorDetails, type[BaseModel], Any], Mistake]


def _mistake(details: ErrorDetails, model: type[BaseModel], data: Any) -> Mistake:
    return _ROWS.get(details["type"], _own)(details, model, data)


def _path(details: ErrorDetails, data: Any) -> Path:
    return file_path(details["loc"], data)


def _own(details: ErrorDetails, _: type[BaseModel], data: Any) -> Mistake:
    """Errors that our own validators raise: their type is the code, and their text needs no change."""
    path = _path(details, data)
    code = details["type"].replace("_", "-")
    message = details["msg"]
    if code == "missing-variable":
        message = f"{message} for {_dotted(path)}"
    return Mistake(path, code, message, details.get("ctx", {}).get("hint"))


def _expects(what: str, hint: str | None = None) -> _Row:
    """A value of another type; of all union members, what each would have taken."""

    def row(details: ErrorDetails, model: type[BaseModel], data: Any) -> Mistake:
        found = details["input"]
        path = _path(details, data)
        quoted = _QUOTE if what == "text" and isinstance(found, int | float) else hint
        wanted = _OF_A_FLAG.get(str(path[-1]) if path else "") if isinstance(found, bool) and what == "text" else None
        wanted = wanted or quoted or shape_hint(what, path, found, model)
        others = " with other keys" if found and isinstance(found, dict) and "mapping" in what else ""
        return Mistake(path, "wrong-type", "", wanted, shape=what, found=f", not {type_word(found)}{others}")

    return row


def _bound(phrase: str, key: str, code: str) -> _Row:
    def row(details: ErrorDetails, _: type[BaseModel], data: Any) -> Mistake:
        limit, path = details["ctx"][key], _path(details, data)
        number = f"{limit:g}" if isinstance(limit, float) else limit
        # A duration is text in the file, and a number by the time that its bounds are checked.
        kind, unit = ("duration", "s") if isinstance(at(data, path), str) else ("number", "")
        return Mistake(path, code, f"expected {phrase.format(number, kind=kind, unit=unit)}")

    return row


def _choice(details: ErrorDetails, _: type[BaseModel], data: Any) -> Mistake:
    choices = re.findall(r"'([^']*)'", details["ctx"]["expected"]) or [details["ctx"]["expected"]]
    found = details["input"]
    hint = meant_choice(found, choices) if isinstance(found, str) else None
    few = f"one of {', '.join(choices)}" if len(choices) <= _LISTED else "one of the known names"
    key = f"{details['loc'][-1]} " if details["loc"] and isinstance(details["loc"][-1], str) else ""
    what = few if len(choices) > 1 else f"{key}{choices[0].lower()}"  # Python's True is the file's true
    # Of another kind than the choices (1 is a version, and 2 is of its kind), the kind is what is wrong.
    word = "" if isinstance(found, str | int) else f", not {type_word(found)}"
    listed = hint if hint is None or not hint.startswith("known") or len(choices) > _LISTED else None
    return Mistake(_path(details, data), "unknown-choice", "", listed, shape=what, found=word)


def _tag(details: ErrorDetails, _: type[BaseModel], data: Any) -> Mistake:
    path = (*_path(details, data), "type")
    choices = re.findall(r"'([^']*)'", details["ctx"]["expected_tags"])
    found = at(data, path)
    hint = meant_choice(found, choices) if isinstance(found, str) else None
    hint = None if hint and hint.startswith("known") else hint
    if hint and (size := re.search(r"sha.?(256|512)", str(found), re.IGNORECASE)):
        hint = f"did you mean {{type: scram, mechanism: SCRAM-SHA-{size[1]}}}?"
    meant = next(iter(get_close_matches(found, choices, n=1)), None) if isinstance(found, str) else None
    return Mistake(path, "unknown-choice", f"expected one of {', '.join(choices)}", hint, meant=meant)


def _no_tag(details: ErrorDetails, _: type[BaseModel], data: Any) -> Mistake:
    path = _path(details, data)
    return Mistake(path, "missing-key", f"expected the key type in {_dotted(path)}", at_key=True)


def _missing(details: ErrorDetails, _: type[BaseModel], data: Any) -> Mistake:
    *parent, key = file_path(details["loc"], data, "missing") or details["loc"][-1:]
    where = f" in {_dotted(tuple(parent))}" if parent else ""
    hint = example_of(str(key)) if parent[:1] != ["tests"] else None
    return Mistake(tuple(parent), "missing-key", f"expected the key {key}{where}", hint, at_key=True)


def _unknown(details: ErrorDetails, model: type[BaseModel], data: Any) -> Mistake:
    path = file_path(details["loc"], data, "present")
    parent, key = path[:-1], str(path[-1])
    keys = keys_at(model, parent, at(data, parent))
    where = _dotted(parent) if parent else "the file"
    free = [name for name in keys if name not in (at(data, parent) or {})]
    message = f"expected a key of {where}, not {key_word(key)}"
    hint = key_hint(key, parent, free, keys, model)
    meant = next(iter(get_close_matches(key, free, n=1)), None)
    beside = next((kind for kind in SPEC_KINDS if kind in (at(data, parent) or {})), None)
    if meant in SPEC_KINDS and beside:  # a mapping with both would be invalid, too
        return Mistake(path, "unknown-key", message, f"did you mean {meant}, in place of {beside}?", at_key=True)
    return Mistake(path, "unknown-key", message, hint, at_key=True, meant=meant)


def _misspelt(path: Path, key: str, meant: str) -> Mistake:
    message = f"expected a mapping with one of {', '.join(SPEC_KINDS)}, not {key_word(key)}"
    return Mistake((*path, key), "unknown-key", message, f"did you mean {meant}?", at_key=True, meant=meant)


def _field_spec(details: ErrorDetails, model: type[BaseModel], data: Any) -> Mistake:
    keys = list(details["input"]) if isinstance(details["input"], dict) else []
    found = [key for key in keys if key in SPEC_KINDS]
    if not found:
        path = _path(details, data)
        near = ((key, get_close_matches(key, SPEC_KINDS, n=1, cutoff=0.7)) for key in keys)
        slip = next(((key, *close) for key, close in near if close), None)
        hint = spec_hint(keys) or nested_property_hint(path, details["input"])
        return _misspelt(path, *slip) if slip else _expects(_SPEC, hint)(details, model, data)
    message = f"expected exactly one of {', '.join(SPEC_KINDS)}, not {' and '.join(found)}"
    return Mistake((*_path(details, data), found[1]), "inconsistent", message, at_key=True)


def _value_error(details: ErrorDetails, _: type[BaseModel], data: Any) -> Mistake:
    path = _path(details, data)
    part = at(data, path)
    for key in (*PUT_KEYS, "skip") if isinstance(part, dict) else ():
        if key in part and part[key] is None:  # no action, because nothing is written after its key
            return Mistake((*path, key), "left-empty", *left_empty(key), at_key=True)
    return Mistake(_path(details, data), "inconsistent", str(details["ctx"]["error"]), at_key=True)


_SPEC = "an expression (text), or a mapping with one of const, template, case, from"
_OUTPUT = "a list of events, or a mapping with one of skipped, filtered, rejected"
_ROWS: Mapping[str, _Row] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "union_tag_invalid": _tag,
    "union_tag_not_found": _no_tag,
    "value_error": _value_error,
    "literal_error": _choice,
    "enum": _choice,
    "string_type": _expects("text"),
    "int_type": _expects("a whole number"),
    "float_type": _expects("a number"),
    "bool_type": _expects("true or false"),
    "list_type": _expects("a list"),
    "dict_type": _expects("a mapping"),
    "model_type": _expects("a mapping"),
    "model_attributes_type": _expects("a mapping"),
    "field_spec": _field_spec,
    "output": _expects(_OUTPUT),
    "string_too_short": _bound("text of at least {} character, not empty text", "min_length", "bad-length"),
    "string_too_long": _bound("text of at most {} characters", "max_length", "bad-length"),
    "too_short": _bound("a list of at least {} item, not an empty list", "min_length", "bad-length"),
    "greater_than": _bound("a {kind} of more than {}{unit}", "gt", "out-of-range"),
    "greater_than_equal": _bound("a {kind} of at least {}{unit}", "ge", "out-of-range"),
    "less_than_equal": _bound("a {kind} of at most {}{unit}", "le", "out-of-range"),
}


def _dotted(path: Path) -> str:
    """``pipelines[0].rules[2].when``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{key_word(part)}" for part in path)
    return text.removeprefix(".")
