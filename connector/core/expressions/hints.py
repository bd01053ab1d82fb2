"""A hint repeats the user's own words in JMESPath's form, so that it can be copied.

People bring the habits of SQL, Python, JavaScript and JSONPath. A hint is made from the expression alone and stands
beside a message.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from connector.core.words import closest

_NEAR = 200  # characters before and after the fault that are looked at

_Match = re.Match[str]
_Hint = str | Callable[[_Match, _Match], str | None]


# Names

# What may be part of a name in JSON and cannot be anything else where an expression fails.
_PART = r"[^\s.,\[\](){}|&=<>!'\"`*+/%?\\]"
_PATH = r"(?:[\w\"$@-]+(?:\[[^\]]*\])*\.)*"
_NAME_BEFORE = re.compile(rf"({_PATH})({_PART}*)\Z")
_NAME_AFTER = re.compile(rf"{_PART}*")
_ROOT = re.compile(r"\$(value|key|headers|topic|partition|offset|timestamp|item|index|parent)\b")


def _quoted_name(before: str, after: str) -> str | None:
    """A hint where a name has a character that an unquoted name cannot have, as in ``value.$id`` and ``user-id``."""
    path, head = _NAME_BEFORE.findall(before)[0]
    name = head + _NAME_AFTER.findall(after)[0]
    if not re.search(r"[^\W\d]", name) or name[0] in "-:#" or re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        return None
    if not path and _ROOT.fullmatch(name):
        return f"did you mean {name[1:]}?"
    nested = before.count("[") > before.count("]")
    suggestion = f'{path or ("" if nested else "value.")}"{name}"'
    special = re.search(r"[^A-Za-z0-9_]", name)
    what = f"with {special[0]}" if special else "that starts with a digit"
    hint = f"a name {what} stands in double quotes: {suggestion}"
    if re.search(r"-(value|item|\d)", name):
        hint += "; a difference is subtract(a, b)"
    return hint


# Syntax

_VALUE = r"[\w.\"\[\]$@]+|`[^`]*`|'[^']*'"
_QUOTES = "'\"`"
_TYPOGRAPHIC = frozenset("\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb")
_OPERATIONS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}


def _literal(text: str) -> str:
    return f"`{text}`" if re.fullmatch(r"-?[\d.]+", text) else text


def _arithmetic(before: _Match, after: _Match) -> str:
    left, operator, right = before[1], after[1], after[2]
    if operator == "+" and (left[0] == "'" or right[:1] == "'"):
        return f"did you mean join('', [{left}, {right}])? or write a template"
    name = _OPERATIONS[operator]
    if not right:
        return f"there is no {operator}: write {name}(a, b)"
    return f"did you mean {name}({_literal(left)}, {_literal(right)})?"


def _number(_: _Match, after: _Match) -> str:
    return f"did you mean `{after[0]}`? a number stands between backticks"


def _parentheses(before: _Match, _: _Match) -> str:
    return f"a pipe leads into parentheses: {before[1]} | (a || b)"


def _subscript(before: _Match, after: _Match) -> str:
    name = after[1]
    member = name if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) else f'"{name}"'
    return f"a member is taken with a dot: {before[1]}.{member}"


def _brackets(before: _Match, after: _Match) -> str:
    return f"a path is written with dots: value.{before[1]}.{after[0]}"


def _in_quotes(text: str) -> str:
    return f'"{text}"' if len(text) <= _NEAR and '"' not in text and text.isprintable() else "..."


def _text_as_name(before: _Match, after: _Match) -> str:
    return f'a name stands in double quotes: {before[1]}."{after[1]}"'


def _blank(before: _Match, after: _Match) -> str:
    return f'a name with a blank stands in double quotes: {before[1]}"{before[2]} {after[0]}"'


def _not(_: _Match, after: _Match) -> str:
    return f"did you mean !({after[1]})?"


def _in(before: _Match, after: _Match) -> str:
    listed = ", ".join(f"'{part.strip().strip(_QUOTES)}'" for part in after[1].split(","))
    return f"did you mean contains([{listed}], {before[1]})?"


# What stands before the fault and what follows it, and what its writer may have meant; the first that fits.
_HINTS: Sequence[tuple[str, str, _Hint]] = (
    (r"\A\s*", r"\.(?=[\w\"])", "a path starts at a name of the root, as in value.session"),
    (r"", r"\$\{", "an expression reads the record and stands alone: leave out ${ and }"),
    (r"", r"\$\.(?:value|key|headers|item)\b", "leave out the $ and its dot"),
    (r"", r"\{\{", "{{ }} stands in a template: write {template: ...}, or leave out the braces"),
    (r"\{", r"\{", "{{ }} stands in a template: write {template: ...}, or leave out the braces"),
    (r"\{\s*\w+", r"[.}]", "leave out the braces: an expression stands alone"),
    (r"!=", r"=", "did you mean !=?"),
    (r"==", r"=", "did you mean ==?"),
    (r"<", r">", "did you mean !=?"),
    (r"", r"=~|~|(?i:like|matches)\b", "did you mean regex_extract(text, 'pattern')? it is null where nothing matches"),
    (r"[\w\]\")]\s*", r"=", "did you mean ==?"),
    (r"", r"(?i:and)\b", "did you mean &&?"),
    (r"", r"(?i:or)\b", "did you mean ||?"),
    (r"", r"(?i:is\s+not\s+(?:null|none))\b", "did you mean != `null`?"),
    (r"", r"(?i:is\s+(?:null|none))\b", "did you mean == `null`?"),
    (r"", r"(?i:is\s+not)\b", "did you mean !=?"),
    (r"", r"(?i:is)\b", "did you mean ==?"),
    (r"", r"(?i:not\s+in)\b", "did you mean !(contains(list, value))?"),
    (r"\b(?i:not)\s+", r"([\w.]+)", _not),
    (r"\b(?i:not)\s+", r"", "did you mean !?"),
    (rf"({_VALUE})\s*", r"(?i:in)\s*[\[(]([^\])]*)[\])]", _in),
    (r"", r"(?i:in)\b", "did you mean contains(list, value)?"),
    (r"[\w\])\"]\s*", r"&(?!&)", "did you mean &&?"),
    (r"\w", r"\?\.", "leave out the ?: a path is null where a member is missing"),
    (r"", r"\?\?", "did you mean not_null(a, b)?"),
    (r"", r"\?", "did you mean a && b || c? a field can have a case, too"),
    (r"", r"\$", "did you mean value? a path starts at a name of the root"),
    (rf"((?:{_VALUE}))\.", r"\(", _parentheses),
    (rf"((?:{_VALUE}))\[", r"""['"]([^'"]*)['"]\s*\]""", _subscript),
    (r"\A\[(\w+)\]\[", r"\w+", _brackets),
    (r"\w\[", r"[A-Za-z_]", "an element is taken by its number, as in [0], or found, as in [?id == 'x']"),
    (rf"({_VALUE})\.", r"'([^']*)'", _text_as_name),
    (r"\.\s*", r"\d", "an element is taken as [0], and a name that starts with a digit stands in double quotes"),
    (rf"({_VALUE})\s*", rf"([-+*/])\s*({_VALUE}|)", _arithmetic),
    (r"", r"-?\d[\d.]*", _number),
    (r"", r"%", "there is no remainder in JMESPath"),
    (rf"({_PATH}(?<=\.))(\w+) ", r"\w+", _blank),
)


def syntax_hint(text: str, position: int) -> str | None:
    """What may have been meant by what stands at ``position``, where the parser gave up."""
    before, after = text[max(position - _NEAR, 0) : position], text[position : position + _NEAR]
    if after[:1] in _TYPOGRAPHIC:
        return "write straight quotes: ' around text, \" around a name"
    if text.find("{{") > 0:
        return f"text with {{{{ }}}} is a template: write {{template: {_in_quotes(text)}}}"
    name = _quoted_name(before, after)
    if name is not None:
        return name
    for start, end, hint in _HINTS:
        left, right = re.search(rf"(?:{start})\Z", before), re.match(end, after)
        if left and right:
            return hint if isinstance(hint, str) else hint(left, right)
    return None


CONSTANTS = {"true": "true", "false": "false", "null": "null", "True": "true", "False": "false", "None": "null"}
_ALIASES = {
    "count": "length",
    "size": "length",
    "strip": "trim",
    "concat": "join",
    "coalesce": "not_null",
    "str": "to_string",
    "int": "to_number",
    "float": "to_number",
    "match": "regex_extract",
    "regex": "regex_extract",
}


def function_hint(name: str, known: Iterable[str]) -> str | None:
    """What may have been meant by a function that does not exist."""
    if name == "now":
        return "an event's time is in its record: it stays the same when the record is replayed"
    if name == "get":
        return "a member is taken with a dot, as in value.item; it is null where it is missing"
    meant = _ALIASES.get(name) or closest(name, known, 0.5)
    return f"did you mean {meant}()?" if meant else None


# Names that exist elsewhere

_WHOLE = frozenset({"this", "root", "record", "msg", "doc", "row", "input", "self", "obj"})  # a record in other tools
_PERHAPS = frozenset({"payload", "message", "data", "body", "json", "content"})  # that, or a member


def root_hint(name: str, rest: str) -> str | None:
    """What to write for the name that a record, or its value, has in other tools; ``rest`` follows the name."""
    if name in _PERHAPS:
        return f"did you mean value.{name}? the whole value of a record is called value"
    if name not in _WHOLE:
        return None
    path = re.match(r"(?:\.\w+)*", rest)
    members = (path[0] if path else "").removeprefix(".value")
    return f"the value of a record is called value: value{members}"


def elsewhere(name: str, names: Collection[str]) -> tuple[str, str | None]:
    """Message and hint for a name of the root that exists, but not here, where there are ``names``."""
    if name == "envelope":
        return "envelope exists only where the value has one", "envelope is there with value: {envelope: …}"
    if "item" in names and "index" not in names:
        return f"{name} does not exist in this list of for_each", "item is the element of the list before"
    if name == "parent":
        hint = "write for_each: [value.<outer list>, item.<inner list>]; then parent is the outer element"
        return "parent exists only where for_each has two lists or more", hint
    return f"{name} exists only under for_each", None


# Names that are there, but are written otherwise

_CHAIN = re.compile(r"(?<![\w.\"'`@$])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_WRAPPERS = frozenset({"payload", "after", "data"})  # of Connect, Debezium and CloudEvents


def misnamed(text: str, root: Mapping[str, Any]) -> tuple[str, ...]:
    """Hints where an expression reads a member that the record has under another name.

    ``value.user.id`` may be one member that is called ``user.id``, and ``value.type`` one of the envelope, taken off.
    """
    chains = [chain[0].split(".") for chain in _CHAIN.finditer(text)]
    found = (_dotted(chain, root) or _of_envelope(chain, root) for chain in chains)
    return tuple(dict.fromkeys(hint for hint in found if hint is not None))


def _of_envelope(names: list[str], root: Mapping[str, Any]) -> str | None:
    if names[0] != "value" or root.get("envelope") is None or _holds(root, names):
        return None
    for start in range(1, len(names)):
        # Without a wrapper before it, a name of the value is the one that was not found.
        for place in ("envelope", "value") if start > 1 else ("envelope",):
            if _holds(root, [place, *names[start:]]):
                return f"the envelope was taken off: write {'.'.join([place, *names[start:]])}"
        if names[start] not in _WRAPPERS:
            return None
    return None


def _holds(node: Any, names: list[str]) -> bool:
    for name in names:
        if not isinstance(node, Mapping):
            return False
        node = node.get(name)
    return node is not None


def _dotted(names: list[str], root: Mapping[str, Any]) -> str | None:
    node: Any = root
    for place, name in enumerate(names):
        if not isinstance(node, dict):
            return None
        if node.get(name) is None:
            for end in range(len(names), place + 1, -1):
                joined = ".".join(names[place:end])
                if joined in node:
                    written = ".".join([*names[:place], f'"{joined}"', *names[end:]])
                    return f'the record has a member "{joined}": write {written}'
            return None
        node = node[name]
    return None
