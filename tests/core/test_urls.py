"""A URL can be shown, logged and put on a pull request once it has been through here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.urls import secrets_of_urls, without_secrets_of_urls


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://h:8081/path", "https://h:8081/path"),
        ("user:word@h", "user:word@h"),
        ("https://u:p@h/x", "https://********@h/x"),
        ("https://key@h", "https://********@h"),
        ("https://u:p/w?x@h/x", "https://********@h/x"),
        ("https://u:p@w@h", "https://********@h"),
        ("https://h?key=abc", "https://h?key=********"),
        ("https://h/t?key=abc&empty=&b=c#frag", "https://h/t?key=********&empty=&b=********#********"),
        ("https://h?abc", "https://h?********"),
        ("https://u:p@h/x?key=abc", "https://********@h/x?key=********"),
        ('failed: "https://h/t?key=abc": no answer', 'failed: "https://h/t?key=********": no answer'),
        (r"https:\/\/u:p@h\/x?key=abc", r"https:\/\/********@h\/x?key=********"),
        ("a http://u:p@h and sasl+ssl://v:q@i", "a http://********@h and sasl+ssl://********@i"),
        ("", ""),
        ("://u:p@h", "://u:p@h"),
    ],
)
def test_the_user_the_password_and_the_values_of_a_query_are_masked(text: str, shown: str) -> None:
    assert without_secrets_of_urls(text) == shown


@given(st.text("ab:/?#&=@. \"\\'é", max_size=60))
def test_any_text_is_cut_at_places_in_order(rest: str) -> None:
    text = f"https://{rest}"
    ends = 0
    for start, stop in secrets_of_urls(text):
        assert ends <= start < stop <= len(text)
        ends = stop
    assert isinstance(without_secrets_of_urls(text), str)


@given(password=st.text("ab1:/?#&=.%+~", min_size=1), key=st.text("cd2.%+~/:", min_size=1))
def test_no_password_and_no_key_is_left_in_a_url(password: str, key: str) -> None:
    shown = without_secrets_of_urls(f"see https://user:Z{password}Z@host/path?key=Y{key}Y, please")
    assert "Z" not in shown
    assert "Y" not in shown
