"""What can be done once is not done for every record: a JMESPath syntax tree becomes one closure of the current node.

Constant parts are evaluated here. Parts that cannot fail are marked, so that they need no guard. Parts that are the
same for all elements of a record are evaluated once for them. The library's interpreter runs node types that are not
in the table.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connector.core.expressions import closures, comparisons
from connector.core.expressions.calling import (
    CALL,
    UNKNOWN,
    EvaluationError,
    Reference,
    calling,
)
from connector.core.expressions.closures import Closure, truthy
from connector.core.expressions.functions import FUNCTIONS
from connector.core.expressions.interpreter import interpreted
from connector.core.expressions.work import CHEAP, Exhausted, Work

Node = dict[str, Any]  # the library's: type, children, and value where the type has one
LOOP = 12  # steps that a projection takes beside those of its elements, unless they are few
INTERPRETED = 50  # steps that a node takes in the library's interpreter, more or less


class Context(NamedTuple):
    """What is known of the nodes of a tree, by their id, and where the work of evaluating it is counted.

    ``positions``: the index of the node's name in the text. ``steady``: the node is the same for every element of
    a record. ``of_parent``: it is for every element that has the same parent.
    """

    positions: Mapping[int, int]
    steady: Collection[int]
    of_parent: Collection[int]
    work: Work


class Compiled(NamedTuple):
    """``constant``: the result does not depend on the current node. ``total``: it cannot fail.

    ``steps``: what it takes to evaluate, without what is done for elements of data.
    """

    run: Closure
    constant: bool = False
    total: bool = False
    steps: int = 1


def compile_tree(node: Node, context: Context) -> Compiled:
    """Compile a node and everything below it.

    Raises:
        ExpressionError: an argument that must be literal is not, or does not fit.
    """
    build = BUILDERS.get(node["type"])
    compiled = _interpreted(node) if build is None else build(node, context)
    if compiled.constant:
        try:
            context.work.begin()
            return _literal(compiled.run(None))
        except (EvaluationError, RecursionError, Exhausted):
            pass  # it may stand where it is never reached, so it fails when it is
    if id(node) in context.steady and compiled.steps > CHEAP:
        return compiled._replace(run=context.work.once(compiled.run), steps=1)
    if id(node) in context.of_parent and compiled.steps > CHEAP:
        # It may be evaluated for each element: each may have its own parent.
        return compiled._replace(run=context.work.once_a_parent(compiled.run))
    return compiled


def operands(node: Node) -> list[Node]:
    """The operands of ``a || b || c`` in their order; the tree nests them to the left."""
    found: list[Node] = []
    kind = node["type"]
    while node["type"] == kind:
        node, right = node["children"]
        found.append(right)
    return [node, *reversed(found)]


def _compile_all(nodes: Sequence[Node], context: Context) -> list[Compiled]:
    return [compile_tree(node, context) for node in nodes]


def _constant(parts: Sequence[Compiled]) -> bool:
    return all(part.constant for part in parts)


def _total(parts: Sequence[Compiled]) -> bool:
    return all(part.total for part in parts)


def _steps(parts: Sequence[Compiled]) -> int:
    return sum(part.steps for part in parts)


def _literal(value: Any) -> Compiled:
    return Compiled(lambda _: value, constant=True, total=True, steps=0)


def _current(_node: Node, _context: Context) -> Compiled:
    return Compiled(closures.itself, total=True)


def _field(node: Node, _context: Context) -> Compiled:
    return Compiled(closures.path([node["value"]]), total=True)


def _index(node: Node, _context: Context) -> Compiled:
    return Compiled(closures.index(node["value"]), total=True)


def _slice(node: Node, context: Context) -> Compiled:
    return Compiled(closures.part(slice(*node["children"]), context.work.spend), total=True)


def _links(node: Node) -> Iterator[Node]:
    for child in node["children"]:
        if child["type"] in _CHAINS:
            yield from _links(child)
        elif child["type"] not in {"current", "identity"}:
            yield child


def _chain(node: Node, context: Context) -> Compiled:
    parts: list[Compiled] = []
    names: list[str] = []
    for step in _links(node):
        if step["type"] == "field":
            names.append(step["value"])
            continue
        if names:
            parts.append(Compiled(closures.path(names), total=True))
            names = []
        parts.append(compile_tree(step, context))
    if names:
        parts.append(Compiled(closures.path(names), total=True))
    # A constant makes what stands before it irrelevant, unless that can fail: then it must get its chance.
    constant = any(part.constant and _total(parts[:place]) for place, part in enumerate(parts))
    return Compiled(closures.chain([part.run for part in parts]), constant, _total(parts), _steps(parts))


def _projection(make: Callable[..., Closure]) -> Callable[[Node, Context], Compiled]:
    def build(node: Node, context: Context) -> Compiled:
        source, each = parts = _compile_all(node["children"], context)
        run = make(source.run, each.run, context.work.spend, 1 + each.steps)
        return Compiled(run, source.constant, _total(parts), source.steps + LOOP)

    return build


def _filter(node: Node, context: Context) -> Compiled:
    source, each, condition = parts = _compile_all(node["children"], context)
    # What follows is done for those that are kept only, which are not known before.
    steps = 1 + condition.steps + (0 if each.steps <= CHEAP else each.steps)
    run = closures.project_filtered(source.run, each.run, condition.run, context.work.spend, steps)
    return Compiled(run, source.constant, _total(parts), source.steps + LOOP)


def _flatten(node: Node, context: Context) -> Compiled:
    source = compile_tree(node["children"][0], context)
    run = closures.flatten(source.run, context.work.spend)
    return Compiled(run, source.constant, source.total, source.steps + LOOP)


# Multi-selects are never constant: they are null where the current node is null.


def _multi_select_list(node: Node, context: Context) -> Compiled:
    parts = _compile_all(node["children"], context)
    steps = 1 + len(parts) + _steps(parts)
    return Compiled(closures.select_list([part.run for part in parts]), total=_total(parts), steps=steps)


def _multi_select_dict(node: Node, context: Context) -> Compiled:
    parts = _compile_all(node["children"], context)
    names = [pair["value"] for pair in node["children"]]
    run = closures.select_dict([(name, part.run) for name, part in zip(names, parts, strict=True)])
    return Compiled(run, total=_total(parts), steps=1 + len(parts) + _steps(parts))


def _key_val_pair(node: Node, context: Context) -> Compiled:
    return compile_tree(node["children"][0], context)


def _logic(node: Node, context: Context) -> Compiled:
    stop = node["type"] == "or_expression"
    parts = _prune(_compile_all(operands(node), context), stop=stop)
    *heads, last = [part.run for part in parts]
    run = closures.first_decisive(heads, last, stop=stop) if heads else last
    return Compiled(run, _constant(parts), _total(parts), len(parts) + _steps(parts))


def _prune(parts: Sequence[Compiled], *, stop: bool) -> list[Compiled]:
    """Leave out constants that never decide, and everything after one that always does."""
    kept: list[Compiled] = []
    for part in parts[:-1]:
        if not (part.constant and part.total):
            kept.append(part)
        elif truthy(part.run(None)) is stop:
            return [*kept, part]
    return [*kept, parts[-1]]


def _not(node: Node, context: Context) -> Compiled:
    operand = compile_tree(node["children"][0], context)
    return Compiled(comparisons.negate(operand.run), operand.constant, operand.total, 1 + operand.steps)


def _comparator(node: Node, context: Context) -> Compiled:
    left, right = _compile_all(node["children"], context)
    if node["value"] in comparisons.ORDERINGS:
        run = comparisons.ordered(node["value"], left.run, right.run)
        return Compiled(run, left.constant and right.constant, steps=2 + left.steps + right.steps)
    equality = _equality(left, right, context)
    return equality if node["value"] == "eq" else equality._replace(run=comparisons.negate(equality.run))


def _equality(left: Compiled, right: Compiled, context: Context) -> Compiled:
    constant, steps = left.constant and right.constant, 1 + left.steps + right.steps
    for one, other in ((left, right), (right, left)):
        if other.constant and other.total and not isinstance(scalar := other.run(None), list | dict):
            return Compiled(comparisons.equal_to_scalar(one.run, scalar), constant, one.total, steps)
    # Not total: two documents may be nested too deep for Python to compare them.
    return Compiled(comparisons.equal(left.run, right.run, context.work.spend), constant, steps=steps)


def _expref(node: Node, context: Context) -> Compiled:
    each = compile_tree(node["children"][0], context)
    return _literal(Reference(each.run))._replace(steps=each.steps)


def _function(node: Node, context: Context) -> Compiled:
    function = FUNCTIONS[node["value"]]
    parts = _compile_all(node["children"], context)
    runs = [part.run for part in parts]
    if function.name == "not_null" and _total(parts):
        return Compiled(closures.first_not_null(runs), _constant(parts), total=True, steps=1 + _steps(parts))
    call = function.call
    if function.prepare is not None:
        known = [part.run(None) if part.constant and part.total else UNKNOWN for part in parts]
        call = function.prepare(known, context.positions.get(id(node)), context.work.spend)
    # A reference is evaluated for each element.
    each = sum(part.steps for part, child in zip(parts, node["children"], strict=True) if child["type"] == "expref")
    run = calling(function, call, runs, each, context.work.spend)
    return Compiled(run, _constant(parts), steps=CALL + _steps(parts) - each)


def _interpreted(node: Node) -> Compiled:
    return Compiled(interpreted(node), steps=INTERPRETED)


_CHAINS = frozenset({"subexpression", "index_expression", "pipe"})

BUILDERS: dict[str, Callable[[Node, Context], Compiled]] = {
    "field": _field,
    "current": _current,
    "identity": _current,
    "literal": lambda node, _: _literal(node["value"]),
    **dict.fromkeys(_CHAINS, _chain),
    "index": _index,
    "slice": _slice,
    "projection": _projection(closures.project),
    "value_projection": _projection(closures.project_values),
    "filter_projection": _filter,
    "flatten": _flatten,
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
