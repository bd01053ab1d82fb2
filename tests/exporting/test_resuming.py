"""An export that is killed goes on at its last note, and its files are those of one that was not."""

from pathlib import Path

import pytest

from connector.exporting import reading
from connector.exporting.folder import NotUsable, taken
from connector.exporting.noted import read_note
from connector.exporting.spill import Appended
from tests.exporting.exports import TIME, WITH_ID, Exported, event, records

VALUES = [
    event(f"s{n % 9}", None if n % 4 else f"u{n % 9}", f"i{n}", id=f"e{n % 70}", time=TIME + n, more={f"p{n // 40}": n})
    for n in range(200)
]


def whole(folder: Path) -> tuple[set[tuple[str, ...]], object, object]:
    folder.mkdir()
    exported = Exported(folder, WITH_ID).read(VALUES)
    return {tuple(row) for row in exported.finish()}, exported.left_out, exported.schema


@pytest.mark.parametrize("killed_after", [0, 1, 60, 130, 200])
def test_what_was_written_after_the_last_note_is_made_again(tmp_path: Path, killed_after: int) -> None:
    (tmp_path / "b").mkdir()
    exported = Exported(tmp_path / "b", WITH_ID).read(VALUES[:killed_after])
    # As a process that is killed leaves it: rows that no note speaks of.
    exported.reading._take(records(VALUES[killed_after:180], killed_after))
    exported.reading.rows.flush()
    exported.reading = exported.begun()
    assert exported.reading.noted.read == killed_after
    exported.read(VALUES[killed_after:], killed_after)
    assert ({tuple(row) for row in exported.finish()}, exported.left_out, exported.schema) == whole(tmp_path / "a")
    assert exported.reading.noted.read == 200


def test_finishing_again_makes_the_same_files(tmp_path: Path) -> None:
    exported = Exported(tmp_path, WITH_ID).read(VALUES)
    first = sorted(exported.finish())
    assert sorted(exported.finish()) == first


def test_a_file_that_is_shorter_than_what_was_noted_is_no_place_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "a.rows").write_bytes(b"123")
    with pytest.raises(ValueError, match="shorter"):
        Appended(tmp_path, {"a.rows": 4}).cut()


def test_a_record_that_the_client_delivers_twice_is_one_row(tmp_path: Path) -> None:
    exported = Exported(tmp_path)
    batch = records([event(), event()])
    exported.reading.all([*batch, batch[0], batch[1]], dict)
    assert len(exported.finish()) == 2


def test_offsets_that_were_passed_over_are_missed_records_only_where_they_are_gone(tmp_path: Path) -> None:
    exported = Exported(tmp_path)
    [first] = records([event()])
    [second] = records([event()], 1_000)
    [place] = exported.reading.noted.partitions
    exported.reading.all([first, second], lambda: {place: 401})
    assert exported.reading.noted.missed == 400
    noted = read_note(exported.work)
    assert noted is not None
    assert noted.missed == 400


def test_what_is_held_in_memory_is_bounded_and_written_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "HELD", 10_000)
    monkeypatch.setattr(reading, "BATCH", 10)
    monkeypatch.setattr(reading, "EVERY", 1e9)
    exported = Exported(tmp_path, WITH_ID)
    held: list[int] = []
    exported.reading.all(records(VALUES * 5), dict, lambda _: held.append(exported.reading.rows.held))
    assert len(held) == 100
    assert max(held) < 20_000
    assert 0 in held[:-1]


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(NotUsable, match="expected a new or an empty folder"), taken(tmp_path):
        pass
    assert (tmp_path / "letters.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_a_finished_export_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "cutover.json").write_text("{}")
    with pytest.raises(NotUsable, match="finished export"), taken(tmp_path):
        pass


def test_a_folder_is_for_one_export_at_a_time(tmp_path: Path) -> None:
    with taken(tmp_path / "new"), pytest.raises(NotUsable, match="another export"), taken(tmp_path / "new"):
        pass


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotUsable, match="not a directory"), taken(tmp_path / "file" / "folder"):
        pass
