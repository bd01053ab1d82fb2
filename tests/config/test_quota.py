"""The service's quota of ten event types and columns together, as far as the file names them."""

import pytest

from connector.config import Problem
from tests.support.config_files import build, loaded


def warnings(*rules: str, tracking_id: str = "tracker-1") -> list[Problem]:
    members = "".join(
        f"\n    - name: r{number}\n      when: value.kind == 'k{number}'\n"
        f"      put_events: {{sessionId: value.session, {rule}}}"
        for number, rule in enumerate(rules)
    )
    text = build(
        personalize=f"personalize: {{tracking_id: {tracking_id}}}",
        pipelines=f"pipelines:\n  - name: web\n    topics: [clicks]\n    rules:{members}",
    )
    return [problem for problem in loaded(text).warnings if problem.code == "over-quota"]


def kinds(count: int, more: str = "") -> list[str]:
    return [f"eventType: {{const: Type{number}}}{more}" for number in range(count)]


def test_nine_types_and_the_column_event_type_fit_and_ten_do_not() -> None:
    assert warnings(*kinds(9)) == []
    (warning,) = warnings(*kinds(10))
    assert warning.severity == "warning"
    assert warning.message == (
        "expected at most 10 event types and columns together, not 11: 10 event types and EVENT_TYPE"
    )
    assert "Type9" in warning.source_line


def test_eventvalue_and_properties_are_columns() -> None:
    assert warnings(*kinds(6, ", eventValue: value.price, properties: {a: value.a, b: value.b}")) == []
    (warning,) = warnings(*kinds(7, ", eventValue: value.price, properties: {a: value.a, b: value.b}"))
    assert warning.message.endswith("not 11: 7 event types, EVENT_TYPE, EVENT_VALUE and 2 properties")
    (warning,) = warnings(*kinds(9), "eventType: {const: Type0}, properties: {a: value.a}")
    assert warning.message.endswith("9 event types, EVENT_TYPE and 1 property")
    assert warning.source_line[warning.caret :].startswith("properties")


def test_more_than_five_properties_are_too_many_alone() -> None:
    five, six = (", ".join(f"p{number}: value.p{number}" for number in range(count)) for count in (5, 6))
    assert warnings(f"eventType: {{const: View}}, properties: {{{five}}}") == []
    (warning,) = warnings(f"eventType: {{const: View}}, properties: {{{six}}}")
    assert warning.message == "expected at most 5 properties in all rules together, not 6"


ARMS = ", ".join(f"{{when: value.x == 't{number}', then: {{const: T{number}}}}}" for number in range(9))
TABLE = ", ".join(f"a{number}: T{number}" for number in range(9))


@pytest.mark.parametrize(
    "spec",
    [
        f"{{case: [{ARMS}, {{else: {{const: Other}}}}]}}",
        f"{{from: value.x, lookup: {{{TABLE}}}, otherwise: {{const: Other}}}}",
        f"{{from: value.x, lookup: {{{TABLE}}}, default: Other}}",
    ],
)
def test_types_of_cases_and_lookups_are_counted(spec: str) -> None:
    (warning,) = warnings(f"eventType: {spec}")
    assert warning.message.endswith("not 11: 10 event types and EVENT_TYPE")


def test_what_only_a_record_says_is_not_counted() -> None:
    assert warnings(*kinds(8), "eventType: value.kind", "eventType: {const: Type0}, properties: value.all") == []
    assert len(warnings(*kinds(9), "eventType: \"'Type9'\"")) == 1


def test_each_tracking_id_is_counted_alone_and_warned_of_once() -> None:
    half = kinds(6)
    other = [f"{rule.replace('const: Type', 'const: Other')}, trackingId: {{const: tracker-2}}" for rule in half]
    assert warnings(*half, *other) == []
    same = [f"{rule.replace('const: Type', 'const: Other')}, trackingId: {{const: tracker-1}}" for rule in half]
    assert len(warnings(*half, *same)) == 1
    assert (
        warnings(*half, *(f"{rule.replace('const: Type', 'const: X')}, trackingId: value.tracker" for rule in half))
        == []
    )
