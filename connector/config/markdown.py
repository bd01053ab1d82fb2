"""Configurations in Markdown: each fenced block of YAML that is a whole file, so that documentation can be checked.

A block is a whole file where it has the key ``pipelines``; what shows a part of a file has not. Lines and columns of
problems are those of the page.
"""

import re
from collections.abc import Iterator, Mapping

from connector.config.loading import Loaded, load_text, read_text
from connector.config.problems import Problem
from connector.config.yaml_tree import lines_of

_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})[ \t]*([\w.+-]*)")
_LANGUAGES = frozenset({"yaml", "yml"})


def is_markdown(path: str) -> bool:
    """Whether the name is that of a page."""
    return path.lower().endswith((".md", ".markdown"))


def load_blocks(path: str, env: Mapping[str, str]) -> dict[int, Loaded | list[Problem]] | list[Problem]:
    """What ``load`` gives of each block, by the 1-based line on which it begins; a list where there is no text."""
    text = read_text(path)
    if isinstance(text, Problem):
        return [text]
    # Empty lines in place of what stands before a block, so that it has the page's lines.
    return {first + 1: load_text("\n" * first + block, path, env) for first, block in _whole_files(text)}


def _whole_files(text: str) -> Iterator[tuple[int, str]]:
    """Each block that is a whole file, with the 0-based number of its first line."""
    for first, lines in _blocks(lines_of(text)):
        # The least indented lines have the keys of the file; a block in a list is indented as a whole.
        keys = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
        margin = min((len(line) - len(line.lstrip(" ")) for line in keys), default=0)
        if any(line.startswith("pipelines:", margin) for line in keys):
            yield first, "\n".join(lines) + "\n"


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
