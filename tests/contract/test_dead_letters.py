"""What the loop counts on of ``ports.DeadLetters``, whoever implements it."""

import time
from collections.abc import Callable

from connector.core.records import Reason, Record, Rejection, Stage
from connector.core.sending.offsets import OpenRecord
from tests.contract.letters import LettersBackend
from tests.support.batches import opened
from tests.support.mock_cluster import FAILS_AFTER


def rejection(number: int) -> Rejection:
    return Rejection(Stage.MAP, Reason.MISSING_MEMBER, f"no {number}")


def put(letters: LettersBackend, number: int) -> OpenRecord:
    fresh = opened(Record("clicks", 0, number, None, None, b"%d" % number))
    letters.letters.put(fresh, rejection(number))
    return fresh


def until(letters: LettersBackend, claim: Callable[[], object]) -> None:
    deadline = time.monotonic() + FAILS_AFTER
    while not claim():
        assert time.monotonic() < deadline
        letters.pass_time()


def acknowledged(letters: LettersBackend, count: int) -> list[tuple[OpenRecord, Rejection]]:
    """All that comes until there are so many, and a while after it."""
    found: list[tuple[OpenRecord, Rejection]] = []

    def take() -> bool:
        found.extend(letters.letters.acknowledged())
        return len(found) >= count

    until(letters, take)
    for _ in range(5):
        letters.pass_time()
        found += letters.letters.acknowledged()
    return found


def failed(letters: LettersBackend) -> None:
    """Wait for another attempt that fails; nothing is acknowledged meanwhile."""
    before = letters.failures()
    until(letters, lambda: list(letters.letters.acknowledged()) or letters.failures() > before)
    assert letters.failures() > before


def test_each_letter_is_pending_until_it_is_acknowledged_with_its_own_reason_and_once(letters: LettersBackend) -> None:
    put_in_order = [put(letters, number) for number in range(5)]
    assert list(letters.letters.pending()) == put_in_order
    assert acknowledged(letters, 5) == [(each, rejection(number)) for number, each in enumerate(put_in_order)]
    assert list(letters.letters.pending()) == []
    assert letters.written(5) == [b"%d" % number for number in range(5)]


def test_a_letter_that_fails_stays_pending_until_the_topic_takes_it(letters: LettersBackend) -> None:
    letters.refuse()
    fresh = put(letters, 1)
    failed(letters)
    assert list(letters.letters.pending()) == [fresh]
    letters.accept()
    assert acknowledged(letters, 1) == [(fresh, rejection(1))]
    assert list(letters.letters.pending()) == []
    assert letters.written(1) == [b"1"]


def test_a_letter_that_fails_is_given_up_once_its_partition_has_another_owner(letters: LettersBackend) -> None:
    letters.refuse()
    revoked = put(letters, 1)
    failed(letters)
    revoked.owner.revoked = True
    until(letters, lambda: list(letters.letters.acknowledged()) or not letters.letters.pending())
    letters.accept()
    kept = put(letters, 2)
    assert acknowledged(letters, 1) == [(kept, rejection(2))]
    assert letters.written(1) == [b"2"]


def test_a_record_that_was_let_go_makes_no_letter(letters: LettersBackend) -> None:
    closed = opened(Record("clicks", 0, 1, None, None, b"1"))
    closed.close()
    letters.letters.put(closed, rejection(1))
    assert list(letters.letters.pending()) == []
    kept = put(letters, 2)
    assert acknowledged(letters, 1) == [(kept, rejection(2))]
    assert letters.written(1) == [b"2"]
