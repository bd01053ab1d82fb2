from __future__ import annotations

import itertools
from collections import Counter, defaultdict

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.streams import MAX_EVENTS_PER_CALL, OPENING, SHAPES, Shape, clicks, fewest_calls
from connector.core.records import MAX_EVENTS_PER_CALL as OURS

RECORDS = 20_000
EVENTS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([None, "u", "v"])), max_size=60)


def by_rule(events: list[tuple[str, str | None]]) -> int:
    """The same number the slow way: each session by itself, cut at users, then in tens."""
    sessions: dict[str, list[str | None]] = defaultdict(list)
    for session, user in events:
        sessions[session].append(user)
    stretches = (len(list(stretch)) for users in sessions.values() for _, stretch in itertools.groupby(users))
    return sum(-(-length // MAX_EVENTS_PER_CALL) for length in stretches)


@given(EVENTS)
def test_the_fewest_calls_are_those_of_each_session_cut_at_users_and_then_at_tens(
    events: list[tuple[str, str | None]],
) -> None:
    assert fewest_calls(events) == by_rule(events)


@given(EVENTS, st.randoms())
def test_how_sessions_are_interleaved_changes_nothing(events: list[tuple[str, str | None]], chance: object) -> None:
    del chance
    assert fewest_calls(sorted(events, key=lambda event: event[0])) == fewest_calls(events)


def test_the_benchmark_and_the_connector_know_the_same_limit() -> None:
    assert MAX_EVENTS_PER_CALL == OURS


@pytest.mark.parametrize("shape", SHAPES.values(), ids=lambda shape: shape.name)
def test_the_same_seed_makes_the_same_stream_and_another_seed_another(shape: Shape) -> None:
    first, again, other = (list(clicks(shape, seed, 500)) for seed in (1, 1, 2))
    assert first == again
    assert [click.value for click in first] != [click.value for click in other]


@pytest.mark.parametrize(("name", "least", "most"), [("short", 5.8, 6.3), ("long", 9.1, 9.5)])
def test_the_streams_allow_as_many_events_a_call_as_they_are_published_with(
    name: str, least: float, most: float
) -> None:
    stream = clicks(SHAPES[name], records=5 * RECORDS)
    fill = 5 * RECORDS / fewest_calls((click.session, click.user) for click in stream)
    assert least < fill < most


def test_as_many_sessions_are_interleaved_and_as_long_as_the_shape_says() -> None:
    shape = SHAPES["short"]
    lengths = Counter(click.session for click in clicks(shape, records=5 * RECORDS))
    # The last of each slot is cut off by the end.
    ended = sorted(lengths)[: -2 * shape.sessions]
    assert sum(lengths[session] for session in ended) / len(ended) == pytest.approx(shape.length, rel=0.1)


def test_a_third_of_the_sessions_log_in_and_stay_so() -> None:
    users: dict[str, list[str | None]] = defaultdict(list)
    for click in clicks(SHAPES["long"], records=5 * RECORDS):
        users[click.session].append(click.user)
    for seen in users.values():
        changes = [after for before, after in itertools.pairwise(seen) if before != after]
        assert changes in ([], [seen[-1]])
        assert seen[0] is None
    logged_in = sum(seen[-1] is not None for seen in users.values())
    assert logged_in / len(users) == pytest.approx(1 / 3, abs=0.06)


def test_a_record_is_json_of_about_350_bytes_that_says_what_its_click_says() -> None:
    for number, click in enumerate(clicks(SHAPES["short"], records=2_000)):
        value = orjson.loads(click.value)
        assert 330 < len(click.value) < 380
        assert (value["anonymousId"], value["userId"]) == (click.session, click.user)
        assert value["messageId"] == f"ajs-{number:016x}"
    assert OPENING < 1_795_000_000
