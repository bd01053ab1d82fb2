"""A JMESPath syntax tree becomes one closure of the current node, once.

What does not depend on the record is evaluated here; what cannot fail is known here, so that it need not be
guarded for every record. A node type that is not in the table is left to the library's interpreter.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from jmespath.exceptions import JMESPathError
from jmespath.visitor import Options, TreeInterpreter

from connector.core import closures
from connector.core.closures import Closure, truthy
from connector.core.functions import (
    FUNCTIONS,
    UNKNOWN,
    EvaluationError,
    ExpressionError,
    Function,
    Reference,
    invoke,
)

Node = dict[str, Any]  # the library's: type, children, and value where the type has one
Positions = Mapping[int, int]  # id of a node to the index of its name in the text


class Compiled(NamedTuple):
    """``constant``: the result does not depend on the current node. ``total``: it cannot raise."""

    run: Closure
    constant: bool = False
    total: bool = False


def compile_tree(node: Node, positions: Positions) -> Compiled:
    """Compile a node and everything below it.

    Raises:
        ExpressionError: an argument that must be literal is not, or does not fit.
    """
    build = BUILDERS.get(node["type"])
    compiled = _interpreted(node) if build is None else build(node, positions)
    if compiled.constant:
        try:
            return _literal(compiled.run(None))
        except (EvaluationError, RecursionError):
            pass  # it may stand where it is never reached, so it fails when it is
    return compiled


def operands(node: Node) -> list[Node]:
    """The operands of ``a || b || c`` in their order; the tree nests them to the left."""
    found: list[Node] = []
    kind = node["type"]
    while node["type"] == kind:
        node, right = node["children"]
        found.append(right)
    return [node, *reversed(found)]


def _compile_all(nodes: Sequence[Node], positions: Positions) -> list[Compiled]:
    return [compile_tree(node, positions) for node in nodes]


def _constant(parts: Sequence[Compiled]) -> bool:
    return all(part.constant for part in parts)


def _total(parts: Sequence[Compiled]) -> bool:
    return all(part.total for part in parts)


def _literal(value: Any) -> Compiled:
    return Compiled(lambda _: value, constant=True, total=True)


def _current(_node: Node, _positions: Positions) -> Compiled:
    return Compiled(closures.itself, total=True)


def _field(node: Node, _positions: Positions) -> Compiled:
    return Compiled(closures.path([node["value"]]), total=True)


def _index(node: Node, _positions: Positions) -> Compiled:
    return Compiled(closures.index(node["value"]), total=True)


def _slice(node: Node, _positions: Positions) -> Compiled:
    return Compiled(closures.part(slice(*node["children"])), total=True)


def _steps(node: Node) -> Iterator[Node]:
    for child in node["children"]:
        if child["type"] in _CHAINS:
            yield from _steps(child)
        elif child["type"] not in {"current", "identity"}:
            yield child


def _chain(node: Node, positions: Positions) -> Compiled:
    parts: list[Compiled] = []
    names: list[str] = []
    for step in _steps(node):
        if step["type"] == "field":
            names.append(step["value"])
            continue
        if names:
            parts.append(Compiled(closures.path(names), total=True))
            names = []
        parts.append(compile_tree(step, positions))
    if names:
        parts.append(Compiled(closures.path(names), total=True))
    # A constant makes what stands before it irrelevant, unless that can fail: then it must get its chance.
    constant = any(part.constant and _total(parts[:place]) for place, part in enumerate(parts))
    return Compiled(closures.chain([part.run for part in parts]), constant, _total(parts))


def _projection(make: Callable[..., Closure]) -> Callable[[Node, Positions], Compiled]:
    def build(node: Node, positions: Positions) -> Compiled:
        parts = _compile_all(node["children"], positions)
        return Compiled(make(*(part.run for part in parts)), parts[0].constant, _total(parts))

    return build


# Multi-selects are never constant: they are null where the current node is null.


def _multi_select_list(node: Node, positions: Positions) -> Compiled:
    parts = _compile_all(node["children"], positions)
    return Compiled(closures.select_list([part.run for part in parts]), total=_total(parts))


def _multi_select_dict(node: Node, positions: Positions) -> Compiled:
    parts = _compile_all(node["children"], positions)
    names = [pair["value"] for pair in node["children"]]
    runs = [part.run for part in parts]
    return Compiled(closures.select_dict(list(zip(names, runs, strict=True))), total=_total(parts))


def _key_val_pair(node: Node, positions: Positions) -> Compiled:
    return compile_tree(node["children"][0], positions)


def _logic(node: Node, positions: Positions) -> Compiled:
    stop = node["type"] == "or_expression"
    parts = _prune(_compile_all(operands(node), positions), stop=stop)
    *heads, last = [part.run for part in parts]
    run = closures.first_decisive(heads, last, stop=stop) if heads else last
    return Compiled(run, _constant(parts), _total(parts))


def _prune(parts: Sequence[Compiled], *, stop: bool) -> list[Compiled]:
    """Leave out constants that never decide, and everything after one that always does."""
    kept: list[Compiled] = []
    for part in parts[:-1]:
        if not (part.constant and part.total):
            kept.append(part)
        elif truthy(part.run(None)) is stop:
            return [*kept, part]
    return [*kept, parts[-1]]


def _not(node: Node, positions: Positions) -> Compiled:
    operand = compile_tree(node["children"][0], positions)
    return Compiled(closures.negate(operand.run), operand.constant, operand.total)


def _comparator(node: Node, positions: Positions) -> Compiled:
    left, right = _compile_all(node["children"], positions)
    if node["value"] in closures.ORDERINGS:
        run = closures.ordered(node["value"], left.run, right.run)
        return Compiled(run, left.constant and right.constant)
    equality = _equality(left, right)
    return equality if node["value"] == "eq" else equality._replace(run=closures.negate(equality.run))


def _equality(left: Compiled, right: Compiled) -> Compiled:
    constant = left.constant and right.constant
    for one, other in ((left, right), (right, left)):
        if other.constant and other.total and not isinstance(scalar := other.run(None), list | dict):
            return Compiled(closures.equal_to_scalar(one.run, scalar), constant, one.total)
    # Not total: two documents may be nested too deep for Python to compare them.
    return Compiled(closures.equal(left.run, right.run), constant)


def _expref(node: Node, positions: Positions) -> Compiled:
    return _literal(Reference(compile_tree(node["children"][0], positions).run))


def _function(node: Node, positions: Positions) -> Compiled:
    function = FUNCTIONS[node["value"]]
    parts = _compile_all(node["children"], positions)
    runs = [part.run for part in parts]
    if function.name == "not_null" and _total(parts):
        return Compiled(closures.first_not_null(runs), _constant(parts), total=True)
    call = function.call
    if function.prepare is not None:
        known = [part.run(None) if part.constant and part.total else UNKNOWN for part in parts]
        call = function.prepare(known, positions.get(id(node)))
    return Compiled(_call(function, call, runs), _constant(parts))


def _call(function: Function, call: Callable[..., Any], arguments: Sequence[Closure]) -> Closure:
    if len(arguments) == 1:
        only = arguments[0]
        return lambda value: invoke(function, call, (only(value),))
    return lambda value: invoke(function, call, [argument(value) for argument in arguments])


class _InterpreterFunctions:
    """Our functions, for the library's interpreter."""

    @staticmethod
    def call_function(name: str, arguments: Sequence[Any]) -> Any:
        function = FUNCTIONS[name]
        return invoke(function, function.call, arguments)


