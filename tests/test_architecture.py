"""The import table in the package's docstring is the truth, for every file of the package."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import connector

PACKAGE = Path(connector.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def rows() -> list[list[str]]:
    lines = [line for line in (connector.__doc__ or "").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def rooms() -> dict[str, list[str]]:
    """Room to the rooms of its row, in the order of the table."""
    table = {}
    for files, _, _ in rows():
        names = [name.removesuffix(".py").removesuffix("/") for name in files.split(", ")]
        table.update(dict.fromkeys(names, names))
    return table


def may_import() -> dict[str, set[str]]:
    """Room to all the rooms that it may import."""
    table, allowed = rooms(), {}
    order = list(table)
    for files, _, names in rows():
        row = table[files.split(", ")[0].removesuffix(".py").removesuffix("/")]
        if names == "everything":
            found = set(order)
        elif names.startswith("anything below "):
            found = set(order[: order.index(names.removeprefix("anything below "))])
        else:
            found = set(names.split(", ")) & set(order)
        allowed.update(dict.fromkeys(row, found | set(row)))
    return allowed


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide which room they reach"
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        parts = [module.split(".") for module in modules]
        yield from (names[1] for names in parts if names[0] == "connector" and len(names) > 1 and names[1] in rooms())


def test_every_file_has_a_row_and_every_row_a_file() -> None:
    assert set(map(room_of, MODULES)) == set(rooms())


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_what_its_row_allows(path: Path) -> None:
    assert set(imported_rooms(path)) <= may_import()[room_of(path)]


def test_imports_flow_one_way() -> None:
    """No row can reach itself through others."""
    table, allowed = rooms(), may_import()
    for room in table:
        reached: set[str] = set()
        frontier = allowed[room] - set(table[room])
        while frontier:
            reached |= frontier
            frontier = {further for near in frontier for further in allowed[near]} - reached
        assert reached.isdisjoint(table[room]), f"{room} reaches itself"


def test_the_loop_knows_neither_kafka_nor_aws() -> None:
    for room in ("loop", "delivery", "watch"):
        assert may_import()[room].isdisjoint({"source", "personalize", "wire", "dead_letters", "config"})
