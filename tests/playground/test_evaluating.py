"""What the page shows of a text and samples is what the other commands say of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from connector.config import Loaded, load_text
from connector.core.formats.decoded import SchemaPending
from connector.dry_run import DryRun
from connector.playground import evaluating
from connector.playground.evaluating import HIDDEN, SECONDS, Evaluation, Registry
from connector.playground.samples import MOST
from connector.schema_wait import SchemaWait
from tests.support.trials import EVENT, HEAD, RULES, VIEW, config

SECRET = "tracker-from-the-environment"
TESTS = f"""\
- name: a view
  pipeline: web
  input: {{value: {VIEW}}}
  output: [{EVENT}]
- name: a wrong one
  pipeline: web
  input: {{value: {VIEW}}}
  output: {{skipped: bot}}
"""


def sample(**value: Any) -> str:
    return json.dumps({"value": value, "timestamp": 1795509011000})


def evaluate(text: str, *samples: str, env: dict[str, str] | None = None, path: Path = Path("file.yaml")) -> Any:
    answer = Evaluation(path, env or {})(text, samples)
    json.dumps(answer)  # it can be sent
    return answer


CLICK = sample(session="s1", action="view", item="p1", time=1795509011)


def test_a_sample_has_the_fate_calls_and_explanation_of_the_dry_run() -> None:
    loaded = load_text(config(), "file.yaml", {})
    assert isinstance(loaded, Loaded)
    expected = DryRun(loaded, None, explain=True).record(CLICK.encode(), 1)
    [record] = evaluate(config(), CLICK)["records"]
    assert (record["outcome"], record["rule"]) == (expected["outcome"], expected["rule"]) == ("mapped", "clicks")
    assert list(map(json.loads, record["calls"])) == expected["calls"]
    [document] = record["explain"]
    assert [(each["rule"], each["matched"]) for each in document["rules"]] == [("bots", False), ("clicks", True)]
    members = {each["name"]: each for each in document["events"][0]["members"]}
    assert members["itemId"]["spec"] == "value.item"
    assert members["itemId"]["value"] == '"p1"'
    assert members["eventType"]["steps"] == [{"expression": "value.action", "found": '"view"', "hints": []}]


def test_every_outcome_has_its_words() -> None:
    answer = evaluate(config(), CLICK, sample(bot=True), sample(action="view"), sample(other=1), "{oops")
    found = [(each.get("outcome"), each.get("reason"), each.get("member")) for each in answer["records"]]
    assert found[:4] == [
        ("mapped", None, None),
        ("skipped", "bot", None),
        ("dead_letter", "missing_member", "sessionId"),
        ("filtered", None, None),
    ]
    assert answer["records"][4]["error"].startswith("expected a record as a JSON object")
    assert answer["summary"].startswith("4 records: ")


def test_the_limits_are_those_of_the_service() -> None:
    rules = RULES + "    properties: {a: value.item}\n    impression: value.shown\n"
    [record] = evaluate(config(rules=rules), sample(session="s1", action="view", item="p" * 40, shown=["a", "b"]))[
        "records"
    ]
    body = json.loads(record["calls"][0])["eventList"][0]
    limits = {each["what"]: (each["used"], each["most"]) for each in record["limits"]}
    assert limits == {
        "call 1, events": (1, 10),
        "call 1, bytes of the largest event": (len(json.dumps(body, separators=(",", ":"))), 10_240),
        "call 1, characters of the longest properties": (len(body["properties"]), 1_024),
        "call 1, characters of the longest impression": (3, 1_000),
        "call 1, characters of itemId, the longest id or name": (40, 256),
    }


def test_rules_are_marked_with_hits_and_with_what_neither_samples_nor_tests_use() -> None:
    text = config(TESTS)
    rules = {each["rule"]: each for each in evaluate(text, CLICK, CLICK, sample(action="view"))["rules"]}
    lines = text.splitlines()
    assert {name: rule["hits"] for name, rule in rules.items()} == {"bots": 0, "clicks": 3}
    assert "name: bots" in lines[rules["bots"]["line"] - 1]
    parts = {each["what"]: (each["samples"], each["tests"]) for each in rules["clicks"]["parts"]}
    assert parts["the rule"] == (True, True)
    assert parts["its rejection of a record"] == (True, False)
    assert parts["eventType: row view of its lookup"] == (True, True)
    assert parts["eventType: row buy of its lookup"] == (False, False)
    [row] = [each for each in rules["clicks"]["parts"] if "row buy" in each["what"]]
    assert "buy: Purchase" in lines[row["line"] - 1]


def test_the_tests_of_the_text_run_though_it_is_not_saved(tmp_path: Path) -> None:
    tests = evaluate(config(TESTS), path=tmp_path / "file.yaml")["tests"]
    assert [(each["name"], each["passed"]) for each in tests["tests"]] == [("a view", True), ("a wrong one", False)]
    assert "outcome" in tests["tests"][1]["text"]
    assert tests["summary"] == "2 tests: 1 passed, 1 failed"
    assert 0 < tests["coverage"]["percent"] < 100


def test_tests_in_files_beside_run_too_and_say_where_they_are(tmp_path: Path) -> None:
    test = f"{{name: b, pipeline: web, input: {{value: {VIEW}}}, output: [{EVENT}]}}"
    (tmp_path / "file_test.yaml").write_text(f"tests: [{test}]")
    (tmp_path / "file.yaml").write_text(config())
    [found] = evaluate(config(), path=tmp_path / "file.yaml")["tests"]["tests"]
    assert (found["name"], found["file"], found["passed"]) == ("b", "file_test.yaml", True)


def test_a_wrong_test_is_a_problem_and_the_samples_are_mapped_all_the_same() -> None:
    answer = evaluate(config("- {name: t, pipeline: web, input: {file: missing.jsonl}, outputs: []}"), CLICK)
    assert [each["code"] for each in answer["problems"]] == ["unusable-input"]
    assert answer["records"][0]["outcome"] == "mapped"
    assert answer["tests"] is None


def test_a_text_that_is_not_valid_has_its_problems_with_their_places_and_nothing_else() -> None:
    text = config().replace("value.session || value.action", "value.session ||")
    answer = evaluate(text, CLICK)
    assert answer.keys() == {"valid", "problems"}
    [problem] = answer["problems"]
    assert text.splitlines()[problem["line"] - 1].endswith("value.session ||")
    assert (problem["severity"], problem["file"]) == ("error", None)


@pytest.mark.parametrize("text", ["", "a", "[", "kafka: 1", "\0", "a: &a [*a]", "﻿", "? ? ?"])
def test_any_text_gets_an_answer(text: str) -> None:
    assert evaluate(text, CLICK)["valid"] is False


@pytest.mark.parametrize("text", ["", "null", "[]", '"\\ud800"', "{", '{"x": 2}', "\ud800", '{"offset": "a"}'])
def test_any_sample_gets_an_answer(text: str) -> None:
    [record] = evaluate(config(), text)["records"]
    assert record["error"]
    assert not record["error"].startswith("line")


@pytest.mark.parametrize("source", ["env", "file"])
def test_a_tracking_id_from_elsewhere_never_reaches_the_page(tmp_path: Path, source: str) -> None:
    (tmp_path / "id").write_text(SECRET)
    given = "{env: TRACKING_ID, default: x}" if source == "env" else f"{{file: {tmp_path / 'id'}}}"
    head = HEAD.replace("tracking_id: t1", f"tracking_id: {given}")
    tests = f"- {{name: t, pipeline: web, input: {{value: {VIEW}}}, output: [{{trackingId: other}}]}}"
    answer = evaluate(config(tests, head=head), CLICK, env={"TRACKING_ID": SECRET})
    assert SECRET not in json.dumps(answer)
    assert json.loads(answer["records"][0]["calls"][0])["trackingId"] == HIDDEN


def test_a_tracking_id_of_the_file_is_shown() -> None:
    head = HEAD.replace("tracking_id: t1", "tracking_id: {env: TRACKING_ID, default: t1}")
    answer = evaluate(config(head=head), CLICK)
    assert json.loads(answer["records"][0]["calls"][0])["trackingId"] == "t1"


def test_samples_beyond_the_bound_are_named_and_not_mapped() -> None:
    records = evaluate(config(), *[CLICK] * (MOST + 1))["records"]
    assert [each.get("outcome") for each in records[:MOST]] == ["mapped"] * MOST
    assert records[MOST]["error"].startswith(f"not mapped: it is after the first {MOST}")


def test_samples_that_take_too_long_end_the_evaluation() -> None:
    times = iter([0.0, 0.0, SECONDS + 1, SECONDS + 2])
    answer = Evaluation(Path("file.yaml"), {}, clock=lambda: next(times))(config(), [CLICK, CLICK, CLICK])
    assert [each.get("outcome") for each in answer["records"]] == ["mapped", None, None]
    assert answer["records"][2]["error"].startswith("not mapped: those before took 5 s")


def test_tests_with_more_records_than_the_bound_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluating, "MOST_TESTED", 1)
    assert [each["name"] for each in evaluate(config(TESTS))["tests"]["tests"]] == ["a view"]


class NeverAsked:
    """A registry that fails the test when it is asked."""

    def __init__(self, *, known: bool = False) -> None:
        self.asked: list[object] = []
        self.known = known

    def reader(self, schema: int | str, kind: str) -> Any:
        self.asked.append((schema, kind))
        raise SchemaPending(f"schema {schema}")


AVRO = "value: {format: avro}"
REGISTRY = "schema_registry: {url: 'http://127.0.0.1:1'}\n"
FRAMED = json.dumps({"value_base64": "AAAAAAcA"})


@pytest.mark.parametrize("typed", ["http://127.0.0.1:1", "http://127.0.0.1:12"])
def test_only_the_registry_of_the_saved_file_is_asked(typed: str) -> None:
    loaded = load_text(config(pipeline=AVRO, head=HEAD + REGISTRY), "file.yaml", {})
    assert isinstance(loaded, Loaded)
    schemas = NeverAsked()
    evaluation = Evaluation(Path("file.yaml"), {}, Registry(loaded.config.schema_registry, schemas, SchemaWait(None)))
    text = config(pipeline=AVRO, head=HEAD + REGISTRY.replace("http://127.0.0.1:1", typed))
    [first, second] = evaluation(text, [FRAMED, FRAMED])["records"]
    same = typed == "http://127.0.0.1:1"
    assert len(schemas.asked) == same  # and a registry that does not answer is not asked for each sample
    assert first == second
    assert ("save, and start putevents play again" in first["error"]) != same


def test_a_batch_shows_each_of_its_documents() -> None:
    text = config(pipeline="value: {envelope: cloudevents}")
    head = {"specversion": "1.0", "source": "shop", "type": "click"}
    documents = [{"bot": 1}, {"session": "s1", "action": "view"}]
    batch = [{**head, "id": str(number), "data": each} for number, each in enumerate(documents)]
    given = {"value": batch, "headers": {"content-type": "application/cloudevents-batch+json"}}
    [record] = evaluate(text, json.dumps(given))["records"]
    assert [each["rules"][-1]["rule"] for each in record["explain"]] == ["bots", "clicks"]
    assert record["events"] == 1


@pytest.mark.parametrize("name", ["segment.yaml", "ga4.yaml"])
def test_every_example_is_valid_its_tests_pass_and_cover_it(name: str) -> None:
    path = Path(__file__).parents[2] / "examples" / name
    answer = evaluate(path.read_text(), path=path)
    assert answer["valid"]
    assert all(each["passed"] for each in answer["tests"]["tests"])
    assert answer["tests"]["coverage"]["percent"] == 100
