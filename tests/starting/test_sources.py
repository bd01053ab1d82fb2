"""Records as each source sends them become exactly the right calls, by the file that `putevents init --from` gives."""

from pathlib import Path

import orjson
import pytest

from connector.config import Loaded, load
from connector.dry_run import DryRun
from connector.starting.presets import PRESETS

ROOT = Path(__file__).parents[2]
NOW = 1_795_600_000.0


@pytest.mark.parametrize("name", PRESETS)
def test_the_records_of_a_source_become_exactly_these_calls(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.dry_run.time.time", lambda: NOW)
    loaded = load(ROOT / "examples" / f"{name}.yaml", {})
    assert isinstance(loaded, Loaded)
    run = DryRun(loaded, None, explain=False)
    records = (ROOT / "tests" / "data" / name / "records.jsonl").read_bytes().splitlines()
    outcomes = (ROOT / "tests" / "data" / name / "outcomes.jsonl").read_bytes().splitlines()
    assert [run.record(line, number) for number, line in enumerate(records, 1)] == list(map(orjson.loads, outcomes))


@pytest.mark.parametrize("name", sorted(set(PRESETS) - {"flat", "shop"}))
def test_the_records_of_a_source_show_every_step_of_a_purchase(name: str) -> None:
    outcomes = (ROOT / "tests" / "data" / name / "outcomes.jsonl").read_text()
    for kind in ("ListView", "Click", "View", "AddToCart", "Purchase"):
        assert f'"eventType":"{kind}"' in outcomes
    assert '"outcome":"skipped"' in outcomes
    assert '"userId":"u-1"' in outcomes
