"""A file of the user is replaced as a whole, or stays as it was."""

import errno
import os
from pathlib import Path

import pytest

from connector.replacing import replace


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "clicks.yaml"
    path.write_bytes(b"before")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace(path, b"after")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("clicks.yaml", b"before")]


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EACCES, errno.EROFS])
def test_a_file_that_cannot_be_renamed_over_is_written_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = tmp_path / "clicks.yaml"
    path.write_bytes(b"before")

    def refuse(*_: object) -> None:  # as where a container has this one file mounted
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", refuse)
    replace(path, b"after")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("clicks.yaml", b"after")]


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    replace(tmp_path / "new.yaml", b"content")
    assert (tmp_path / "new.yaml").read_bytes() == b"content"
