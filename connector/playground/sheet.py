"""The file on disk. It is written only on request, whole, and never over a change that the page has not seen."""

import difflib
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from connector.config.loading import MAX_BYTES, read_text
from connector.config.problems import Problem
from connector.replacing import replace

MARK = b"\xef\xbb\xbf"  # of UTF-8, which some editors write at the start of a file
_END = re.compile("\r\n|\r|\n")


class Seen(NamedTuple):
    """A text with line feeds alone, as a browser has it, and what the bytes of the file were."""

    text: str
    version: str


class Conflict(Exception):
    """The file is not what the page has seen."""


class CannotSave(Exception):
    """The file cannot be written; the message says why."""


class Sheet:
    """A file; a symbolic link is that which it leads to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Seen | Problem:
        """The text now, or why there is none."""
        version = self.version()
        text = read_text(self.path)
        return text if isinstance(text, Problem) else Seen(_END.sub("\n", text), version)

    def version(self) -> str:
        """Equal for equal bytes; empty where the file cannot be read."""
        return _version(self._bytes())

    def save(self, text: str, version: str | None) -> str:
        """Write the text, with the line ends and the mode of the file; returns the new version.

        Args:
            text: with line feeds alone.
            version: what the page has seen; None to write over whatever is there.

        Raises:
            Conflict: the file has another version by now.
            CannotSave: see there.
        """
        before = self._bytes()
        if version is not None and version != _version(before):
            raise Conflict
        content = as_before(text, before or b"")
        if len(content) > MAX_BYTES:
            raise CannotSave("expected a file of at most 4 MiB")
        try:
            replace(self.path, content)
        except OSError as error:
            raise CannotSave(f"expected a file that can be written: {(error.strerror or 'failed').lower()}") from None
        return _version(content)

    def _bytes(self) -> bytes | None:
        try:
            with self.path.open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except OSError:
            return None


def _version(content: bytes | None) -> str:
    return "" if content is None else hashlib.sha256(content).hexdigest()


def as_before(text: str, before: bytes) -> bytes:
    """The text in bytes: each line that was there ends as it did, each new one as most do."""
    old = before.removeprefix(MARK).decode("utf-8", "replace")
    ends = _END.findall(old)
    lines = text.split("\n")
    if len(set(ends)) <= 1:
        joined = (ends[0] if ends else "\n").join(lines)
    else:
        joined = "".join(_mixed(lines, _END.split(old), ends))
    return (MARK if before.startswith(MARK) else b"") + joined.encode()


def _mixed(lines: list[str], old: list[str], ends: list[str]) -> Iterator[str]:
    most = max(sorted(set(ends)), key=ends.count)
    same: dict[int, str] = {}
    for block in difflib.SequenceMatcher(None, old, lines, autojunk=False).get_matching_blocks():
        for offset in range(block.size):
            if block.a + offset < len(ends):
                same[block.b + offset] = ends[block.a + offset]
    for number, line in enumerate(lines):
        yield line
        if number < len(lines) - 1:
            yield same.get(number, most)
