"""The loop is never kept waiting, each schema is asked for once, and nothing becomes bad data in an outage."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from connector.core.formats.decoded import Decode, DecodingError, SchemaError, SchemaPending, Schemas
from connector.core.records import Reason
from connector.core.sending.outcomes import Fatal
from connector.metrics import Metrics
from connector.ports import SchemaFetcher, SchemaReach
from connector.registry import schemas
from connector.registry.answers import Answer, Away, Found, Missing, Origin, Request, Unusable
from connector.registry.fetching import CONFIRMATIONS, FIRST, LONGEST, SPACING, Fetching, Key, Publish
from connector.registry.schemas import FORGET, Registry
from tests.registry.support import FOUND, FakeOrigin, environment, text_of
from tests.support.fakes import Clock

KIND = "avro"
AWAY = Away(Request.CONNECTION, "refused: registry:8081 takes no connections")
MISSING = Missing("schema 7")
COMPILERS = {"avro": text_of, "protobuf": text_of}


class Room:
    """A registry whose thread is the test: ``go`` does all that is due by a time, moving the clock to it."""

    def __init__(self, *answers: Answer | Exception, chance: float = 1.0) -> None:
        self.clock = Clock()
        self.origin = FakeOrigin(*answers)  # type: ignore[arg-type]
        self.metrics = Metrics()
        self.registry = Registry(self.origin, self.metrics, environment(self.clock, lambda: chance), COMPILERS)

    def go(self, seconds: float = 0.0) -> None:
        until = self.clock.now + seconds
        for _ in range(10_000):
            left = self.registry._fetching.work()
            if left is None or self.clock.now + left > until:
                break
            self.clock.now += left
        self.clock.now = until

    def pending(self, schema: int = 7, kind: str = KIND) -> bool:
        try:
            self.registry.reader(schema, kind)
        except SchemaPending:
            return True
        return False

    def refusal(self, schema: int | str = 7, kind: str = KIND) -> tuple[Reason, str]:
        with pytest.raises(DecodingError) as caught:
            self.registry.reader(schema, kind)
        return caught.value.reason, caught.value.message


def test_the_first_record_of_a_schema_waits_and_those_after_it_do_not() -> None:
    room = Room(FOUND)
    with pytest.raises(SchemaPending, match="schema 7"):
        room.registry.reader(7, KIND)
    assert room.registry.answers() == 0
    room.go()
    assert room.registry.answers() == 1
    assert room.registry.reader(7, KIND)(b"payload") == "a schema: payload"
    assert room.origin.asked == [(7, KIND)]


def test_a_schema_is_asked_for_once_however_many_records_wait_for_it() -> None:
    room = Room(AWAY, FOUND)
    assert all(room.pending() for _ in range(100))
    room.go(10)
    assert not any(room.pending() for _ in range(100))
    assert len(room.origin.asked) == 2


def test_a_decoder_is_kept_for_ever() -> None:
    room = Room(FOUND, AWAY)
    room.pending()
    room.go()
    reader = room.registry.reader(7, KIND)
    room.clock.wait(10 * 365 * 86_400)
    assert room.registry.reader(7, KIND) is reader
    assert room.metrics.schemas_cached._value.get() == 1


def test_a_schema_is_missing_only_when_that_was_said_several_times() -> None:
    room = Room(MISSING)
    room.pending()
    for number, space in enumerate(SPACING):
        room.go()
        assert len(room.origin.asked) == number + 1
        assert room.pending()
        room.go(space - 0.01)
        assert len(room.origin.asked) == number + 1
        room.go(0.01)
    assert len(room.origin.asked) == CONFIRMATIONS
    reason, message = room.refusal()
    assert reason is Reason.UNKNOWN_SCHEMA
    assert message == "expected a schema that the registry has: it does not have schema 7"
    assert room.registry.answers() == 1


def test_an_id_that_no_registry_gives_is_told_what_it_may_be() -> None:
    room = Room(Missing("schema 0"))
    room.pending(0)
    room.go(sum(SPACING))
    assert room.refusal(0)[1].endswith("or one with an id of eight bytes, where four are expected")


def test_an_outage_between_two_confirmations_starts_them_anew() -> None:
    room = Room(MISSING, MISSING, AWAY, MISSING, MISSING, FOUND)
    room.pending()
    room.go(60)
    assert room.registry.reader(7, KIND)(b"x") == "a schema: x"


def test_a_missing_schema_is_asked_for_again_after_half_a_minute() -> None:
    room = Room(*[MISSING] * CONFIRMATIONS, FOUND)
    room.pending()
    room.go(sum(SPACING))
    room.clock.wait(FORGET - 0.01)
    assert room.refusal()[0] is Reason.UNKNOWN_SCHEMA
    room.clock.wait(0.01)
    assert room.pending()
    room.go()
    assert room.registry.reader(7, KIND)(b"x") == "a schema: x"


@pytest.mark.parametrize("request_", [each for each in Request if each is not Request.OK])
def test_an_outage_is_waited_for_however_long_it_lasts(request_: Request) -> None:
    room = Room(*[Away(request_, "why")] * 200, FOUND)
    room.pending()
    room.go(190 * LONGEST)
    assert room.pending()
    assert room.registry.answers() == 0
    assert room.registry.refused() is None
    room.go(20 * LONGEST)
    assert not room.pending()


def test_waits_double_up_to_twenty_seconds() -> None:
    room = Room(AWAY)
    room.pending()
    waits = []
    for _ in range(10):
        room.registry._fetching.work()
        left = room.registry._fetching.work()
        assert left is not None
        waits.append(round(left, 6))
        room.clock.wait(left)
    assert waits == [FIRST * 2**number for number in range(8)] + [LONGEST] * 2


def test_waits_have_full_jitter() -> None:
    room = Room(AWAY, chance=0.25)
    room.pending()
    room.registry._fetching.work()
    assert room.registry._fetching.work() == pytest.approx(FIRST / 4)


def test_the_wait_that_a_registry_asks_for_is_respected() -> None:
    room = Room(Away(Request.THROTTLED, "too many", 42.0), FOUND)
    room.pending()
    room.go(41.9)
    assert room.pending()
    room.go(0.1)
    assert not room.pending()


def test_one_schema_probes_a_silent_registry_for_all() -> None:
    room = Room(AWAY)
    for schema in range(100):
        assert room.pending(schema)
    room.go(100.0)
    assert len(room.origin.asked) < 20


def test_when_a_silent_registry_answers_again_nobody_waits_longer() -> None:
    room = Room(*[AWAY] * 12, FOUND)
    for schema in range(5):
        room.pending(schema)
    while len(room.origin.asked) < 13:
        room.go(1.0)
    assert not any(room.pending(schema) for schema in range(5))


def test_a_schema_that_the_registry_cannot_give_holds_up_no_other() -> None:
    class Picky(FakeOrigin):
        def fetch(self, schema: int | str, kind: str) -> Answer:
            super().fetch(schema, kind)
            return Away(Request.SERVER_ERROR, "HTTP 500") if schema == 1 else FOUND

    room = Room(FOUND)
    picky: Origin = Picky(FOUND)
    room.registry._fetching._origin = picky
    room.pending(1)
    room.go(30.0)
    room.pending(2)
    room.go(0.0)
    assert not room.pending(2)
    assert room.pending(1)


def test_a_refusal_is_kept_and_nothing_more_is_asked() -> None:
    fatal = Fatal("HTTP 401", "check schema_registry.auth")
    room = Room(fatal, FOUND)
    room.pending(7)
    room.pending(8)
    room.go(100)
    assert room.registry.refused() == fatal
    assert len(room.origin.asked) == 1
    assert room.registry.answers() == 0
    assert room.pending(7)


def test_a_schema_of_another_kind_names_the_kind() -> None:
    room = Room(Found("protobuf", "x"))
    room.pending()
    room.go()
    reason, message = room.refusal()
    assert reason is Reason.UNUSABLE_SCHEMA
    assert message == "expected schema 7 to be Avro, found Protobuf: set format to protobuf"


def test_a_schema_of_a_kind_that_nobody_knows_is_unusable() -> None:
    room = Room(Found("THRIFT", "x"))
    room.pending()
    room.go()
    assert room.refusal() == (
        Reason.UNUSABLE_SCHEMA,
        "expected schema 7 to be Avro, found of another type than Avro, Protobuf, JSON Schema",
    )


def test_what_a_compiler_refuses_is_unusable_for_ever() -> None:
    def refuse(_: Found) -> Decode:
        raise SchemaError("it nests too deep")

    room = Room(FOUND)
    room.registry._compilers = {"avro": refuse}
    room.pending()
    room.go()
    room.clock.wait(10 * FORGET)
    assert room.refusal() == (Reason.UNUSABLE_SCHEMA, "expected a schema that can be used: schema 7: it nests too deep")


@pytest.mark.parametrize("error", [RecursionError(), MemoryError(), KeyError("hunter2")])
def test_a_compiler_that_breaks_ends_neither_the_thread_nor_the_record(error: Exception) -> None:
    def breaks(_: Found) -> Decode:
        raise error

    room = Room(FOUND)
    room.registry._compilers = {"avro": breaks}
    room.pending()
    with capture_logs():
        room.go()
    reason, message = room.refusal()
    assert reason is Reason.UNUSABLE_SCHEMA
    assert message == f"schema 7 could not be compiled ({type(error).__name__})"


def test_a_fault_of_this_machine_makes_no_bad_data_of_a_schema_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = iter([OSError(28, "No space left on device"), OSError("protoc was ended by signal 9")])

    def compile_schema(found: Found) -> Decode:
        if (fault := next(faults, None)) is not None:
            raise fault
        return text_of(found)

    monkeypatch.setitem(COMPILERS, KIND, compile_schema)
    room = Room(FOUND, FOUND, FOUND)
    room.pending()
    troubles = []
    for _ in range(2):
        left = room.registry._fetching.work()
        troubles.append(room.registry.reach().trouble)
        assert left == 0.0
        assert room.pending()
        room.clock.now += LONGEST
    assert troubles == [
        "schema 7 is there, and could not be compiled on this machine: No space left on device",
        "schema 7 is there, and could not be compiled on this machine: protoc was ended by signal 9",
    ]
    room.go()
    assert not room.pending()
    assert room.registry.reach().away_since is None


def test_what_the_registry_calls_unusable_is() -> None:
    room = Room(Unusable("schema 7 failed"))
    room.pending()
    room.go()
    assert room.refusal() == (Reason.UNUSABLE_SCHEMA, "schema 7 failed")


def test_a_frame_of_another_registry_is_refused_without_asking() -> None:
    room = Room(FOUND)
    assert room.refusal("a-b-c") == (Reason.NOT_FRAMED, "of another registry")
    room.go(10)
    assert room.origin.asked == []


def test_an_unexpected_exception_is_an_outage() -> None:
    room = Room(ZeroDivisionError("hunter2"), FOUND)
    room.pending()
    with capture_logs() as logs:
        room.go(10)
    assert not room.pending()
    assert "hunter2" not in str([{**line, "exc_info": None} for line in logs])


def test_reach_names_what_is_awaited_and_why() -> None:
    room = Room(AWAY, AWAY, FOUND)
    assert room.registry.reach() == (None, "", ())
    room.pending(7)
    assert room.registry.reach() == (None, "", ("schema 7",))
    began = room.clock.now
    room.go()
    room.pending(8)
    assert room.registry.reach() == (began, AWAY.detail, ("schema 7", "schema 8"))
    room.go(60)
    assert room.registry.reach() == (None, "", ())


def test_an_outage_is_logged_when_it_begins_and_when_it_ends() -> None:
    room = Room(*[AWAY] * 50, FOUND)
    room.pending()
    with capture_logs() as logs:
        room.go(50 * LONGEST)
    assert [line["event"].partition(":")[0] for line in logs] == [
        "the schema registry does not answer",
        "schema fetched",
        "the schema registry answers again",
    ]
    assert logs[0]["trouble"] == AWAY.detail


def test_a_flood_of_unknown_schemas_takes_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "_MOST_REFUSALS", 10)
    room = Room(MISSING)
    for schema in range(100):
        room.pending(schema)
        room.go(sum(SPACING))
        assert room.refusal(schema)[0] is Reason.UNKNOWN_SCHEMA
    assert len(room.registry._refusals) <= 10


def test_a_schema_that_is_there_does_not_wait_for_others_to_be_confirmed_as_missing() -> None:
    room = Room(*[MISSING] * 40, FOUND, MISSING)
    for schema in range(100, 120):
        room.pending(schema)
    room.go()
    assert len(room.origin.asked) == 20
    room.clock.now += SPACING[0]  # all of them may be asked for again
    for schema in range(120, 140):
        room.pending(schema)
    room.pending(7)
    room.go()
    assert room.origin.asked[40] == (7, KIND)
    assert not room.pending(7)


def test_many_missing_schemas_are_confirmed_in_the_time_of_one() -> None:
    room = Room(MISSING)
    for schema in range(30):
        room.pending(schema)
    room.go(sum(SPACING))
    assert all(room.refusal(schema)[0] is Reason.UNKNOWN_SCHEMA for schema in range(30))


def test_connections_rest_when_nothing_is_wanted() -> None:
    room = Room(FOUND)
    room.pending()
    room.go()
    assert room.origin.rests == 1


@given(st.lists(st.sampled_from(["away", "missing", "late"]), max_size=12), st.integers(1, 4))
def test_a_schema_that_is_there_in_the_end_is_found_unless_its_absence_was_confirmed(
    said: list[str], many: int
) -> None:
    """No sequence of outages and doubts ends in bad data but ``CONFIRMATIONS`` in a row, and none is asked for ever."""
    kinds: dict[str, Answer] = {"away": AWAY, "missing": MISSING, "late": Away(Request.SERVER_ERROR, "HTTP 500")}
    room = Room(*[kinds[each] for each in said], FOUND)
    for schema in range(many):
        room.pending(schema)
    if many == 1 and "missing missing missing" not in " ".join(said):
        room.go(2_000)
        assert room.registry.reader(0, KIND)(b"x") == "a schema: x"
    else:
        room.go(2_000)
        assert room.registry.answers() == many
        assert room.registry.reach().awaited == ()


# -- the thread


def started(origin: Origin) -> Registry:
    clock = Clock()
    registry = Registry(origin, Metrics(), environment(clock, lambda: 0.0), COMPILERS)
    registry.start()
    return registry


def test_the_thread_fetches_what_a_reader_wants() -> None:
    registry = started(FakeOrigin(AWAY, AWAY, FOUND))
    try:
        with pytest.raises(SchemaPending):
            registry.reader(7, KIND)
        assert registry.wait(0, 30)
        assert registry.reader(7, KIND)(b"x") == "a schema: x"
    finally:
        registry.close(30)
    assert not registry._fetching._thread.is_alive()


def test_the_reader_never_waits_for_a_request() -> None:
    class Slow(FakeOrigin):
        def __init__(self) -> None:
            super().__init__(FOUND)
            self.begun, self.answer = threading.Event(), threading.Event()

        def fetch(self, schema: int | str, kind: str) -> Answer:
            self.begun.set()
            assert self.answer.wait(30)
            return super().fetch(schema, kind)

    slow = Slow()
    registry = started(slow)
    try:
        with pytest.raises(SchemaPending):
            registry.reader(7, KIND)
        assert slow.begun.wait(30)
        for _ in range(3):  # with the request on its way
            with pytest.raises(SchemaPending):
                registry.reader(7, KIND)
        assert registry.reach().awaited == ("schema 7",)
        assert not registry.wait(0, 0.0)
        slow.answer.set()
        assert registry.wait(0, 30)
        assert slow.asked == [(7, KIND)]
    finally:
        slow.answer.set()
        registry.close(30)


def test_who_waits_is_woken_by_a_refusal() -> None:
    registry = started(FakeOrigin(Fatal("HTTP 403", "grant it")))
    try:
        with pytest.raises(SchemaPending):
            registry.reader(7, KIND)
        assert registry.wait(0, 30)
        assert registry.refused() == Fatal("HTTP 403", "grant it")
    finally:
        registry.close(30)


def test_the_thread_survives_a_mistake_of_ours() -> None:
    failed, settled = threading.Event(), threading.Event()

    def settle(key: Key, _: Found | Missing | Unusable | None) -> Publish:
        if not failed.is_set():
            failed.set()
            raise ZeroDivisionError
        return settled.set if key == (8, KIND) else lambda: None

    fetching = Fetching(FakeOrigin(FOUND), settle, environment(Clock()))
    fetching.start()
    try:
        fetching.want((7, KIND))
        assert failed.wait(30)
        fetching.want((8, KIND))
        assert settled.wait(30)
    finally:
        fetching.close(30)


def test_a_registry_that_was_never_started_can_be_closed() -> None:
    Registry(FakeOrigin(FOUND), Metrics(), environment(Clock()), COMPILERS).close(0)


def test_it_is_what_the_loop_and_the_decoders_ask_for() -> None:
    registry = Registry(FakeOrigin(FOUND), Metrics(), environment(Clock()), COMPILERS)
    fetcher: SchemaFetcher = registry
    schemas_: Schemas = registry
    assert fetcher.answers() == 0
    assert fetcher.refused() is None
    assert fetcher.reach() == SchemaReach()
    with pytest.raises(SchemaPending):
        schemas_.reader(7, KIND)


def test_the_thread_is_a_daemon_with_a_name() -> None:
    thread = Fetching(FakeOrigin(FOUND), lambda *_: lambda: None, environment(Clock()))._thread
    assert thread.daemon
    assert thread.name == "schemas"
