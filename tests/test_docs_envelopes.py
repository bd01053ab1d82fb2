"""The pages of the envelopes show what ``putevents map`` prints: their files and commands are run here."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from connector.cli import main
from tests.support.pages import ROOT

PAGES = [ROOT / "docs" / "formats" / f"{name}.md" for name in ("connect", "debezium", "cloudevents")]
_FILE = re.compile(r"^```\w+ (\S+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_CONSOLE = re.compile(r"^```console\n\$ (.*?)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def documents(text: str) -> tuple[list[Any], str]:
    """The JSON documents at the beginning of a text, and what follows them."""
    found, decoder = [], json.JSONDecoder()
    while text.startswith("{"):
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:].lstrip()
    return found, text


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_the_commands_of_a_page_print_what_it_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = page.read_text()
    for name, content in _FILE.findall(text):
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    [(command, shown)] = _CONSOLE.findall(text)
    words, source = command.split(" < ")
    with (tmp_path / source).open() as lines:
        monkeypatch.setattr("sys.stdin", lines)
        assert main(shlex.split(words)[1:]) == 0
    output, errors = capsys.readouterr()
    expected, summary = documents(shown)
    assert [json.loads(line) for line in output.splitlines()] == expected
    assert errors == summary
