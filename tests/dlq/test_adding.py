"""A dead letter becomes the smallest test that fails like it, without people, and nothing else in the file changes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import yaml

from connector.cli import main
from connector.config import Loaded, load
from connector.core.records import Reason, Record, Rejection, Stage
from connector.dlq.adding import Trials, as_test
from connector.dlq.appending import CannotAdd, added
from connector.dlq.letters import letter_of
from connector.kafka.letter import headers

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_795_509_011_000
FILE = """\
# what the shop sends
kafka: {bootstrap_servers: ["localhost:9092"], group_id: shop}
personalize: {tracking_id: tracker}
dead_letter: {topic: clicks.dead-letter}
pipelines:
  - name: clicks
    topics: [clicks]
    rules:
      - name: view  # all of them
        when: value.event == 'Product Viewed'
        put_events:
          sessionId: value.session
          userId: value.user
          eventType: {const: View}
          itemId: value.product.id
          sentAt: value.at
"""
PERSON = {"user": "jane.doe@shop.example", "session": "8f14e45f-ceea-467f-9575-6a2b1c4d7e90"}
VALUE = {
    "event": "Product Viewed",
    **PERSON,
    "product": {"id": "sku-1", "tags": ["a", "b"], "price": 5},
    "at": 1_795_509_011,
    "context": {"ip": "203.0.113.77", "page": {"url": "https://shop.example/jane"}},
}


def rejected(value: Any, reason: Reason, member: str | None, stage: Stage = Stage.MAP) -> Any:
    """The letter of a record with this value."""
    raw = value if isinstance(value, bytes) else orjson.dumps(value)
    record = Record("clicks", 0, 7, NOW, b"jane", raw, (("trace", b"t-1"),))
    rejection = Rejection(stage, reason, "m", member, "clicks", "view")
    return letter_of(Record("dead", 0, 3, NOW, b"jane", raw, tuple(headers(record, rejection, None))))  # type: ignore[arg-type]


def opened(tmp_path: Path, text: str = FILE) -> tuple[Path, Trials]:
    path = tmp_path / "clicks.yaml"
    path.write_text(text)
    loaded = load(str(path), os.environ)
    assert isinstance(loaded, Loaded)
    return path, Trials(loaded, path, "clicks")


LETTERS = [
    (rejected({**VALUE, "session": None}, Reason.MISSING_MEMBER, "sessionId"), {"event"}),
    (
        rejected({**VALUE, "product": {"id": {"n": "sku"}}}, Reason.WRONG_TYPE, "itemId"),
        {"event", "session", "product"},
    ),
    (rejected({**VALUE, "session": "s" * 300}, Reason.TOO_LONG, "sessionId", Stage.VALIDATE), {"event", "session"}),
    (rejected({**VALUE, "at": "yesterday, said jane"}, Reason.INVALID_TIME, "sentAt"), {"event", "at"}),
]


@pytest.mark.parametrize(("letter", "names"), LETTERS, ids=lambda each: getattr(each, "reason", ""))
def test_the_test_is_small_fails_alike_and_has_nobody_in_it(tmp_path: Path, letter: Any, names: set[str]) -> None:
    path, trials = opened(tmp_path)
    test = as_test(letter, trials, FILE, show_values=False).data
    assert set(test["input"]["value"]) <= names | {"session", "product", "at"}
    assert "context" not in test["input"]["value"]
    assert "headers" not in test["input"]
    text = added(FILE, test)
    assert text is not None
    for person in ("jane", "8f14e45f", "203.0.113", "t-1", "sss"):
        assert person not in text
    path.write_text(text)
    assert text.startswith(FILE)
    assert yaml.safe_load(text)["tests"][0]["output"]["rejected"] == letter.reason
    assert main(["test", str(path)]) == 0


def test_the_same_letter_is_added_once(tmp_path: Path) -> None:
    _, trials = opened(tmp_path)
    test = as_test(LETTERS[0][0], trials, FILE, show_values=False).data
    text = added(FILE, test)
    assert text is not None
    assert added(text, test) is None
    assert added(text, as_test(LETTERS[0][0], trials, text, show_values=False).data) is None


@pytest.mark.parametrize(
    ("tests", "after"),
    [
        ("tests:\n", ""),
        ("tests: []\n", ""),
        ("tests: []\n", "log: {level: info}\n"),
        ("tests:\n  - name: one\n    pipeline: clicks\n    input: {value: {}}\n    output: {filtered: true}\n", ""),
        (
            "tests:\n- name: one\n  pipeline: clicks\n  input: {value: {}}\n  output: {filtered: true}\n",
            "\n# the end\n",
        ),
        ("tests:\n  - {name: one, pipeline: clicks, input: {value: {}}, output: {filtered: true}}", ""),
        (
            "tests:\n  - name: one\n    pipeline: clicks\n    input: {value: {}}\n    output:\n      filtered: true\n",
            "\n# of the log\nlog: {level: info}\n",
        ),
        (
            "tests:\n  - name: one\n    pipeline: clicks\n    input: {value_text: |\n     x}\n".replace(
                "{value_text: |\n     x}", "\n      value_text: |\n        {}\n    output: {filtered: true}"
            ),
            "log: {level: info}\n",
        ),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_test_is_added_behind_the_others_and_the_rest_of_the_file_stays(tests: str, after: str, newline: str) -> None:
    before = (FILE + tests + after).replace("\n", newline)
    text = added(before, {"name": "new", "pipeline": "clicks", "input": {"value": None}, "output": {"filtered": True}})
    assert text is not None
    read, old = yaml.safe_load(text), yaml.safe_load(before)
    assert read["tests"] == [
        *(old["tests"] or []),
        {"name": "new", "pipeline": "clicks", "input": {"value": None}, "output": {"filtered": True}},
    ]
    assert {**read, "tests": None} == {**old, "tests": None}
    assert newline == "\r\n" or "\r" not in text
    left = iter(text.split(newline))
    assert all(line in left for line in before.split(newline) if "tests:" not in line and line), (
        "a line is gone or moved"
    )


def test_tests_in_brackets_are_left_to_their_author() -> None:
    one = "{name: one, pipeline: clicks, input: {value: {}}, output: {filtered: true}}"
    with pytest.raises(CannotAdd, match="by hand"):
        added(f"{FILE}tests: [{one}]\n", {"name": "n", "pipeline": "clicks", "input": {}, "output": []})


def test_what_the_mapping_takes_by_now_makes_no_test(tmp_path: Path) -> None:
    _, trials = opened(tmp_path)
    with pytest.raises(CannotAdd, match="does not reject the record any more"):
        as_test(rejected(VALUE, Reason.MISSING_MEMBER, "sessionId"), trials, FILE, show_values=False)
    with pytest.raises(CannotAdd, match="another reason: missing_member"):
        as_test(rejected({**VALUE, "session": None}, Reason.TOO_LONG, "sessionId"), trials, FILE, show_values=False)


def test_a_value_that_the_failure_needs_and_that_may_be_a_persons_is_kept_only_on_request(tmp_path: Path) -> None:
    """Text that is no JSON stands for all that a shape cannot keep."""
    _, trials = opened(tmp_path)
    letter = rejected(b'{"session": NaN, "user": "jane"}', Reason.NOT_JSON, "value", Stage.DECODE)
    test = as_test(letter, trials, FILE, show_values=False)
    assert "jane" not in orjson.dumps(test.data).decode()
    binary = rejected(b'{"session": "\xff"}', Reason.NOT_UTF8, "value", Stage.DECODE)
    with pytest.raises(CannotAdd, match="dlq export"):
        as_test(binary, trials, FILE, show_values=False)


def test_a_whole_record_keeps_its_members_and_times_and_becomes_a_test_of_the_mended_mapping(tmp_path: Path) -> None:
    path, trials = opened(tmp_path)
    moved: Any = {**VALUE, "session": None, "context": {**VALUE["context"], "session": PERSON["session"]}}  # type: ignore[dict-item]
    letter = rejected(moved, Reason.MISSING_MEMBER, "sessionId")
    test = as_test(letter, trials, FILE, whole=True).data
    assert test["input"]["value"]["context"].keys() == moved["context"].keys()
    assert test["input"]["value"]["at"] == VALUE["at"]
    text = added(FILE, test)
    assert text is not None
    assert not [person for person in ("jane", "8f14e45f", "203.0.113", "t-1") if person in text]
    assert max(map(len, text.splitlines())) <= 120
    path.write_text(text.replace("sessionId: value.session", "sessionId: value.session || value.context.session"))
    assert main(["test", str(path)]) == 1
    assert main(["test", str(path), "--update"]) == 0
    assert yaml.safe_load(path.read_text())["tests"][0]["output"][0]["eventType"] == "View"
