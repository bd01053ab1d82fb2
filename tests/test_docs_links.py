"""What a reader of the pages follows or types is there: sections, whole files, parts of files, commands, log lines.

tests/test_docs.py holds that files, metrics, settings, reasons and exit codes that a page names exist, and that the
README's and the examples' files are valid; that is not repeated here.
"""

from __future__ import annotations

import argparse
import ast
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from connector.cli import COMMANDS
from connector.config import Config, Loaded, load_text
from tests.support.each import for_each
from tests.support.pages import PAGES, ROOT, targets

every_page = for_each(PAGES)


class Block(NamedTuple):
    """A fenced block, and the language that it says it is in; empty where it says none."""

    language: str
    text: str


def parts(page: Path) -> tuple[str, list[Block]]:
    """The page's prose, and its blocks of code."""
    blocks: list[Block] = []

    def take(found: re.Match[str]) -> str:
        blocks.append(Block(found[1], found[2]))
        return ""

    return re.sub(r"^```(\w*)(?: \S+)?\n(.*?)^```$", take, page.read_text(), flags=re.DOTALL | re.MULTILINE), blocks


# -- links ----------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The names of a page's sections as GitHub makes them: lower case, without marks, hyphens for spaces."""
    names: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", parts(page)[0], re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        plain = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        repeats = (f"{plain}-{number}" for number in range(1, 100))
        names.add(plain if plain not in names else next(name for name in repeats if name not in names))
    return names


def links_lead_to_sections(page: Path) -> None:
    for target, anchor in targets(parts(page)[0]):
        other = page.parent / target if target else page
        if anchor and other.suffix == ".md":
            assert anchor in anchors(other), f"{target}#{anchor}"


@every_page
def test_every_link_to_a_section_leads_to_one(page: Path) -> None:
    links_lead_to_sections(page)


@every_page
def test_every_link_stays_within_the_repository(page: Path) -> None:
    for target, _ in targets(parts(page)[0]):
        assert (page.parent / target).resolve().is_relative_to(ROOT), f"{target} is not in what people download"


def test_every_decision_that_the_code_names_is_there() -> None:
    names = {path.name for path in (ROOT / "docs" / "decisions").iterdir()}
    for path in sorted(path for folder in ("connector", "tests") for path in (ROOT / folder).rglob("*.py")):
        for name in re.findall(r"\b\d{4}-[a-z][a-z0-9-]*\.md", path.read_text()):
            assert name in names, f"{path.relative_to(ROOT)} names {name}"


# -- files ----------------------------------------------------------------------------------------------------

WHOLE = {"kafka", "dead_letter", "pipelines"}
REST = """\
kafka: {bootstrap_servers: "localhost:9092", group_id: g}
personalize: {tracking_id: t}
dead_letter: {topic: d}
pipelines: [{name: segment, topics: [t], rules: [{name: r, skip: all}]}]
"""


def merged(base: Any, change: Any) -> Any:
    if isinstance(base, dict) and isinstance(change, dict):
        return {**base, **{key: merged(base.get(key), value) for key, value in change.items()}}
    return change


@pytest.mark.parametrize(
    "page",
    # tests/wire/test_auth_docs.py tries those of that page, with the certificates and secrets that they name, and
    # tests/trials/test_page.py those about tests, which stand beside the file that they test.
    # tests/cli/test_format_pages.py those with schema files.
    [page for page in PAGES if page.stem not in {"authentication", "testing-a-mapping", "avro", "protobuf"}],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_file_or_part_of_one_is_valid(page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whole sections, in a block of YAML, are tried in a small file that has the rest."""
    monkeypatch.chdir(tmp_path)
    for language, text in parts(page)[1]:
        document = yaml.safe_load(text) if language == "yaml" else None
        if not isinstance(document, dict) or not document.keys() <= Config.model_fields.keys():
            continue
        whole = text if document.keys() >= WHOLE else yaml.safe_dump(merged(yaml.safe_load(REST), document))
        environment = {name: "b:1" if "SERVERS" in name else "1" for name in re.findall(r"env: (\w+)", whole)}
        loaded = load_text(whole, page.name, environment)
        assert isinstance(loaded, Loaded), (text, loaded)


# -- commands -------------------------------------------------------------------------------------------------


class Wrong(Exception):
    """What argparse says of arguments that it does not take."""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise Wrong(message)

    def exit(self, status: int = 0, message: str | None = None) -> Any:
        del status, message  # of --help, which is always there

    def print_help(self, file: Any = None) -> None:
        del file


def commands(page: Path) -> list[str]:
    """What follows ``putevents`` in blocks and in prose, without what the shell takes for itself."""
    prose, blocks = parts(page)
    lines = [line for block in blocks for line in block.text.replace("\\\n", " ").splitlines()]
    typed = [found[1] for line in lines if (found := re.match(r"(?:\$ )?(?:python -m connector|putevents) (.*)", line))]
    return [_own(text) for text in [*typed, *re.findall(r"`putevents ([^`]+)`", prose)]]


def _own(text: str) -> str:
    return re.split(r"\s(?:[|<>&]|2>)|\s+#|;", text, maxsplit=1)[0].strip()


def commands_exist(page: Path) -> None:
    for command in commands(page):
        name, *arguments = shlex.split(command)
        assert name in COMMANDS, f"putevents {command}"
        parser = Parser(prog=f"putevents {name}")
        COMMANDS[name].load()[0](parser)
        if not arguments:  # only named
            continue
        try:
            parser.parse_args(arguments)
        except Wrong as wrong:
            if "--help" not in arguments:
                raise AssertionError(f"putevents {command}: {wrong}") from None


@every_page
def test_every_command_that_a_page_shows_exists_with_its_options(page: Path) -> None:
    commands_exist(page)


# -- log lines ------------------------------------------------------------------------------------------------


def texts_of_the_code() -> set[str]:
    paths = sorted((ROOT / "connector").rglob("*.py"))
    nodes = (node for path in paths for node in ast.walk(ast.parse(path.read_text())))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_log_line_that_a_page_quotes_is_one_that_the_code_writes() -> None:
    """Quoted as ``log: `…```; the beginning of a line is enough."""
    known = texts_of_the_code()
    for page in PAGES:
        for line in re.findall(r"log: `([^`]+)`", page.read_text()):
            assert any(text.startswith(line) for text in known), f"{page.name} quotes {line}"


# -- that these tests see what they look at -------------------------------------------------------------------


def test_a_section_that_is_not_there_and_a_command_that_is_none_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A `b`: c, d\n\n[x](#a-b-c-d) [y](#gone)\n\n```\n$ putevents map F --nope | head\n# no heading\n```\n"
    )
    assert anchors(page) == {"a-b-c-d"}
    assert commands(page) == ["map F --nope"]
    with pytest.raises(AssertionError, match="gone"):
        links_lead_to_sections(page)
    with pytest.raises(AssertionError, match="--nope"):
        commands_exist(page)
