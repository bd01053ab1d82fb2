"""Faults on order, and the ledger of what was accepted in spite of them."""

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector.local.endpoint.faults import Bucket, Faults, Injector
from connector.local.endpoint.ledger import Ledger, by_session
from connector.local.endpoint.operations import operation
from connector.local.endpoint.server import Endpoint, running_endpoint
from tests.wire.endpoint_support import call, event, post, request, stock_client


@given(
    st.floats(0.5, 500),
    st.lists(st.floats(0, 2), max_size=200),
)
def test_a_bucket_never_lets_more_pass_than_its_burst_and_its_rate(rate: float, gaps: list[float]) -> None:
    bucket, tick, passed = Bucket(rate), 0.0, 0
    for gap in gaps:
        tick += gap
        passed += bucket.take(tick)
        assert passed <= max(1.0, rate) + tick * rate + 1e-6


def test_a_bucket_gives_its_rate_to_who_asks_often() -> None:
    bucket = Bucket(10)
    passed = sum(bucket.take(tick / 100) for tick in range(1_000))
    assert 10 + 98 <= passed <= 10 + 100


def test_a_quota_throttles_beyond_its_burst_and_accepts_nothing_of_it() -> None:
    with running_endpoint(Faults(quota=5)) as endpoint:
        statuses = [post(endpoint.url, call()).status for _ in range(12)]
        stats = endpoint.stats()
    assert statuses[:5] == [200] * 5
    assert 400 in statuses
    assert stats["events"] == statuses.count(200)
    assert stats["errors"] == {"ThrottlingException": statuses.count(400)}


def test_a_quota_of_one_tracking_id_leaves_the_others_alone() -> None:
    with running_endpoint(Faults(trackers={"slow": {"quota": 0.01}})) as endpoint:
        slow = [post(endpoint.url, call(trackingId="slow")).status for _ in range(3)]
        other = [post(endpoint.url, call()).status for _ in range(3)]
    assert slow == [200, 400, 400]
    assert other == [200] * 3


@pytest.mark.parametrize(("rate", "name"), [("reset_rate", "reset"), ("reset_after_rate", "reset_after")])
def test_a_reset_before_accepts_nothing_and_a_reset_after_is_recorded_as_accepted(rate: str, name: str) -> None:
    with running_endpoint(Faults.model_validate({rate: 1})) as endpoint:
        with stock_client(endpoint.url) as client, pytest.raises(ConnectionClosedError):
            client.put_events(**call(event(eventId="e1")))
        assert endpoint.stats()["calls"] == {name: 1}
        accepted = [row.event_id for row in endpoint.accepted()]
    assert accepted == (["e1"] if rate == "reset_after_rate" else [])


def test_a_hung_call_times_out_and_the_next_one_is_answered() -> None:
    with running_endpoint(Faults(hang_rate=1)) as endpoint:
        with stock_client(endpoint.url, timeout=0.2) as client, pytest.raises(ReadTimeoutError):
            client.put_events(**call())
        endpoint.control({"hang_rate": 0})
        assert post(endpoint.url, call()).status == 200
        assert endpoint.stats()["calls"] == {"hang": 1, "200": 1}


def test_an_outage_of_every_kind_starts_and_ends_on_order_over_http() -> None:
    def control(endpoint: Endpoint, **changes: Any) -> int:
        return request(endpoint.url, "POST", "/_local/control", orjson.dumps(changes)).status

    with running_endpoint() as endpoint, stock_client(endpoint.url, timeout=0.2) as client:
        for outage, error in (("close", ConnectionClosedError), ("hang", ReadTimeoutError)):
            assert control(endpoint, outage=outage) == 200
            with pytest.raises(error):
                client.put_events(**call())
            assert control(endpoint, outage=None) == 200
            client.put_events(**call())
        assert control(endpoint, outage="unavailable") == 200
        assert post(endpoint.url, call()).status == 503


