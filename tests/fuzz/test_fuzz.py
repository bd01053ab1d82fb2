"""A modest budget of the fuzzers on every run of the tests; ``make fuzz`` looks longer, and by coverage."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connector.config import Loaded, load
from connector.core.expressions.functions import FUNCTIONS
from connector.core.records import Reason, Rejection, Transformed
from tests.fuzz import configurations, formats, records
from tests.fuzz.__main__ import main
from tests.fuzz.targets import EVERYTHING, check_configuration, check_fate, check_record, record, targets
from tests.support.examples import examples

if TYPE_CHECKING:
    from pathlib import Path

# Reasons of values in other formats, which the files here do not set; tests/fuzz/formats.py is about those.
OF_OTHER_FORMATS = {
    Reason.NOT_A_LIST,
    Reason.WRONG_COLUMNS,
    Reason.NOT_AVRO,
    Reason.NOT_PROTOBUF,
    Reason.NOT_FRAMED,
    Reason.UNKNOWN_SCHEMA,
    Reason.UNUSABLE_SCHEMA,
    Reason.NOT_OF_THE_SCHEMA,
    Reason.NOT_COMPRESSED,
    Reason.UNPACKED_TOO_LARGE,
    Reason.NOT_AN_ENVELOPE,
    Reason.INVALID_KEY,
}
SEEDS = st.integers(0, 2**63)
_quick = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(_quick, max_examples=examples(1_000))
@given(SEEDS)
def test_an_almost_valid_record_has_a_fate_within_the_limits_and_unseen(seed: int) -> None:
    check_record(records.almost(random.Random(seed)))


@settings(_quick, max_examples=examples(300))
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@example(b"")
@example(b"null")
@example(b"{}")
def test_any_bytes_have_a_fate(value: bytes) -> None:
    check_record(value)


@settings(_quick, max_examples=examples(300))
@given(SEEDS)
def test_a_value_in_any_format_and_packing_is_decoded_or_refused_in_time(seed: int) -> None:
    formats.check(formats.almost(random.Random(seed)))


@settings(_quick, max_examples=examples(300))
@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused_by_every_format(value: bytes) -> None:
    formats.check(value)


def test_a_tombstone_has_a_fate() -> None:
    check_record(None)


@settings(_quick, max_examples=examples(100))
@given(SEEDS)
def test_an_almost_valid_file_is_a_configuration_or_has_problems(seed: int) -> None:
    check_configuration(configurations.almost(random.Random(seed)))


@settings(_quick, max_examples=examples(100))
@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode(errors="replace")))
def test_any_text_is_a_configuration_or_has_problems(text: str) -> None:
    check_configuration(text)


def test_the_file_of_everything_has_every_function_and_every_field_spec() -> None:
    loaded = load(EVERYTHING, {})
    assert isinstance(loaded, Loaded), loaded
    text = EVERYTHING.read_text()
    assert [name for name in FUNCTIONS if f"{name}(" not in text] == []
    specs = ("const", "template", "case", "from", "lookup", "otherwise", "default", "format", "timezone", "as")
    assert [name for name in specs if f"{name}:" not in text] == []
    assert [
        name
        for name in ("auto", "iso8601", "epoch_s", "epoch_ms", "epoch_us", "epoch_ns", "array", "%d.%m")
        if name not in text
    ] == []


def test_the_records_reach_every_fate_and_every_reason_that_a_record_alone_can_have() -> None:
    """A generator whose records all die in the parser would find nothing, and look as if nothing were to be found."""
    # An empty record; an event too large in every limit; a record of a megabyte; an old event, where max_age is set.
    rare = {Reason.EMPTY_VALUE, Reason.EVENT_TOO_LARGE, Reason.TOO_COMPLEX, Reason.LATE}
    reasons = set(Reason) - rare - OF_OTHER_FORMATS - {Reason.REJECTED_BY_SERVICE}
    fates = {"Transformed", "Skipped", "Filtered", "Rejection"}
    seeds = iter(range(4_000))
    while (fates or reasons) and (seed := next(seeds, None)) is not None:
        value = records.almost(random.Random(seed))
        for target in targets():
            fate = check_fate(target, record(value, target.topic))
            fates.discard(type(fate).__name__)
            rejection = fate.rejection if isinstance(fate, Transformed) else fate
            if isinstance(rejection, Rejection):
                reasons.discard(rejection.reason)
    assert fates == reasons == set()


@pytest.mark.parametrize("target", ["records", "configurations", "formats", "avro", "protobuf"])
def test_the_fuzzer_runs_without_coverage_too(
    target: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["fuzz", target, "--blind", "--runs", "20", "--seconds", "20"])
    assert main() == 0
    assert f"{target}: 20 inputs" in capsys.readouterr().out


def test_the_fuzzer_writes_down_what_it_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(_: bytes) -> None:
        raise AssertionError("found")

    monkeypatch.setattr("tests.fuzz.__main__.CACHE", tmp_path)
    monkeypatch.setattr("tests.fuzz.targets.check_record", fails)
    monkeypatch.setattr("sys.argv", ["fuzz", "records", "--blind", "--runs", "1"])
    assert main() == 1
    assert (tmp_path / "failure-records").stat().st_size > 0
    assert "the input is in" in capsys.readouterr().out
