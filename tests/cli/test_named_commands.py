"""Messages, help texts and docs name only commands that exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.cli import COMMANDS
from connector.local.demo.paths import configuration, program
from connector.local.demo.processes import Failed
from connector.local.demo.report import next_steps

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"(?:`|^ *(?:\$ )?|: )putevents ([a-z][a-z-]*)", re.MULTILINE)


def texts() -> Iterator[tuple[str, str]]:
    for file in sorted((ROOT / "connector").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{file.relative_to(ROOT)}:{node.lineno}", node.value
    for file in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        yield str(file.relative_to(ROOT)), file.read_text()


def test_every_command_that_a_text_names_exists() -> None:
    named = [(place, command) for place, text in texts() for command in NAMED.findall(text)]
    assert {command for _, command in named} >= {"validate", "map", "demo", "broker", "endpoint"}
    assert [(place, command) for place, command in named if command not in COMMANDS] == []


def test_the_commands_that_the_demo_proposes_exist() -> None:
    proposed = [line.split()[1] for line in list(next_steps("putevents", "mine.yaml"))[1:]]
    assert proposed == ["map", "validate", "run"]
    assert set(proposed) <= COMMANDS.keys()


def test_a_demo_that_cannot_read_its_file_names_the_command_that_lists_its_problems(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("pipelines: 1\n")
    with pytest.raises(Failed, match=re.escape(f"run `{program()} validate {file}`")):
        configuration(file)
    assert "validate" in COMMANDS
