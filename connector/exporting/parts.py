"""The files of an export: a header, whole rows, and each below a size."""

import os
from pathlib import Path
from typing import IO

PART = ".part"  # after the name of a file that is not finished
MOST_BYTES = 1_000_000_000  # what an incremental import job takes at most, so that each file can be one


class Parts:
    """Writes rows into files ``NAME-00001.csv`` and so on, under temporary names until ``close``.

    Args:
        folder: where they are.
        name: how their names begin.
        header: the names of the columns.
        most: bytes of a file, at most. A row that alone is longer has a file of its own.
    """

    def __init__(self, folder: Path, name: str, header: list[str], most: int = MOST_BYTES) -> None:
        self.rows = 0
        self.bytes = 0
        self.paths: list[Path] = []
        self._folder = folder
        self._name = name
        self._header = (",".join(header) + "\n").encode()
        self._most = most
        self._size = 0
        self._file: IO[bytes] | None = None

    def write(self, rows: bytes) -> None:
        """Add rows, each with the end of its line."""
        self.rows += rows.count(b"\n")
        while rows:
            file = self._file or self._open()
            cut = len(rows) if self._size + len(rows) <= self._most else self._fitting(rows)
            if not cut:
                self._end()
                continue
            file.write(rows[:cut])
            self._size += cut
            self.bytes += cut
            rows = rows[cut:]

    def _fitting(self, rows: bytes) -> int:
        """How many bytes are whole rows that fit; 0 where the next file is needed."""
        cut = rows.rfind(b"\n", 0, max(0, self._most - self._size)) + 1
        alone = self._size == len(self._header)
        return cut or (rows.index(b"\n") + 1 if alone else 0)

    def _open(self) -> IO[bytes]:
        path = self._folder / f"{self._name}-{len(self.paths) + 1:05}.csv"
        self.paths.append(path)
        descriptor = os.open(f"{path}{PART}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(descriptor, "wb", buffering=1 << 20)
        self._file.write(self._header)
        self._size = len(self._header)
        self.bytes += self._size
        return self._file

    def _end(self) -> None:
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None

    def close(self) -> list[Path]:
        """Give the files their names; there is one even where there is no row."""
        if not self.paths:
            self._open()
        self._end()
        for path in self.paths:
            Path(f"{path}{PART}").replace(path)
        return self.paths
