"""What goes with an offset comes back as it was; names of any kind fit, and text of others is nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.sending.flood_notes import LONGEST, Note, Run, note_of, tells_of_flood

CODES = st.from_regex(r"[0-9a-f]{8}", fullmatch=True)
NAMES = st.text(max_size=LONGEST).filter(lambda name: name.isprintable() or name == "")
COUNTS = st.integers(0, 10**9 - 1)
NOTES = st.builds(
    lambda total, counts, mapping, since: Note(total, counts, mapping, since=since),
    COUNTS,
    st.dictionaries(CODES, COUNTS, max_size=8),
    CODES,
    st.none() | COUNTS,
)
HOLDS = st.builds(
    lambda note, held, why: note._replace(held=held, why=why),
    NOTES,
    CODES,
    st.tuples(NAMES.filter(bool), NAMES, NAMES),
)
RUNS = st.builds(
    lambda note, run: note._replace(run=run),
    NOTES,
    st.builds(Run, CODES, CODES, COUNTS),
)
LONGEST_NOTE = 2048  # Kafka takes 4,096: offset.metadata.max.bytes


@given(HOLDS | RUNS)
def test_a_note_comes_back_as_it_was(note: Note) -> None:
    text = str(note)
    assert note_of(text) == note
    assert tells_of_flood(text)
    assert text.isascii()


@given(st.text(), st.text())
def test_a_name_of_any_length_fits_beside_an_offset(rule: str, member: str) -> None:
    counts = {f"{number:08x}": 10**12 - 1 for number in range(8)}
    note = Note(10**12 - 1, counts, "0000000a", "0000000b", ("missing_member", rule * 100, member * 100), since=10**18)
    found = note_of(str(note))
    assert found is not None
    assert len(str(note)) < LONGEST_NOTE
    for name, short in zip((rule * 100, member * 100), found.why[1:], strict=True):
        assert short == (name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…")


@given(st.text())
def test_text_of_others_is_no_note(text: str) -> None:
    assert note_of(text) is None
    assert not tells_of_flood(text)


@pytest.mark.parametrize(
    "text",
    [
        "flood1 5 held=", "flood1 5 map=1 held=931add61", "flood1 5 held=931add61:a:b", "flood1 5 run=0000000a:5",
        "flood1 5 held=931add61:a b::", "flood2 5 map=0000000a held=931add61", "flood1 5 since=-1", "flood1 5\n",
    ],
)  # fmt: skip
def test_a_note_with_an_end_that_is_missing_is_none(text: str) -> None:
    assert note_of(text) is None


def test_half_a_character_does_no_harm() -> None:
    found = note_of(str(Note(held="0000000b", mapping="0000000a", why=("not_json", "\ud800", ""))))
    assert found is not None
    assert found.why == ("not_json", "?", "")


def test_what_was_seen_alone_tells_of_no_flood() -> None:
    note = Note(2100, {"931add61": 40})
    assert str(note) == "flood1 2100 931add61=40"
    assert not tells_of_flood(str(note))
    assert note_of(str(note)) == note
