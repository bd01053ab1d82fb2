"""The generator of Avro reaches what it is meant to reach, and what it makes ends as it must."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connector.core.formats.decoded import DecodingError
from tests.fuzz import avro
from tests.support.examples import examples

_quick = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(_quick, max_examples=examples(500))
@given(st.integers(0, 2**63))
def test_almost_good_avro_is_a_value_or_a_decoding_error(seed: int) -> None:
    avro.check(avro.almost(random.Random(seed)))


@settings(_quick, max_examples=examples(300))
@given(st.binary(max_size=200))
@example(b"")
def test_any_bytes_are_a_value_or_a_decoding_error(raw: bytes) -> None:
    avro.check(raw)


def test_the_good_records_are_good_and_the_changed_ones_reach_every_reason() -> None:
    decoders = avro._decoders()
    assert len(avro._GOOD) == len(decoders)
    for number, payload in enumerate(avro._GOOD):
        if avro.SCHEMAS[number] != ENDLESS:
            decoders[number](payload)
    reasons = set()
    for seed in range(2_000):
        raw = avro.almost(random.Random(seed))
        try:
            decoders[raw[0] % len(decoders) if raw else 0](raw[1:])
        except DecodingError as error:
            reasons.add(error.reason.value)
    assert reasons == avro.REASONS


ENDLESS: Any = {"type": "record", "name": "Endless", "fields": [{"name": "again", "type": "Endless"}]}
