"""Records from a broker as they were produced; commits one at a time; rebalances that lose nothing."""

import time
from collections import Counter
from collections.abc import Collection, Iterator

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import TopicPartition as ClientTopicPartition

from connector.core.records import Record, TopicPartition
from connector.kafka.messages import MAX_HEADERS
from connector.local.mock_cluster import ApiKey, MockCluster
from connector.ports import Refused, Unavailable
from tests.support.mock_cluster import Listening, Member, committed, produce, until

P0, P1, P2, P3 = (TopicPartition("clicks", number) for number in range(4))


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    with MockCluster() as cluster:
        cluster.create_topic("clicks", 1)
        cluster.create_topic("clicks.dead", 1)
        yield cluster


# -- records --------------------------------------------------------------------------------------------------


def test_records_come_as_they_were_produced(cluster: MockCluster) -> None:
    servers = cluster.bootstrap_servers
    headers: list[tuple[str, bytes | None]] = [("trace", b"a"), ("trace", b"b"), ("none", None), ("empty", b"")]
    produce(servers, "clicks", b"\xff\x00", key=b"k\xff", headers=headers, timestamp=1_795_500_000_123)
    produce(servers, "clicks", None, b"", timestamp=1_795_500_000_124)
    member = Member(cluster)
    until(lambda: len(member.records) == 3, member)
    assert member.records == [
        Record("clicks", 0, 0, 1_795_500_000_123, b"k\xff", b"\xff\x00", tuple(headers)),
        Record("clicks", 0, 1, 1_795_500_000_124, None, None),
        Record("clicks", 0, 2, 1_795_500_000_124, None, b""),
    ]
    member.source.close()


def test_a_timestamp_that_is_none_is_none(cluster: MockCluster) -> None:
    servers = cluster.bootstrap_servers
    for timestamp in (-1, 1, 1_795_500_000, 946_684_799_999, 946_684_800_000):  # 0 is the client's word for now
        produce(servers, "clicks", b"{}", timestamp=timestamp)
    member = Member(cluster)
    until(lambda: len(member.records) == 5, member)
    assert [record.timestamp for record in member.records] == [None, None, None, None, 946_684_800_000]
    member.source.close()


def test_the_end_of_a_partition_is_told_with_the_offset_after_its_last_record(cluster: MockCluster) -> None:
    produce(cluster.bootstrap_servers, "clicks", b"a", b"b")
    member = Member(cluster)
    until(lambda: member.ends, member)
    assert member.ends == {P0: 2}
    assert member.source.end_offsets([P0]) == {P0: 2}
    member.source.close()


def test_a_poll_brings_no_more_than_it_was_asked_for(cluster: MockCluster) -> None:
    produce(cluster.bootstrap_servers, "clicks", *[b"v"] * 50)
    member = Member(cluster)
    until(lambda: member.records, member)
    polled = [len(member.poll(7)) for _ in range(20)]
    assert max(polled) <= 7
    until(lambda: len(member.records) == 50, member)
    assert [record.offset for record in member.records] == list(range(50))
    member.source.close()


def test_a_record_with_a_header_whose_name_is_not_text_is_read_without_its_headers(cluster: MockCluster) -> None:
    member = Member(cluster)

    class Unreadable:
        def headers(self) -> None:
            raise SystemError  # as confluent-kafka does

        def topic(self) -> str:
            return "clicks"

        partition = offset = topic

    assert member.source._headers.of(Unreadable()) == ()  # type: ignore[arg-type]
    member.source.close()


