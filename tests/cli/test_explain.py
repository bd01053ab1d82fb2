"""``putevents explain``, and what ``validate`` says about warnings and pages."""

import sys
from pathlib import Path

import pytest

from connector.cli import main
from connector.explained.book import PAGES
from tests.support.config_files import build

WARNED = build(personalize="personalize: {tracking_id: tracker-1, region: eu-west-9}")


def test_a_code_is_explained_with_an_example_its_correction_and_where_to_read_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", "bad-duration"]) == 0
    assert capsys.readouterr().out == (
        "bad-duration: an error in a file\n\n"
        "A duration is a number with its unit, without a blank: 250ms, 2s, 5m, 1h or 14d.\n\n"
        "Add the unit. A bare number is refused, because it could be seconds or milliseconds.\n\n"
        "Gives this error:\n\n    delivery: {linger: 5}\n\n"
        "Mended:\n\n    delivery: {linger: 5s}\n\n"
        "Read on: docs/reference/settings.md#delivery\n"
    )


@pytest.mark.parametrize("word", ["[bad-duration]", "bad_duration", "BAD-DURATION"])
def test_a_code_is_found_as_it_is_copied(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", word]) == 0
    assert capsys.readouterr().out.startswith("bad-duration:")


def test_a_word_that_means_several_things_is_explained_as_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "missing_list"]) == 0
    out = capsys.readouterr().out
    assert "a reason of dead letters" in out
    assert "a reason of skipped records" in out
    assert main(["explain", "wrong_type"]) == 0
    assert capsys.readouterr().out.startswith("wrong_type: a reason of dead letters")  # as it was typed first
    assert main(["explain", "78"]) == 0
    assert capsys.readouterr().out.startswith("78: an exit code")


def test_a_word_that_is_no_code_is_not_repeated_and_the_nearest_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "bad-duratoin"]) == 1
    assert capsys.readouterr().err == "expected a code of putevents; did you mean bad-duration?\n"
    assert main(["explain", "qqqqqqqq"]) == 1
    assert capsys.readouterr().err == "expected a code of putevents; putevents explain lists all of them\n"


def test_without_a_code_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert listed == [page.code for page in PAGES]


@pytest.mark.parametrize(
    ("terminal", "no_color", "coloured"), [(True, "", True), (True, "1", False), (False, "", False)]
)
def test_colour_is_for_terminals_that_want_it(
    *,
    terminal: bool,
    no_color: str,
    coloured: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    main(["explain", "bad-duration"])
    main(["explain"])
    assert ("\033[" in capsys.readouterr().out) is coloured


# validate


def written(tmp_path: Path, text: str, name: str = "file.yaml") -> str:
    path = tmp_path / name
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_warnings_end_with_78_only_where_they_are_denied(form: str, tmp_path: Path) -> None:
    path = written(tmp_path, WARNED)
    assert main(["validate", "--format", form, path]) == 0
    assert main(["validate", "--format", form, "--deny-warnings", path]) == 78
    assert main(["validate", "--format", form, "--deny-warnings", written(tmp_path, build())]) == 0


def test_notes_are_not_denied(tmp_path: Path) -> None:
    tests = "tests:\n  - {name: nothing, pipeline: web, input: {value: {}}, output: {filtered: true}}"
    assert main(["validate", "--deny-warnings", written(tmp_path, build(tests=tests))]) == 0


def test_the_blocks_of_a_page_are_validated_each_by_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = build(), build(log="log: {levle: info}")
    page = written(tmp_path, f"```yaml\n{good}```\n\n```yaml\n{bad}```\n", "page.md")
    assert main(["validate", page]) == 78
    captured = capsys.readouterr()
    start = good.count("\n") + 5
    assert captured.err.splitlines() == [
        f"{page}:2: valid",
        f"{page}:{start}: 1 problem; for more: putevents explain CODE",
    ]
    assert captured.out.startswith(f"{page}:{start + 3}:7: expected a key of log, not levle [unknown-key]")


def test_a_page_without_a_whole_file_says_so_and_one_that_is_missing_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = written(tmp_path, "# Nothing\n", "page.md")
    assert main(["validate", page]) == 0
    assert capsys.readouterr().err == f"{page}: no ```yaml block in it is a whole file, with the key pipelines\n"
    assert main(["validate", str(tmp_path / "none.md")]) == 78
