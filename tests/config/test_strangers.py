"""What is no configuration at all is one problem, and none of its lines is shown."""

from pathlib import Path

import pytest

from connector.config import load, render

RECORD = '{"session": "s1", "user": "Ada", "action": "view"}\n'


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (RECORD, "a file of records stands after --input or --sample"),
        (RECORD * 3, "a file of records stands after --input or --sample"),
        (f"[{RECORD},{RECORD}]", "a file of records stands after --input or --sample"),
        ("config:\n  kafka: {}\n", "of the chart's values it is what stands under config"),
        ("apiVersion: v1\nkind: ConfigMap\ndata: {}\n", "a manifest of Kubernetes holds the file as text"),
    ],
)
def test_a_file_that_is_no_configuration_is_one_problem_without_its_lines(tmp_path: Path, text: str, hint: str) -> None:
    path = tmp_path / "given"
    path.write_text(text)
    problems = load(path, {})
    assert isinstance(problems, list)
    [problem] = problems
    assert problem.message.startswith("expected a configuration, with the keys kafka")
    shown = render(problems)
    assert hint in shown
    assert "Ada" not in shown


@pytest.mark.parametrize(
    "text",
    [
        '{"version": 1, "kafka": {}\n',  # a bracket too few
        '{"kafka ": {"group_id": 1}}',
        '{"personalise": {}}',
        "[]",
        "a: 1\n",
        RECORD.replace("session", "tests"),
    ],
)
def test_what_comes_close_to_a_configuration_is_read_as_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "given"
    path.write_text(text)
    problems = load(path, {})
    assert isinstance(problems, list)
    assert not any(problem.message.startswith("expected a configuration, with") for problem in problems)
