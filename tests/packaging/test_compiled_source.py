"""What a module must be that becomes C: mypyc is not Python in every respect, and these are the ones that bit.

The rings of ``make compiled`` run over the compiled connector, and are where anything else shows.
"""

import ast
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def compiled() -> list[str]:
    spec = spec_from_file_location("setup_of_the_compiled", ROOT / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return [f"{folder}/{name}.py" for folder, names in module.COMPILED.items() for name in names.split()]


Function = ast.FunctionDef | ast.AsyncFunctionDef
WITHOUT_ATTRIBUTES = {"StrEnum", "NamedTuple"}


def functions(path: str) -> list[Function]:
    return [node for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, Function)]


def handlers(node: ast.AST) -> Iterator[ast.ExceptHandler]:
    """Those of a function, but for those of functions within it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ExceptHandler):
            yield child
        if not isinstance(child, Function):
            yield from handlers(child)


@pytest.mark.parametrize("path", compiled())
def test_a_name_is_bound_to_one_type_of_exception_in_a_function(path: str) -> None:
    """The second type is a TypeError in C: the variable has the type that it got first."""
    for function in functions(path):
        bound: dict[str, set[str]] = {}
        for node in handlers(function):
            if node.name and node.type:
                bound.setdefault(node.name, set()).add(ast.unparse(node.type))
        assert {name: types for name, types in bound.items() if len(types) > 1} == {}, function.name


@pytest.mark.parametrize("path", compiled())
def test_what_a_class_holds_for_all_is_marked_so(path: str) -> None:
    """Without ClassVar it is an attribute of each object, and the class does not have it."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.ClassDef) and not WITHOUT_ATTRIBUTES & {*map(ast.unparse, node.bases)}:
            names = [ast.unparse(each) for each in node.body if isinstance(each, ast.Assign)]
            assert [name for name in names if not name.startswith("__slots__")] == [], node.name


def test_the_loop_that_takes_record_after_record_is_interpreted() -> None:
    """Compiled code looks neither for signals nor for threads that wait for their turn; loop.py does at each record."""
    assert "connector/loop.py" not in compiled()
    assert all((ROOT / path).is_file() for path in compiled())
