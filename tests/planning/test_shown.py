"""How a plan is written, and what of the settings it says."""

from typing import Any

import orjson
import pytest

from connector.planning.consequences import CONSEQUENCES, failed
from connector.planning.programs import as_json
from connector.planning.settings import settings, written
from connector.planning.shown import markdown, text
from tests.planning.plans import FILE, HEAD, ORDER, VIEW, changed, masks, order, plan, shown, view
from tests.support.config_files import loaded

SKIP = "      - {name: bots, skip: 'REASON'}\n"


def found(old: str, new: str) -> dict[str, tuple[Any, Any]]:
    return {each.path: (each.old, each.new) for each in settings(loaded(old).config, loaded(new).config)}


def test_markdown_stays_text_and_mentions_nobody() -> None:
    new = HEAD + SKIP.replace("REASON", "<b>|`x`|</b> @team **")
    page = markdown(plan(FILE, new, [view()]), masks(plan(FILE, new, [view()])), ["event_ids"])
    assert "\\<b\\>\\|\\`x\\`\\|\\</b\\> &#64;team \\*\\*" in page
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert all(row.replace("\\|", "").startswith("|") and row.endswith("|") for row in rows)


def test_nothing_in_a_value_moves_the_cursor_of_a_terminal() -> None:
    noted = changed("          sentAt", "          properties: {note: value.note}\n          sentAt")
    both = plan(FILE, noted, [view(note="\u202ex\u2028")])
    assert shown(both, values=True).isascii()
    assert '"\\u202ex\\u2028"' in shown(both, values=True)


def test_text_has_colours_only_where_asked() -> None:
    both = plan(FILE, changed("eventId: value.id", "eventId: value.item"), [view()])
    assert "\x1b" not in text(both, masks(both), [], colour=False)
    assert "\x1b[31m! the event ids" in text(both, masks(both), [], colour=True)
    same = plan(FILE, FILE, [view()])
    assert "\x1b[32mnothing changes" in text(same, masks(same), [], colour=True)


def test_a_table_has_an_end_and_json_has_every_row() -> None:
    wide = changed("          itemId: value.item\n", "          itemId: value.item\n          properties: value.p\n")
    both = plan(FILE, wide, [view(p={f"c{number}": 1 for number in range(50)})])
    assert "  and 30 more: --output json has them" in shown(both)
    assert "and 30 more" in markdown(both, masks(both), [])
    assert len(as_json(both, masks(both), [])["members"]) == 50


def test_members_that_data_names_are_bounded() -> None:
    wide = changed("          itemId: value.item\n", "          itemId: value.item\n          properties: value.p\n")
    both = plan(FILE, wide, [view(p={f"c{number}": 1}) for number in range(300)]).comparison.found
    assert len(both.members) == 201
    assert both.members["properties.others"].count == 100


def test_a_property_whose_name_looks_like_an_id_is_masked() -> None:
    wide = changed("          itemId: value.item\n", "          itemId: value.item\n          properties: value.p\n")
    both = plan(FILE, wide, [view(p={"user-1234567": 1, "alice@example.com": 2, "colour": 3})])
    for page in (shown(both), markdown(both, masks(both), []), str(as_json(both, masks(both), []))):
        assert "1234567" not in page
        assert "alice" not in page
        assert "properties.colour" in page
    assert "properties.user-1234567" in shown(both, values=True)


def test_json_is_json() -> None:
    both = plan(FILE, HEAD + ORDER, [view(), order("a"), b"not json"], topic="clicks")
    assert orjson.loads(orjson.dumps(as_json(both, masks(both), []))) == as_json(both, masks(both), [])


def test_a_changed_rule_that_takes_no_record_is_named() -> None:
    """A sample without orders says nothing about a change of the rule of orders."""
    new = changed("itemId: item.sku", "itemId: item.id")
    both = plan(FILE, new, [view()])
    assert failed(both, list(CONSEQUENCES)) == ["unseen", "any"]
    assert "! no record is taken by what changes in web / order: add records that are" in shown(both)
    assert "unseen" not in failed(plan(FILE, new, [order("a")]), list(CONSEQUENCES))


def test_the_quota_of_calls_is_given_where_records_have_times() -> None:
    assert "of the quota of 1,000 calls/s" not in shown(plan(FILE, FILE, [view()]))
    many = plan(FILE, FILE, [view(number) for number in range(2000)])  # a millisecond apart
    assert many.comparison.found.seconds == pytest.approx(1.999)
    assert "of the quota of 1,000 calls/s, on average 10.0% 10.0%" in " ".join(shown(many).split())


# -- settings --------------------------------------------------------------------------------------------------


def test_settings_that_differ_are_listed_with_what_follows() -> None:
    both = plan(FILE, changed("group_id: g", "group_id: h"), [view()])
    assert [each.path for each in both.settings] == ["kafka.group_id"]
    assert "no committed offsets" in both.settings[0].follows
    assert "! the consumer group changes: this group has no committed offsets" in shown(both)


def test_a_list_and_a_property_with_dots_are_one_setting() -> None:
    new = changed("group_id: g", "group_id: g, librdkafka: {fetch.wait.max.ms: 7}").replace(
        "[clicks]", "[clicks, more]"
    )
    assert found(FILE, new) == {
        "kafka.librdkafka": ({}, None),
        "kafka.librdkafka.fetch.wait.max.ms": (None, 7),
        "pipelines.web.topics": (["clicks"], ["clicks", "more"]),
    }


def test_a_pipeline_that_is_new_is_one_setting() -> None:
    more = FILE + VIEW.replace("      - name", "  - name: p.2\n    topics: [others]\n    rules:\n      - name")
    assert found(FILE, more) == {"pipelines.p.2": (None, "there")}
    assert [each.follows != "" for each in settings(loaded(FILE).config, loaded(more).config)] == [True]


def test_secrets_are_masked_and_rules_and_tests_are_no_settings() -> None:
    secret = "group_id: g, auth: {type: plain, username: u, password: hidden1}"
    new = changed("group_id: g", secret)
    assert "hidden1" not in str(found(FILE, new))
    assert found(new, new.replace("hidden1", "hidden2")) == {}
    assert found(FILE, HEAD + VIEW) == {}


@pytest.mark.parametrize(
    ("value", "words"), [(None, "unset"), ({}, "unset"), ([], "none"), (["a", "b"], "a, b"), (7, "7"), ("x", "x")]
)
def test_values_of_settings_are_words(value: Any, words: str) -> None:
    assert written(value) == words
