"""A schema registry that goes away and comes back, while members come and go and new schemas appear in the topic."""

from __future__ import annotations

import io
import itertools
import json
import random
from collections import Counter
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import fastavro
import pytest

from tests.chaos.sizes import scaled, time_limit
from tests.support.http_server import Request, Response
from tests.support.registry import Schemas, document, error, running_registry
from tests.support.traffic import SENT_AT, Expected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from tests.chaos.streams import Row
    from tests.chaos.world import World

pytestmark = [pytest.mark.chaos, pytest.mark.integration]

EACH = 150  # records of one schema; then the producer has a newer one
NEVER = 999_999  # an id that the registry never has
FIELDS = [{"name": name, "type": "string"} for name in ("id", "session", "item")]
BAD = 100  # one record in so many is no record of any schema
POISON = 130  # one in so many is refused by the service alone
PROXY = Response(404, (("Content-Type", "text/html"),), b"<html>no such host</html>")
GONE = Response(503, (("Connection", "close"),))  # of a connection that is still open when the process ends
# How a registry is away: nobody listens, it fails, it has too much to do, or something else answers in its place.
AWAY: Mapping[str, Callable[[Request], Response]] = {
    "gone": lambda _: GONE,
    "failing": lambda _: error(500, 50001),
    "unavailable": lambda _: error(503, 50302),
    "busy": lambda _: document({}, 429),
    "a proxy alone": lambda _: PROXY,
    "garbage": lambda _: Response(200, (("Content-Type", "application/json"),), b"<html>"),
}


def schema_of(number: int) -> dict[str, Any]:
    """Each newer schema has another field before the rest, so that no older one reads its records rightly."""
    version = {"name": f"version_{number}", "type": "long"}
    return {"type": "record", "name": "Click", "fields": [version, {"name": "at", "type": "long"}, *FIELDS]}


def framed(schema: int, payload: bytes) -> bytes:
    return b"\x00" + schema.to_bytes(4, "big") + payload


class Evolving:
    """A producer whose schema is a newer one every few records, each in the registry before its first record."""

    def __init__(self, schemas: Schemas, seed: int) -> None:
        self._schemas = schemas
        self._chance = random.Random(seed)

    def rows(self) -> Iterator[Row]:
        """Without end: good records, some bad ones and some that the service refuses."""
        for version in itertools.count(1):
            schema = schema_of(version)
            self._schemas.add(version, json.dumps(schema))
            parsed = fastavro.parse_schema(schema)
            for number in range(version * EACH, (version + 1) * EACH):
                yield self._row(number, version, parsed)

    def _row(self, number: int, version: int, parsed: Any) -> Row:
        session = f"session-{self._chance.randrange(200)}"
        poison = number % POISON == 2
        item = f"poison-{number}" if poison else f"item-{number % 97}"
        value = {f"version_{version}": number, "at": SENT_AT, "id": f"e{number}", "session": session, "item": item}
        into = io.BytesIO()
        fastavro.schemaless_writer(into, parsed, value)
        payload = into.getvalue()
        if number % BAD == 1:
            bad, reason = self._bad(number // BAD, version, payload)
            return session.encode(), bad, Expected(session, None, reason)
        event = {"eventType": "View", "eventId": value["id"], "itemId": item, "sentAt": SENT_AT}
        refused = "rejected_by_service" if poison else None
        expected = Expected(session, None if poison else {"user": None, "event": event}, refused)
        return session.encode(), framed(version, payload), expected

    def _bad(self, turn: int, version: int, payload: bytes) -> tuple[bytes, str]:
        kinds = [
            (framed(version, payload[:-3]), "not_avro"),
            (framed(NEVER, payload), "unknown_schema"),
            (b"{}", "not_framed"),
        ]
        return kinds[turn % len(kinds)]


@pytest.mark.timeout(time_limit(90, 600))
def test_a_registry_that_goes_away_and_comes_back_loses_nothing_while_members_come_and_go(
    make_world: Callable[..., World], chance: random.Random, report: Callable[..., None]
) -> None:
    outages = scaled(2, 20)
    others = [way for way in AWAY if way != "gone"]
    world = make_world()
    with Registry() as registry:
        read_avro(world, registry.url)
        world.feed(rate=200, records=Evolving(registry.schemas, world.seed).rows())
        for _ in range(2):
            world.join()
        world.wait_for_progress(200)
        for number in range(outages):
            with world.standstill():
                way = "gone" if number % 2 == 0 else chance.choice(others)
                registry.go_away(way)
                world.wait(lambda: waiting(world) > 0, 30, "partitions that wait for a schema")
                if way != "gone":  # where nobody listens, nobody counts
                    world.wait(partial(registry.was_asked, way), 60, "a request while it is away")
                change_members(world, chance, kill=number % 2 == 0)
                world.wait(lambda: waiting(world) > 0, 30, "partitions that wait, of the members that there are now")
                registry.come_back()
                world.wait_for_progress(200, seconds=90)
        figures = world.finish(seconds=150)
    report(outages=outages, **registry.asked, **figures._asdict())


class Registry:
    """One that a test sends away and calls back, at the same address."""

    def __init__(self) -> None:
        self.schemas = Schemas()
        self.asked: Counter[str] = Counter()  # requests while it was away, by how
        self._away: str | None = None
        self.schemas.fault = self._fault
        self._stack = ExitStack()
        server = self._stack.enter_context(running_registry(self.schemas))
        self.url, self._port = server.url, server.port

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _fault(self, request: Request) -> Response | None:
        away = self._away
        if away is None:
            return None
        self.asked[away] += 1
        return AWAY[away](request)

    def was_asked(self, how: str) -> bool:
        return self.asked[how] > 0

    def go_away(self, how: str) -> None:
        self._away = how
        if how == "gone":
            self._stack.close()

    def come_back(self) -> None:
        if self._away == "gone":
            self._stack.enter_context(running_registry(self.schemas, self._port))
        self._away = None


def read_avro(world: World, url: str) -> None:
    """Let the members read Avro, with the schemas of this registry."""
    pipeline = world.config["pipelines"][0]
    pipeline["value"] = {"format": "avro"}
    del pipeline["rules"][0]["put_events"]["userId"]
    world.config["schema_registry"] = {"url": url}


def change_members(world: World, chance: random.Random, *, kill: bool) -> None:
    """One ends, and another comes."""
    leaving = chance.choice(world.members)
    if kill:
        world.kill(leaving)
    else:
        assert world.leave(leaving) == 0
    world.join()


def waiting(world: World) -> float:
    """Partitions that wait for a schema, of all members."""
    listening = [member for member in world.members if member.port]
    return sum(member.metric("putevents_schema_waiting_partitions") for member in listening)
