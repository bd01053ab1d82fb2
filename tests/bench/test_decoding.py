"""Every contender of the benchmark of decoding decodes the same record, and its cost is a figure."""

from __future__ import annotations

from bench.sizes import QUICK


def test_every_contender_of_every_format_has_a_cost() -> None:
    from bench.scenarios.decoding import FORMATS, decode_costs  # noqa: PLC0415  most of a second, in every process of tests

    rows = decode_costs(QUICK._replace(decode_rounds=1), 1)
    assert {row["format"] for row in rows} == set(FORMATS)
    assert next(row["contender"] for row in rows if row["format"] == "avro") == "connector"
    assert all(row["decode"] > 0 and row["bytes"] > 10 for row in rows)