def test_a_record_with_headers_without_number_is_read_without_them(
    cluster: MockCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    """A megabyte of headers of three bytes each takes twenty; the limit itself is nobody's doing."""
    for number in (MAX_HEADERS, MAX_HEADERS + 1, MAX_HEADERS + 1):
        produce(cluster.bootstrap_servers, "clicks", b"v", headers=[("h", b"")] * number)
    member = Member(cluster)
    until(lambda: len(member.records) == 3, member)
    assert [len(record.headers) for record in member.records] == [MAX_HEADERS, 0, 0]
    assert capsys.readouterr().out.count(f"there are more than {MAX_HEADERS}") == 1
    member.source.close()


# -- pauses ---------------------------------------------------------------------------------------------------


def test_a_paused_partition_brings_nothing_until_it_is_resumed(cluster: MockCluster) -> None:
    member = Member(cluster)
    until(lambda: P0 in member.listening.owned, member)
    member.source.pause([P0])
    produce(cluster.bootstrap_servers, "clicks", b"a")
    for _ in range(20):
        member.poll()
    assert member.records == []
    member.source.resume([P0])
    until(lambda: len(member.records) == 1, member)
    member.source.close()


def test_a_partition_that_was_paused_when_it_left_comes_back_unpaused() -> None:
    with MockCluster() as cluster:
        cluster.create_topic("clicks", 2)
        first = Member(cluster)
        until(lambda: first.listening.owned == {P0, P1}, first)
        first.source.pause([P0, P1])
        second = Member(cluster)
        until(lambda: len(second.listening.owned) == 1, first, second)
        [moved] = second.listening.owned
        second.source.close()
        until(lambda: first.listening.owned == {P0, P1}, first)
        for each in (P0, P1):
            produce(cluster.bootstrap_servers, "clicks", b"v", partition=each.partition)
        until(lambda: first.records, first)
        for _ in range(20):
            first.poll()
        assert {record.topic_partition for record in first.records} == {moved}  # the other is paused as before
        first.source.close()


# -- callbacks ------------------------------------------------------------------------------------------------


def test_a_callback_that_fails_stops_the_poll_that_it_was_called_from(cluster: MockCluster) -> None:
    class Failing(Listening):
        def on_assign(self, topic_partitions: Collection[TopicPartition]) -> None:
            raise ZeroDivisionError(len(topic_partitions))

    produce(cluster.bootstrap_servers, "clicks", b"a")
    member = Member(cluster, listening=Failing())
    brought: list[Record] = []
    with pytest.raises(ZeroDivisionError):
        until(lambda: brought.extend(member.poll()), member)
    assert brought == []
    member.source.close()


def test_a_callback_that_fails_is_told_once_and_close_does_not_hang(cluster: MockCluster) -> None:
    member = Member(cluster)
    until(lambda: member.listening.owned, member)

    def fail(_: Collection[TopicPartition]) -> None:
        raise ZeroDivisionError

    member.listening.revoking = fail
    member.source.close()
    assert isinstance(member.source._failure, ZeroDivisionError)


def test_a_refusal_of_the_broker_stops_with_what_to_do(cluster: MockCluster) -> None:
    member = Member(cluster)
    member.source._on_error(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED))
    with pytest.raises(Refused, match="allow Read on the consumer group"):
        member.poll()
    assert member.metrics.registry.get_sample_value(
        "putevents_kafka_errors_total", {"code": "GROUP_AUTHORIZATION_FAILED"}
    )
    member.source.close()


def test_a_fatal_error_of_the_client_stops_with_what_to_do(cluster: MockCluster) -> None:
    member = Member(cluster, group_instance_id="one")
    until(lambda: P0 in member.listening.owned, member)
    cluster.push_request_errors(ApiKey.HEARTBEAT, KafkaError.FENCED_INSTANCE_ID)
    with pytest.raises(Refused, match=r"Static consumer fenced.*group\.instance\.id"):
        until(lambda: False, member)
    member.source.close()


# -- commits --------------------------------------------------------------------------------------------------


def _assigned(cluster: MockCluster) -> Member:
    produce(cluster.bootstrap_servers, "clicks", *[b"v"] * 10)
    member = Member(cluster)
    until(lambda: len(member.records) == 10, member)
    return member


def _commits(member: Member, outcome: str) -> float | None:
    return member.metrics.registry.get_sample_value("putevents_commits_total", {"outcome": outcome})


def test_what_is_committed_is_told_once_when_the_broker_has_it(cluster: MockCluster) -> None:
    member = _assigned(cluster)
    assert member.source.committed() == {}
    assert member.source.commit({P0: 4})
    told: dict[TopicPartition, int] = {}

    def hear() -> bool:
        told.update(member.source.committed())
        return bool(told)

    until(hear, member)
    assert told == {P0: 4}
    assert member.source.committed() == {}
    assert committed(cluster.bootstrap_servers, P0) == [4]
    assert _commits(member, "ok") == 1
    member.source.close()


def test_there_is_one_commit_under_way_at_a_time(cluster: MockCluster) -> None:
    member = _assigned(cluster)
    cluster.push_delay(1, ApiKey.OFFSET_COMMIT, 500)
    assert member.source.commit({P0: 3})
    assert not member.source.commit({P0: 5})
    until(lambda: member.source.committed() == {P0: 3}, member)
    assert member.source.commit({P0: 5})
    until(lambda: member.source.committed() == {P0: 5}, member)
    assert committed(cluster.bootstrap_servers, P0) == [5]
    member.source.close()


