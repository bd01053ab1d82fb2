"""Whether one condition is true wherever another is, as far as that can be said from their form.

What is said is so for every record: a condition that may be true alone is never taken for one that cannot. Two things
that differ in form count as different, so much that is implied is not found.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from connector.core.expressions.closures import truthy
from connector.core.expressions.compiler import Node, operands
from connector.core.expressions.syntax import parse

MOST_WAYS = 100  # alternatives of one condition that are looked at one by one

_LOGIC = frozenset({"and_expression", "or_expression"})
_OPPOSITE = {"eq": "ne", "ne": "eq"}
# Of these nothing fails, as long as nothing below them does.
_TOTAL = frozenset(
    {"field", "literal", "current", "identity", "index", "subexpression", "index_expression", "not_expression"}
)


class Facts(NamedTuple):
    """What is known where a condition is true: parts that are true, in one form, and texts that paths are equal to."""

    true: frozenset[str]
    equal: dict[str, str]
    contradictory: bool


class _Part(NamedTuple):
    """A node as it is looked up in facts. ``unequal`` are the forms of a path and the text that it must not be."""

    form: str
    kind: str
    parts: tuple["_Part", ...]
    is_total: bool
    is_always: bool
    unequal: tuple[str, str] | None


class Condition:
    """A condition that has been compiled before, and so is known to be valid."""

    def __init__(self, text: str) -> None:
        tree = parse(text)
        self.part = _part(tree)
        self._whole = _facts(tree)
        ways = _either(tree)
        self._ways = [self._whole] if len(ways) > MOST_WAYS else [_facts(way) for way in ways]

    def implies(self, other: "Condition") -> bool:
        """Whether ``other`` is true, and does not fail, wherever this one is true."""
        if _holds(other.part, self._whole):
            return True
        return len(self._ways) > 1 and all(_holds(other.part, way) for way in self._ways)

    @property
    def is_contradictory(self) -> bool:
        """Whether it cannot be true: it asks for two different texts of one path, or for a part and its opposite."""
        return all(way.contradictory for way in self._ways)


def _either(node: Node) -> list[Node]:
    return operands(node) if node["type"] == "or_expression" else [node]


def _conjuncts(node: Node) -> Iterator[Node]:
    if node["type"] == "and_expression":
        for part in operands(node):
            yield from _conjuncts(part)
    else:
        yield _plain(node)


def _plain(node: Node) -> Node:
    """Without needless negations: ``!(a == b)`` is ``a != b``, and ``!(!(a))`` is true where ``a`` is."""
    if node["type"] != "not_expression":
        return node
    inner = _plain(node["children"][0])
    if inner["type"] == "comparator" and inner["value"] in _OPPOSITE:
        return {**inner, "value": _OPPOSITE[inner["value"]]}
    if inner["type"] == "not_expression":
        return _plain(inner["children"][0])
    return {**node, "children": [inner]}


def _facts(node: Node) -> Facts:
    true: set[str] = set()
    equal: dict[str, str] = {}
    contradictory = False
    for part in _conjuncts(node):
        true.add(_form(part))
        subject, literal = _comparison(part, "eq")
        if subject is None:
            true.add(_is_not_null(part))
        elif truthy(literal):
            true |= {_form(subject), _is_not_null(subject)}
            if isinstance(literal, str):
                contradictory |= equal.setdefault(_form(subject), literal) != literal
    contradictory |= any(_form(_negated(part)) in true for part in _conjuncts(node))
    return Facts(frozenset(true), equal, contradictory)


def _negated(node: Node) -> Node:
    return _plain({"type": "not_expression", "children": [node]})


def _part(node: Node) -> _Part:
    node = _plain(node)
    kind = node["type"]
    parts = tuple(map(_part, operands(node))) if kind in _LOGIC else ()
    subject, literal = _comparison(node, "ne")
    unequal = (_form(subject), literal) if subject is not None and isinstance(literal, str) else None
    return _Part(_form(node), kind, parts, _is_total(node), kind == "literal" and truthy(node["value"]), unequal)


def _holds(part: _Part, facts: Facts) -> bool:
    if part.is_always or part.form in facts.true:
        return True
    if part.kind == "and_expression":
        return all(_holds(each, facts) for each in part.parts)
    if part.kind == "or_expression":
        for each in part.parts:
            if _holds(each, facts):
                return True
            if not each.is_total:  # it may fail, and with it the whole, before the part that holds is asked
                return False
        return False
    return part.unequal is not None and facts.equal.get(part.unequal[0], part.unequal[1]) != part.unequal[1]


def _comparison(node: Node, operator: str) -> tuple[Node | None, Any]:
    """What is compared with a literal, and the literal; None where the node is no such comparison."""
    if node["type"] == "comparator" and node["value"] == operator:
        for subject, other in (node["children"], reversed(node["children"])):
            if other["type"] == "literal" and subject["type"] != "literal":
                return subject, other["value"]
    return None, None


def _is_total(node: Node) -> bool:
    kind = node["type"]
    if kind in _LOGIC:
        return all(map(_is_total, operands(node)))
    if kind == "comparator":
        subject, literal = _comparison(node, node["value"]) if node["value"] in _OPPOSITE else (None, None)
        # Two documents may be nested too deep for Python to compare them.
        return subject is not None and not isinstance(literal, list | dict) and _is_total(subject)
    return kind in _TOTAL and all(map(_is_total, (child for child in node["children"] if isinstance(child, dict))))


def _is_not_null(node: Node) -> str:
    null: Node = {"type": "literal", "value": None, "children": []}
    return _form({"type": "comparator", "value": "ne", "children": [node, null]})


def _form(node: Any) -> str:
    """Text that is the same for nodes of the same meaning; sides of == and != may change places."""
    if not isinstance(node, dict):
        return repr(node)
    kind = node["type"]
    children = operands(node) if kind in _LOGIC else node["children"]
    forms = list(map(_form, children))
    if kind == "comparator" and node["value"] in _OPPOSITE:
        forms.sort()
    return f"{kind} {node.get('value')!r} ({', '.join(forms)})"
