"""What the pages say is what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from connector.config import Loaded, load_text
from connector.core.mapping.rules import CompiledRules, compile_pipeline
from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.topics import Topics
from connector.core.mapping.transform import Pipeline
from connector.core.records import Reason, Record, Transformed
from connector.exits import Exit
from tests.support.each import for_each
from tests.support.pages import PAGES, ROOT, targets
from tools import reference


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def test_every_reference_page_is_what_the_code_would_write() -> None:
    for name, page in reference.PAGES.items():
        assert (ROOT / "docs" / "reference" / name).read_text() == page(), f"{name} is out of date: run make docs"


def test_the_reference_of_metrics_names_the_labels_of_every_series() -> None:
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    found = re.findall(r"^\| `(\w+)` \| \w+ \| ([^|]*?) \|", page, re.MULTILINE)
    rows = {name: set(labels.split(", ")) for name, labels in found}
    scrape = (ROOT / "tests" / "loop" / "scrape.txt").read_text()
    for series, labels in re.findall(r"^(\w+?)(?:_bucket|_count|_sum)?\{(.*)\}$", scrape, re.MULTILINE):
        if not series.endswith("_created"):
            assert set(re.findall(r'(\w+)="', labels)) - {"le"} == rows[series], series


def test_the_files_of_the_readme_are_valid() -> None:
    files = [text for text in blocks(ROOT / "README.md", "yaml") if "pipelines:" in text]
    assert files
    for text in files:
        assert isinstance(load_text(text, "README.md", {"PERSONALIZE_TRACKING_ID": "t"}), Loaded)


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_is_valid_without_any_variable_set(example: Path) -> None:
    assert isinstance(load_text(example.read_text(), example.name, {}), Loaded)


def test_the_topics_of_the_mapping_page_are_valid() -> None:
    [text] = [text for text in blocks(ROOT / "docs" / "mapping.md", "yaml") if text.startswith("topics:")]
    pipeline = {"name": "p", "rules": [{"name": "r", "skip": "x"}], **yaml.safe_load(text)}
    topics = Topics([PipelineSpec.model_validate(pipeline)])
    assert topics.among(["orders", "web.a", "web.a-internal", "web"]) == {"orders", "web.a"}


def test_the_field_specs_of_the_mapping_page_are_valid() -> None:
    others = ("tests:", "topics:", "for_each:")
    [text] = [text for text in blocks(ROOT / "docs" / "mapping.md", "yaml") if not text.startswith(others)]
    lines = "".join(f"          {line}\n" for line in text.splitlines())
    # The page shows several specs for one member, one below the other; each is tried alone.
    starts = [match.start() for match in re.finditer(r"^ {10}\w", lines, re.MULTILINE)]
    members = [lines[start:end] for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]
    for member in members:
        rest = "" if "eventType" in member else "          eventType: {const: View}\n"
        each = "        for_each: value.products\n" if "index" in member else ""
        rule = f"      - name: r\n{each}        put_events:\n          sessionId: value.s\n{rest}{member}"
        text = f"{HEAD}{rule}"
        loaded = load_text(text, "mapping.md", {})
        assert isinstance(loaded, Loaded), (text, loaded)


HEAD = """\
kafka: {bootstrap_servers: "localhost:9092", group_id: g}
personalize: {tracking_id: t}
dead_letter: {topic: d}
pipelines:
  - name: p
    topics: [t]
    rules:
"""


@for_each(PAGES)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    for target, _ in targets(page.read_text()):
        assert (page.parent / target).exists(), target


def test_links_of_markdown_and_of_html_are_found_and_those_to_elsewhere_are_not() -> None:
    text = """[a](b.md#c) ![d](e.png) [f](#g) <a href="h.md#i"><img src='j.png'></a> [k](https://l.example/#m)"""
    assert targets(text) == [("b.md", "c"), ("e.png", ""), ("", "g"), ("h.md", "i"), ("j.png", "")]


def test_every_exit_code_and_every_reason_is_documented() -> None:
    operations = (ROOT / "docs" / "operations.md").read_text()
    for code in Exit:
        if code is not Exit.NOT_OK:
            assert f"| {code.value} |" in operations
    reasons = (ROOT / "docs" / "reference" / "reasons.md").read_text()
    troubleshooting = (ROOT / "docs" / "troubleshooting.md").read_text()
    for reason in Reason:
        assert f"`{reason}`" in reasons
        assert f"`{reason}`" in troubleshooting, "what to do about it"


def test_the_index_of_the_decisions_has_each_with_its_number_and_title() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text()
    for record in sorted(folder.glob("[0-9]*.md")):
        title = record.read_text().splitlines()[0].removeprefix("# ")
        row = f"| {record.name[:4]} | [{title}]({record.name}) |"
        assert row in index, f"docs/decisions/README.md lacks the row: {row}"


def test_every_metric_and_setting_that_a_page_names_exists() -> None:
    metrics = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    settings = (ROOT / "docs" / "reference" / "settings.md").read_text()
    for page in PAGES:
        for name in re.findall(r"`(putevents_[a-z_]+)", page.read_text()):
            assert f"`{name}`" in metrics, f"{page.name} names {name}"
        for name in re.findall(
            r"`(?:delivery|dead_letter|personalize|kafka|server)\.(?!py`)([a-z_]+)[`:]", page.read_text()
        ):
            assert f"`{name}`" in settings, f"{page.name} names {name}"


def test_the_example_of_snowplow_reads_an_enriched_event_by_its_131_columns() -> None:
    loaded = load_text((ROOT / "examples" / "snowplow.yaml").read_text(), "snowplow.yaml", {})
    assert isinstance(loaded, Loaded)
    spec = loaded.config.pipelines[0]
    columns = spec.value.columns or []
    assert (len(columns), len(set(columns)), columns[0], columns[-1]) == (131, 131, "app_id", "true_tstamp")
    cells = {"event_name": "snowplow_ecommerce_action", "event_id": "e1", "domain_sessionid": "s1"}
    cells["derived_tstamp"] = "2026-11-24 08:30:10.500"
    cells["unstruct_event"] = '{"data":{"data":{"type":"product_view"}}}'
    schema = "iglu:com.snowplowanalytics.snowplow.ecommerce/product/jsonschema/1-0-0"
    cells["contexts"] = json.dumps({"data": [{"schema": schema, "data": {"id": "p1"}}]})
    line = "\t".join(cells.get(column, "") for column in columns)
    rules = compile_pipeline(spec)
    assert isinstance(rules, CompiledRules), rules
    made = Pipeline(spec, rules, "t")(Record("enriched", 0, 0, None, None, line.encode()), 1795600000.0)
    assert isinstance(made, Transformed)
    assert [(entry.lane, json.loads(entry.body)) for entry in made.entries] == [
        ("s1", {"eventType": "View", "eventId": "e1:0", "itemId": "p1", "sentAt": 1795509010})
    ]
