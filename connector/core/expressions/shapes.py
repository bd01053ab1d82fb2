"""An expression that always gives a list or an object is known by its form, before the first record.

``value.items[].id`` is a list for every record in which it is not null. Where one value is needed it can only fail, so
the file is refused.
"""

from collections.abc import Mapping
from typing import Any

from connector.core.expressions.compiler import Node, operands

_LISTS = frozenset({"projection", "filter_projection", "value_projection", "flatten", "multi_select_list"})
_FUNCTIONS: Mapping[str, Any] = {
    **dict.fromkeys(("keys", "map", "sort", "sort_by", "split", "to_array", "values"), list),
    "merge": dict,
}


def shape(node: Node) -> type[list[Any]] | type[dict[str, Any]] | None:
    """``list`` or ``dict`` where the result is always one or null; None where it may be anything."""
    kind = node["type"]
    if kind in _LISTS:
        return list
    if kind == "multi_select_dict":
        return dict
    if kind in {"subexpression", "index_expression", "pipe"}:
        return shape(node["children"][-1])
    if kind == "function_expression":
        found: type | None = _FUNCTIONS.get(node["value"])
        return found
    if kind in {"or_expression", "and_expression"}:
        first, *others = map(shape, operands(node))
        return first if all(other is first for other in others) else None
    return None
