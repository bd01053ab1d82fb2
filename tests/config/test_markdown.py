"""Whole files in a page are checked where they stand."""

from pathlib import Path
from textwrap import indent

import pytest

from connector.cli import main
from connector.config import Loaded, Problem
from connector.config.markdown import is_markdown, load_blocks
from tests.support.config_files import ENV, build

GOOD = build()
BAD = build(log="log: {levle: info}")


def blocks_of(tmp_path: Path, text: str) -> dict[int, Loaded | list[Problem]]:
    page = tmp_path / "page.md"
    page.write_text(text)
    found = load_blocks(str(page), ENV)
    assert isinstance(found, dict)
    return found


def test_each_block_that_is_a_whole_file_is_loaded_and_no_other(tmp_path: Path) -> None:
    page = f"# A\n\n```yaml\n{GOOD}```\n\n```yaml\nlog: {{levle: info}}\n```\n\n```json\n{BAD}```\n~~~yml\n{GOOD}~~~\n"
    found = blocks_of(tmp_path, page)
    assert all(isinstance(each, Loaded) for each in found.values())
    assert list(found) == [4, page[: page.index("~~~yml")].count("\n") + 2]


def test_a_problem_has_the_line_and_the_column_of_the_page(tmp_path: Path) -> None:
    page = f"1. A list:\n\n   ```yaml\n{indent(BAD, '   ')}   ```\n\nAnd more.\n"
    (problems,) = blocks_of(tmp_path, page).values()
    assert isinstance(problems, list)
    (problem,) = problems
    lines = page.splitlines()
    assert lines[problem.line - 1][problem.column - 1 :].startswith("levle")
    assert problem.file == str(tmp_path / "page.md")
    assert problem.source_line == lines[problem.line - 1]


def test_a_longer_fence_is_closed_by_one_as_long_and_an_open_one_ends_with_the_page(tmp_path: Path) -> None:
    assert list(blocks_of(tmp_path, f"````markdown\n```yaml\n{BAD}```\n````\n")) == []
    assert list(blocks_of(tmp_path, f"```yaml\n{GOOD}")) == [2]
    assert blocks_of(tmp_path, "```yaml\n```\n") == {}


def test_pipelines_below_another_key_or_in_a_comment_make_no_whole_file(tmp_path: Path) -> None:
    assert blocks_of(tmp_path, "```yaml\nshop:\n  pipelines: []\n# pipelines:\n```\n") == {}


def test_a_page_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    found = load_blocks(str(tmp_path / "none.md"), ENV)
    assert isinstance(found, list)
    assert [problem.code for problem in found] == ["unreadable-file"]


def test_pages_are_told_by_their_names() -> None:
    assert is_markdown("README.MD")
    assert is_markdown("a/b.markdown")
    assert not is_markdown("md.yaml")


TESTED = build(tests="tests: [{name: t, pipeline: web, input: {}, output: {skipped: tombstone}}]")


def test_a_page_says_once_that_its_tests_do_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "page.md").write_text(f"```yaml\n{TESTED}```\n\n```yaml\n{TESTED}```\n")
    assert main(["validate", str(tmp_path / "page.md")]) == 0
    err = capsys.readouterr().err
    assert err.count("[tests-not-run]") == 1
    assert err.count("page.md:2: valid (1 note)\n") == 1
    assert err.endswith(f"page.md:{TESTED.count(chr(10)) + 5}: valid\n")