def _interpreted(node: Node) -> Compiled:
    if not hasattr(TreeInterpreter, f"visit_{node['type']}"):
        raise ExpressionError(f"{node['type']} is not supported", code="unsupported")
    functions: Any = _InterpreterFunctions()
    interpreter = TreeInterpreter(Options(custom_functions=functions))
    tree: Any = node

    def run(value: Any) -> Any:
        try:
            return interpreter.visit(tree, value)
        except (JMESPathError, TypeError, ValueError, ArithmeticError):
            pass
        raise EvaluationError("the expression cannot work on values of these types")

    return Compiled(run)


_CHAINS = frozenset({"subexpression", "index_expression", "pipe"})

BUILDERS: dict[str, Callable[[Node, Positions], Compiled]] = {
    "field": _field,
    "current": _current,
    "identity": _current,
    "literal": lambda node, _: _literal(node["value"]),
    **dict.fromkeys(_CHAINS, _chain),
    "index": _index,
    "slice": _slice,
    "projection": _projection(closures.project),
    "value_projection": _projection(closures.project_values),
    "filter_projection": _projection(closures.project_filtered),
    "flatten": _projection(closures.flatten),
    "multi_select_list": _multi_select_list,
    "multi_select_dict": _multi_select_dict,
    "key_val_pair": _key_val_pair,
    "or_expression": _logic,
    "and_expression": _logic,
    "not_expression": _not,
    "comparator": _comparator,
    "function_expression": _function,
    "expref": _expref,
}
