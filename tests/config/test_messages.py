"""Each message has a file that gets it, and the output that people get is reviewed text."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from connector import config
from connector.config import wording
from tests.config import golden
from tests.config.golden import FILES

PACKAGE = Path(config.__file__).parent
printed = cache(golden.printed)  # two tests want all of them


@pytest.fixture(scope="module", autouse=True)
def seen() -> Iterator[set[str]]:
    """Which rows of the table of errors were looked up by the tests so far."""
    keys = set[str]()

    class Recorded(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            keys.add(key)
            return super().get(key, default)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wording, "_ROWS", Recorded(wording._ROWS))
        yield keys


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_broken_file_gets_the_message_that_was_reviewed(file: Path) -> None:
    assert printed(file) == file.with_suffix(".txt").read_text(), "if that is meant: make messages, and read the diff"


def test_no_output_stands_without_its_file() -> None:
    assert {file.stem for file in FILES} == {file.stem for file in FILES[0].parent.glob("*.txt")}


def test_every_row_of_the_table_of_errors_is_shown(seen: set[str]) -> None:
    for file in FILES:
        printed(file)
    assert set(wording._ROWS) - seen == set()


# Modules whose texts are no messages.
SILENT = {"__init__.py", "schema.py", "masking.py", "printing.py", "clients.py", "choices.py"}
NOT_SHOWN = {
    "expected YAML",  # for a reason of PyYAML that no row knows
    "expected a file of at most 4 MiB",  # tests/config/test_loading.py has such a file
    "not a path",  # a name with NUL in it, which YAML and the environment rule out
    "expected a list of events, or one of skipped, filtered, rejected",  # pydantic's, which a row replaces
    # need a package that is not installed: tests/config/test_formats.py hides each
    "expected the package ", ", which is not installed", "pip install 'putevents-connector[",
    "packed by ",  # of `putevents map`: tests/cli/test_map_formats.py
    "is key_password right?",  # needs a certificate: tests/config/test_client_properties.py makes one
    # read, and replaced by words of ours
    "Failed to create", "No such", "not a value", "nested more than ", "too long", "too large", "` must",
}  # fmt: skip


def texts(node: ast.AST) -> Iterator[str]:
    """The texts in the code with a blank in them, but for docstrings, patterns, keys of tables, and the schema."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.AnnAssign(target=ast.Name(id="ENV_SCHEMA" | "FILE_SCHEMA")):
            return
        case ast.Call(func=ast.Attribute(value=ast.Name(id="re"))):
            return
        case ast.Tuple(elts=[*_, ast.Call() as last]):
            yield from texts(last)
            return
        case ast.Constant(value=str(text)) if " " in text.strip():
            yield text
    for child in ast.iter_child_nodes(node):
        yield from texts(child)


def is_shown(text: str, shown: str) -> bool:
    """Whether all of a text that is no placeholder is in what is shown."""
    plain = re.sub(r"(?<!\{)\{\w*\}(?!\})", "\0", text).replace("{{", "{").replace("}}", "}")
    return text in shown or all(piece in shown for piece in plain.split("\0"))


def test_every_text_of_a_message_is_shown() -> None:
    shown = "\n".join(file.with_suffix(".txt").read_text() for file in FILES)
    modules = [file for file in sorted(PACKAGE.glob("*.py")) if file.name not in SILENT]
    found = {text: file.name for file in modules for text in texts(ast.parse(file.read_text()))}
    assert {text: name for text, name in found.items() if not is_shown(text, shown)}.keys() == NOT_SHOWN
