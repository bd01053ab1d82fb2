"""An event that is older than ``max_age`` goes the way of ``late``; how old it is, is counted from now."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector.core.mapping.specs import PipelineSpec
from connector.core.records import Reason, Rejection, Skip, Skipped, Stage, Transformed
from tests.core.mapping.test_transform import NOW, SHOP, pipeline, record, view

AGE = 14 * 86_400
LATE = int(NOW) - AGE - 1
LIMIT = "max_age: 14d\n"
skipping, reporting = pipeline(SHOP + LIMIT), pipeline(SHOP + LIMIT + "late: dead_letter\n")
LINES = (SHOP + LIMIT).replace("itemId: item.sku", "sentAt: item.at")


def order(*times: int) -> Any:
    return {"type": "order", "session": "s", "lines": [{"at": each} for each in times]}


def test_an_event_that_is_older_than_max_age_is_skipped_as_late() -> None:
    assert skipping(view(at=LATE), NOW) == Skipped(Skip.LATE, "view", "shop")


def test_late_dead_letter_rejects_it_and_names_the_setting_and_no_time() -> None:
    message = "pipeline shop, rule view: sentAt: expected a time at most max_age (14d) ago"
    expected = Rejection(Stage.VALIDATE, Reason.LATE, message, "sentAt", "shop", "view")
    assert reporting(view(at=LATE), NOW) == expected


def test_without_max_age_nothing_is_late() -> None:
    assert isinstance(pipeline()(view(at=946_684_801), NOW), Transformed)


def test_an_event_without_a_time_of_its_own_is_as_old_as_its_record() -> None:
    text = (SHOP + LIMIT).replace("      sentAt: value.at\n", "")
    assert pipeline(text)(view()._replace(timestamp=LATE * 1000), NOW) == Skipped(Skip.LATE, "view", "shop")


def test_the_same_record_is_late_only_once_it_is_old() -> None:
    read = view(at=int(NOW))
    assert isinstance(skipping(read, NOW + AGE), Transformed)
    assert skipping(read, NOW + AGE + 1) == Skipped(Skip.LATE, "view", "shop")


def test_an_invalid_event_is_reported_however_old_it_is() -> None:
    made = skipping(view(at=LATE, item="x" * 257), NOW)
    assert isinstance(made, Rejection)
    assert made.reason is Reason.TOO_LONG


def test_a_time_in_a_wrong_unit_is_invalid_and_not_late() -> None:
    made = skipping(view(at=LATE // 1000), NOW)
    assert isinstance(made, Rejection)
    assert made.reason is Reason.TIME_OUT_OF_WINDOW


def test_of_a_list_the_elements_that_are_not_late_go() -> None:
    made = pipeline(LINES)(record(order(LATE, int(NOW), LATE)), NOW)
    assert isinstance(made, Transformed)
    assert [entry.element for entry in made.entries] == [1]
    assert made.rejection is None


def test_of_a_list_with_dead_letter_the_late_elements_are_named() -> None:
    made = pipeline(LINES + "late: dead_letter\n")(record(order(LATE, int(NOW), LATE)), NOW)
    assert isinstance(made, Transformed)
    assert made.rejection is not None
    assert (made.rejection.reason, made.rejection.indexes) == (Reason.LATE, (0, 2))


def test_a_list_of_which_all_is_late_is_skipped() -> None:
    assert pipeline(LINES)(record(order(LATE, LATE)), NOW) == Skipped(Skip.LATE, "order", "shop")


def test_a_batch_is_skipped_as_late_where_all_of_its_documents_are() -> None:
    events = pipeline(SHOP + LIMIT + "value: {envelope: cloudevents}\n")
    attributes = {"specversion": "1.0", "id": "e", "source": "/web", "type": "view"}
    data = {"type": "view", "session": "s", "item": "i"}
    late, new = ({**attributes, "data": {**data, "at": at}} for at in (LATE, int(NOW)))
    assert events(record([late, late]), NOW) == Skipped(Skip.LATE, "view", "shop")
    made = events(record([late, new]), NOW)
    assert isinstance(made, Transformed)
    assert [entry.element for entry in made.entries] == [1]


@given(age=st.integers(0, 800_000_000), limit=st.integers(1, 365), late=st.sampled_from(["skip", "dead_letter"]))
def test_an_event_goes_exactly_where_its_age_is_within_max_age(age: int, limit: int, late: str) -> None:
    made = pipeline(SHOP + f"max_age: {limit}d\nlate: {late}\n")(view(at=int(NOW) - age), NOW)
    if age <= limit * 86_400:
        assert isinstance(made, Transformed)
    else:
        assert isinstance(made, Skipped if late == "skip" else Rejection)


@pytest.mark.parametrize("value", ["0s", "14", 14, "14 d", "366d", True])
def test_max_age_is_a_duration_above_zero(value: object) -> None:
    with pytest.raises(ValidationError):
        PipelineSpec.model_validate({**yaml.safe_load(SHOP), "max_age": value})


def test_a_spec_that_is_built_in_code_takes_seconds() -> None:
    assert PipelineSpec.model_validate({**yaml.safe_load(SHOP), "max_age": 5.0}).max_age == 5.0
