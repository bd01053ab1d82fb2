"""The core knows no I/O, clock, randomness, thread or log, and imports only what is data and functions of it."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import connector.core
from tests.support.each import for_each

CORE = Path(connector.core.__file__).parent
ROOT = CORE.parent.parent
MODULES = sorted(CORE.glob("**/*.py"))

# An addition here is a decision. zoneinfo reads the time zones' own files; warnings is for silencing a library.
STANDARD = {
    "base64",
    "collections",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "functools",
    "hashlib",
    "heapq",
    "hmac",
    "json",
    "itertools",
    "math",
    "operator",
    "re",
    "struct",
    "types",
    "typing",
    "urllib.parse",
    "uuid",
    "warnings",
    "zlib",
    "zoneinfo",
}
# What a format needs, in the modules of that format only: each is an optional extra.
FORMATS = {
    "google.protobuf": "protobuf",
    "google.type": "protobuf",
    "jsonschema_rs": "json_schema",
    "zstandard": "compression",
}
ALLOWED = STANDARD | {"pydantic", "pydantic_core", "jmespath", "orjson", "connector.core"}
IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "__import__", "breakpoint"}
CLOCKS = {"now", "utcnow", "today"}

each_module = for_each(MODULES)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module or ""


def is_allowed(module: str, path: Path | None = None) -> bool:
    formats = {library for library, name in FORMATS.items() if path and is_of_format(path, name)}
    return any(module == allowed or module.startswith(f"{allowed}.") for allowed in ALLOWED | formats)


def is_of_format(path: Path, name: str) -> bool:
    return path.parent.name == "formats" and (path.stem == name or path.stem.startswith(f"{name}_"))


def test_there_is_a_core() -> None:
    assert len(MODULES) > 10


@each_module
def test_a_module_of_the_core_imports_only_what_is_pure(path: Path) -> None:
    assert [module for module in imports(path) if not is_allowed(module, path)] == []


@each_module
def test_a_module_of_the_core_asks_neither_the_clock_nor_the_world(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in IMPURE_CALLS
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert not (node.value.id in {"datetime", "date"} and node.attr in CLOCKS)


@each_module
def test_a_module_of_the_core_changes_no_global(path: Path) -> None:
    assert not [node for node in ast.walk(tree(path)) if isinstance(node, ast.Global)]


def test_what_ruff_bans_is_what_is_not_allowed_here() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    banned = set(settings["flake8-tidy-imports"]["banned-api"])
    assert not [module for module in banned if is_allowed(module) and not module.startswith("datetime.")]
    assert {"time", "random", "threading", "logging", "os", "io", "socket"} <= banned
