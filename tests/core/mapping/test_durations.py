import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from connector.core.mapping.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("2s", 2.0),
        ("5m", 300.0),
        ("1h", 3600.0),
        ("1.5s", 1.5),
        ("0s", 0.0),
        ("168h", 604800.0),
        ("7d", 604800.0),
        ("14d", 1_209_600.0),
    ],
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "value", ["", "5", "5 s", "-1s", "1w", "d", "1S", "1 d", "٣s", "1e3s", "s", "1.s", 5, 0.5, True, None, []]
)
def test_anything_without_a_unit_is_refused(value: object) -> None:
    with pytest.raises(PydanticCustomError, match="250ms, 2s, 5m, 1h or 14d"):
        parse_duration(value)


@pytest.mark.parametrize("text", ["366d", "8761h"])
def test_durations_end_after_a_year(text: str) -> None:
    with pytest.raises(PydanticCustomError, match="at most a year"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (0.1, "100ms"),
        (1.0, "1s"),
        (1.5, "1500ms"),
        (60.0, "1m"),
        (90.0, "90s"),
        (7200.0, "2h"),
        (90_000.0, "25h"),
        (1_209_600.0, "14d"),
        (0.0005, "0.5ms"),
    ],
)
def test_durations_are_written_in_the_largest_unit_that_stays_whole(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(number=st.decimals(0, 500_000, places=3), unit=st.sampled_from(["ms", "s", "m"]))
def test_what_is_written_is_read_back_to_the_same_number(number: object, unit: str) -> None:
    seconds = parse_duration(f"{number}{unit}")
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (5, "add a unit"),
        ("5", "add a unit"),
        ("-1s", "a duration cannot be negative"),
        ("14 days", "write 14d"),
        ("20 Milliseconds", "write 20ms"),
        ("1 D", "write it without blanks and in lower case"),
        (True, None),
        (None, None),
    ],
)
def test_what_was_nearly_a_duration_gets_a_hint(value: object, hint: str | None) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        parse_duration(value)
    assert (refused.value.context or {})["hint"] == hint
