"""Every command of docs/plan.md prints what the page says, in a repository of examples/ci with the page's change."""

import json
import re
from pathlib import Path

import pytest

from connector.cli import main
from connector.exits import Exit
from connector.planning.consequences import CONSEQUENCES
from tests.support.repositories import git, repository

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "plan.md"
EXAMPLE = ROOT / "examples" / "ci"
pytestmark = pytest.mark.timeout(300)


def blocks(language: str) -> list[str]:
    """The blocks of a language, in order; ends of others are no beginnings."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return [text for named, text in found if named == language]


@pytest.fixture
def changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example, with the change of the page in the working copy."""
    repository(tmp_path, {path.name: path.read_bytes() for path in sorted(EXAMPLE.iterdir())})
    [patch] = blocks("diff")
    (tmp_path / "change.diff").write_text(patch)
    git(tmp_path, "apply", "change.diff")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("changed")
def test_the_plan_of_the_page_is_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    [block] = blocks("")
    command, _, printed = block.partition("\n")
    assert main(command.removeprefix("$ putevents ").split()) == Exit.NOT_OK
    out, err = capsys.readouterr()
    assert err + out == printed


def test_the_page_lists_what_can_be_failed_on() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.read_text().partition("## In CI")[0], re.MULTILINE))
    assert rows == {name: each.words for name, each in CONSEQUENCES.items()}


def test_the_page_lists_every_member_of_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(EXAMPLE / "putevents.yaml")
    assert main(["plan", file, file, "--input", str(EXAMPLE / "samples.jsonl"), "--output", "json"]) == Exit.OK
    cells = re.findall(r"^\| ([^|]*) \| [^|]+ \|$", PAGE.read_text().partition("## For programs")[2], re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert named == set(json.loads(capsys.readouterr().out))
