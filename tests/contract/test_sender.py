"""What the loop counts on of ``ports.Sender``, whoever implements it."""

import pytest

from connector.core.sending.lanes import Batch
from connector.core.sending.outcomes import Delivered, Retryable
from connector.ports import CallResult
from tests.contract.senders import SenderBackend
from tests.support.batches import BODY, batch

LONGEST = 30.0  # seconds for one answer; only a test that fails waits as long


def answers(backend: SenderBackend, count: int) -> list[CallResult]:
    """So many, and whatever comes with the last of them."""
    found: list[CallResult] = []
    while len(found) < count:
        there = backend.sender.wait(LONGEST)
        assert there, f"{len(found)} of {count}"
        found += there
    return found


def test_each_batch_is_sent_and_answered_once_with_itself(sender: SenderBackend) -> None:
    batches = [batch(BODY, session_id=f"s-{number}") for number in range(20)]
    for each in batches:
        sender.sender.submit(each)
    found = answers(sender, len(batches))
    assert {id(each.batch) for each in found} == {id(each) for each in batches}
    assert len(found) == len(batches) == sender.received()
    assert {each.outcome for each in found} == {Delivered()}
    assert all(each.seconds > 0 for each in found)
    assert list(sender.sender.wait(0)) == []


def test_all_events_of_a_batch_arrive(sender: SenderBackend) -> None:
    sent: Batch = batch(*[BODY] * 10)
    sender.sender.submit(sent)
    [answer] = answers(sender, 1)
    assert answer.batch is sent
    assert sender.received() == 10


def test_a_failure_is_a_value_and_the_next_call_is_made(sender: SenderBackend) -> None:
    sender.fail()
    sender.sender.submit(batch())
    [first] = answers(sender, 1)
    assert isinstance(first.outcome, Retryable)
    sender.sender.submit(first.batch)
    [second] = answers(sender, 1)
    assert isinstance(second.outcome, Retryable)
    assert second.batch is first.batch
    assert sender.received() == 0


@pytest.mark.parametrize("seconds", [0.0, 0.05])
def test_with_nothing_under_way_a_wait_takes_its_time_and_brings_nothing(sender: SenderBackend, seconds: float) -> None:
    began = sender.now()
    assert list(sender.sender.wait(seconds)) == []
    assert sender.now() - began >= seconds * 0.99
