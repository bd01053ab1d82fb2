"""A mistake in an expression is found when the file is read, not when a record shows it.

At run time a misspelt name is only null, and null is a legal result. So every name that can only mean a member of the
root is looked up when the expression is compiled. Names relative to a node of the document cannot be looked up.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from connector.core.expressions.calling import EvaluationError, ExpressionError, Function
from connector.core.expressions.closures import truthy
from connector.core.expressions.compiler import BUILDERS, Context, Node, compile_tree, operands
from connector.core.expressions.functions import FUNCTIONS
from connector.core.expressions.hints import CONSTANTS, elsewhere, function_hint, root_hint
from connector.core.expressions.shapes import shape
from connector.core.expressions.syntax import parse, tokens
from connector.core.expressions.work import Exhausted, Work
from connector.core.words import suggest

__all__ = ["ROOTS", "EvaluationError", "Expression", "ExpressionError", "compile_expression", "truthy"]

ROOTS: frozenset[str] = frozenset(
    {"value", "key", "headers", "envelope", "topic", "partition", "offset", "timestamp", "item", "parent", "index"}
)
ELEMENT_NAMES = frozenset({"item", "parent", "index"})  # what differs between the elements of a record
OWN_NAMES = ELEMENT_NAMES - {"parent"}  # what differs between those of one parent
MAX_DEPTH = 128  # levels of an expression, each up to three stack frames; a || b || c is one level


class Expression(NamedTuple):
    """A compiled expression.

    ``roots`` are the names of the root that it may read. ``evaluate`` takes the root and raises nothing but
    EvaluationError, and Exhausted where its work is counted together with that of others. ``constant`` means that
    the result is the same for every root, ``steady`` that it is for every element of a record, ``of_parent`` that it
    is for every element of one parent. ``steps`` is what it takes to evaluate, without what is done for elements of
    data; ``shape`` is ``list`` or ``dict`` where the result is always one, or null. Results may share parts with the
    root and with each other: read them, do not change them.
    """

    text: str
    roots: frozenset[str]
    evaluate: Callable[[Mapping[str, Any]], Any]
    constant: bool
    steady: bool
    of_parent: bool
    steps: int
    shape: type[list[Any]] | type[dict[str, Any]] | None


def compile_expression(text: str, *, names: Collection[str] = ROOTS, work: Work | None = None) -> Expression:
    """Read, check and compile ``text``; ``names`` are the members that the root will have.

    With ``work`` that is shared, the caller says when a record begins.

    Raises:
        ExpressionError: the first mistake, with its position.
    """
    try:
        tree = parse(text)
        check = _Check(text, names)
        check.whole(tree)
        counted = Work() if work is None else work
        compiled = compile_tree(
            tree, Context(check.positions, frozenset(check.steady), frozenset(check.of_parent), counted)
        )
    except RecursionError:
        raise ExpressionError("expected a simpler expression, not one nested so deep", code="too_deep") from None
    constant = compiled.constant or not check.roots
    evaluate = compiled.run if compiled.total else _guarded(compiled.run)
    alone = _alone(evaluate, counted)
    if constant:
        try:
            alone({})
        except EvaluationError as error:
            raise ExpressionError(f"this can only fail: {error}", 0, code="always_fails") from error
    steady, of_parent = check.roots.isdisjoint(ELEMENT_NAMES), _is_of_parent(check.roots, names)
    run = alone if work is None else evaluate
    return Expression(text, frozenset(check.roots), run, constant, steady, of_parent, compiled.steps, shape(tree))


def _is_of_parent(roots: Collection[str], names: Collection[str]) -> bool:
    # Without an index among the names it is the expression of an inner list, of which each is found once.
    return "index" in names and "parent" in roots and OWN_NAMES.isdisjoint(roots)


def _alone(run: Callable[[Any], Any], work: Work) -> Callable[[Mapping[str, Any]], Any]:
    """The same for one whose work is its own: each root is a record."""

    def evaluate(root: Mapping[str, Any]) -> Any:
        work.begin()
        try:
            return run(root)
        except Exhausted as error:
            message = str(error)
        raise EvaluationError(message)

    return evaluate


def _guarded(run: Callable[[Any], Any]) -> Callable[[Mapping[str, Any]], Any]:
    def evaluate(root: Mapping[str, Any]) -> Any:
        try:
            return run(root)
        except RecursionError:
            pass
        raise EvaluationError("expected a simpler document, not one nested so deep")

    return evaluate


def _children(node: Node) -> list[Node]:
    """The children in the order of the text: a filter's condition stands before what follows the filter."""
    match node["type"]:
        case "or_expression" | "and_expression":
            return operands(node)
        case "filter_projection":
            source, each, condition = node["children"]
            return [source, condition, each]
        case "slice":
            return []
        case _:
            return list(node["children"])