def test_a_commit_that_is_waited_for_is_not_overtaken_by_one_under_way(cluster: MockCluster) -> None:
    member = _assigned(cluster)
    cluster.push_delay(1, ApiKey.OFFSET_COMMIT, 300)
    assert member.source.commit({P0: 3})
    assert member.source.commit_now({P0: 7}) == {P0: 7}
    until(lambda: member.source.committed() == {P0: 3}, member)
    assert committed(cluster.bootstrap_servers, P0) == [7]
    member.source.close()


CODES = [
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.NOT_COORDINATOR,
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.REBALANCE_IN_PROGRESS,
]


@pytest.mark.parametrize("code", CODES)
def test_a_commit_that_is_waited_for_never_raises_and_the_next_one_may_succeed(cluster: MockCluster, code: int) -> None:
    member = _assigned(cluster)
    cluster.push_request_errors(ApiKey.OFFSET_COMMIT, code)
    done = member.source.commit_now({P0: 2})
    assert done in ({}, {P0: 2})  # the client repeats some by itself
    assert _commits(member, "ok" if done else "error") == 1
    rounds = iter(range(10))
    until(lambda: next(rounds, None) is None, member)
    until(lambda: P0 in member.listening.owned, member)  # it may have been lost, and come back
    assert member.source.commit_now({P0: 3}) == {P0: 3}
    assert committed(cluster.bootstrap_servers, P0) == [3]
    member.source.close()


def test_a_commit_in_the_background_that_fails_is_counted_and_the_next_one_may_go(cluster: MockCluster) -> None:
    member = _assigned(cluster)
    cluster.push_request_errors(ApiKey.OFFSET_COMMIT, KafkaError.REBALANCE_IN_PROGRESS)
    assert member.source.commit({P0: 4})
    until(lambda: _commits(member, "error"), member)
    assert member.source.committed() == {}
    until(lambda: member.source.commit({P0: 4}) and member.source.committed(), member)
    assert committed(cluster.bootstrap_servers, P0) == [4]
    member.source.close()


def test_the_error_of_one_partition_spoils_only_that_one(cluster: MockCluster) -> None:
    member = Member(cluster)
    good = ClientTopicPartition("clicks", 0, 4)

    class Failed:
        topic, partition, offset = "clicks", 1, 4
        error = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)

    member.source._on_commit(None, [good, Failed()])  # type: ignore[list-item]
    assert member.source.committed() == {P0: 4}
    assert (_commits(member, "ok"), _commits(member, "error")) == (1, 1)
    member.source.close()


