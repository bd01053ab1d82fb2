"""A slip is named only where it explains the stumble; anything else keeps the words of the stumble itself."""

import pytest

from connector.config.yaml_tree import parse


def fault(text: str) -> tuple[str, int, int]:
    [found] = parse(text).faults
    return found.message, found.span.line, found.span.column


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("a: {b: c\nd: e\n", "expected a closing }", 0, 3),
        ("a:\n  b: [c,\n  d\ne: f\n", "expected a closing ]", 1, 5),
        ("a: {b: c\n", "expected a closing }", 0, 3),
        ("a: [b: {c: d}\n", "expected a closing ]", 0, 3),
        ("a: \u201cb: c\u201d\n", "expected straight quotes", 0, 3),
        ("a: 'b' == c\n", "expected nothing after the closing quote", 0, 7),
        ('- a: "b" == c\n', "expected nothing after the closing quote", 0, 9),
        ("a: b\n  c: d\n", "expected the indentation of the lines above", 1, 2),
        ("- a: b\n    c: d\n", "expected the indentation of the lines above", 1, 4),
    ],
)
def test_a_slip_is_named_where_it_was_made(text: str, message: str, line: int, column: int) -> None:
    assert fault(text) == (message, line, column)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a: {b: "c"\n  "d": e}\n', "expected a comma, or } at the end of the mapping"),
        ('a: ["b"\n    "c"]\n', "expected a comma, or ] at the end of the list"),
        ('a: ["b" "c"]\n', "expected a comma, or ] at the end of the list"),
        ("a: b: c\n", "expected one key: value on the line"),
        ("a: it's \u201cb\u201d: c\n", "expected one key: value on the line"),
        ("a:\n  b: c\n d: e\n", "expected the indentation of the lines above"),
    ],
)
def test_what_no_slip_explains_keeps_its_words(text: str, message: str) -> None:
    assert fault(text)[0] == message


@pytest.mark.parametrize(
    "text",
    [
        "a: \u201cb\u201d\n",
        "a: \u2018b\u2019 and \u2019c\u2019\n",
        "a: b\n  c d\n",
        "a: 'b'\nc: d\n",
        "a: {b: \u201cc\u201d}\n",
        "a: [b,\nc]\n",
    ],
)
def test_what_is_yaml_is_no_slip(text: str) -> None:
    assert parse(text).faults == []
