"""One loop, several operations: a dataset that is slow, busy or wrong never delays events; versions are superseded."""

import random

import pytest

from connector.core.operations import PUT_ACTION_INTERACTIONS, PUT_EVENTS, PUT_ITEMS, PUT_USERS, Operation
from connector.core.records import MAX_EVENTS_PER_CALL, Entry, Fate, Record, TopicPartition, Transformed
from connector.core.sending.backpressure import Bounds
from connector.core.sending.lanes import Batch
from connector.core.sending.outcomes import Delivered, Fatal, Outcome, Rejected, Retryable, Status
from connector.loop import RESERVE
from tests.support.fakes import QUICK, Harness

CLICKS, ITEMS, USERS = TopicPartition("clicks", 0), TopicPartition("items", 0), TopicPartition("users", 0)
ITEMS_1 = TopicPartition("items", 1)
OPERATIONS = {"clicks": PUT_EVENTS, "items": PUT_ITEMS, "users": PUT_USERS, "offers": PUT_ACTION_INTERACTIONS}
REJECTED = Rejected("InvalidInputException")
BUSY = Retryable("ResourceInUseException", Status.SERVER_ERROR)


def transform(record: Record, _: float) -> Fate:
    """The key is a session or an id, the value what the service is told of it."""
    operation = OPERATIONS[record.topic]
    key = (record.key or b"").decode()
    entry = Entry(f"target-{record.topic}", key, None, record.value or b"", None, operation)
    return Transformed("shop", "any", (entry,))


class Shop(Harness):
    """The loop, and a service that keeps what it is sent."""

    def __init__(self, reserve: Bounds = RESERVE) -> None:
        limits = QUICK._replace(rates={"put_users": 10.0})
        super().__init__(
            limits, transform=transform, replaces=lambda topic: topic in {"items", "users"}, reserve=reserve
        )
        self.moods: dict[Operation, Outcome] = {}
        self.state: dict[str, bytes] = {}
        self.sender.outcome = self._answer

    def _answer(self, batch: Batch) -> Outcome:
        mood = self.moods.get(batch.operation, Delivered())
        if any(item.entry.body == b"poison" for item in batch.items):
            return REJECTED
        if isinstance(mood, Delivered):
            self.state.update({item.entry.lane: item.entry.body for item in batch.items})
        return mood

    def calls_of(self, operation: Operation) -> list[Batch]:
        return [batch for batch in self.sender.calls if batch.operation is operation]

    def events(self, operation: Operation, outcome: str) -> float:
        return self.value("events_total", operation=operation.action, outcome=outcome)


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.assign(CLICKS, ITEMS, USERS)
    return shop


def test_versions_that_wait_are_superseded_and_counted_as_such(shop: Shop) -> None:
    for number in range(30):
        shop.source.produce(ITEMS, f"v{number}", session="only")
    shop.run(5)
    assert shop.state == {"only": b"v29"}
    assert len(shop.calls_of(PUT_ITEMS)) == 1
    assert shop.events(PUT_ITEMS, "superseded") == 29
    assert shop.events(PUT_ITEMS, "delivered") == 1
    assert shop.value("records_total", topic="items", outcome="superseded") == 29
    assert shop.value("records_total", topic="items", outcome="delivered") == 1
    assert shop.committed(ITEMS) == 30
    shop.assert_balanced()


def test_a_backlog_of_changes_takes_about_as_long_as_its_items_need(shop: Shop) -> None:
    chance = random.Random(1)
    newest = {}
    for number in range(4_000):
        name = f"i{chance.randrange(400)}"
        newest[name] = f"v{number}".encode()
        shop.source.produce(ITEMS, f"v{number}", session=name)
    shop.run(10)
    assert shop.state == newest
    assert len(shop.calls_of(PUT_ITEMS)) <= 1.1 * len(newest) / MAX_EVENTS_PER_CALL
    assert shop.committed(ITEMS) == 4_000
    shop.assert_balanced()


def clicks_in(seconds: float, items: int, mood: Outcome) -> tuple[Shop, float]:
    """How many of many clicks are delivered in some seconds beside a dataset in such a mood."""
    shop = Shop()
    shop.assign(CLICKS, ITEMS)
    shop.moods[PUT_ITEMS] = mood
    for number in range(items):
        shop.source.produce(ITEMS, "new", session=f"i{number}")
    for number in range(4_000):
        shop.source.produce(CLICKS, "click", session=f"s{number}")
    shop.run(seconds)
    return shop, shop.events(PUT_EVENTS, "delivered")


