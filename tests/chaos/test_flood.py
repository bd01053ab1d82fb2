"""A producer renames a field for one of two pipelines, and the process is killed while it is finding that out."""

from __future__ import annotations

import itertools
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

import orjson
import pytest

from tests.chaos.feed import Feed
from tests.chaos.sizes import time_limit
from tests.chaos.world import MEMBERSHIP, QUICK, QUIET
from tests.support.kafka.admin import Kafka
from tests.support.processes import Connector, Endpoint, wait_until
from tests.support.renamed import MENDED, OLD, configuration
from tests.support.traffic import (
    PARTITIONS,
    SENT_AT,
    Expected,
    dead_letters_in,
    first_acceptances,
    judge_events,
    judge_order,
    lag,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

    from tests.chaos.streams import Row
    from tests.support.kafka.broker import KafkaCluster

pytestmark = [pytest.mark.chaos, pytest.mark.integration]

SESSIONS = 60
LETTERS = 1_000  # fewer are written: dead_letter.flood.of_last, which is left as it is
KILLS = 2  # while it is found out: at each, what was not committed may be lettered once more, or beyond the hold
RATE = 100  # records a second, of each pipeline: a flood takes some seconds, for kills to come in between
FEW = 40  # records that are not committed when it is killed
HELD = "putevents_pipeline_held"


class TwoPipelines:
    """Two topics under traffic, an endpoint, and the members of one group."""

    def __init__(self, kafka: Kafka, folder: Path) -> None:
        self.kafka = kafka
        self.placed: dict[str, dict[tuple[int, int], Expected]] = {"web": {}, "shop": {}}
        self.members: list[Connector] = []
        self._folder = folder
        self._count = itertools.count(1)
        self._stack = ExitStack()
        self.topics = {name: kafka.create_topic(kafka.unique_name(name), PARTITIONS) for name in self.placed}
        self.topics["dead"] = kafka.create_topic(kafka.unique_name("dead"))
        self.endpoint = self._stack.enter_context(Endpoint(folder, "--ledger"))
        self.endpoint.control(**QUIET)
        self._numbers = {name: itertools.count() for name in self.placed}
        self._feeds: dict[str, Feed] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.write_no_more()
        finally:
            self._stack.close()

    def _rows(self, pipeline: str, field: str) -> Iterator[Row]:
        for number in self._numbers[pipeline]:
            session, item = f"{pipeline}-{number % SESSIONS}", f"item-{number % 97}"
            value = {"id": f"{pipeline}-{number:08}", "session": session, field: item, "at": SENT_AT}
            event = {"eventType": "View", "eventId": value["id"], "itemId": item, "sentAt": SENT_AT}
            yield session.encode(), orjson.dumps(value), Expected(session, {"user": None, "event": event}, None)

    def write(self, pipeline: str, field: str) -> None:
        """Traffic, from now on, with the product in this field."""
        placed = self.placed[pipeline]
        feed = Feed(self.kafka.bootstrap_servers, self.topics[pipeline], self._rows(pipeline, field), RATE, placed)
        self._feeds[pipeline] = feed
        feed.start()

    def rename(self) -> None:
        """Another release of the producer: what the one before has written is delivered before the first of its own."""
        self._feeds["web"].stop()
        self.wait(lambda: len(self.accepted("web")) == len(self.placed["web"]), "all of the old producer is delivered")
        self.write("web", "productId")

    def write_no_more(self) -> None:
        for feed in self._feeds.values():
            feed.stop()

    def join(self, item: str = OLD) -> Connector:
        """One more member, ready."""
        config = configuration(self.kafka, self.topics, self.endpoint.url, item, {})
        config["kafka"]["librdkafka"] = dict(MEMBERSHIP)
        config["delivery"] |= QUICK
        member = self._stack.enter_context(Connector(self._folder, config, f"member-{next(self._count)}"))
        self.members.append(member)
        member.wait_until_ready(60)
        return member

    def kill(self, member: Connector) -> None:
        self.members.remove(member)
        assert member.running(), member.logged()[-3000:]
        member.kill()

    def leave(self, member: Connector) -> None:
        self.members.remove(member)
        assert member.stop(30) == 0, member.logged()[-3000:]

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        wait_until(condition, 90, what, lambda: all(member.running() for member in self.members))

    def wait_until_held(self) -> None:
        """Wait until the pipeline is held by a member; others may have no partition of it."""
        self.wait(lambda: any(each.metric(HELD, pipeline="web") == 1 for each in self.members), "web is held")

    def accepted(self, pipeline: str) -> dict[str, dict[str, Any]]:
        """What was accepted of a pipeline, by event id, in the order of the first time."""
        found = first_acceptances(self.endpoint.accepted())
        return {event_id: row for event_id, row in found.items() if event_id.startswith(pipeline)}

    def wait_for_shop(self, events: int) -> None:
        """Wait until so many events more of the other pipeline are accepted."""
        target = len(self.accepted("shop")) + events
        self.wait(lambda: len(self.accepted("shop")) >= target, f"{events} more events of the other pipeline")

    def wait_for_letters(self, count: int) -> None:
        """Wait until so many are written, and nearly all that was done is committed."""
        self.wait(lambda: len(self.letters()) >= count, f"{count} letters")
        self.wait(lambda: 0 <= lag(self.kafka, self.topics["web"]) < FEW, "commits")

    def letters(self) -> Counter[tuple[str, int, int]]:
        """Of which record how many dead letters were written."""
        return Counter(
            (headers["putevents.source.topic"], int(headers["putevents.source.partition"]), offset_of(headers))
            for headers, _ in dead_letters_in(self.kafka, self.topics["dead"])
        )


def offset_of(headers: dict[str, str]) -> int:
    return int(headers["putevents.source.offset"])


@pytest.mark.timeout(time_limit(120, 900))
def test_a_renamed_field_under_kills_holds_its_pipeline_and_the_mended_mapping_delivers_all_of_it(
    brokers: KafkaCluster, tmp_path: Path, report: Callable[..., None]
) -> None:
    kafka = Kafka(brokers.bootstrap_servers, brokers.admin_servers)
    with TwoPipelines(kafka, tmp_path) as world:
        for pipeline in world.placed:
            world.write(pipeline, "product_id")
        world.join()
        world.wait_for_shop(200)
        world.rename()
        for number in range(1, KILLS + 1):
            world.wait_for_letters(number * LETTERS // (2 * KILLS + 1))
            world.kill(world.members[0])
            world.join()
        world.wait_until_held()
        letters = world.letters()
        world.wait_for_shop(300)
        move_partitions(world)
        assert world.letters() == letters, "none more by kills and moves while it is held"
        assert 0 < len(letters) < LETTERS
        for member in list(world.members):
            world.leave(member)
        world.join(MENDED)
        world.wait_for_shop(100)
        world.write_no_more()
        world.wait(lambda: lag(kafka, world.topics["web"]) == 0, "all of web is delivered")
        world.wait(lambda: len(world.accepted("shop")) == len(world.placed["shop"]), "all of shop is delivered")
        world.leave(world.members[0])
        judge(world, letters)
        report(
            kills=KILLS + 1,
            letters=len(letters),
            letter_repeats=letters.total() - len(letters),
            records=sum(map(len, world.placed.values())),
            accepted_again=world.endpoint.stats()["duplicates"],
        )


def move_partitions(world: TwoPipelines) -> None:
    """A second member comes and takes over when the first is killed; then a third one, and the second leaves."""
    for end in (world.kill, world.leave):
        first = world.members[0]
        world.join()
        end(first)
        world.wait_until_held()
        world.wait_for_shop(100)


def judge(world: TwoPipelines, letters: Counter[tuple[str, int, int]]) -> None:
    """Each record is an event or a letter; the other pipeline has no letters; sessions are in order.

    A record whose letter was written just before a kill, and whose commit was not, may be both: it was read again, and
    held. The letter's replay has the event's id, and so has no effect.
    """
    assert world.letters() == letters, "the mended mapping refuses nothing"
    assert {topic for topic, _, _ in letters} == {world.topics["web"]}
    buried = {(partition, offset) for _, partition, offset in letters}
    assert buried <= world.placed["web"].keys()
    for pipeline in ("web", "shop"):
        first, placed = world.accepted(pipeline), world.placed[pipeline]
        unread = buried if pipeline == "web" else set()
        delivered = {at: each for at, each in placed.items() if at not in unread or id_of(each) in first}
        judge_events(delivered, first)
        judge_order(delivered, first)


def id_of(expected: Expected) -> str:
    assert expected.event is not None
    return str(expected.event["event"]["eventId"])
