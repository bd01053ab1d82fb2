"""`putevents test`: its exit codes, and what goes to which stream."""

import json
import os
from pathlib import Path

import pytest

from connector.cli import main
from connector.exits import Exit
from tests.support.trials import EVENT, case, config


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "clicks.yaml"


def run(*words: str) -> int:
    return main(["test", "clicks.yaml", *words])


GOOD, BAD = case(name="good"), case(name="bad", output="[]")


def test_tests_that_pass_end_with_0_and_a_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(config(GOOD))
    assert run() == Exit.OK
    assert capsys.readouterr() == ("1 test passed\n", "")


def test_a_test_that_fails_ends_with_1(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(config(GOOD + BAD))
    assert run() == Exit.NOT_OK
    out, err = capsys.readouterr()
    assert out.startswith("FAIL  clicks.yaml:25: bad\n")
    assert out.endswith("2 tests: 1 passed, 1 failed\n")
    assert not err


def test_a_part_of_a_name_chooses_tests(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(config(GOOD + BAD))
    assert run("-k", "goo") == Exit.OK
    assert run("-k", "x") == Exit.NOT_OK
    assert capsys.readouterr().err == "expected a test whose name contains 'x': there is none\n"


def test_a_file_without_tests_is_not_a_success(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(config())
    assert run() == Exit.NOT_OK
    assert capsys.readouterr().err == "expected a test in the files, under the key tests: there is none\n"


@pytest.mark.parametrize(
    "text", [config(case(rule="x")), config(case(input="{file: nowhere}", outputs="[]")), "kafka: [}\n"]
)
def test_a_file_that_is_wrong_ends_with_78_and_no_test_runs(
    file: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(text)
    assert run() == Exit.BAD_FILE
    out, err = capsys.readouterr()
    assert not out
    assert "^" in err
    assert err.endswith("\n\n1 problem: no test was run\n")
    assert run("--output", "json") == Exit.BAD_FILE
    assert len(json.loads(capsys.readouterr().out)["problems"]) == 1


def test_a_problem_of_a_file_beside_two_configurations_is_said_once(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(config(GOOD))
    file.with_name("other.yaml").write_text(config(GOOD))
    file.with_name("both_test.yaml").write_text("tests: x\n")
    assert run("other.yaml") == Exit.BAD_FILE
    assert capsys.readouterr().err.endswith("\n\n1 problem: no test was run\n")


def test_an_update_writes_the_file_and_reports_the_tests_as_they_are_then(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(config(GOOD + BAD))
    assert run("--update") == Exit.OK
    assert capsys.readouterr() == ("2 tests passed\n", "updated clicks.yaml: bad\n")
    assert file.read_text() == config(GOOD + BAD.replace("[]", f"[{EVENT}]"))
    assert run("--update") == Exit.OK
    assert capsys.readouterr() == ("2 tests passed\n", "")


def test_an_update_of_some_tests_leaves_the_others(file: Path) -> None:
    file.write_text(config(BAD + BAD.replace("bad", "worse")))
    assert run("--update", "-k", "worse") == Exit.OK
    assert file.read_text().count("output: []") == 1


def test_what_cannot_be_updated_is_said_and_ends_with_1(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(config(BAD.replace("[]", "&a []")))
    assert run("--update") == Exit.NOT_OK
    why = "there is an anchor, an alias or a tag in it"
    assert capsys.readouterr() == ("", f"clicks.yaml:21: cannot update bad: {why}; change it by hand\n")


@pytest.mark.parametrize(
    ("expected", "gone"),
    [
        ("[  # which\n      ]", "; comments inside of what was expected are gone"),
        ("\n      # above\n      skipped: bot  # after", ""),
        ("\n      rejected: too_long  # why\n      member: userId", "; comments inside of what was expected are gone"),
        ("[{contains: {itemId: '# 1'}}]", ""),
    ],
)
def test_an_update_says_where_comments_are_gone(
    file: Path, capsys: pytest.CaptureFixture[str], expected: str, gone: str
) -> None:
    file.write_text(config(BAD.replace("[]", expected)))
    assert run("--update") == Exit.OK
    assert capsys.readouterr().err == f"updated clicks.yaml: bad{gone}\n"
    assert ("# above" in file.read_text()) == ("# above" in expected)


def test_a_file_that_cannot_be_written_is_said(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(config(BAD))
    monkeypatch.setattr(os, "access", lambda *_: False)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    assert run("--update") == Exit.NOT_OK
    assert capsys.readouterr().err == "clicks.yaml: expected a file that can be written: permission denied\n"
    assert run("--junit", "j.xml") == Exit.NOT_OK
    assert capsys.readouterr().err == "j.xml: expected a file that can be written: permission denied\n"


def test_coverage_below_the_minimum_ends_with_1(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(config(GOOD))
    assert run("--coverage") == Exit.OK
    assert "not covered: pipeline web, rule bots" in capsys.readouterr().out
    assert run("--min-coverage", "30") == Exit.OK
    assert run("--min-coverage", "99.5%") == Exit.NOT_OK
    assert capsys.readouterr().err == "expected a coverage of at least 99.5 %\n"


@pytest.mark.parametrize("number", ["101", "-1", "x", "nan"])
def test_a_minimum_is_a_percentage(file: Path, number: str) -> None:
    file.write_text(config(GOOD))
    with pytest.raises(SystemExit) as left:
        run(f"--min-coverage={number}")
    assert left.value.code == 2


def test_programs_read_json_and_junit(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(config(GOOD + BAD))
    assert run("--output", "json", "--coverage", "--junit", "j.xml") == Exit.NOT_OK
    found = json.loads(capsys.readouterr().out)
    assert (found["passed"], found["failed"], found["coverage"]["all"]) == (1, 1, 12)
    assert Path("j.xml").read_text().startswith("<?xml")


def test_warnings_of_the_file_are_said(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(config(GOOD).replace("{tracking_id: t1}", "{tracking_id: t1, region: eu-nowhere-7}"))
    assert run() == Exit.OK
    assert "warning: " in capsys.readouterr().err


def test_validate_knows_a_file_of_tests(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(config(GOOD))
    beside = file.with_name("clicks_test.yaml")
    beside.write_text("tests:\n" + GOOD)
    assert main(["validate", "clicks.yaml", "clicks_test.yaml"]) == Exit.OK
    assert capsys.readouterr().err.endswith("clicks_test.yaml: valid\n")
    beside.write_text("tests:\n" + GOOD.replace("web", "wep"))
    assert main(["validate", "clicks_test.yaml"]) == Exit.BAD_FILE
    assert "did you mean web?" in capsys.readouterr().out
    beside.rename(file.with_name("others_test.yaml"))
    assert main(["validate", "others_test.yaml"]) == Exit.OK  # of which no configuration is known
    file.write_text("kafka: [\n")
    beside.write_text("tests:\n" + GOOD.replace("web", "wep"))
    assert main(["validate", "clicks_test.yaml"]) == Exit.OK  # its configuration is wrong, not this file
    beside.write_bytes(b"\xff")
    assert main(["validate", "clicks_test.yaml"]) == Exit.BAD_FILE


def test_the_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("--help")
    assert "putevents test clicks.yaml -k order --coverage" in capsys.readouterr().out
