"""Which topics are read, and by which pipeline."""

import re
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.topics import LONGEST, Topics, fault


def reads(*topics: str, exclude: Sequence[str] = ()) -> PipelineSpec:
    rule = {"name": "all", "skip": "all"}
    return PipelineSpec.model_validate({"name": "p", "topics": topics, "exclude": exclude, "rules": [rule]})


def taken(known: Sequence[str], *topics: str, exclude: Sequence[str] = (), dead_letter: str = "") -> set[str]:
    return set(Topics([reads(*topics, exclude=exclude)], dead_letter).among(known))


# What people write, and what they mean by it; POSIX, searching, takes others.
MEANT = {
    "digits": (["^clicks-\\d+$"], ["clicks-1", "clicks-d", "clicks-12"], {"clicks-1", "clicks-12"}),
    "alternatives": (["^orders|events"], ["orders", "events", "shop-events-dlq", "orders-old"], {"orders", "events"}),
    "digits after a point": (
        ["^clicks\\.\\d+"],
        ["clicks.1", "clicks.2", "clicks.dead-letter"],
        {"clicks.1", "clicks.2"},
    ),
    "the whole name": (["^clicks"], ["clicks", "clicks.web"], {"clicks"}),
    "a beginning": (["^clicks.*"], ["clicks", "clicks.web", "my.clicks"], {"clicks", "clicks.web"}),
    "a look-ahead": (["^(?!internal).*"], ["internal.a", "web"], {"web"}),
    "a look-behind": (["^.*(?<!-internal)"], ["a-internal", "a"], {"a"}),
    "lazy": (["^a.*?b"], ["aXb", "aXbc"], {"aXb"}),
    "a point is any character": (["^web.a"], ["web.a", "web-a", "weba"], {"web.a", "web-a"}),
    "case": (["^(?i:clicks)"], ["CLICKS", "clicks", "click"], {"CLICKS", "clicks"}),
    "names and patterns": (["orders", "^web[.].*"], ["orders", "web.a", "app.a"], {"orders", "web.a"}),
}


@pytest.mark.parametrize(("topics", "known", "expected"), MEANT.values(), ids=MEANT.keys())
def test_a_pattern_takes_what_python_matches_as_a_whole(
    topics: list[str], known: list[str], expected: set[str]
) -> None:
    assert taken(known, *topics) == expected


def test_no_pattern_takes_the_dead_letters_or_the_topics_of_the_cluster() -> None:
    known = ["clicks.1", "clicks.dead-letter", "__consumer_offsets", "__transaction_state", "_schemas"]
    assert taken(known, "^.*", dead_letter="clicks.dead-letter") == {"clicks.1", "_schemas"}
    assert taken(known, "^clicks\\.dead-letter", "^__consumer_offsets", dead_letter="clicks.dead-letter") == set()


def test_what_is_excluded_no_pattern_takes_and_a_name_is_read_all_the_same() -> None:
    known = ["web.a", "web.a-internal", "web.b-internal", "web.c"]
    exclude = ["^.*-internal$", "web.c"]
    assert taken(known, "^web[.].*", exclude=exclude) == {"web.a"}
    assert taken(known, "^web[.].*", "web.b-internal", exclude=exclude) == {"web.a", "web.b-internal"}
    assert taken(["web.cc"], "^web[.].*", exclude=["^web.c"]) == {"web.cc"}  # it matches whole names, too


def test_names_come_before_patterns_and_the_first_pattern_before_the_second() -> None:
    topics = Topics([reads("^web.*", exclude=["web.free"]), reads("web.named", "^web.*"), reads("^web.*")])
    assert [topics.owner(topic) for topic in ("web.a", "web.named", "web.free", "app")] == [0, 1, 1, None]
    assert topics.names == ("web.named",)
    assert topics.patterns == ("^web.*",)


def test_a_name_is_read_whether_the_cluster_has_it_or_not() -> None:
    topics = Topics([reads("orders")])
    assert topics.owner("orders") == 0
    assert topics.among(["events"]) == set()


def test_a_pattern_that_takes_nothing_is_told_with_what_it_may_have_meant() -> None:
    topics = Topics([reads("^clicks", "^orders", "^web", exclude=["^web.*"])], "orders.dead")
    known = ["clicks.b", "clicks.a", "orders.dead", "web.a", "__clicks"]
    assert topics.unmatched(known) == {"^clicks": "clicks.a", "^orders": None, "^web": None}
    assert topics.unmatched(["clicks", *known])["^orders"] is None
    assert "^clicks" not in topics.unmatched(["clicks", *known])


FAULTS = {
    "unbalanced": ("^a(", "expected a regular expression: missing ), unterminated subpattern", 2),
    "exponential": (
        "^(a+)+$",
        "expected a pattern without nested or overlapping repeats: this one can take exponential time",
        None,
    ),
    "third power": ("^.*a.*b.*c.*d.*", "fewer repeats that can match the same text", None),
    "without end": ("^a{99999999999}", "expected a simpler regular expression", None),
    "too long to judge": ("^" + "(ab|cd)*" * 1_000, "whose running time can be bounded", None),
}


@pytest.mark.parametrize(("pattern", "message", "position"), FAULTS.values(), ids=FAULTS.keys())
def test_what_is_wrong_with_a_pattern_is_a_value(pattern: str, message: str, position: int | None) -> None:
    found = fault(pattern)
    assert found is not None
    assert message in found.message
    assert found.position == position


FINE = ["^.*", "^clicks-\\d+$", "^(?!internal).*", "^(?:.*-)?web(?:-.*)?$", "^.*foo.*bar.*", "^[^.]+\\.[^.]+\\.events$"]


@pytest.mark.parametrize("pattern", FINE)
def test_what_people_write_is_accepted_and_quick_for_any_name(pattern: str) -> None:
    assert fault(pattern) is None
    evil = ["a" * LONGEST, "-" * LONGEST, "foo" * 83, "a." * 124, "web-" * 62, "foobar" * 41]
    began = time.process_time()
    for name in evil:
        re.compile(pattern).fullmatch(name)
    assert time.process_time() - began < 1.0


@given(st.lists(st.sampled_from(["^a.*", "^.*b", "a", "ab", "^(?!a).*"]), min_size=1, max_size=3, unique=True))
def test_a_topic_is_read_exactly_if_a_pipeline_owns_it(topics: list[str]) -> None:
    choice = Topics([reads(each) for each in topics], "aab")
    known = ["a", "b", "ab", "aab", "__a", "ba"]
    assert choice.among(known) == {topic for topic in known if choice.owner(topic) is not None}
    assert choice.owner("aab") is choice.owner("__a") is None