_SYMBOLS = {"expref": "&", "not_expression": "!"}


class _Check:
    """A walk over the tree, in the order of the text, that knows where the current node is still the root.

    The library's tree has no positions, but each name, & and ! in it is one token of the text, in this order.
    """

    def __init__(self, text: str, names: Collection[str]) -> None:
        self.positions: dict[int, int] = {}
        self.roots: set[str] = set()
        self.steady: list[int] = []
        self.of_parent: list[int] = []
        self._text = text
        self._names = names
        self._elements = any(name in names for name in ELEMENT_NAMES)
        self._tokens = tokens(text)

    def whole(self, tree: Node) -> None:
        """Check everything; fills ``positions``, ``roots``, and with the ids of the largest such parts the others."""
        level, depth = [tree], 0
        while level:
            level, depth = [child for node in level for child in _children(node)], depth + 1
            if depth > MAX_DEPTH:
                raise ExpressionError(f"expected at most {MAX_DEPTH} levels, not more", code="too_deep")
        self._read(tree, root=True)

    def _read(self, node: Node, *, root: bool) -> None:
        """Check a node whose result is used; where that is the root itself, every name of it may be read."""
        around, before, outer, self.roots = self.roots, len(self.steady), len(self.of_parent), set()
        if self._walk(node, root=root):
            self.roots.update(self._names)
        if root and self._elements and self.roots and self.roots.isdisjoint(ELEMENT_NAMES):
            self.steady[before:] = [id(node)]
        if root and _is_of_parent(self.roots, self._names):
            self.of_parent[outer:] = [id(node)]
        self.roots |= around

    def _walk(self, node: Node, *, root: bool) -> bool:
        """Check a node; ``root``: its current node is the root. True if its result is the root itself."""
        match node["type"]:
            case "current" | "identity":
                return root
            case "subexpression" | "index_expression" | "pipe":
                for child in node["children"]:
                    root = self._walk(child, root=root)
                self._refuse_negated_start(node)
                return root
            case "projection" | "value_projection" | "filter_projection":
                source, *rest = _children(node)
                self._read(source, root=root)
                self._refuse_negated_start(node)
                self._all(rest, root=False)
            case "function_expression":
                _check_call(node, self._locate(node))
                for argument in node["children"]:
                    self._argument(argument, root=root)
            case kind if kind not in BUILDERS:  # unknown which node its children get
                self.roots.update(self._names)
                self._all(_children(node), root=False)
            case _:
                self._own(node, root=root)
                self._all(_children(node), root=root)
        return False

    def _all(self, nodes: Collection[Node], *, root: bool) -> None:
        for node in nodes:
            self._read(node, root=root)

    def _argument(self, node: Node, *, root: bool) -> None:
        if node["type"] == "expref":
            self._locate(node)
            self._all(node["children"], root=False)
        else:
            self._read(node, root=root)

    def _locate(self, node: Node) -> int | None:
        """The position of a node that stands for one token; to be asked of each, in the order of the text."""
        token, position = next(self._tokens, (None, 0))
        if token != node.get("value", _SYMBOLS.get(node["type"])):
            return None
        self.positions[id(node)] = position
        return position

    def _refuse_negated_start(self, node: Node) -> None:
        """``!a.b`` reads as ``(!a).b``, a member of a boolean, which is null for every record."""
        start = node["children"][0]
        if start["type"] == "not_expression" and node["type"] in {"subexpression", "value_projection"}:
            message = "! binds closer than the dot, so this is a member of a boolean, always null"
            hint = "put parentheses around the path: !(value.a)"
            raise ExpressionError(message, self.positions.get(id(start)), code="bad_negation", hint=hint)

    def _own(self, node: Node, *, root: bool) -> None:
        """Check what a node says by itself."""
        match node["type"]:
            case "field":
                position = self._locate(node)
                if root and node["value"] not in self._names:
                    raise self._unknown_name(node["value"], position)
                if root:
                    self.roots.add(node["value"])
            case "key_val_pair" | "not_expression":
                self._locate(node)
            case "expref":
                message = "expected a value, not a reference: & stands before an argument of a function"
                raise ExpressionError(message, self._locate(node), code="bad_reference")
            case "slice" if node["children"][2] == 0:
                found = re.search(r":\s*-?\d*\s*:\s*(-?0+)\s*\]", self._text)
                position = found.start(1) if found else None
                raise ExpressionError("expected a step other than zero", position, code="bad_argument")

    def _unknown_name(self, name: str, position: int | None) -> ExpressionError:
        names = sorted(self._names)
        if name in ROOTS:
            message, hint = elsewhere(name, self._names)
            return ExpressionError(message, position, code="unknown_name", hint=hint)
        if close := suggest(name, names, cutoff=0.8):
            hint = close
        elif name in CONSTANTS:
            hint = f"did you mean `{CONSTANTS[name]}`? a constant stands between backticks"
        elif self._text[position or 0] == '"':
            hint = f"did you mean '{name}'? text stands in single quotes, double quotes make a name"
        elif re.search(r"[=!]=\s*\Z", self._text[: position or 0]):
            hint = f"did you mean '{name}', the text, or value.{name}?"
        elif root := root_hint(name, self._text[(position or 0) + len(name) :]):
            hint = root
        elif "item" in names:
            hint = f"did you mean value.{name}? of the element it is item.{name}"
        else:
            hint = f"did you mean value.{name}?"
        return ExpressionError(
            f"unknown name {name}, expected one of {', '.join(names)}",
            position,
            code="unknown_name",
            hint=hint,
        )


