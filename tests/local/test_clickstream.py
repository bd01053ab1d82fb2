"""The clickstream can be repeated, is a shop's, and says rightly what has to become of each record."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.config import Loaded, load
from connector.core.mapping.transform import Pipeline
from connector.core.records import Entry, Fate, Filtered, Pending, Record, Rejection, Skipped, Transformed
from connector.local.demo.breakages import BREAKAGES
from connector.local.demo.clickstream import SECONDS, Click, clickstream

OPENING = 1_795_500_000.0
SEGMENT = Path(__file__).parents[2] / "examples" / "segment.yaml"


@pytest.fixture(scope="module")
def hour() -> list[Click]:
    return clickstream(15_000, 1, OPENING)


def _pipeline() -> Pipeline:
    loaded = load(SEGMENT, {})
    assert isinstance(loaded, Loaded)
    return Pipeline(loaded.config.pipelines[0], loaded.mappings[0], "tracker")


def _ids(entries: tuple[Entry, ...]) -> tuple[tuple[str, str | None, str], ...]:
    return tuple((entry.lane, entry.user_id, orjson.loads(entry.body)["eventId"]) for entry in entries)


def _as_the_shop_would_say(fate: Fate | Pending) -> tuple[str, str, tuple[tuple[str, str | None, str], ...]]:
    match fate:
        case Transformed(entries=entries, rejection=rejection):
            return ("dead_lettered", rejection.reason, _ids(entries)) if rejection else ("delivered", "", _ids(entries))
        case Rejection(reason=reason):
            return "dead_lettered", reason, ()
        case Skipped(reason=reason):
            return "skipped", reason, ()
        case Pending():
            raise AssertionError("the shop needs no schema")
        case Filtered():
            return "filtered", "", ()


def test_the_same_seed_makes_the_same_records_to_the_byte(hour: list[Click]) -> None:
    assert clickstream(15_000, 1, OPENING) == hour
    assert clickstream(15_000, 2, OPENING) != hour


@given(records=st.integers(1, 400), seed=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_there_are_as_many_records_as_asked_for_in_order_and_within_the_hour(records: int, seed: int) -> None:
    times = [click.at for click in clickstream(records, seed, OPENING)]
    assert len(times) == records
    assert times == sorted(times)
    assert 0.0 <= times[0] <= times[-1] <= SECONDS * 1.0001


@given(seed=st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_the_shop_and_the_example_agree_on_every_record_but_those_only_the_service_refuses(seed: int) -> None:
    transform = _pipeline()
    for click in clickstream(500, seed, OPENING):
        if click.fate.why == "rejected_by_service":
            continue
        fate = transform(Record("segment.track", 0, 0, None, click.key, click.value), OPENING + SECONDS)
        events = tuple((click.fate.session, click.fate.user, event_id) for event_id in click.fate.event_ids)
        assert _as_the_shop_would_say(fate) == (click.fate.outcome, click.fate.why, events)


def test_every_way_to_break_occurs_and_few_records_are_broken(hour: list[Click]) -> None:
    reasons = Counter(click.fate.why for click in hour if click.fate.outcome == "dead_lettered")
    assert set(reasons) == {breakage.reason for breakage in BREAKAGES}
    assert 0.02 < reasons.total() / len(hour) < 0.04


def test_each_breakage_has_a_reason_of_its_own() -> None:
    reasons = [breakage.reason for breakage in BREAKAGES]
    assert len(reasons) == len(set(reasons))


def test_all_that_can_become_of_a_record_occurs(hour: list[Click]) -> None:
    assert {click.fate.outcome for click in hour} == {"delivered", "filtered", "skipped", "dead_lettered"}
    skips = {click.fate.why for click in hour if click.fate.outcome == "skipped"}
    assert skips == {"bot", "internal traffic", "tombstone"}


def test_some_orders_are_broken_only_in_part(hour: list[Click]) -> None:
    assert any(click.fate.outcome == "dead_lettered" and click.fate.event_ids for click in hour)


def test_a_session_has_one_key_and_once_known_its_user_stays(hour: list[Click]) -> None:
    keys: dict[str, bytes] = {}
    users: dict[str, list[str | None]] = {}
    for click in hour:
        if click.fate.session:
            assert keys.setdefault(click.fate.session, click.key) == click.key
            users.setdefault(click.fate.session, []).append(click.fate.user)
    changes = [sum(one != other for one, other in pairwise(seen)) for seen in users.values()]
    assert max(changes) == 1
    assert all(seen[0] is None or len(set(seen)) == 1 for seen in users.values())
    assert sum(changes) > len(users) / 10


def test_no_two_events_share_an_id(hour: list[Click]) -> None:
    ids = [event_id for click in hour for event_id in click.fate.event_ids]
    assert len(ids) == len(set(ids))


def test_a_broken_record_shows_the_piece_that_is_wrong(hour: list[Click]) -> None:
    assert all(bool(click.piece) == (click.fate.outcome == "dead_lettered") for click in hour)
