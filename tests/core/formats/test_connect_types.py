"""What Connect's and Debezium's logical types become, by the tables of Debezium's documentation (Postgres, MySQL)."""

import base64
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.formats.connect_types import CONNECT, DATA, MAX_BITS, TIME, MisfitError, conversion
from connector.core.mapping.times import time_parser
from connector.core.mapping.values import to_number

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def packed(unscaled: int) -> str:
    """As BigInteger.toByteArray() and base64 write it."""
    return base64.b64encode(unscaled.to_bytes(unscaled.bit_length() // 8 + 1, "big", signed=True)).decode()


def converted(name: str, value: Any, **parameters: Any) -> Any:
    convert = conversion(name, parameters)
    assert convert is not None
    return convert(value)


@pytest.mark.parametrize(
    ("name", "value", "parameters", "becomes"),
    [
        (f"{CONNECT}Decimal", "BAg=", {"scale": "2"}, 10.32),
        (f"{CONNECT}Decimal", "/w==", {"scale": "2"}, -0.01),
        (f"{CONNECT}Decimal", "BAg=", {"scale": "0"}, 1032),
        (f"{CONNECT}Decimal", "BAg=", {"scale": "-2"}, 103_200),
        (f"{CONNECT}Decimal", b"\x04\x08", {"scale": 2}, 10.32),  # of Avro
        (f"{CONNECT}Decimal", 10.32, {"scale": "2"}, 10.32),  # decimal.format=NUMERIC
        (f"{CONNECT}Decimal", "", {"scale": "2"}, 0.0),
        (f"{CONNECT}Decimal", packed(12345678901234567890123), {"scale": "4"}, "1234567890123456789.0123"),
        (f"{CONNECT}Decimal", packed(2**63 - 1), {"scale": "0"}, 2**63 - 1),
        (f"{CONNECT}Decimal", packed(2**63), {"scale": "0"}, "9223372036854775808"),
        (f"{CONNECT}Date", 20_781, {}, "2026-11-24"),
        (f"{CONNECT}Time", 30_611_250, {}, "08:30:11.250"),
        (f"{CONNECT}Timestamp", 1_795_509_011_250, {}, "2026-11-24T08:30:11.250Z"),
        (f"{TIME}Date", -1, {}, "1969-12-31"),
        (f"{TIME}Time", 30_611_250, {}, "08:30:11.250"),
        (f"{TIME}MicroTime", 30_611_250_001, {}, "08:30:11.250001"),
        (f"{TIME}NanoTime", 30_611_250_001_002, {}, "08:30:11.250001002"),
        (f"{TIME}Timestamp", 1_795_509_011_250, {}, "2026-11-24T08:30:11.250"),
        (f"{TIME}MicroTimestamp", 1_795_509_011_250_001, {}, "2026-11-24T08:30:11.250001"),
        (f"{TIME}NanoTimestamp", 1_795_509_011_250_001_002, {}, "2026-11-24T08:30:11.250001002"),
        (f"{DATA}VariableScaleDecimal", {"scale": 2, "value": "BAg="}, {}, 10.32),
        (f"{DATA}VariableScaleDecimal", {"scale": 2, "value": None}, {}, None),
        (f"{DATA}Json", '{"sku": "A1", "id": 9007199254740993}', {}, {"sku": "A1", "id": 9007199254740993}),
        (f"{DATA}Json", "{not json", {}, "{not json"),
        (f"{DATA}Json", "\ud800", {}, "\ud800"),
        (f"{DATA}Json", {"sku": "A1"}, {}, {"sku": "A1"}),
        (f"{DATA}Bits", "BQ==", {"length": "3"}, "101"),
        (f"{DATA}Bits", "AAE=", {"length": "9"}, "100000000"),  # the first byte has the last bits
        (f"{DATA}Bits", "BQ==", {"length": "2147483647"}, "00000101"),
        (f"{DATA}Bits", "BQ==", {}, "00000101"),
        (f"{DATA}Bits", "", {"length": "3"}, ""),
    ],
)
def test_a_logical_type_becomes_what_a_mapping_can_use(
    name: str, value: Any, parameters: dict[str, Any], becomes: Any
) -> None:
    found = converted(name, value, **parameters)
    assert (found, type(found)) == (becomes, type(becomes))


@pytest.mark.parametrize(
    "name",
    [
        *(f"{TIME}{kind}" for kind in ("ZonedTimestamp", "ZonedTime", "Interval", "MicroDuration", "Year", "IsoDate")),
        *(f"{DATA}{kind}" for kind in ("Enum", "EnumSet", "Uuid", "Xml", "Ltree", "geometry.Point")),
        "shop.Value",
    ],
)
def test_a_type_that_is_text_or_a_number_already_stays_what_it_is(name: str) -> None:
    assert conversion(name, {}) is None


def test_long_bits_stay_base64() -> None:
    long = base64.b64encode(bytes(MAX_BITS + 1)).decode()
    assert converted(f"{DATA}Bits", long) == long


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (f"{CONNECT}Decimal", "**", "expected bytes, in base64, found other text"),
        (f"{CONNECT}Decimal", ["BAg="], "expected bytes, in base64, found a list"),
        (f"{CONNECT}Decimal", True, "expected bytes, in base64, found a boolean"),
        (f"{CONNECT}Decimal", packed(2**600), "expected a decimal of at most 64 bytes, found 76"),
        (f"{CONNECT}Timestamp", "2026", "expected a whole number, found text"),
        (f"{CONNECT}Timestamp", True, "expected a whole number, found a boolean"),
        (f"{CONNECT}Timestamp", 2**63, "expected an integer that 64 bits hold"),
        (f"{TIME}Date", 1.5, "expected a whole number, found a number"),
        (f"{DATA}VariableScaleDecimal", "BAg=", "expected an object with scale and value, found text"),
        (f"{DATA}VariableScaleDecimal", {"value": "BAg="}, "expected a whole number of at most 100 as the scale"),
        (f"{DATA}Bits", 5, "expected bytes, in base64, found a number"),
    ],
)
def test_a_value_of_another_type_is_named_by_its_type_alone(name: str, value: Any, message: str) -> None:
    with pytest.raises(MisfitError) as caught:
        converted(name, value, scale="2")
    assert message in str(caught.value)


