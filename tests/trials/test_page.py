"""Every file and every command of docs/testing-a-mapping.md, in the order of the page."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "testing-a-mapping.md"
BLOCK = re.compile(r"(?:^`([\w.]+)`:\n\n)?^```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: Path) -> Iterator[tuple[str | None, str]]:
    """Each block, with the name of the file that it is, or None for a command with its output."""
    for found in BLOCK.finditer(page.read_text()):
        yield found[1], found[2]


def test_every_example_of_the_page_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = files = 0
    found = list(blocks(PAGE))
    for (name, text), (following, _) in zip(found, [*found[1:], ("", "")], strict=True):
        if name is None:
            command, _, printed = text.partition("\n")
            main(command.removeprefix("$ putevents ").split())
            out, err = capsys.readouterr()
            assert err + out == printed
            commands += 1
            continue
        Path(name).write_text(text)
        files += 1
        if following is not None and name.endswith(".yaml"):  # no command shows that it fails
            assert main(["test", *(each.name for each in sorted(tmp_path.glob("*s.yaml")))]) == 0, capsys.readouterr()
            capsys.readouterr()
    assert (commands, files) == (4, 10)
