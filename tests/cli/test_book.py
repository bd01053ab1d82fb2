"""The mapping guide and the cookbook: each file in them is valid without a warning, and its tests pass."""

import re
from pathlib import Path

import pytest

from connector.cli import main
from connector.exits import Exit
from tests.support.pages import ROOT

GUIDE = ROOT / "docs" / "mapping-by-example.md"
INDEX = ROOT / "docs" / "cookbook" / "README.md"
RECIPES = sorted(page for page in INDEX.parent.glob("*.md") if page != INDEX)
# Typed in the folder of the project, as the path shows; what else a page shows is held by test_format_pages.py.
_TYPED = re.compile(r"^```\n\$ putevents (test docs/.*)\n((?:.*\n)*?)```$", re.MULTILINE)


def named(page: Path) -> str:
    return page.stem


@pytest.mark.parametrize("page", [GUIDE, *RECIPES], ids=named)
def test_every_file_in_a_page_is_valid_without_a_warning(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--deny-warnings", str(page)]) == Exit.OK, capsys.readouterr()
    valid = re.findall(r"^\S+: valid\b", capsys.readouterr().err, re.MULTILINE)
    assert len(valid) == page.read_text().count("\npipelines:\n") > 0


@pytest.mark.parametrize("page", RECIPES, ids=named)
def test_the_tests_of_a_recipe_pass_and_use_every_part_of_it(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(page), "--min-coverage", "100"]) == Exit.OK, capsys.readouterr()


@pytest.mark.parametrize("page", [GUIDE, INDEX], ids=named)
def test_the_tests_that_a_page_shows_to_pass_do(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    [(typed, shown)] = _TYPED.findall(page.read_text())
    assert main(typed.split()) == Exit.OK
    assert capsys.readouterr() == (shown, "")


def test_every_file_of_the_guide_has_a_test() -> None:
    files = re.findall(r"^```yaml(?: \S+)?\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(files) > 12
    assert all("\ntests:\n" in text for text in files)


@pytest.mark.parametrize("page", RECIPES, ids=named)
def test_a_recipe_opens_with_the_problem_and_ends_with_what_to_watch_out_for(page: Path) -> None:
    title, problem, *_ = page.read_text().split("\n\n")
    assert title.startswith("# ")
    assert problem[0].isupper(), problem
    assert re.findall(r"^## .*", page.read_text(), re.MULTILINE)[-1] == "## What to watch out for"


def test_every_recipe_is_in_the_index_once() -> None:
    assert sorted(re.findall(r"\(([\w-]+\.md)\) \|$", INDEX.read_text(), re.MULTILINE)) == [
        page.name for page in RECIPES
    ]
