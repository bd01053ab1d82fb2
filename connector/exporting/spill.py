"""Rows that wait on disk, in files that are only appended to.

Rows of one session, or of one id, lie in one of ``BUCKETS`` files, chosen by a checksum of that key. So each file can
be read by itself, and memory holds at most what one file needs. A line begins with its key and a tab: neither keys nor
rows have control characters.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from zlib import crc32

BUCKETS = 64
LARGE = 64 * 1024 * 1024  # bytes of a file that is divided before it is read
_PARTS = 16  # files that a large one is divided into
_DEEPEST = 3  # times that is done: a file may be large for a single key
_BLOCK = 50_000  # lines that are held while a file is divided


class Appended:
    """Files in a folder, whose sizes are known: what is longer after a kill was not noted, and is cut off."""

    def __init__(self, folder: Path, sizes: Mapping[str, int]) -> None:
        self.folder = folder
        self.sizes = dict(sizes)
        self._touched: set[str] = set()

    def cut(self) -> None:
        """Make the files what they were when their sizes were noted.

        Raises:
            ValueError: one is shorter.
        """
        for path in self.folder.iterdir():
            if path.name not in self.sizes and path.suffix == ".rows":
                path.unlink()
        for name, size in self.sizes.items():
            with (self.folder / name).open("r+b") as file:
                if file.seek(0, 2) < size:
                    raise ValueError(f"{name} is shorter than what was noted")
                file.truncate(size)

    def append(self, name: str, lines: Sequence[str]) -> None:
        """Add lines, each with its end."""
        blob = "".join(lines).encode()
        with (self.folder / name).open("ab") as file:
            file.write(blob)
        self.sizes[name] = self.sizes.get(name, 0) + len(blob)
        self._touched.add(name)

    def touched(self) -> list[Path]:
        """The files that were added to since the last call."""
        found, self._touched = [self.folder / name for name in sorted(self._touched)], set()
        return found


class Buckets:
    """Lines by the checksum of their key, held until ``flush``."""

    def __init__(self, name: str, files: Appended) -> None:
        self._name = name
        self._files = files
        self._lines: list[list[str]] = [[] for _ in range(BUCKETS)]

    def add(self, key: str, line: str) -> None:
        """A line that begins with its key and a tab."""
        self._lines[crc32(key.encode()) % BUCKETS].append(line)

    def flush(self) -> None:
        """Write what is held."""
        for number, lines in enumerate(self._lines):
            if lines:
                self._files.append(bucket_name(self._name, number), lines)
                lines.clear()


def bucket_name(name: str, number: int) -> str:
    """The file of a bucket."""
    return f"{name}-{number:02}.rows"


def divided(paths: Sequence[Path], depth: int = 0) -> Iterator[list[Path]]:
    """The same files, or parts of them where together they are large: of each key all lines in one part, in order."""
    there = [path for path in paths if path.exists()]
    if sum(path.stat().st_size for path in there) <= LARGE or depth == _DEEPEST:
        yield list(paths)
        return
    for path in there:
        _divide(path, depth)
    for number in range(_PARTS):
        parts = [_part(path, number) for path in paths]
        yield from divided(parts, depth + 1)
        for part in parts:
            part.unlink(missing_ok=True)


def _part(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}.{number:02}.rows")


def _divide(path: Path, depth: int) -> None:
    held: list[list[str]] = [[] for _ in range(_PARTS)]
    files = Appended(path.parent, {})
    shift = 6 + 4 * depth  # bits that have chosen neither the bucket nor an earlier part
    for count, line in enumerate(lines_of(path)):
        key = line[: line.index("\t")]
        held[(crc32(key.encode()) >> shift) % _PARTS].append(line)
        if count % _BLOCK == _BLOCK - 1:
            _write(held, files, path)
    _write(held, files, path)


def _write(held: list[list[str]], files: Appended, path: Path) -> None:
    for number, lines in enumerate(held):
        if lines:
            files.append(_part(path, number).name, lines)
            lines.clear()


def lines_of(path: Path) -> Iterator[str]:
    """The lines of a file, none where it does not exist."""
    if path.exists():
        with path.open(encoding="utf-8", newline="\n") as lines:
            yield from lines
