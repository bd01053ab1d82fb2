"""Lines of JSON are a list, a row is an object of its columns, and no cell moves to another column."""

import csv
import io
import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.formats.decoded import DecodingError, Document
from connector.core.formats.lines import MAX_LINES, compile_delimited, decode_json_lines
from connector.core.mapping.reading import compile_reader
from connector.core.mapping.specs import ValueFormat
from connector.core.records import Reason, Record, Rejection

DOCUMENTS = st.lists(st.dictionaries(st.text(max_size=3), st.integers(0, 9), max_size=3), min_size=1, max_size=5)


def read(value: bytes, **settings: Any) -> Any:
    found = compile_reader(ValueFormat.model_validate(settings))(Record("t", 0, 0, None, None, value))
    return found.value if isinstance(found, Document) else found


def refused(value: bytes, **settings: Any) -> Rejection:
    found = read(value, **settings)
    assert isinstance(found, Rejection)
    return found


@given(DOCUMENTS, st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n  \r\n"]), st.booleans(), st.booleans())
def test_documents_of_lines_are_a_list(documents: list[Any], separator: bytes, end: bool, mark: bool) -> None:  # noqa: FBT001
    value = separator.join(map(orjson.dumps, documents)) + separator * end
    assert read(b"\xef\xbb\xbf" * mark + value, format="json_lines") == documents


@pytest.mark.parametrize(
    ("value", "reason", "words"),
    [
        (b'{"a":1}\n\n{"a":\n', Reason.NOT_JSON, "value: line 3: expected JSON: unexpected end of data at character 5"),
        (b'{"a":1}\n{"a":NaN}', Reason.NOT_JSON, "NaN is no JSON: write null"),
        (b"1\n12345678901234567890123", Reason.NUMBER_OUT_OF_RANGE, "line 2: expected integers that 64 bits hold"),
        (b"\n \r\n", Reason.EMPTY_VALUE, "value: expected lines of JSON, but the value is empty"),
        (b"", Reason.EMPTY_VALUE, "value: expected lines of JSON, but the value is empty"),
        (b"\n" * (MAX_LINES + 1), Reason.TOO_LONG, "value: expected at most 10000 lines, found more"),
    ],
)
def test_a_line_that_is_wrong_is_named(value: bytes, reason: Reason, words: str) -> None:
    rejection = refused(value, format="json_lines")
    assert rejection.reason is reason
    assert rejection.message.endswith(words)


def test_many_lines_take_no_longer_than_a_record_may() -> None:
    value = b"0\n" * MAX_LINES
    took = []
    for _ in range(3):
        began = time.thread_time()
        assert len(decode_json_lines(value)) == MAX_LINES
        took.append(time.thread_time() - began)
    assert min(took) < 0.05


def test_text_is_the_value_as_it_is() -> None:
    assert read("é {\n".encode(), format="text") == "é {\n"
    assert read(b"null", format="text") == "null"
    assert read("\ufeffa\ufeff".encode(), format="text") == "a\ufeff"
    assert read("\ufeffa\tb".encode(), format="delimited", columns=["a", "b"]) == {"a": "a", "b": "b"}
    assert read(b"", format="text") == ""
    assert refused(b"a\xff", format="text").reason is Reason.NOT_UTF8


CELLS = st.text(st.characters(exclude_characters="\t\r\n", exclude_categories=["Cs"]), max_size=5)


@given(
    st.lists(CELLS, min_size=2, max_size=6).filter(lambda row: "".join(row).strip()),
    st.sampled_from(["", "\n", "\r\n"]),
)
def test_a_row_with_tabs_has_each_cell_under_its_column_quotes_and_all(row: list[str], end: str) -> None:
    columns = [f"c{number}" for number in range(len(row))]
    value = ("\t".join(row) + end).encode()
    assert read(value, format="delimited", columns=columns) == dict(zip(columns, row, strict=True))


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]), max_size=5), min_size=2, max_size=6
    ).filter(lambda row: "".join(row).strip()),
    st.sampled_from([",", ";"]),
)
def test_cells_between_commas_are_quoted_as_the_csv_module_writes_them(row: list[str], delimiter: str) -> None:
    columns = [f"c{number}" for number in range(len(row))]
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter).writerow(row)
    found = read(written.getvalue().encode(), format="delimited", columns=columns, delimiter=delimiter)
    assert found == dict(zip(columns, row, strict=True))


def test_columns_at_the_end_may_be_missing_and_an_empty_cell_is_empty_text() -> None:
    """Snowplow appends columns: a row of an older version is shorter."""
    columns = [f"c{number}" for number in range(131)]
    assert read(b"shop\tweb\t\t2026-11-24", format="delimited", columns=columns) == {
        "c0": "shop",
        "c1": "web",
        "c2": "",
        "c3": "2026-11-24",
    }
    assert len(read(b"\t".join([b"x"] * 131), format="delimited", columns=columns)) == 131


@pytest.mark.parametrize(
    ("value", "delimiter", "reason", "words"),
    [
        (b"a\tb\tc\td", None, Reason.WRONG_COLUMNS, "expected 3 columns, found 4"),
        (b"a,b,c", None, Reason.WRONG_COLUMNS, "expected 3 columns, found 1"),
        (b'{"a": 1}', "|", Reason.WRONG_COLUMNS, "expected 3 columns, found 1"),
        (b"a,b,c,d", ",", Reason.WRONG_COLUMNS, "expected 3 columns, found 4"),
        (b"a,b\nc,d", ",", Reason.WRONG_COLUMNS, "expected one row, found more"),
        (b"\n", None, Reason.EMPTY_VALUE, "expected 3 columns, but the value is empty"),
        (b"a\t\xff", None, Reason.NOT_UTF8, "byte 2 is not"),
        (b'a,"b', ",", Reason.WRONG_COLUMNS, "found other quotes or a cell that is too long"),
        (b'a,"b"x,c', ",", Reason.WRONG_COLUMNS, "found other quotes or a cell that is too long"),
        (b"a," + b"b" * 200_000, ",", Reason.WRONG_COLUMNS, "found other quotes or a cell that is too long"),
    ],
)
def test_a_row_that_does_not_fit_is_refused(value: bytes, delimiter: str | None, reason: Reason, words: str) -> None:
    rejection = refused(value, format="delimited", columns=["a", "b", "c"], delimiter=delimiter)
    assert rejection.reason is reason
    assert words in rejection.message


def test_one_column_is_the_whole_line() -> None:
    decode = compile_delimited(["line"])
    assert decode(b"a b\n") == {"line": "a b"}
    with pytest.raises(DecodingError, match="expected 1 column, found 2"):
        decode(b"a\tb")
