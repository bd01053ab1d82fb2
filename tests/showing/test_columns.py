"""Tables are aligned, never wider than they may be where their cells allow it, and safe for a terminal."""

import re

import pytest

from connector.config.problems import width
from connector.showing.columns import LONGEST, Cell, shown, table
from connector.styles import RED

HEADS = ("member", "expression", "read", "result")
SHORT = [Cell("itemId"), Cell("value.item"), Cell("7"), Cell('"7"')]
LONG = [Cell("userId"), Cell("not_null(value.user, value.anonymous_user)"), Cell('"u"'), Cell('"u"')]


def test_the_cells_of_a_column_start_below_its_head() -> None:
    assert table(HEADS, [SHORT, LONG], room=80, colour=False) == [
        "member  expression                                  read  result",
        'itemId  value.item                                  7     "7"',
        'userId  not_null(value.user, value.anonymous_user)  "u"   "u"',
    ]


def test_a_row_that_does_not_fit_stands_below_itself_and_widens_no_column() -> None:
    assert table(HEADS, [SHORT, LONG], room=50, colour=False) == [
        "member  expression  read  result",
        'itemId  value.item  7     "7"',
        "userId  not_null(value.user, value.anonymous_user)",
        '          read    "u"',
        '          result  "u"',
    ]


@pytest.mark.parametrize("room", range(40, 200, 7))
def test_no_line_with_short_cells_is_wider_than_the_room(room: int) -> None:
    rows = [[Cell(f"m{n}"), Cell("x" * n), Cell("y" * (n // 2)), Cell("z" * (n // 3))] for n in range(1, 20)]
    assert max(map(width, table(HEADS, rows, room=room, colour=False))) <= room


def test_wide_characters_count_as_the_columns_that_they_take() -> None:
    head, wide, narrow = table(
        ("a", "b"), [[Cell("日本"), Cell("x")], [Cell("abcd"), Cell("y")]], room=80, colour=False
    )
    assert (head, wide, narrow) == ("a     b", "日本  x", "abcd  y")


def test_colours_change_no_column() -> None:
    rows = [[Cell("itemId", RED), Cell("a"), Cell(""), Cell("b", RED)], LONG]
    plain, coloured = (table(HEADS, rows, room=60, colour=colour) for colour in (False, True))
    assert "\x1b[31mitemId\x1b[0m" in coloured[1]
    assert [re.sub(r"\x1b\[\d+m", "", line) for line in coloured] == plain


def test_nothing_in_a_value_moves_the_cursor() -> None:
    assert shown("a\x1b[2J\r\n\u202eb") == '"a\\u001b[2J\\r\\n\\u202eb"'
    assert shown("\U000e0001") == '"\\U000e0001"'
    assert shown({"ü": [1, None]}) == '{"ü": [1, null]}'


def test_the_end_of_a_very_long_value_is_counted_and_not_shown() -> None:
    text = shown("x" * (LONGEST + 98))
    assert text == '"' + "x" * (LONGEST - 1) + " and 100 more characters: --output json shows them"