def test_a_client_that_refuses_a_commit_outright_is_counted(
    cluster: MockCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = Member(cluster)

    class Refusing:
        def commit(self, **_: object) -> None:
            raise KafkaException(KafkaError(KafkaError._STATE))

    monkeypatch.setattr(member.source._commits, "_consumer", Refusing())
    member.source.commit({P0: 4})
    assert member.source.commit_now({P0: 4}) == {}
    assert _commits(member, "error") == 2
    member.source.close()


# -- rebalances -----------------------------------------------------------------------------------------------


def test_a_member_that_gets_no_partition_is_told_of_an_empty_assignment(cluster: MockCluster) -> None:
    first, second = Member(cluster), Member(cluster)
    until(lambda: first.listening.told and second.listening.told, first, second)
    until(lambda: first.listening.owned | second.listening.owned, first, second)
    idle = second if first.listening.owned else first
    assert ("assign", []) in idle.listening.told
    first.source.close()
    second.source.close()


def test_two_members_share_the_partitions_and_lose_no_record() -> None:
    with MockCluster() as cluster:
        cluster.create_topic("clicks", 4)
        servers = cluster.bootstrap_servers
        first = Member(cluster)
        uncommitted: set[TopicPartition] = set()

        def commit_read(member: Member) -> None:
            def commit(topic_partitions: Collection[TopicPartition]) -> None:
                read = {record.topic_partition: record.offset + 1 for record in member.records}
                leaving = {each: read[each] for each in topic_partitions if each in read}
                uncommitted.update(leaving.keys() - member.source.commit_now(leaving).keys())

            member.listening.revoking = commit

        commit_read(first)
        until(lambda: len(first.listening.owned) == 4, first)
        for partition in range(4):
            produce(servers, "clicks", *[b"v"] * 100, partition=partition)
        until(lambda: len(first.records) > 50, first)
        second = Member(cluster)
        commit_read(second)
        until(lambda: len(second.listening.owned) == 2, first, second)
        for partition in range(4):
            produce(servers, "clicks", *[b"w"] * 100, partition=partition)
        wanted = {(partition, offset) for partition in range(4) for offset in range(200)}

        def read() -> list[tuple[int, int]]:
            return [(record.partition, record.offset) for record in first.records + second.records]

        until(lambda: set(read()) == wanted, first, second)
        until(lambda: first.listening.owned | second.listening.owned == {P0, P1, P2, P3}, first, second)
        until(lambda: not first.listening.owned & second.listening.owned, first, second)
        # On a busy machine a member can be too late for the group, which then refuses its commit or takes its
        # partitions. Only their records may be read twice.
        lost = {
            each
            for member in (first, second)
            for kind, gone in member.listening.told
            if kind == "lost"
            for each in gone
        }
        twice = {TopicPartition("clicks", partition) for (partition, _), times in Counter(read()).items() if times > 1}
        assert twice <= uncommitted | lost
        first.source.close()
        second.source.close()


def test_a_message_in_hand_whose_partition_is_revoked_meanwhile_is_not_handed_over(
    cluster: MockCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    produce(cluster.bootstrap_servers, "clicks", b"a", b"b")
    member = Member(cluster)
    until(lambda: P0 in member.listening.owned, member)
    produce(cluster.bootstrap_servers, "clicks", b"c")
    consumer = member.source.consumer

    class Revoking:
        poll = staticmethod(consumer.poll)

        @staticmethod
        def consume(_: int, __: float) -> list[object]:
            member.source._gone(member.listening.on_revoke)([P0])
            return []

    member.records.clear()
    monkeypatch.setattr(member.source, "consumer", Revoking())
    until(lambda: not member.listening.owned, member)
    assert member.records == []
    monkeypatch.setattr(member.source, "consumer", consumer)
    member.source.close()


def test_closing_revokes_what_is_owned(cluster: MockCluster) -> None:
    member = Member(cluster)
    until(lambda: P0 in member.listening.owned, member)
    member.source.close()
    assert member.listening.told[-1] == ("revoke", [P0])


def test_closing_in_the_middle_of_joining_does_not_hang(cluster: MockCluster) -> None:
    # An assignment that arrived within the client's own close() made it hang, in about one of twenty.
    for number in range(20):
        member = Member(cluster, group_id=f"readers-{number}")
        time.sleep(number * 0.01)  # there is no event to wait for: any moment may be the wrong one
        member.source.close()
        assert not member.listening.owned


# -- the start ------------------------------------------------------------------------------------------------


def test_everything_that_is_required_is_there(cluster: MockCluster) -> None:
    member = Member(cluster, "clicks", "^cli.*")
    member.source.require("clicks.dead")
    member.source.close()


def test_a_missing_topic_is_told_with_its_setting(cluster: MockCluster) -> None:
    member = Member(cluster, "clicks", "carts")
    with pytest.raises(Unavailable, match=r"topic carts does not exist .* correct pipelines\[\]\.topics"):
        member.source.require("clicks.dead", 10.0)
    member.source.close()


def test_a_missing_dead_letter_topic_is_told_with_its_setting(cluster: MockCluster) -> None:
    member = Member(cluster)
    with pytest.raises(Unavailable, match=r"topic carts\.dead does not exist .* correct dead_letter\.topic"):
        member.source.require("carts.dead", 10.0)
    member.source.close()


def test_asking_for_topics_does_not_create_them(cluster: MockCluster) -> None:
    member = Member(cluster)
    for _ in range(2):
        with pytest.raises(Unavailable):
            member.source.require("carts.dead", 10.0)
    member.source.close()


@pytest.mark.parametrize(("policy", "latest"), [("earliest", False), ("latest", True), ("error", False)])
def test_what_is_missed_is_counted_by_where_reading_goes_on(cluster: MockCluster, policy: str, *, latest: bool) -> None:
    member = Member(cluster, auto_offset_reset=policy)
    assert member.source._missed._latest is latest
    member.source.close()


def test_a_broker_that_does_not_answer_is_told_with_its_address(cluster: MockCluster) -> None:
    member = Member(cluster)
    cluster.broker_down()
    with pytest.raises(Unavailable, match=r"no broker at 127\.0\.0\.1:\d+ answers within 0\.3 s"):
        member.source.require("clicks.dead", 0.3)
    cluster.broker_up()
    member.source.close()