def test_a_stopped_endpoint_refuses_connections_and_starts_again_on_its_port_with_its_ledger() -> None:
    async def walk() -> None:
        endpoint = Endpoint(ledger=Ledger(keep=True))
        async with endpoint:
            url = endpoint.url
            assert (await asyncio.to_thread(post, url, call())).status == 200
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(post, url, call())
        async with endpoint:
            assert endpoint.url == url
            assert (await asyncio.to_thread(post, url, call())).status == 200
            assert endpoint.stats()["events"] == 2

    asyncio.run(walk())


def test_latency_holds_back_the_answer_but_neither_acceptance_nor_other_calls() -> None:
    async def walk() -> None:
        faults = Faults.model_validate({"trackers": {"slow": {"latency": "300ms"}}})
        accepting = asyncio.Event()

        class Watched(Ledger):
            def accept(self, *args: Any) -> None:
                super().accept(*args)
                accepting.set()

        async with Endpoint(faults, Watched()) as endpoint:
            began = time.monotonic()
            slow = asyncio.create_task(asyncio.to_thread(post, endpoint.url, call(trackingId="slow")))
            await accepting.wait()
            assert (await asyncio.to_thread(post, endpoint.url, call())).status == 200
            assert not slow.done()
            assert (await slow).status == 200
            assert time.monotonic() - began >= 0.3

    asyncio.run(walk())


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_delay_lies_in_its_range(first: float, second: float) -> None:
    low, high = sorted((first, second))
    injector = Injector(Faults(latency=(low, high)), random.Random(1))
    assert all(low <= injector.delay(None) <= high for _ in range(20))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20ms", (0.02, 0.02)), ("20ms-50ms", (0.02, 0.05)), ("2", (2, 2)), ("1s-1.5s", (1, 1.5)), (0.5, (0.5, 0.5))],
)
def test_latency_is_read_as_it_is_written(text: str | float, seconds: tuple[float, float]) -> None:
    assert Faults.model_validate({"latency": text}).latency == pytest.approx(seconds)


@pytest.mark.parametrize(
    "wrong",
    [{"latency": "50ms-20ms"}, {"latency": "fast"}, {"latency": -1}, {"quota": 0}, {"fail_rate": 2}, {"unknown": 1}],
)
def test_a_fault_that_makes_no_sense_is_refused_and_changes_nothing(wrong: dict[str, Any]) -> None:
    with running_endpoint(Faults(denied=True)) as endpoint:
        with pytest.raises(ValidationError):
            endpoint.control(wrong)
        answer = request(endpoint.url, "POST", "/_local/control", orjson.dumps({"denied": False, **wrong}))
        assert answer.status == 400
        assert endpoint.injector.faults == Faults(denied=True)


@pytest.mark.parametrize("body", [b"[]", b"x", b"1", b'"text"'])
def test_a_control_that_is_no_object_is_refused(body: bytes) -> None:
    with running_endpoint() as endpoint:
        assert request(endpoint.url, "POST", "/_local/control", body).status == 400


def test_control_never_shows_a_secret() -> None:
    with running_endpoint() as endpoint:
        changes = {"credentials": {"AK": "top-secret"}, "expired_tokens": ["top-secret"], "quota": 7}
        answer = request(endpoint.url, "POST", "/_local/control", orjson.dumps(changes))
        assert orjson.loads(answer.body)["quota"] == 7
        assert b"top-secret" not in answer.body + repr(endpoint.injector.faults).encode()
        wrong = orjson.dumps({"credentials": {"AK": ["top-secret"]}})
        assert b"top-secret" not in request(endpoint.url, "POST", "/_local/control", wrong).body


def test_the_same_seed_makes_the_same_faults() -> None:
    def statuses(seed: int) -> list[int]:
        with running_endpoint(Faults(fail_rate=0.5), seed=seed) as endpoint:
            first = [post(endpoint.url, call()).status for _ in range(12)]
            endpoint.reset()
            assert [post(endpoint.url, call()).status for _ in range(12)] == first
            return first

    assert statuses(1) == statuses(1) != statuses(2)


