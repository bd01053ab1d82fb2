"""The demo's products and profiles: the same each time, and what is expected of them is what the shop's file makes."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from connector.config import Loaded, load
from connector.core.mapping.transform import Router
from connector.core.records import Record, Skipped, Transformed
from connector.local.demo.catalogue import ITEMS, USERS, rows
from connector.local.demo.paths import example, whole_shop

SHOP = example("shop.yaml")


def test_the_same_arguments_give_the_same_rows() -> None:
    assert rows(200, 3) == rows(200, 3)
    assert rows(200, 3) != rows(200, 4)
    assert rows(1, 1).count(ITEMS) >= 1


@pytest.mark.parametrize("topic", [ITEMS, USERS])
def test_what_is_expected_is_the_newest_of_what_the_file_makes(topic: str, tmp_path: Path) -> None:
    whole_shop(example(), SHOP, tmp_path / "demo.yaml")
    loaded = load(tmp_path / "demo.yaml", {})
    assert isinstance(loaded, Loaded), loaded
    router, made, found = Router(loaded.pipelines()), rows(600, 1), {}
    skipped = 0
    for number, change in enumerate(made.changes):
        if change.topic != topic:
            continue
        fate = router(Record(topic, 0, number, 1_795_500_000_000, change.key, change.value), 1_795_500_000.0)
        if isinstance(fate, Skipped):
            skipped += 1
            continue
        assert isinstance(fate, Transformed), fate
        [entry] = fate.entries
        body = orjson.loads(entry.body)
        found[entry.lane] = {**body, "properties": orjson.loads(body["properties"])}
    assert found == made.newest[topic]
    assert skipped == (made.skipped if topic == ITEMS else 0)
