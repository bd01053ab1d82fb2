"""What a plan finds in records that go through two versions of a file."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.planning.consequences import CONSEQUENCES, UnknownConsequence, failed, names_of
from connector.planning.findings import Group
from tests.planning.plans import FILE, HEAD, ORDER, VIEW, changed, order, plan, shown, view
from tests.support.examples import examples

RECORDS = [view(1), view(2), order("a", "b"), {"kind": "other"}, view(3, session=None)]


def all_failed(old: str, new: str, values: list[Any]) -> set[str]:
    return set(failed(plan(old, new, values), list(CONSEQUENCES)))


def test_a_file_against_itself_changes_nothing() -> None:
    found = plan(FILE, FILE, RECORDS)
    assert not found.comparison.found.changed
    assert failed(found, list(CONSEQUENCES)) == []
    assert shown(found).endswith("nothing changes: 5 records, the same events\n")


def test_event_ids_that_change_are_the_first_alarm() -> None:
    found = plan(FILE, changed("eventId: value.id", "eventId: value.item", FILE), RECORDS)
    assert found.comparison.found.changed_ids == 2
    assert "! the event ids of 2 of 4 events change" in shown(found).split("\n\n")[1]


def test_an_id_that_events_share_is_found() -> None:
    """An id that lines of an order share: Personalize would keep one event of each order."""
    new = changed("-{{ item.sku }}", "-{{ length(item.sku) }}")
    found = plan(FILE, new, [order("a", "b", "c")])
    assert (found.comparison.old.repeated, found.comparison.new.repeated) == (0, 2)
    assert "! 2 events more have the id of another event: Personalize keeps one of each" in shown(found)
    assert "event_ids" in failed(found, ["event_ids"])


def test_an_event_that_comes_twice_shares_its_id_with_nothing() -> None:
    """Producers write a record twice; that is what ids are for."""
    assert plan(FILE, FILE, [view(), view(), order("a"), order("a")]).comparison.new.repeated == 0
    assert "event_ids" not in all_failed(HEAD + ORDER, FILE, [view(), view()])


def test_the_same_id_by_another_expression_is_no_change() -> None:
    new = changed("eventId: value.id", "eventId: {template: '{{ value.id }}'}")
    assert all_failed(FILE, new, [view(1), view(2)]) == set()
    new = changed("eventId: value.id", "eventId: value.item")
    assert "event_ids" in all_failed(FILE, new, [view(1), view(2)])


def test_records_that_are_newly_dead_lettered_are_grouped_by_reason_rule_and_member() -> None:
    new = changed("sessionId: value.session", "sessionId: value.visitor", FILE)
    found = plan(FILE, new, [view(1), view(2, visitor="v")])
    [(group, seen)] = found.comparison.found.newly["dead_letter"].items()
    assert group == Group("delivered", "missing_member", "web", "view", "sessionId")
    assert (seen.count, seen.place.line) == (1, 1)
    assert {"dead_letters", "lost"} <= set(failed(found, list(CONSEQUENCES)))
    assert "        1  missing_member  sessionId  web / view  delivered  line 1" in shown(found)


def test_records_that_are_newly_delivered_are_no_loss() -> None:
    assert all_failed(HEAD + VIEW, FILE, [order("a")]) == {"events", "any"}


def test_records_that_are_newly_filtered_skipped_or_not_read_fail_on_skipped() -> None:
    bots = "      - {name: bots, when: value.item == 'shoe', skip: shoes}\n"
    assert {"skipped", "lost", "rules"} <= all_failed(FILE, HEAD + bots + VIEW, [view()])
    assert {"skipped", "lost"} <= all_failed(FILE, HEAD + ORDER, [view()])
    elsewhere = changed("topics: [clicks]", "topics: [others]")
    assert {"skipped", "lost", "settings"} <= all_failed(FILE, elsewhere, [view()])


def test_a_skip_for_another_reason_is_no_loss() -> None:
    skip = "      - {name: bots, skip: REASON}\n"
    found = plan(HEAD + skip.replace("REASON", "bot"), HEAD + skip.replace("REASON", "robot"), [view()])
    assert list(found.comparison.found.reasons) == [Group("skipped, bot", "robot", "web", "bots")]
    assert failed(found, list(CONSEQUENCES)) == ["any"]


def test_an_element_that_makes_no_event_any_more_is_a_loss_of_an_event() -> None:
    new = changed("for_each: value.lines", "for_each: value.lines[?sku != 'b']")
    found = plan(FILE, new, [order("a", "b", "c")])
    assert found.comparison.found.removed == 1
    assert {"lost", "events"} <= set(failed(found, list(CONSEQUENCES)))
    assert "! 1 event of records that still make others is made no more" in shown(found)


def test_another_rule_that_makes_the_same_events_is_named() -> None:
    found = plan(FILE, changed("name: view\n", "name: looked\n"), [view(1), view(2)])
    assert failed(found, list(CONSEQUENCES)) == ["rules", "any"]
    assert "        2  web / view  web / looked  line 1" in shown(found)


def test_the_tracking_id_of_the_file_and_of_a_rule_fail_on_tracking_id() -> None:
    assert "tracking_id" in all_failed(FILE, changed("tracking_id: t1", "tracking_id: t2"), [view()])
    per_rule = changed(
        "          sessionId: value.session\n          eventType: {const: View}",
        """\
          sessionId: value.session
          trackingId: {const: t2}
          eventType: {const: View}""",
    )
    found = plan(FILE, per_rule, [view()])
    assert "tracking_id" in failed(found, list(CONSEQUENCES))
    assert '"t1" -> "t2"' in shown(found)


def test_calls_are_counted_by_the_lanes_that_send() -> None:
    """Eleven events of one session are two calls; a session each, eleven."""
    values = [view(number, user=f"u{number}") for number in range(11)]
    found = plan(FILE, changed("sessionId: value.session", "sessionId: value.user"), values).comparison
    assert (found.old.calls, found.new.calls) == ((2, 11), (11, 11))


def test_types_and_columns_beyond_ten_fail_on_quota_unless_it_was_so_before() -> None:
    wide = changed(
        "          itemId: value.item\n",
        """\
          itemId: value.item
          properties: value.properties
