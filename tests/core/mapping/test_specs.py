"""A rule does one thing, and a spec says which of its shapes it is."""

from typing import Any

import pytest
from pydantic import ValidationError

from connector.core.mapping.specs import Rule

EVENT = {"sessionId": "value.s", "eventType": {"const": "View"}}


def problem(**parts: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Rule.model_validate({"name": "r", **parts})
    return str(caught.value)


def test_a_rule_maps_or_skips_and_never_both_nor_neither() -> None:
    assert Rule.model_validate({"name": "r", "put_events": EVENT}).skip is None
    assert Rule.model_validate({"name": "r", "skip": "test traffic"}).put_events is None
    assert "exactly one action" in problem(put_events=EVENT, skip="test traffic")
    assert "exactly one action" in problem()


def test_a_rule_that_skips_takes_the_whole_record() -> None:
    assert "for_each makes one event an element" in problem(skip="test traffic", for_each="value.lines")


@pytest.mark.parametrize("spec", [5, ["value.s"], {"when": "true"}, None])
def test_what_is_no_field_spec_is_told_which_there_are(spec: Any) -> None:
    assert "one of const, template, case, from" in problem(put_events={**EVENT, "sessionId": spec})


def test_an_unknown_key_is_an_error() -> None:
    assert "Extra inputs" in problem(put_events={**EVENT, "itemID": "value.i"})
    assert "Extra inputs" in problem(put_events={**EVENT, "itemId": {"from": "value.i", "defualt": 1}})


def test_a_case_has_arms_and_may_have_a_last_one() -> None:
    case = {"case": [{"when": "value.a", "then": "value.b"}, {"else": {"const": "c"}}]}
    rule = Rule.model_validate({"name": "r", "put_events": {**EVENT, "itemId": case}})
    assert Rule.model_validate(rule.model_dump(by_alias=True)) == rule
    assert "case" in problem(put_events={**EVENT, "itemId": {"case": []}})
