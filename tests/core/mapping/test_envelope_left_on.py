"""A value whose envelope the file does not name is told to be in one, where something is missing because of it."""

from typing import Any

import orjson
import pytest
import yaml

from connector.core.mapping.rules import CompiledRules, compile_pipeline
from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.transform import Pipeline
from connector.core.records import Reason, Record, Rejection

NOW = 1_795_600_000.0
ROW = {"session": "s3cr3t"}
CHANGE = {"before": None, "after": ROW, "op": "c"}
WORDS = "; the value looks like an envelope: value.envelope {} takes it off"


def rejected(value: Any, envelope: str = "none", action: str = "sessionId: value.session") -> Rejection:
    text = f"""
name: p
topics: [t]
value: {{envelope: {envelope}}}
rules: [{{name: r, for_each: value.list, put_events: {{{action}, eventType: {{const: View}}}}}}]
"""
    settings = yaml.safe_load(text)
    if "lines" not in value:
        del settings["rules"][0]["for_each"]
    spec = PipelineSpec.model_validate(settings)
    rules = compile_pipeline(spec)
    assert isinstance(rules, CompiledRules)
    found = Pipeline(spec, rules, "any")(Record("t", 0, 0, 1_795_509_011_000, None, orjson.dumps(value)), NOW)
    assert isinstance(found, Rejection)
    assert "s3cr3t" not in found.message
    return found


@pytest.mark.parametrize(
    ("value", "envelope"),
    [
        ({"schema": {"type": "struct"}, "payload": ROW}, "connect"),
        ({"schema": None, "payload": [1]}, "connect"),
        ({"schema": {"type": "struct"}, "payload": CHANGE}, "debezium"),
        (CHANGE, "debezium"),
        ({"before": ROW, "op": "d"}, "debezium"),
        ({"specversion": "1.0", "data": ROW}, "cloudevents"),
        ({"specversion": "1.0", "data_base64": "e30="}, "cloudevents"),
        ({"specversion": "1.0", "data": ROW, "lines": []}, "cloudevents"),
    ],
)
def test_an_envelope_that_was_left_on_is_named(value: Any, envelope: str) -> None:
    rejection = rejected(value)
    assert rejection.reason in {Reason.MISSING_MEMBER, Reason.MISSING_LIST}
    assert rejection.message.endswith(WORDS.format(envelope))


@pytest.mark.parametrize(
    "value", [{}, {"op": "add", "item": 1}, {"payload": ROW}, {"data": ROW}, {"specversion": "1.0"}, {"schema": "x"}]
)
def test_a_value_that_is_in_none_is_not_told_so(value: Any) -> None:
    assert "envelope" not in rejected(value).message


def test_nothing_is_said_where_the_envelope_is_taken_off_or_something_else_is_wrong() -> None:
    assert "looks like" not in rejected({"schema": None, "payload": {"op": "c", "after": {}}}, "connect").message
    wrong = rejected({"specversion": "1.0", "data": ROW}, action="sessionId: value.data")
    assert wrong.reason is Reason.WRONG_TYPE
    assert "looks like" not in wrong.message


def test_a_value_that_is_no_object_is_in_no_envelope() -> None:
    settings = {"name": "p", "topics": ["t"], "value": {"root": "any"}}
    rule = {"name": "r", "put_events": {"sessionId": "value.session", "eventType": {"const": "View"}}}
    spec = PipelineSpec.model_validate({**settings, "rules": [rule]})
    rules = compile_pipeline(spec)
    assert isinstance(rules, CompiledRules)
    found = Pipeline(spec, rules, "any")(Record("t", 0, 0, 1_795_509_011_000, None, b"[1]"), NOW)
    assert isinstance(found, Rejection)
    assert "looks like" not in found.message