""",
    )
    record = view(properties={f"c{number}": 1 for number in range(6)})
    assert "quota" in all_failed(FILE, wide, [record])
    assert "quota" not in all_failed(wide, wide, [record])
    assert "more than 10 together, or than 5 properties: training fails" in shown(plan(FILE, wide, [record]))


def test_values_of_records_are_not_shown_unless_asked_for() -> None:
    new = changed("itemId: value.item", "itemId: value.secret")
    found = plan(FILE, new, [view(secret="alice@example.com")])
    assert "alice" not in shown(found)
    assert "text(4) -> text(17)" in shown(found)
    assert '"shoe" -> "alice@example.com"' in shown(found, values=True)


def test_two_values_of_one_form_are_said_to_differ() -> None:
    found = plan(FILE, changed("itemId: value.item", "itemId: value.kind"), [view()])
    assert "text(4), another value" in shown(found)


def test_texts_of_the_file_are_shown() -> None:
    found = plan(FILE, changed("{const: View}", "{const: Looked}"), [view()])
    assert '"View" -> "Looked"' in shown(found)


def test_a_record_of_a_topic_that_neither_version_reads_is_counted_apart() -> None:
    found = plan(FILE, FILE, [view()], topic="elsewhere")
    assert (found.comparison.found.records, found.comparison.found.unread) == (1, 1)
    assert plan(FILE, FILE, [view()], topic="elsewhere", pipeline="web").comparison.found.unread == 0


@pytest.mark.parametrize("text", ["event_ids", "event-ids , quota", ",".join(CONSEQUENCES)])
def test_names_of_consequences_are_a_list_with_commas(text: str) -> None:
    assert set(names_of(text)) <= set(CONSEQUENCES)


@pytest.mark.parametrize(
    ("text", "hint"),
    [("even_ids", "did you mean event_ids"), ("", "an empty list: one or more"), ("x", "not x: one or")],
)
def test_a_name_that_is_no_consequence_is_refused_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(UnknownConsequence, match=hint):
        names_of(text)


# -- laws ------------------------------------------------------------------------------------------------------

VERSIONS = [
    FILE,
    HEAD + VIEW,
    HEAD + ORDER,
    changed("eventId: value.id", "eventId: value.item"),
    changed("for_each: value.lines", "for_each: value.lines[?sku != 'b']"),
    changed("sessionId: value.session", "sessionId: value.visitor"),
    changed("-{{ item.sku }}", "-{{ length(item.sku) }}"),
    HEAD + "      - {name: bots, when: value.item == 'shoe', skip: shoes}\n" + VIEW + ORDER,
]
IDS = st.sampled_from(["s1", "s2", None])
DOCUMENTS = st.builds(
    lambda kind, session, visitor, number, skus: {
        **(view(number) if kind == "view" else order(*skus)),
        "kind": kind,
        "session": session,
        "visitor": visitor,
    },
    st.sampled_from(["view", "order", "other"]),
    IDS,
    IDS,
    st.integers(0, 3),
    st.lists(st.sampled_from("abc"), max_size=4),
)
VALUES = st.lists(DOCUMENTS | st.just(b"not json"), max_size=8)
pytestmark = pytest.mark.timeout(300)


@settings(max_examples=examples(200), deadline=None)
@given(st.sampled_from(VERSIONS), VALUES)
def test_no_version_differs_from_itself(version: str, values: list[Any]) -> None:
    assert all_failed(version, version, values) == set()


@settings(max_examples=examples(200), deadline=None)
@given(st.sampled_from(VERSIONS), st.sampled_from(VERSIONS), VALUES)
def test_a_plan_backwards_is_the_plan_forwards_with_its_sides_exchanged(old: str, new: str, values: list[Any]) -> None:
    there, back = (plan(*both, values).comparison for both in ((old, new), (new, old)))
    one, other = there.found, back.found
    assert (one.records, one.changed, one.compared_events) == (other.records, other.changed, other.compared_events)
    assert (one.added, one.removed, one.changed_events) == (other.removed, other.added, other.changed_events)
    assert {name: each.count for name, each in one.members.items()} == {
        name: each.count for name, each in other.members.items()
    }
    moves = {(moved.old, moved.new): seen.count for moved, seen in one.rules.items()}
    assert moves == {(moved.new, moved.old): seen.count for moved, seen in other.rules.items()}
    for kind in one.newly:
        left = sum(s.count for groups in other.newly.values() for group, s in groups.items() if group.was == kind)
        assert one.total(kind) == left
    assert (there.old.calls, there.old.repeated) == (back.new.calls, back.new.repeated)


@settings(max_examples=examples(200), deadline=None)
@given(st.sampled_from(VERSIONS), st.sampled_from(VERSIONS), VALUES)
def test_every_event_of_both_versions_is_accounted_for(old: str, new: str, values: list[Any]) -> None:
    """Fates differ only where a record is in a group, and events only where they are counted."""
    found = plan(old, new, values).comparison
    kinds = {*found.old.outcomes, *found.new.outcomes}
    for kind in kinds:
        came = found.found.total(kind)
        went = sum(
            seen.count for groups in found.found.newly.values() for group, seen in groups.items() if group.was == kind
        )
        assert found.new.outcomes[kind] - found.old.outcomes[kind] == came - went
    if not found.found.changed:
        assert found.old.calls == found.new.calls
