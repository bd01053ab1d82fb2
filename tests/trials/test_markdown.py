"""Whole files in a page are tested where they stand, and `--update` writes into the page."""

import json
import os
from pathlib import Path
from textwrap import indent

import pytest

from connector.cli import main
from connector.exits import Exit
from tests.support.trials import EVENT, case, config

GOOD = config(case())
BAD = config(case(output="{filtered: true}", name="bad") + case(output="{skipped: bot}", name="worse"))
PAGE = f"# A page\n\n```yaml first.yaml\n{BAD}```\n\nBetween.\n\n- In a list:\n\n  ```yaml\n{indent(BAD, '  ')}  ```\n"


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("page.md")


def run(*arguments: str) -> int:
    return main(["test", "page.md", *arguments])


def test_the_tests_of_each_block_run_and_failures_have_the_lines_of_the_page(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page.write_text(f"```yaml\n{GOOD}```\n```yaml\nlog: {{}}\n```\n{PAGE}")
    assert run("--output", "json") == Exit.NOT_OK
    tests = json.loads(capsys.readouterr().out)["tests"]
    lines = page.read_text().splitlines()
    assert [each["passed"] for each in tests] == [True, False, False, False, False]
    assert [lines[each["line"] - 1].strip() for each in tests[1:3]] == ["- name: bad", "- name: worse"]


def test_an_update_changes_the_expectations_in_every_block_and_nothing_else(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page.write_text(PAGE)
    assert run("--update") == Exit.OK
    wanted = f"[{EVENT}]"
    assert page.read_text() == PAGE.replace("{filtered: true}", wanted).replace("{skipped: bot}", wanted)
    names = "".join(f"updated page.md: {name}\n" for name in ("bad", "worse") * 2)
    assert capsys.readouterr() == ("4 tests passed\n", names)


def test_an_update_that_adds_lines_to_a_block_leaves_the_later_blocks_whole(page: Path) -> None:
    long = config(case(output=f"\n    - {EVENT}\n    - {EVENT}", name="long").replace("name: long", f"name: {'x' * 9}"))
    page.write_text(f"{PAGE}\n```yaml\n{long}```\nThe end.\n")
    assert run("--update") == Exit.OK
    assert page.read_text().endswith("```\nThe end.\n")
    assert run() == Exit.OK


def test_an_update_keeps_a_byte_order_mark_line_ends_and_a_block_that_the_page_does_not_close(page: Path) -> None:
    page.write_bytes(b"\xef\xbb\xbf" + f"One\u2028line\n\n```yaml\n{BAD}".replace("\n", "\r\n").encode())
    before = page.read_bytes()
    assert run("--update") == Exit.OK
    wanted = f"[{EVENT}]".encode()
    assert page.read_bytes() == before.replace(b"{filtered: true}", wanted).replace(b"{skipped: bot}", wanted)


def test_coverage_names_the_lines_of_the_page(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page.write_text(f"\n\n```yaml\n{GOOD}```\n")
    assert run("--coverage") == Exit.OK
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith(f"page.md:{page.read_text().splitlines().index('      - name: bots') + 1}: not covered")


def test_a_mistake_in_a_block_is_shown_where_it_stands_and_no_test_runs(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page.write_text(f"{PAGE}\n```yaml\n{GOOD.replace('itemId', 'itemid')}```\n")
    assert run() == Exit.BAD_FILE
    out, err = capsys.readouterr()
    assert out == ""
    line = page.read_text().splitlines().index("          itemid: value.item") + 1
    assert err.startswith(f"page.md:{line}:11: expected a key of ")


@pytest.mark.parametrize("text", ["# Nothing\n", "```yaml\nlog: {}\n```\n"])
def test_a_page_without_a_whole_file_has_no_test(page: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    page.write_text(text)
    assert run() == Exit.NOT_OK
    expected = "expected a test in the ```yaml blocks that are whole files (with the key pipelines): there is none\n"
    assert capsys.readouterr().err == expected


def test_a_page_that_is_not_there_is_a_problem(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not page.exists()
    assert run() == Exit.BAD_FILE
    assert capsys.readouterr().err.startswith("page.md:1:1: expected a readable file: no such file")


def test_files_of_tests_beside_a_page_are_not_of_it(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page.write_text(f"```yaml\n{GOOD}```\n")
    Path("page_test.yaml").write_text(f"tests:\n{indent(case(output='{skipped: bot}'), '  ')}")
    assert run() == Exit.OK
    assert capsys.readouterr() == ("1 test passed\n", "")


def test_files_that_a_test_names_stand_beside_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = config(case(input="{file: clicks.jsonl}", outputs="[{skipped: bot}]"))
    (tmp_path / "page.md").write_text(f"```yaml\n{text}```\n")
    (tmp_path / "clicks.jsonl").write_text('{"bot": true}\n')
    assert main(["test", str(tmp_path / "page.md")]) == Exit.OK
    assert capsys.readouterr().out == f"1 test passed{os.linesep}"
