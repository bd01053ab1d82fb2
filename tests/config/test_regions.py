"""A region that cannot be is a mistake; one that the SDK does not know is worth a warning, and the file is valid."""

import json
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from connector import app
from connector.cli import main
from connector.config import regions, render
from connector.config.problems import Problem
from connector.config.regions import region_problem
from tests.support.config_files import build, loaded, only


def region(text: str, more: str = "") -> str:
    return build(personalize=f"personalize: {{tracking_id: t, region: '{text}'{more}}}")


def warnings(text: str) -> list[Problem]:
    return list(loaded(text, {}).warnings)


@pytest.mark.parametrize("name", ["eu-west-1", "us-east-1", "cn-north-1"])
def test_a_region_with_personalize_is_fine(name: str) -> None:
    assert warnings(region(name)) == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [("europe", None), ("EU-WEST-1", "did you mean eu-west-1?"), ("eu-west-1 ", "did you mean eu-west-1?"),
     ("eu-west-1a", "did you mean eu-west-1?"), ("us-east1", "did you mean us-east-1?"), ("aws-global", None)],
)  # fmt: skip
def test_what_cannot_be_a_region_is_a_mistake(name: str, hint: str | None) -> None:
    found = only(region(name))
    assert (found.code, found.hint, found.severity) == ("bad-region", hint, "error")
    assert found.source_line[found.caret : found.caret + found.length] == f"'{name}'"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("eu-west-9", "expected a region that the installed AWS SDK knows"),
        ("mars-north-1", "expected a region that the installed AWS SDK knows"),
        ("sa-east-1", "expected a region where, by the installed AWS SDK, Amazon Personalize is offered"),
        ("us-gov-west-1", "expected a region where, by the installed AWS SDK, Amazon Personalize is offered"),
    ],
)
def test_an_unlikely_region_is_a_warning(name: str, message: str) -> None:
    (found,) = warnings(region(name))
    assert (found.code, found.message, found.severity) == ("unknown-region", message, "warning")
    assert found.source_line[found.caret : found.caret + found.length] == f"'{name}'"


def test_a_region_from_the_environment_is_judged_and_not_shown() -> None:
    text = build(personalize="personalize: {tracking_id: t, region: {env: REGION}}")
    assert only(text, {"REGION": "nowhere"}).code == "bad-region"
    assert "nowhere" not in render([only(text, {"REGION": "nowhere"})])
    assert loaded(text, {"REGION": "eu-west-1\n"}).config.personalize.region == "eu-west-1"


def test_an_endpoint_of_ones_own_is_in_whatever_region_it_says() -> None:
    assert warnings(region("local", ", endpoint_url: 'http://127.0.0.1:1'")) == []
    assert only(region("a b", ", endpoint_url: 'http://127.0.0.1:1'")).code == "bad-region"


def test_the_region_of_a_cluster_need_not_have_personalize() -> None:
    kafka = "kafka: {{bootstrap_servers: b:1, group_id: g, auth: {{type: msk_iam, region: {}}}}}"
    assert warnings(build(kafka=kafka.format("sa-east-1"))) == []
    assert [found.code for found in warnings(build(kafka=kafka.format("sa-east-9")))] == ["unknown-region"]
    assert only(build(kafka=kafka.format("brazil"))).code == "bad-region"


def test_without_the_list_of_the_sdk_only_the_form_is_judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(regions, "find_spec", lambda _: None)
    monkeypatch.chdir(tmp_path)
    regions._known.cache_clear()
    try:
        assert region_problem("mars-north-1", personalize=True) is None
        assert region_problem("sa-east-1", personalize=True) is None
        assert region_problem("europe", personalize=True) is not None
    finally:
        regions._known.cache_clear()


# -- how warnings and notes are said ----------------------------------------------------------------------------


@pytest.fixture
def held(tmp_path: Path) -> str:
    path = tmp_path / "c.yaml"
    tests = "tests:\n  - {name: t, pipeline: web, input: {}, output: []}"
    path.write_text(build(personalize="personalize: {tracking_id: t, region: eu-west-9}", tests=tests))
    return str(path)


def test_validate_says_warnings_and_notes_on_stderr_and_ends_with_0(
    held: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", held]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{held}:2:39: warning: expected a region that the installed AWS SDK knows [unknown-region]" in said.err
    assert f"{held}:10:1: note: validate checks the form of these tests" in said.err
    assert said.err.endswith(f"{held}: valid (1 warning, 1 note); for more: putevents explain CODE\n")


def test_programs_get_the_severity_of_each(held: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--format", "json", held]) == 0
    assert [each["severity"] for each in json.loads(capsys.readouterr().out)] == ["warning", "note"]
    assert main(["validate", "--format", "github", held]) == 0
    assert [row.partition(" ")[0] for row in capsys.readouterr().out.splitlines()] == ["::warning", "::notice"]


def test_print_config_keeps_warnings_off_stdout_and_leaves_notes_to_validate(
    held: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["print-config", held]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("version: 1\n")
    assert "warning: expected a region that the installed AWS SDK knows" in said.err
    assert "note:" not in said.err


def test_run_logs_warnings_and_no_notes(held: str, monkeypatch: pytest.MonkeyPatch) -> None:
    structlog.reset_defaults()  # a test before may have let only errors through
    monkeypatch.setattr(app, "log", structlog.get_logger())  # one that has not been used keeps nothing of before
    with capture_logs() as logs:
        app._warn(loaded(Path(held).read_text(), {}))
    assert [(line["log_level"], line["where"], line["what_to_do"]) for line in logs] == [
        ("warning", "file.yaml:2:39", "did you mean eu-west-3?")
    ]


def test_a_file_without_tests_has_no_note_about_them() -> None:
    assert warnings(build(tests="tests: []")) == warnings(build(tests="tests:")) == warnings(build()) == []
