"""Configurations in Markdown: each fenced block of YAML that is a whole file, so that documentation can be checked.

A block is a whole file where it has the key ``pipelines``; what shows a part of a file has not. Lines and columns of
problems are those of the page.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from connector.config.loading import Loaded, load_text, read_text
from connector.config.problems import Problem
from connector.config.yaml_tree import lines_of

_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})[ \t]*([\w.+-]*)")
_LANGUAGES = frozenset({"yaml", "yml"})


class Block(NamedTuple):
    """A whole file in a page: from the 0-based line ``first`` to before ``end``.

    ``text`` has empty lines in place of what stands before it, so that problems have the page's lines.
    """

    first: int
    end: int
    text: str


def is_markdown(path: str) -> bool:
    """Whether the name is that of a page."""
    return path.lower().endswith((".md", ".markdown"))


def load_blocks(path: str, env: Mapping[str, str]) -> dict[int, Loaded | list[Problem]] | list[Problem]:
    """What ``load`` gives of each block, by the 1-based line on which it begins; a list where there is no text."""
    text = read_text(path)
    if isinstance(text, Problem):
        return [text]
    return {block.first + 1: load_text(block.text, path, env) for block in whole_files(text)}


def whole_files(text: str) -> Iterator[Block]:
    """Each block of a page that is a whole file."""
    for first, lines in _blocks(lines_of(text)):
        # The least indented lines have the keys of the file; a block in a list is indented as a whole.
        keys = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
        margin = min((len(line) - len(line.lstrip(" ")) for line in keys), default=0)
        if any(line.startswith("pipelines:", margin) for line in keys):
            yield Block(first, first + len(lines), "\n" * first + "\n".join(lines) + "\n")


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """The blocks of YAML; one that is not closed ends with the page."""
    number = 0
    while number < len(lines):
        opening = _FENCE.match(lines[number])
        number += 1
        if opening is None:
            continue
        first, fence = number, opening[2]
        while number < len(lines) and not _closes(lines[number], fence):
            number += 1
        if opening[3].lower() in _LANGUAGES:
            yield first, lines[first:number]
        number += 1


def _closes(line: str, fence: str) -> bool:
    text = line.strip()
    return len(text) >= len(fence) and set(text) == {fence[0]}
