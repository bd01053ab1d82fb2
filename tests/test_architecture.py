"""The import table in the package's docstring is the truth, for every file of the package."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import connector
from tests.support.each import for_each

PACKAGE = Path(connector.__file__).parent
MODULES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).as_posix() not in {"__init__.py", "core/__init__.py"}  # docstrings, and the version
)


def names_of(cell: str) -> list[str]:
    return [name.removesuffix(".py").removesuffix("/") for name in cell.split(", ")]


def rows() -> list[tuple[list[str], str]]:
    """The rooms of each row, and what they may import."""
    lines = [line for line in (connector.__doc__ or "").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]
    return [(names_of(files), allowed) for files, _, allowed in cells]


ROOMS = [room for row, _ in rows() for room in row]


def may_import() -> dict[str, set[str]]:
    """Room to all the rooms that it may import."""
    allowed = {}
    for row, cell in rows():
        if cell == "everything":
            found = set(ROOMS)
        elif cell.startswith("anything below "):
            found = set(ROOMS[: ROOMS.index(cell.removeprefix("anything below "))])
        else:
            named = {"core/records"} if "core/records" in allowed else set()  # the rows after its own
            named |= set() if cell == "nothing" else set(names_of(cell))
            assert named <= set(ROOMS), f"{row} may import rooms that are not there"
            # Whoever may import a room may import its whole row.
            found = {room for other, _ in rows() if not named.isdisjoint(other) for room in other}
        allowed.update(dict.fromkeys(row, found | set(row)))
    return allowed


ALLOWED = may_import()


def room_of(parts: tuple[str, ...]) -> str | None:
    """The room of a module, given by the parts of its name below the package."""
    return next((room for room in ("/".join(parts[:2]), parts[0]) if room in ROOMS), None) if parts else None


def module_of(path: Path) -> tuple[str, ...]:
    return path.relative_to(PACKAGE).with_suffix("").parts


def imported(path: Path) -> Iterator[str]:
    """The rooms that a file imports from."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide which room they reach"
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        for module in modules:
            parts = tuple(module.split("."))
            if parts[0] == "connector" and (room := room_of(parts[1:])) is not None:
                yield room


def test_every_file_has_a_row_and_every_row_a_file() -> None:
    assert {room_of(module_of(path)) for path in MODULES} == set(ROOMS)


@for_each(MODULES)
def test_a_file_imports_only_what_its_row_allows(path: Path) -> None:
    room = room_of(module_of(path))
    assert room is not None
    assert set(imported(path)) <= ALLOWED[room]


def test_imports_flow_one_way() -> None:
    """No row can reach itself through others."""
    for row, _ in rows():
        reached: set[str] = set()
        frontier = ALLOWED[row[0]] - set(row)
        while frontier:
            reached |= frontier
            frontier = {further for near in frontier for further in ALLOWED[near]} - reached
        assert reached.isdisjoint(row), f"{row} reaches itself"


def test_sending_and_mapping_are_independent_wings() -> None:
    assert ALLOWED["core/sending"].isdisjoint({"core/mapping", "core/expressions"})
    assert all("core/sending" not in ALLOWED[room] for room in ("core/mapping", "core/expressions"))


def test_core_stands_on_three_levels() -> None:
    """Records and words; expressions and sending; mapping."""
    levels: dict[str, int] = {}
    for row, _ in rows():
        below = [levels[room] for room in ALLOWED[row[0]] - set(row) if room in levels]
        levels.update(dict.fromkeys((room for room in row if room.startswith("core/")), max(below, default=-1) + 1))
    assert levels["core/mapping"] == max(levels.values()) == 2
    assert levels["core/sending"] == levels["core/expressions"] == 1


def test_a_long_file_of_core_says_why_at_its_top() -> None:
    long = {path.name: path.read_text() for path in (PACKAGE / "core").rglob("*.py")}
    long = {name: text for name, text in long.items() if text.count("\n") > 300}
    assert all("Above 300 lines: " in (ast.get_docstring(ast.parse(text)) or "") for text in long.values()), long.keys()


