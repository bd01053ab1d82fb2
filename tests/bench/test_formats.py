"""Every format of the benchmark carries the same clickstream, as a producer with a schema registry writes it."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from bench.stage import FORMAT_TOPICS
from bench.streams import SHAPES, clicks
from connector.core.formats.avro import compile_avro
from connector.core.formats.framing import framed
from connector.core.formats.plain import decode_json
from connector.core.formats.protobuf import compile_protobuf
from connector.registry.proto_source import descriptors_of

# bench.scenarios.formats is imported where it is used: most of a second, in every process of tests.


def test_every_format_has_a_topic_and_json_is_the_first() -> None:
    from bench.scenarios.formats import FORMATS  # noqa: PLC0415

    assert tuple(FORMATS) == FORMAT_TOPICS
    assert FORMAT_TOPICS[0] == "json"


@pytest.mark.parametrize("name", [name for name in FORMAT_TOPICS if name != "json"])
def test_a_record_is_the_same_in_every_format(name: str) -> None:
    from bench.scenarios.formats import AVRO, FORMATS, PROTO  # noqa: PLC0415

    decoders = {
        "avro": lambda: compile_avro(AVRO),
        "protobuf": lambda: compile_protobuf(descriptors_of(PROTO, {}), indexed=True),
    }
    write, decode = FORMATS[name]().write, decoders[name]()
    values = [click.value for click in islice(clicks(SHAPES["long"], 1), 500)]
    assert {decode_json(value)["userId"] is None for value in values} == {True, False}
    for value in values:
        assert decode(framed(write(value)).payload) == decode_json(value)


def test_the_ratio_to_json_is_that_of_the_runs_beside_each_other() -> None:
    from bench.scenarios.formats import _rows  # noqa: PLC0415

    def run(rate: float, cost: float) -> dict[str, Any]:
        return {"events_per_second": rate, "cpu_per_event": cost}

    # The machine is half as fast in the second round.
    json = [run(20_000, 50), run(10_000, 100), run(20_000, 50)]
    avro = [run(15_000, 60), run(7_500, 120), run(15_000, 60)]
    first, second = _rows({"json": json, "avro": avro})
    assert (first["rate_to_json"], first["cost_to_json"]) == (1.0, 1.0)
    assert (second["rate_to_json"], second["cost_to_json"]) == (0.75, 1.2)