@pytest.mark.parametrize("scale", [None, "x", "101", "-101", 1.5, True, "9" * 5000])
def test_a_decimal_needs_a_scale_that_a_database_can_have(scale: Any) -> None:
    with pytest.raises(MisfitError, match="as the scale of a decimal"):
        conversion(f"{CONNECT}Decimal", {"scale": scale})


@given(st.integers(-(2**511) + 1, 2**511 - 1), st.integers(0, 100))
def test_no_decimal_loses_a_digit(unscaled: int, scale: int) -> None:
    found = converted(f"{CONNECT}Decimal", packed(unscaled), scale=str(scale))
    exact = Decimal((unscaled < 0, tuple(map(int, str(abs(unscaled)))), -scale))
    assert Decimal(found if isinstance(found, str) else repr(found)) == exact
    assert to_number(found) == float(exact)


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59)).map(lambda at: at.replace(tzinfo=UTC)))  # noqa: DTZ001
def test_sent_at_reads_every_timestamp_to_the_second(at: datetime) -> None:
    micros = (at - EPOCH) // timedelta(microseconds=1)
    parse = time_parser()
    for name, number in (
        (f"{CONNECT}Timestamp", micros // 1000),
        (f"{TIME}Timestamp", micros // 1000),
        (f"{TIME}MicroTimestamp", micros),
    ):
        assert parse(converted(name, number)) == micros // 1_000_000


@given(st.dates())
def test_a_date_reads_back(day: date) -> None:
    assert date.fromisoformat(converted(f"{CONNECT}Date", (day - EPOCH.date()).days)) == day


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_integer_of_64_bits_is_some_moment(number: int) -> None:
    """Postgres has 'infinity', which arrives as a number near the greatest."""
    for kind in ("Timestamp", "MicroTimestamp", "NanoTimestamp", "Date", "Time", "MicroTime", "NanoTime"):
        assert isinstance(converted(f"{TIME}{kind}", number), str)
