"""The pages of docs/formats and docs/cookbook, and those on a first file, do what they show."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support import forked
from tests.support.pages import ROOT
from tests.support.protoc import compile_proto

PAGES = sorted((ROOT / "docs" / "formats").glob("*.md"))
BOOK = [ROOT / "docs" / "mapping-by-example.md", *sorted((ROOT / "docs" / "cookbook").glob("*.md"))]
OTHERS = [ROOT / "docs" / "starting.md", ROOT / "docs" / "seeing-a-mapping.md"]
RUN = [*PAGES, *OTHERS, *(page for page in BOOK if "```console" in page.read_text())]
# A file is a block whose first line names it after the language: ```yaml clicks.yaml
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Command(NamedTuple):
    """What is typed after ``$``, and what the page says that it prints."""

    typed: str
    shown: str


def files(page: Path) -> dict[str, str]:
    return {name: text for _, name, text in _BLOCK.findall(page.read_text()) if name}


def commands(page: Path) -> Iterator[Command]:
    for language, _, text in _BLOCK.findall(page.read_text()):
        if language == "console":
            for command in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                typed, shown = re.split(r"(?<!\\)\n", command, maxsplit=1)  # a backslash continues the line
                yield Command(typed, shown)


def written(page: Path, folder: Path) -> None:
    """The files of the page, and those of the pages that it may use."""
    for other in (ROOT / "docs" / "formats" / "json.md", page):
        for name, text in files(other).items():
            (folder / name).write_text(text)
    for source in folder.glob("*.proto"):
        compile_proto(source)


def packed(text: str) -> str:
    """Without blanks: a page breaks the lines of what is one line."""
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_a_page_shows_what_its_commands_print(page: Path, tmp_path: Path) -> None:
    written(page, tmp_path)
    environment = {**os.environ, **forked.for_scripts(), "COLUMNS": "80"}
    for typed, shown in commands(page):
        script = f"set -o pipefail\n{typed}"
        ran = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert packed(ran.stdout + ran.stderr) == packed(shown), typed


def test_the_pages_are_found_with_files_and_commands() -> None:
    assert len(PAGES) >= 9
    for page in PAGES:
        if page.stem not in {"README", "registry", "types"}:
            assert files(page), page
            assert [command for command in commands(page) if "putevents map" in command.typed], page


def test_every_page_of_formats_is_in_their_index() -> None:
    index = (ROOT / "docs" / "formats" / "README.md").read_text()
    for page in PAGES:
        assert page.stem == "README" or f"({page.name}" in index, page
