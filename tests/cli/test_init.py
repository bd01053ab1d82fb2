"""`putevents init`: presets, proposals, and where they go."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from connector.config import Loaded, load
from connector.starting.presets import PRESETS, preset
from tests.support import forked

CLICK = {"session": "s-81", "user": "anna@shop.example", "action": "view", "item": "p1", "time": 1795509011}


def init(folder: Path, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return forked.run([*forked.CONNECTOR, "init", *words], cwd=folder, given=given)


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    file = tmp_path / "clicks.jsonl"
    file.write_text(json.dumps(CLICK) + "\nnot a record\n")
    return file


def test_without_arguments_it_lists_the_presets_with_a_line_each(tmp_path: Path) -> None:
    ran = init(tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    for name, words in PRESETS.items():
        [line] = [line for line in ran.stdout.splitlines() if line.startswith(f"  {name} ")]
        assert line.endswith(words)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_written_as_it_is_and_is_valid(tmp_path: Path, name: str) -> None:
    ran = init(tmp_path, "--from", name, "-o", "mine.yaml")
    assert (ran.returncode, ran.stdout) == (0, "")
    assert (tmp_path / "mine.yaml").read_text() == preset(name)
    assert isinstance(load(tmp_path / "mine.yaml", {}), Loaded)
    assert "putevents validate mine.yaml" in ran.stderr


def test_every_file_of_the_examples_is_a_preset() -> None:
    assert {path.stem for path in (Path(__file__).parents[2] / "examples").glob("*.yaml")} == set(PRESETS)


def test_without_a_file_to_write_the_preset_is_on_stdout(tmp_path: Path) -> None:
    ran = init(tmp_path, "--from", "flat")
    assert (ran.returncode, ran.stdout) == (0, preset("flat"))


def test_a_proposal_from_a_sample_is_valid_and_says_what_is_next(tmp_path: Path, sample: Path) -> None:
    ran = init(tmp_path, "--sample", sample.name, "-o", "mine.yaml")
    assert ran.returncode == 0
    assert isinstance(load(tmp_path / "mine.yaml", {}), Loaded)
    assert "clicks.jsonl: 1 of 2 lines are no record\n" in ran.stderr
    assert "putevents map mine.yaml --input clicks.jsonl" in ran.stderr
    assert "putevents play mine.yaml --sample clicks.jsonl " in ran.stderr
    assert "anna" not in (tmp_path / "mine.yaml").read_text() + ran.stderr


def test_the_commands_that_are_next_can_be_pasted_for_names_with_blanks_too(tmp_path: Path, sample: Path) -> None:
    sample.rename(tmp_path / "my clicks.jsonl")
    ran = init(tmp_path, "--sample", "my clicks.jsonl", "-o", "my file.yaml")
    assert "putevents map 'my file.yaml' --input 'my clicks.jsonl' " in ran.stderr
    assert "putevents play 'my file.yaml' --sample 'my clicks.jsonl' " in ran.stderr


def test_a_sample_may_come_through_a_pipe(tmp_path: Path) -> None:
    ran = init(tmp_path, "--sample", "-", given=json.dumps(CLICK))
    assert ran.returncode == 0
    assert "# Proposed from 1 record of standard input." in ran.stdout


def test_an_existing_file_is_left_alone_unless_force_is_given(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("mine")
    ran = init(tmp_path, "--from", "flat", "-o", "mine.yaml")
    assert (ran.returncode, ran.stdout, mine.read_text()) == (1, "", "mine")
    assert ran.stderr == "mine.yaml: expected no file of this name: give another to -o, or --force to replace it\n"
    assert init(tmp_path, "--from", "flat", "-o", "mine.yaml", "--force").returncode == 0
    assert mine.read_text() == preset("flat")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--sample", "gone.jsonl"], "gone.jsonl: expected sample records that can be read: no such file"),
        (["--sample", "."], ".: expected sample records that can be read: is a directory\n"),
        (["--from", "flat", "-o", "no/mine.yaml"], "no/mine.yaml: expected a file that can be written: no such file"),
        (["--sample", os.devnull], "null: expected sample records: JSON lines, a dump of kcat or CSV; "),
    ],
)  # fmt: skip
def test_what_cannot_be_read_or_written_is_said_in_a_line(tmp_path: Path, words: list[str], message: str) -> None:
    ran = init(tmp_path, *words)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(message)


def test_a_source_and_a_sample_exclude_each_other(tmp_path: Path, sample: Path) -> None:
    ran = init(tmp_path, "--from", "flat", "--sample", sample.name)
    assert ran.returncode == 2
    assert "not allowed with argument" in ran.stderr


def test_members_that_are_named_decide_and_a_preset_takes_none(tmp_path: Path, sample: Path) -> None:
    ran = init(tmp_path, "--sample", sample.name, "--member", "itemId=value.user", "-o", "mine.yaml")
    assert ran.returncode == 0
    loaded = load(tmp_path / "mine.yaml", {})
    assert isinstance(loaded, Loaded)
    [rule] = loaded.config.pipelines[0].rules
    assert rule.put_events is not None
    assert rule.put_events.itemId == "value.user"
    ran = init(tmp_path, "--from", "flat", "--member", "itemId=value.user")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "expected --sample with --member: a preset has its members already\n"


def test_a_member_that_cannot_be_meant_writes_no_file(tmp_path: Path, sample: Path) -> None:
    ran = init(tmp_path, "--sample", sample.name, "--member", "itemId=value.gone", "-o", "mine.yaml")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "clicks.jsonl: expected a member of the records for itemId; there are value.session" in ran.stderr
    assert "anna" not in ran.stderr
    assert not (tmp_path / "mine.yaml").exists()