def test_the_ledger_keeps_the_order_of_each_session_and_what_the_events_held() -> None:
    sent = [
        call(*(event(eventId=f"{session}-{number}-{i}", eventValue=i) for i in range(3)), sessionId=session, userId="u")
        for number in range(4)
        for session in ("a", "b")
    ]
    with running_endpoint() as endpoint:
        for body in sent:
            assert post(endpoint.url, body).status == 200
        sessions = by_session(endpoint.accepted())
        lines = request(endpoint.url, "GET", "/_local/accepted").body.splitlines()
    for session in ("a", "b"):
        rows = sessions["t", session]
        assert [row.event for row in rows] == [
            e for body in sent if body["sessionId"] == session for e in body["eventList"]
        ]
        assert {row.user_id for row in rows} == {"u"}
        assert [row.call for row in rows] == sorted(row.call for row in rows)
    assert [orjson.loads(line)["event"] for line in lines] == [e for body in sent for e in body["eventList"]]


def test_duplicates_and_conflicting_duplicates_are_told_apart() -> None:
    with running_endpoint() as endpoint:
        first = event(eventId="e", itemId="i")
        for body in (
            call(first, event()),
            call(dict(reversed(first.items()))),  # the order of members is no difference
            call(event(eventId="e", itemId="another")),
            call(first, userId="logged-in"),
            call(first, trackingId="another tracker, another id"),
        ):
            assert post(endpoint.url, body).status == 200
        stats = endpoint.stats()
    assert (stats["events"], stats["without_id"], stats["distinct_ids"]) == (6, 1, 2)
    assert (stats["duplicates"], stats["conflicts"]) == (3, 2)


def test_without_a_ledger_only_counters_are_kept_and_the_page_says_so() -> None:
    with running_endpoint(keep=False, ids=False) as endpoint:
        post(endpoint.url, call(event(eventId="e")))
        answer = request(endpoint.url, "GET", "/_local/accepted")
        assert (answer.status, b"ledger" in answer.body) == (404, True)
        assert endpoint.stats()["by_tracking_id"] == {"t": 1}
        assert endpoint.stats()["distinct_ids"] is None
        assert not endpoint.ledger._kept
        assert not endpoint.ledger._seen


def test_a_log_holds_the_lines_of_the_ledger(tmp_path: Path) -> None:
    log = tmp_path / "accepted.jsonl"
    with running_endpoint(log=log) as endpoint:
        for number in range(3):
            post(endpoint.url, call(event(eventId=f"e{number}"), event()))
        lines = [row.line() for row in endpoint.accepted()]
    assert log.read_bytes() == b"".join(lines)


def test_a_log_that_cannot_be_written_accepts_nothing() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError, match="No space"):
        Ledger(log=full).accept(operation("PutEvents"), call(), b"", 0, 0)


def test_reset_forgets_what_was_accepted_and_keeps_the_faults() -> None:
    with running_endpoint(Faults(poison_prefix="p")) as endpoint:
        post(endpoint.url, call())
        assert request(endpoint.url, "POST", "/_local/reset").status == 200
        assert (endpoint.stats()["events"], endpoint.accepted()) == (0, [])
        assert post(endpoint.url, call(event(itemId="p1"))).code == "InvalidInputException"


def test_a_port_that_is_taken_is_an_error_of_the_caller() -> None:
    with running_endpoint() as first, pytest.raises(OSError), running_endpoint(port=first.port):  # noqa: PT011  the system's words
        raise AssertionError("two endpoints listen on one port")


def test_refused_connections_reach_boto3_as_an_endpoint_that_is_not_there() -> None:
    with running_endpoint() as endpoint:
        url = endpoint.url
    with stock_client(url) as client, pytest.raises(EndpointConnectionError):
        client.put_events(**call())