@pytest.mark.parametrize("mood", [BUSY, Retryable("Timeout", Status.TIMEOUT), REJECTED], ids=["busy", "away", "wrong"])
def test_a_dataset_in_trouble_never_delays_events(mood: Outcome) -> None:
    _, alone = clicks_in(4, 0, mood)
    shop, beside = clicks_in(4, 15, mood)
    assert beside >= 0.97 * alone > 0  # of a simulated clock
    assert shop.committed(ITEMS) == 0
    assert shop.events(PUT_ITEMS, "delivered") == 0


def test_a_full_buffer_of_items_pauses_their_partitions_alone() -> None:
    shop = Shop(reserve=Bounds(100, 1 << 26, 0))
    shop.assign(CLICKS, ITEMS, ITEMS_1)
    shop.moods[PUT_ITEMS] = BUSY
    for number in range(2_000):
        shop.source.produce(ITEMS, "new", session=f"i{number}")
    shop.run(1)
    assert shop.source.paused == {ITEMS, ITEMS_1}
    assert shop.loop.crowded == {ITEMS, ITEMS_1}
    for number in range(3_000):
        shop.source.produce(CLICKS, "click", session=f"s{number}")
    shop.run(10)
    assert shop.committed(CLICKS) == 3_000
    shop.moods.clear()
    shop.run(60)
    assert not shop.source.paused
    assert shop.committed(ITEMS) == 2_000


def test_a_full_buffer_of_events_leaves_items_their_own() -> None:
    shop = Shop()
    shop.assign(CLICKS, ITEMS)
    shop.moods[PUT_EVENTS] = BUSY
    for number in range(3_000):
        shop.source.produce(CLICKS, "click", session=f"s{number}")
    for number in range(100):
        shop.source.produce(ITEMS, "new", session=f"i{number}")
    shop.run(20)
    assert shop.committed(ITEMS) == 100
    assert CLICKS in shop.source.paused


def test_each_operation_has_a_rate_of_its_own(shop: Shop) -> None:
    for number in range(2_000):
        shop.source.produce(ITEMS, "new", session=f"i{number}")
        shop.source.produce(CLICKS, "click", session=f"s{number}")
    started = shop.clock.now
    shop.run(10)
    taken = [batch.left_at - started for batch in shop.calls_of(PUT_ITEMS)]
    assert len(taken) <= 10 * 10 + 20, "ten calls a second, and a burst"
    assert shop.events(PUT_EVENTS, "delivered") == 2_000


def test_a_wrong_dataset_stops_the_process_and_commits_nothing_of_it(shop: Shop) -> None:
    shop.moods[PUT_ITEMS] = REJECTED
    for number in range(400):
        shop.source.produce(ITEMS, "new", session=f"i{number}")
    shop.run(600)
    fatal = shop.loop.fatal
    assert isinstance(fatal, Fatal)
    assert "items in a row for one dataset" in fatal.advice
    assert "personalize.items_dataset_arn" in fatal.advice
    assert not shop.dead_letters.written
    assert shop.committed(ITEMS) == 0


def test_an_item_that_the_service_rejects_is_a_dead_letter_and_the_version_before_it_is_sent(shop: Shop) -> None:
    shop.source.produce(ITEMS, "good", session="a")
    shop.source.produce(ITEMS, "poison", session="a")
    shop.source.produce(ITEMS, "good", session="b")
    shop.run(20)
    assert shop.state == {"a": b"good", "b": b"good"}
    assert [record.offset for record, _ in shop.dead_letters.written] == [1]
    assert shop.committed(ITEMS) == 3
    shop.assert_balanced()


def test_a_revocation_leaves_items_to_the_next_owner_and_goes_on_after_it(shop: Shop) -> None:
    shop.moods[PUT_ITEMS] = BUSY
    for number in range(50):
        shop.source.produce(ITEMS, f"v{number}", session=f"i{number % 7}")
    shop.run(1)
    shop.revoke(ITEMS)
    assert shop.committed(ITEMS) == 0
    shop.moods.clear()
    shop.assign(ITEMS)
    shop.run(20)
    assert shop.state == {f"i{number % 7}": f"v{number}".encode() for number in range(50)}
    assert shop.committed(ITEMS) == 50
    shop.assert_balanced()
