"""Topics that come and go while a member of the group runs."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from connector.config.client_properties import DEFAULTS
from connector.core.records import TopicPartition
from connector.kafka.following import Following, existing
from connector.local.mock_cluster import ALL_BROKERS, MockCluster
from tests.support.mock_cluster import Member, produce, reading, until

OFTEN: dict[str, Any] = {"topic_metadata_refresh_interval_ms": 50}
DEAD = "clicks.dead-letter"
REFRESH = "topic.metadata.refresh.interval.ms"


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    with MockCluster() as cluster:
        for topic in ("clicks-1", "clicks-d", "orders", "shop-events-dlq", DEAD, "__internal"):
            cluster.create_topic(topic, 1)
        yield cluster


def first(*topics: str) -> set[TopicPartition]:
    return {TopicPartition(topic, 0) for topic in topics}


def absent(cluster: MockCluster, topic: str, *, gone: bool = True) -> None:
    """Answer as if the topic did not exist: the mock cluster deletes none."""
    cluster.set_topic_error(topic, KafkaError.UNKNOWN_TOPIC_OR_PART if gone else 0)


@pytest.mark.parametrize(
    ("topics", "owned"),
    [
        (["^clicks-\\d+$"], first("clicks-1")),
        (["^orders|events"], first("orders")),
        (["^clicks.*"], first("clicks-1", "clicks-d")),
        (["^(?!clicks|shop).*"], first("orders")),
        (["^.*", "orders"], first("clicks-1", "clicks-d", "orders", "shop-events-dlq")),
    ],
)
def test_what_is_read_is_what_validate_judged(
    cluster: MockCluster, topics: list[str], owned: set[TopicPartition]
) -> None:
    # Often, because a subscription that changes while the member joins may take effect only with the next refresh.
    member = Member(cluster, topics=reading(*topics, dead_letter=DEAD), **OFTEN)
    until(lambda: member.listening.owned == owned, member)
    member.source.close()


def test_what_is_excluded_is_not_read(cluster: MockCluster) -> None:
    member = Member(cluster, topics=reading("^.*", exclude=["^.*-dlq", "orders"], dead_letter=DEAD))
    until(lambda: member.listening.owned == first("clicks-1", "clicks-d"), member)
    member.source.close()


def test_a_topic_that_appears_is_read_and_those_before_it_stay(
    cluster: MockCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    member = Member(cluster, "^clicks-\\d+", **OFTEN)
    until(lambda: member.listening.owned, member)
    cluster.create_topic("clicks-2", 1)
    produce(cluster.bootstrap_servers, "clicks-2", b"v")
    until(lambda: member.records, member)
    assert member.records[0].topic == "clicks-2"
    assert member.listening.told == [("assign", [TopicPartition("clicks-1", 0)]), ("assign", [*first("clicks-2")])]
    assert "new topics match a pattern" in capsys.readouterr().out
    member.source.close()


def test_looking_again_and_again_makes_no_rebalance(cluster: MockCluster) -> None:
    member = Member(cluster, "^clicks-\\d+", **OFTEN)
    until(lambda: member.listening.owned, member)
    told, answers = list(member.listening.told), answers_of(member)
    until(lambda: len(answers) > 5, member)
    assert member.listening.told == told
    member.source.close()


def answers_of(member: Member) -> list[bool]:
    """The answers that came since, in a list that grows."""
    answers: list[bool] = []
    look = member.source._following.look

    def counted() -> bool:
        answered = look()
        if answered:
            answers.append(answered)
        return answered

    member.source._following.look = counted  # type: ignore[method-assign]
    return answers


def test_a_topic_that_vanishes_is_let_go_and_told_and_the_others_are_read_on(
    cluster: MockCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.create_topic("clicks-2", 1)
    member = Member(cluster, "^clicks-\\d+", **OFTEN)
    until(lambda: member.listening.owned == first("clicks-1", "clicks-2"), member)
    absent(cluster, "clicks-2")
    until(lambda: member.listening.owned == first("clicks-1"), member)
    until(lambda: member.source.reach().gone == ("clicks-2",), member)
    assert "topics that are read are gone" in capsys.readouterr().out
    produce(cluster.bootstrap_servers, "clicks-1", b"v")
    until(lambda: member.records, member)
    absent(cluster, "clicks-2", gone=False)
    until(lambda: member.listening.owned == first("clicks-1", "clicks-2"), member)
    assert member.source.reach().gone == ()
    assert "topics exist again" in capsys.readouterr().out
    member.source.close()


def test_a_named_topic_that_vanishes_is_told_and_stays_subscribed_to(
    cluster: MockCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    member = Member(cluster, "orders", "clicks-1", **OFTEN)
    member.source.require(DEAD)
    until(lambda: member.listening.owned == first("orders", "clicks-1"), member)
    absent(cluster, "orders")
    until(lambda: member.source.reach().gone, member)
    assert member.source.reach().gone == ("orders",)
    assert member.source._subscribed == {"orders", "clicks-1"}
    assert "topics that are read are gone" in capsys.readouterr().out
    member.source.close()


def test_a_pattern_that_matches_nothing_is_told_and_joins_as_soon_as_it_does(
    cluster: MockCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    member = Member(cluster, "^web-.*", **OFTEN)
    member.source.require(DEAD)
    assert "no topic matches yet" in capsys.readouterr().out
    assert (member.source.reach().topics, member.source.reach().trouble) == (False, "^web-.*")
    cluster.create_topic("web-1", 1)
    until(lambda: member.listening.owned == first("web-1"), member)
    assert (member.source.reach().topics, member.source.reach().trouble) == (True, "")
    member.source.close()


def test_a_pattern_that_matches_only_the_beginning_is_told_what_to_write(
    cluster: MockCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    member = Member(cluster, "^clicks")
    member.source.require("orders")
    assert "a pattern has to match the whole name: for clicks-1 end it with .*" in capsys.readouterr().out
    member.source.close()


def test_the_last_topic_that_vanishes_leaves_the_member_alive(cluster: MockCluster) -> None:
    member = Member(cluster, "^orders", **OFTEN)
    until(lambda: member.listening.owned, member)
    absent(cluster, "orders")
    until(lambda: not member.listening.owned, member)
    absent(cluster, "orders", gone=False)
    until(lambda: member.listening.owned == first("orders"), member)
    member.source.close()


def test_a_slow_answer_holds_up_neither_a_poll_nor_the_end(cluster: MockCluster) -> None:
    member = Member(cluster, "^clicks-\\d+", **OFTEN)
    until(lambda: member.listening.owned, member)
    member.source._following._next = float("inf")
    until(lambda: not member.source._following._aside.busy, member)
    cluster.set_rtt(ALL_BROKERS, 4_000)
    member.source._following._next = 0.0
    until(lambda: member.source._following._aside.busy, member)
    began = time.monotonic()
    member.poll(1, 0.0)
    assert time.monotonic() - began < 1.0  # where the answer takes four
    cluster.set_rtt(ALL_BROKERS, 0)
    member.source.close()


def test_a_subscription_that_the_client_refuses_is_given_again(
    cluster: MockCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = Member(cluster, "^clicks-\\d+", **OFTEN)
    until(lambda: member.listening.owned, member)
    consumer, refusals = member.source.consumer, iter([True, False])

    class Refusing:
        def __getattr__(self, name: str) -> Any:
            return getattr(consumer, name)

        def subscribe(self, *topics: Any, **callbacks: Any) -> None:
            if next(refusals):
                raise KafkaException(KafkaError(KafkaError._STATE))
            consumer.subscribe(*topics, **callbacks)

    monkeypatch.setattr(member.source, "consumer", Refusing())
    cluster.create_topic("clicks-2", 1)
    until(lambda: member.listening.owned == first("clicks-1", "clicks-2"), member)
    monkeypatch.setattr(member.source, "consumer", consumer)
    member.source.close()


def test_a_static_member_takes_up_a_topic_as_any_other(cluster: MockCluster) -> None:
    member = Member(cluster, "^clicks-\\d+", group_instance_id="one", **OFTEN)
    until(lambda: member.listening.owned, member)
    cluster.create_topic("clicks-2", 1)
    until(lambda: member.listening.owned == first("clicks-1", "clicks-2"), member)
    assert all(kind == "assign" for kind, _ in member.listening.told)
    member.source.close()


# -- without a cluster ------------------------------------------------------------------------------------------------


class Answering:
    """A client that says of the topics what it is told to."""

    def __init__(self, *topics: str) -> None:
        self.known, self.asked, self.closed = set(topics), 0, 0

    def list_topics(self, name: str | None = None, *, timeout: float) -> Any:
        assert timeout > 0
        self.asked += 1
        names = self.known if name is None else self.known & {name}
        if "broken" in names:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return type("Metadata", (), {"topics": {each: type("Topic", (), {"error": None}) for each in names}})

    def close(self) -> None:
        self.closed += 1


class Followed:
    """A following with a clock of its own."""

    def __init__(self, *topics: str, known: tuple[str, ...] = (), refresh: int = DEFAULTS[REFRESH]) -> None:
        self.now = 0.0
        self.client: Any = Answering(*known)
        properties = {REFRESH: refresh}
        self.following = Following(reading(*topics), properties, lambda _: self.client, lambda: self.now)
        self.following.begin(known)

    def answer(self) -> None:
        """Let a question be asked now and be answered."""
        self.following.look()
        assert self.following._aside.busy, "no question was due"
        wait_for(self.following.look)

    def quiet(self, seconds: float) -> bool:
        """Whether nothing is asked for so long."""
        self.now += seconds
        return not self.following.look() and not self.following._aside.busy


def wait_for(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_the_brokers_are_asked_as_often_as_the_client_refreshes() -> None:
    followed = Followed("^web.*", known=("web",), refresh=60_000)
    assert followed.quiet(59)
    followed.now += 1
    followed.answer()
    assert followed.quiet(59)


def test_a_client_that_never_refreshes_is_asked_only_for_a_reason() -> None:
    followed = Followed("^web.*", known=("web",), refresh=-1)
    assert followed.quiet(1e9)
    followed.following.hurry()
    assert followed.quiet(1.5)
    followed.now += 1
    followed.answer()
    assert followed.quiet(1e9)


def test_a_topic_that_one_answer_lacks_is_not_let_go() -> None:
    followed = Followed("^web.*", known=("web1", "web2"))
    followed.client.known = {"web1"}
    followed.now += 300
    followed.answer()
    followed.client.known = {"web1", "web2"}
    followed.now += 2
    followed.answer()
    assert followed.following.wanted == {"web1", "web2"}
    assert followed.following.missing == []


def test_what_comes_to_nothing_changes_nothing() -> None:
    followed = Followed("^web.*", known=("web1",))
    followed.client.known = {"broken"}
    followed.now += 300
    followed.following.look()
    wait_for(lambda: not followed.following.look() and not followed.following._aside.busy)
    assert followed.following.wanted == {"web1"}
    assert followed.client.closed == followed.client.asked


def test_a_topic_that_a_pattern_took_is_called_gone_for_an_hour_and_a_named_one_until_it_is_back() -> None:
    followed = Followed("^web.*", "orders", known=("web1", "orders"))
    followed.client.known = set()
    followed.now += 300
    followed.answer()
    followed.now += 2
    followed.answer()
    assert followed.following.wanted == {"orders"}
    assert followed.following.missing == ["orders", "web1"]
    followed.now += 3601
    assert followed.following.missing == ["orders"]
    followed.client.known = {"orders"}
    followed.answer()
    assert followed.following.missing == []


def test_names_are_asked_for_alone() -> None:
    followed = Followed("orders", "carts", known=("orders", "carts"))
    followed.now += 300
    followed.answer()
    assert followed.client.asked == 2
    assert followed.following.wanted == {"orders", "carts"}


def test_a_topic_without_a_leader_is_there() -> None:
    waiting = type("Topic", (), {"error": KafkaError(KafkaError.LEADER_NOT_AVAILABLE)})
    gone = type("Topic", (), {"error": KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)})
    assert existing({"waiting": waiting, "gone": gone}) == {"waiting"}