def _check_call(node: Node, position: int | None) -> None:
    name, arguments = node["value"], node["children"]
    function = FUNCTIONS.get(name)
    if function is None:
        hint = function_hint(name, FUNCTIONS)
        raise ExpressionError(f"unknown function {name}()", position, code="unknown_function", hint=hint)
    if len(arguments) < function.required or (not function.variadic and len(arguments) > len(function.parameters)):
        hint = function.signature or None
        raise ExpressionError(_arity(function, len(arguments)), position, code="wrong_arity", hint=hint)
    for index, argument in enumerate(arguments):
        parameter = function.parameters[min(index, len(function.parameters) - 1)]
        if (argument["type"] == "expref") != ("expref" in parameter.types):
            raise _bad_reference(function, index + 1, argument, position)


def _arity(function: Function, given: int) -> str:
    least, most = function.required, len(function.parameters)
    wanted = f"at least {least}" if function.variadic else f"{least}" if least == most else f"{least} to {most}"
    return f"{function.name}() takes {wanted} argument{'' if wanted.endswith('1') else 's'}, not {given}"


def _bad_reference(function: Function, index: int, argument: Node, position: int | None) -> ExpressionError:
    if argument["type"] == "expref":
        message, hint = (
            f"{function.name}() expected a value as argument {index}, not a reference",
            "leave out the &",
        )
    else:
        message = f"{function.name}() expected a reference as argument {index}, not a value"
        hint = f"did you mean &{argument['value']}?" if argument["type"] == "field" else "write & before it"
    return ExpressionError(message, position, code="bad_reference", hint=hint)
