"""The file is written on request only, whole, as it was but for what was typed, and never over an unseen change."""

import os
import stat
from pathlib import Path

import pytest

from connector.config import Problem
from connector.playground.sheet import CannotSave, Conflict, Seen, Sheet, as_before


@pytest.fixture
def sheet(tmp_path: Path) -> Sheet:
    (tmp_path / "file.yaml").write_bytes(b"a: 1\nb: 2\n")
    return Sheet(tmp_path / "file.yaml")


def seen(sheet: Sheet) -> Seen:
    found = sheet.read()
    assert isinstance(found, Seen)
    return found


def test_reading_and_saving_without_a_change_changes_nothing(sheet: Sheet) -> None:
    text, version = seen(sheet)
    assert sheet.save(text, version) == version
    assert sheet.path.read_bytes() == b"a: 1\nb: 2\n"


def test_a_saved_file_is_the_next_version(sheet: Sheet) -> None:
    version = sheet.save("a: 3\n", seen(sheet).version)
    assert sheet.path.read_bytes() == b"a: 3\n"
    assert seen(sheet) == ("a: 3\n", version)
    sheet.save("a: 4\n", version)


def test_a_file_that_changed_since_is_left_alone(sheet: Sheet) -> None:
    version = seen(sheet).version
    sheet.path.write_bytes(b"somebody: else\n")
    with pytest.raises(Conflict):
        sheet.save("a: 3\n", version)
    assert sheet.path.read_bytes() == b"somebody: else\n"
    sheet.save("a: 3\n", None)
    assert sheet.path.read_bytes() == b"a: 3\n"


def test_a_file_that_is_gone_has_changed_and_can_be_written_again(sheet: Sheet) -> None:
    version = seen(sheet).version
    sheet.path.unlink()
    assert isinstance(sheet.read(), Problem)
    with pytest.raises(Conflict):
        sheet.save("a: 3\n", version)
    sheet.save("a: 3\n", None)
    assert sheet.path.read_bytes() == b"a: 3\n"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_the_mode_stays(sheet: Sheet, mode: int) -> None:
    sheet.path.chmod(mode)
    sheet.save("a: 3\n", seen(sheet).version)
    assert stat.S_IMODE(sheet.path.stat().st_mode) == mode


def test_a_link_stays_a_link(sheet: Sheet, tmp_path: Path) -> None:
    (tmp_path / "link.yaml").symlink_to("file.yaml")
    link = Sheet(tmp_path / "link.yaml")
    link.save("a: 3\n", seen(link).version)
    assert link.path.is_symlink()
    assert sheet.path.read_bytes() == b"a: 3\n"


def test_nothing_but_the_file_is_left_behind(sheet: Sheet, monkeypatch: pytest.MonkeyPatch) -> None:
    sheet.save("a: 3\n", seen(sheet).version)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotSave, match="no space left on device"):
        sheet.save("a: 4\n", seen(sheet).version)
    assert [path.name for path in sheet.path.parent.iterdir()] == ["file.yaml"]
    assert sheet.path.read_bytes() == b"a: 3\n"


def test_a_file_that_is_read_only_is_not_replaced(sheet: Sheet, monkeypatch: pytest.MonkeyPatch) -> None:
    # root may write any file, so the system's answer to others is put in its place.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(CannotSave, match="permission denied"):
        sheet.save("a: 4\n", seen(sheet).version)
    assert sheet.path.read_bytes() == b"a: 1\nb: 2\n"


def test_a_text_beyond_the_largest_file_is_refused(sheet: Sheet) -> None:
    with pytest.raises(CannotSave, match="at most 4 MiB"):
        sheet.save("a" * (4 * 1024 * 1024 + 1), None)


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        (b"a\r\nb\r\n", "a\nnew\nb\n", b"a\r\nnew\r\nb\r\n"),
        (b"a\rb\r", "a\nnew\n", b"a\rnew\r"),
        (b"\xef\xbb\xbfa\n", "b\n", b"\xef\xbb\xbfb\n"),
        (b"", "a\nb\n", b"a\nb\n"),
        (b"a", "a\nb", b"a\nb"),
        (b"a\r\nb\nc\r\nd\r\n", "a\nb\nnew\nc\nd\n", b"a\r\nb\nnew\r\nc\r\nd\r\n"),
        (b"a\r\nb\n", "a\nb\n", b"a\r\nb\n"),
        ("a\r\né 日\r\n".encode(), "é 日\n", "é 日\r\n".encode()),
    ],
)
def test_lines_end_as_they_did(before: bytes, text: str, after: bytes) -> None:
    assert as_before(text, before) == after


def test_a_browser_gets_line_feeds_alone(sheet: Sheet) -> None:
    sheet.path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\rc: 3\n")
    assert seen(sheet).text == "a: 1\nb: 2\nc: 3\n"