def test_the_loop_knows_neither_kafka_nor_aws_nor_the_file() -> None:
    for room in ("loop", "delivery", "watch"):
        assert ALLOWED[room].isdisjoint({"kafka", "aws", "config", "core/mapping", "core/expressions"})


# -- CONTRIBUTING's table -------------------------------------------------------------------------------------


def changes() -> list[str]:
    """The rows of what one may want to change."""
    page = (PACKAGE.parent / "CONTRIBUTING.md").read_text()
    table = page[page.index("| you want to change") :].partition("\n\n")[0]
    return table.splitlines()[2:]


def test_the_table_of_changes_has_at_most_20_rows() -> None:
    assert 10 < len(changes()) <= 20


@pytest.mark.parametrize("row", changes(), ids=lambda row: row.split("|")[1].strip())
def test_every_place_of_the_table_of_changes_is_there(row: str) -> None:
    places = [place for place in re.findall(r"`([^`]+)`", row.split("|")[2]) if not place.startswith("make ")]
    folder = next((place for place in places if place.endswith("/") and f"`{place}`: `" in row), "")
    assert places
    for place in places:
        near = [PACKAGE / place, PACKAGE.parent / place, PACKAGE / folder / place]
        assert any(path.exists() for path in near), place


def test_every_room_is_in_the_table_of_changes() -> None:
    places = set(re.findall(r"`([^`]+)`", "".join(row.split("|")[2] for row in changes())))
    rooms = {f"{path.parent.relative_to(PACKAGE).as_posix()}/" for path in PACKAGES} - {"core/"}
    named = {place for place in places if place.endswith("/")} | {f"{place.rpartition('/')[0]}/" for place in places}
    assert [room for room in sorted(rooms) if not room.startswith(tuple(named - {"/"}))] == []


# -- the maps of large rooms -----------------------------------------------------------------------------------

LARGE = 8  # modules, from which on a room has a map
PACKAGES = sorted(path for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE)


def mapped(package: Path) -> list[str]:
    """The modules in the table of a package's docstring."""
    doc = ast.get_docstring(ast.parse(package.read_text())) or ""
    cells = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", doc.partition("|---|---|")[2], re.MULTILINE)
    return sorted(name.removesuffix(".py").removesuffix("/") for cell in cells for name in cell.split(", "))


@for_each(PACKAGES)
def test_a_large_room_has_a_map_and_a_map_has_every_module_once(package: Path) -> None:
    modules = sorted(path.stem for path in package.parent.glob("*.py") if path != package)
    folders = sorted(path.parent.name for path in package.parent.glob("*/__init__.py"))
    found = mapped(package)
    if found or len(modules) >= LARGE:
        assert found == sorted(modules + folders)


@for_each(MODULES)
def test_a_module_of_more_than_300_lines_says_why_at_its_top(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 300 or "Above 300 lines: " in (ast.get_docstring(ast.parse(text)) or "")


# -- the tests' own rooms -------------------------------------------------------------------------------------

REPOSITORY = PACKAGE.parent
HELPERS = sorted(path for folder in ("tests", "bench", "tools") for path in (REPOSITORY / folder).rglob("*.py"))


def folder_of(module: list[str]) -> str:
    """tests.wire.clients is of wire; what lies in tests/ itself is of no folder."""
    return module[1] if len(module) > 2 and (REPOSITORY / "tests" / module[1]).is_dir() else ""


@for_each(HELPERS)
def test_what_another_folder_needs_of_the_tests_is_in_support(path: Path) -> None:
    own = list(path.relative_to(REPOSITORY).with_suffix("").parts)
    mine = {"support", folder_of(own) if own[0] == "tests" else "support"}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tests":
            for alias in node.names:
                assert folder_of([*(node.module or "").split("."), alias.name]) in mine, ast.unparse(node)
