"""A kind of node that the compiler does not know still gives what the library gives."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jmespath.exceptions import JMESPathError
from jmespath.visitor import Options, TreeInterpreter

from connector.core.expressions.calling import EvaluationError, ExpressionError, invoke
from connector.core.expressions.functions import FUNCTIONS


class _Functions:
    """Our functions, for the library's interpreter."""

    @staticmethod
    def call_function(name: str, arguments: Sequence[Any]) -> Any:
        function = FUNCTIONS[name]
        return invoke(function, function.call, arguments)


def interpreted(node: Mapping[str, Any]) -> Callable[[Any], Any]:
    """The node, run by the library's interpreter.

    Raises:
        ExpressionError: the library does not know it either.
    """
    if not hasattr(TreeInterpreter, f"visit_{node['type']}"):
        raise ExpressionError(f"{node['type']} is not supported", code="unsupported")
    functions: Any = _Functions()
    interpreter = TreeInterpreter(Options(custom_functions=functions))
    tree: Any = node

    def run(value: Any) -> Any:
        try:
            return interpreter.visit(tree, value)
        except (JMESPathError, TypeError, ValueError, ArithmeticError):
            pass
        raise EvaluationError("the expression cannot work on values of these types")

    return run
