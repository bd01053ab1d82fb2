"""Completion and help: files are current, shells accept them, and every command shows an example that works."""

import argparse
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.cli import COMMANDS, _parser, main, with_positions
from tools import completions


@pytest.mark.parametrize("shell", completions.SHELLS)
def test_completions_are_those_of_the_commands(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert capsys.readouterr().out == completions.SHELLS[shell](), "out of date: run make completions"


@pytest.mark.parametrize(("shell", "check"), [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")])
def test_each_shell_accepts_its_file(shell: str, check: str) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"there is no {shell} here: install it, as in apt-get install {shell}")
    file = completions.FOLDER / f"putevents.{shell}"
    ran = subprocess.run([found, check, str(file)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def bash_offers(*words: str) -> list[str]:
    script = (
        f"source {shlex.quote(str(completions.FOLDER / 'putevents.bash'))}\n"
        'COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _putevents; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    ran = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=True)
    return ran.stdout.split()


def test_bash_offers_commands_options_choices_and_files(tmp_path: Path) -> None:
    (file := tmp_path / "clicks.yaml").write_text("")
    assert bash_offers("putevents", "ta") == ["tap"]
    assert bash_offers("putevents", "tap", "--outc") == ["--outcome"]
    assert bash_offers("putevents", "tap", "--outcome", "dead") == ["dead_letter"]
    assert bash_offers("putevents", "completion", "") == ["bash", "zsh", "fish"]
    assert bash_offers("putevents", "lag", f"{tmp_path}/cl") == [str(file)]
    assert bash_offers("putevents", "map", "--input", f"{tmp_path}/cl") == [str(file)]


def test_a_command_of_a_command_is_completed_in_every_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `putevents dlq list` is: its commands, and the options of each."""

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        commands = parser.add_subparsers(metavar="COMMAND")
        commands.add_parser("list", help="groups: by reason").add_argument("--by", choices=("reason", "rule"))

    command = COMMANDS["version"]._replace()
    monkeypatch.setattr(type(command), "load", lambda _: (add_arguments, lambda _: 0))
    monkeypatch.setattr(completions, "COMMANDS", {"dlq": command})
    assert [page.path for page in completions.pages()] == ["dlq", "dlq list"]
    bash, zsh, fish = (made() for made in completions.SHELLS.values())
    assert '"dlq") options="-h --help" words="list" files= ;;' in bash
    assert '"dlq list --by") words="reason rule" files= ;;' in bash
    assert "list) _putevents_dlq_list ;;" in zsh
    assert r"'list:groups\: by reason'" in zsh
    assert "complete -c putevents -n '__fish_seen_subcommand_from dlq; and __fish_seen_subcommand_from list'" in fish


def examples(name: str) -> Iterator[list[str]]:
    """The commands of the example at the end of a command's help."""
    parser = argparse.ArgumentParser()
    command = COMMANDS[name]
    command.load()[0](parser)
    _, _, shown = (parser.epilog or f"example:\n  {command.example}").partition("example:\n")
    for line in shown.splitlines():
        written = re.split(r"  +(?=\S)| [|>] ", line.strip())[0]
        if written.startswith("putevents "):
            yield shlex.split(written)[1:]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_ends_with_an_example_that_the_command_takes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([name, "--help"])
    assert "\nexample:\n" in capsys.readouterr().out
    found = list(examples(name))
    assert found
    assert any(words[0] == name for words in found)
    for words in found:
        if words[0] == name:  # the parser has the arguments of this command alone
            assert callable(_parser(words).parse_args(with_positions(words)).run)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_no_colour_where_no_color_is_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    parser = _parser([name])
    assert "\x1b" not in parser.format_help()
