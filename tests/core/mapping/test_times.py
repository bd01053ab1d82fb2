"""Times: one meaning, or refused."""

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.mapping.times import LAST36, TimeSpecError, head36, time_parser, time_zone
from connector.core.records import DataError, Reason

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = 1795521600  # 2026-11-24T12:00:00Z
auto = time_parser()

plausible = st.integers(946_684_800, 4_102_444_800)  # 2000 to 2100, in seconds
moments = st.datetimes(
    timezones=st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(
        lambda offset: timezone(timedelta(minutes=offset // timedelta(minutes=1)))
    )
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FORMATS = ["auto", "iso8601", "epoch_s", "epoch_ms", "epoch_us", "epoch_ns", "array", "%Y%m%d", "%d/%m/%Y %H:%M %z"]


def refusal(parse: Any, value: Any) -> Reason:
    with pytest.raises(DataError) as caught:
        parse(value)
    return caught.value.reason


@given(plausible, st.integers(0, 10**9 - 1))
def test_the_same_instant_in_any_unit_is_the_same_second(seconds: int, nanoseconds: int) -> None:
    ticks = seconds * 10**9 + nanoseconds
    for unit in (ticks, ticks // 10**3, ticks // 10**6, seconds):
        assert auto(unit) == seconds
        assert auto(str(unit)) == seconds


@given(moments)
def test_iso_text_is_the_floor_of_the_moment(moment: datetime) -> None:
    expected = (moment - EPOCH) // timedelta(seconds=1)
    assert auto(moment.isoformat()) == expected
    assert auto(moment.isoformat(" ").lower()) == expected
    assert time_parser("iso8601")(moment.isoformat()) == expected


@given(st.datetimes(), st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Tokyo"]))
def test_text_without_a_zone_is_local_to_the_given_one(moment: datetime, name: str) -> None:
    # Text does not say which of the two moments it means that a change of clocks gives the same name.
    expected = (moment.replace(tzinfo=ZoneInfo(name), fold=0) - EPOCH) // timedelta(seconds=1)
    assert time_parser("auto", time_zone(name))(moment.isoformat()) == expected


@given(st.sampled_from(FORMATS), json_values)
def test_no_value_raises_anything_but_a_data_error(format: str, value: Any) -> None:  # noqa: A002
    try:
        seconds = time_parser(format)(value)
    except DataError as error:
        assert error.reason in {Reason.INVALID_TIME, Reason.WRONG_TYPE}  # noqa: PT017  either is right
    else:
        assert type(seconds) is int


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24T12:00:00Z",
        "2026-11-24t12:00:00z",
        "2026-11-24 12:00",
        " 2026-11-24T12:00:00.999Z\n",
        "2026-11-24T12:00:00.999999999999Z",
        "2026-11-24T12:00:00,5Z",
        "20261124T120000Z",
        "2026-W48-2T12:00:00Z",
        "2026-11-24T13:00:00+01",
        "2026-11-24T13:00:00+0100",
        "2026-11-24T06:30:00-05:30",
        "1795521600",
        "1795521600.75",
        "1.7955216e9",
        1795521600.75,
        1795521600123.0,
    ],
)
def test_auto_reads_what_producers_write(text: Any) -> None:
    assert auto(text) == NOON


def test_a_date_alone_is_midnight() -> None:
    assert auto("2026-11-24") == auto("20261124") == NOON - 12 * 3600


def test_before_1970_rounds_down_as_well() -> None:
    assert auto(-0.5) == auto("-0.5") == auto("1969-12-31T23:59:59.5Z") == -1
    assert time_parser("epoch_ms")(-1) == -1


@pytest.mark.parametrize(
    "value",
    [
        "03/04/2026",
        "03-04-2026",
        "24.11.2026",
        "2026-11-24-08:00",  # a date with its zone, not eight o'clock
        "2026-11-24x12:00",
        "2026-13-01",
        "yesterday",
        "",
        "NaN",
        "inf",
        "1_795_521_600",
        "١٧٩٥٥٢١٦٠٠",
        "9" * 5000,
        pytest.param("\ud800", id="surrogate"),
        math.nan,
        math.inf,
        -math.inf,
        1e300,
        10**400,
        10**20,
    ],
)
def test_auto_guesses_nothing(value: Any) -> None:
    assert refusal(auto, value) is Reason.INVALID_TIME


@pytest.mark.parametrize("value", [True, [], {}, None])
@pytest.mark.parametrize("format", FORMATS)
def test_what_is_neither_text_nor_number_is_a_wrong_type(format: str, value: Any) -> None:  # noqa: A002
    expected = Reason.INVALID_TIME if (format, value) == ("array", []) else Reason.WRONG_TYPE
    assert refusal(time_parser(format), value) is expected


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ([2026, 11, 24, 12, 0], NOON),
        ([2026, 11, 24, 12, 0, 0], NOON),
        ([2026, 11, 24, 12, 0, 11, 393_000_000], NOON + 11),
        ([2026, 11, 24], NOON - 12 * 3600),
        ([1969, 12, 31, 23, 59, 59, 999_999_999], -1),
    ],
)
def test_an_array_is_a_local_date_time_as_java_writes_it(value: Any, seconds: int) -> None:
    assert time_parser("array")(value) == seconds
    assert time_parser("array", time_zone("Asia/Tokyo"))(value) == seconds - 9 * 3600


@given(st.datetimes(), st.integers(0, 999_999_999))
def test_an_array_is_the_second_of_its_moment(moment: datetime, nanosecond: int) -> None:
    parts = [moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second]
    expected = (moment.replace(microsecond=0, tzinfo=UTC) - EPOCH) // timedelta(seconds=1)
    assert time_parser("array")([*parts, nanosecond]) == expected


@pytest.mark.parametrize(
    "value",
    [
        [2026, 11],
        [2026, 11, 24, 8, 30, 11, 0, 0],
        [2026, 13, 24],
        [2026, 2, 29],
        [10**30, 1, 1],
        [0, 1, 1],
        [2026, 11, "24"],
        [2026, 11, 24.0],
        [2026, True, 24],
        [2026, 11, None],
        [2026, 11, 24, 8, 30, 60],
        [2026, 11, 24, 8, 30, 11, 10**9],
        [2026, 11, 24, 8, 30, 11, -1],
    ],
)
def test_an_array_that_is_no_moment_is_refused(value: Any) -> None:
    assert refusal(time_parser("array"), value) is Reason.INVALID_TIME


def test_a_list_names_the_format_that_reads_it() -> None:
    with pytest.raises(DataError, match="not a list, which format: array reads"):
        auto([2026, 11, 24])
    for other in ("text", 5, {"year": 2026}):
        assert refusal(time_parser("array"), other) is Reason.WRONG_TYPE


@pytest.mark.parametrize(("format", "ticks"), [("epoch_s", 1), ("epoch_ms", 10**3), ("epoch_us", 10**6)])
def test_a_named_unit_is_taken_at_its_word(format: str, ticks: int) -> None:  # noqa: A002
    parse = time_parser(format)
    assert parse(5 * ticks) == parse(f"{5 * ticks}.5") == parse(5.5 * ticks) == 5
    assert refusal(parse, 10**11 * ticks) is Reason.INVALID_TIME
    assert refusal(parse, "2026-11-24") is Reason.INVALID_TIME


def test_a_pattern_reads_what_it_says() -> None:
    berlin = time_zone("Europe/Berlin")
    assert time_parser("%d/%m/%Y %H:%M", berlin)("24/11/2026 13:00") == NOON
    assert time_parser("%d/%m/%Y %H:%M %z", berlin)("24/11/2026 12:00 +0000") == NOON
    assert time_parser("%Y%m%d")(20261124) == NOON - 12 * 3600
    assert refusal(time_parser("%Y"), "24/11/2026") is Reason.INVALID_TIME
    assert refusal(time_parser("%Y"), 2026.0) is Reason.WRONG_TYPE


def test_iso8601_takes_text_only() -> None:
    assert refusal(time_parser("iso8601"), NOON) is Reason.WRONG_TYPE
    assert refusal(time_parser("iso8601"), str(NOON)) is Reason.INVALID_TIME


@pytest.mark.parametrize(
    ("format", "message", "hint"),
    [
        ("iso-8601", "unknown time format iso-8601", "did you mean iso8601?"),
        ("epoch", "unknown time format epoch", "did you mean epoch_s?"),
        ("YYYY", "unknown time format YYYY", "a pattern has a %, as in %d/%m/%Y"),
        ("yyyy-MM-dd'T'HH:mm:ss", "unknown time format yyyy-MM-dd'T'HH:mm:ss", "did you mean %Y-%m-%dT%H:%M:%S?"),
        ("%Q", "expected a pattern that strptime can read, not %Q", None),
        ("%H %Z", "expected a pattern without %Z, which knows only the host's own zone", "use timezone, or %z"),
    ],
)
def test_a_format_that_is_none_is_refused_with_a_suggestion(
    format: str,  # noqa: A002
    message: str,
    hint: str | None,
) -> None:
    with pytest.raises(TimeSpecError) as caught:
        time_parser(format)
    assert (caught.value.key, str(caught.value), caught.value.hint) == ("format", message, hint)


@pytest.mark.parametrize("name", ["Europe/Pariss", "", "/etc/passwd", "../UTC", "Europe", "zone.tab", "a\0b"])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(TimeSpecError, match="unknown time zone") as caught:
        time_zone(name)
    assert caught.value.key == "timezone"
    assert name != "Europe/Pariss" or caught.value.hint == "did you mean Europe/Paris?"


def test_a_local_time_that_happens_twice_is_the_first() -> None:
    berlin = time_parser("auto", time_zone("Europe/Berlin"))
    assert berlin("2026-10-25T02:30:00") == auto("2026-10-25T00:30:00Z")


# Times in ids


@given(st.integers(1296, 2**63))
def test_the_two_parts_of_a_time_in_base_36_read_as_the_time(milliseconds: int) -> None:
    text = head36(milliseconds // 1296) + LAST36[milliseconds % 1296]
    assert int(text, 36) == milliseconds
    assert text == text.lower().lstrip("0")
