"""The generator of Protobuf reaches what it is meant to reach, and what it makes ends as it must."""

import random

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fuzz import protobuf
from tests.support.examples import examples

_quick = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(_quick, max_examples=examples(500))
@given(st.integers(0, 2**63))
def test_almost_good_protobuf_is_an_object_or_a_decoding_error(seed: int) -> None:
    assert protobuf.check(protobuf.almost(random.Random(seed))) in {None, *protobuf.REASONS}


@settings(_quick, max_examples=examples(300))
@given(st.binary(max_size=200))
@example(b"")
def test_any_bytes_are_an_object_or_a_decoding_error(raw: bytes) -> None:
    assert protobuf.check(raw) in {None, *protobuf.REASONS}


def test_the_good_payloads_are_good_and_the_changed_ones_reach_every_reason() -> None:
    assert [protobuf.check(bytes([n]) + good) for n, (_, good) in enumerate(protobuf.decoders())] == [None] * 5
    ends = {protobuf.check(protobuf.almost(random.Random(seed))) for seed in range(2000)}
    assert ends == {None, *protobuf.REASONS}
