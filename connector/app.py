"""The composition root and the life of the process: start, step until told to stop, drain, close.

The only module that may import everything. It reads top to bottom; what can go wrong ends in an exit code here.
"""

import faulthandler
import gc
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import structlog

from connector import __version__, logs
from connector.auth import Login
from connector.config import Config, Loaded
from connector.config.librdkafka import client_properties, for_consumer, for_producer
from connector.core.channel import Limits
from connector.core.flow import Bounds
from connector.core.specs import Const
from connector.core.transform import Router
from connector.dead_letters import KafkaDeadLetters
from connector.exits import Exit
from connector.loop import Loop, Settings
from connector.metrics import Metrics
from connector.personalize import Account, Calls, NotConfigured, Role, Wire
from connector.ports import Outside, Refused, Unavailable
from connector.server import Health, Server
from connector.source import KafkaSource
from connector.status import Answers, Board, CountedCalls, Facts
from connector.tracing import traced
from connector.watch import Watch

log = structlog.get_logger()

MAX_OPEN_BYTES = 64 * 1024 * 1024  # keys, values and headers of records in memory
STALLED = 60.0  # seconds without a step after which the process is not alive
RESERVE = 0.2  # of shutdown_timeout, for the last commit and leaving the group
TRACES = 2.0  # seconds for the last spans to leave, where there is as much
GRACE = 0.5  # seconds for the gentle way of ending a process that hangs
LEAST = 2.0  # seconds for those two, however short shutdown_timeout is
MAX_POLL_INTERVAL = 300_000  # ms, librdkafka's own default
ANEW = "new files"  # in place of a signal: the process is to begin anew


class Signals:
    """SIGTERM and SIGINT. The handler only notes: one that raises would destroy a fetched batch."""

    def __init__(self) -> None:
        self.received: str | None = None

    def stopping(self) -> bool:
        """Whether one has come."""
        return self.received is not None

    def begin_anew(self) -> None:
        """Stop as for a signal, then begin anew; a signal that comes after all only stops."""
        self.received = self.received or ANEW

    def install(self) -> None:
        """Listen from now on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def ignore(self) -> None:
        """All is done: a signal that comes now would only spoil the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self.received not in {None, ANEW}:
            # Whoever asks twice does not want to wait. What is lost is only work: nothing uncommitted is.
            os._exit(128 + number)
        self.received = signal.Signals(number).name


def run(loaded: Loaded) -> Exit:
    """Run the connector until a signal, or until something is wrong for good."""
    config = loaded.config
    logs.configure(config.log.level, config.log.format)
    signals = Signals()
    signals.install()
    metrics = Metrics()
    _initialise(metrics, loaded)
    try:
        code = _run(loaded, metrics, signals)
        return _begun_anew() if code is Exit.OK and signals.received == ANEW else code
    except Unavailable as error:
        log.error("cannot start", why=str(error))
        return Exit.UNAVAILABLE
    except NotConfigured as error:
        log.error("cannot start", why=str(error))
        return Exit.REFUSED
    except Refused as error:
        log.error("refused by Kafka", code=error.code, detail=error.detail, what_to_do=error.advice)
        return Exit.REFUSED
    except Exception as error:  # noqa: BLE001  whatever it is, it ends here
        # Where it happened, without its message: that may quote a record.
        places = traceback.format_tb(error.__traceback__)
        log.error("a bug of the connector; nothing undelivered was committed", kind=type(error).__name__, places=places)
        return Exit.BUG


def _begun_anew() -> Exit:
    """Replace this program by itself: the same process and arguments, and every file read again."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)  # what is ignored would stay so, in the new program, too
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  no shell is wanted
    return Exit.OK  # never: the line before does not return


def _run(loaded: Loaded, metrics: Metrics, signals: Signals) -> Exit:
    config = loaded.config
    outside = Outside(time.monotonic, time.time, random.random)
    properties = client_properties(config.kafka)
    topics = [topic for pipeline in config.pipelines for topic in pipeline.topics]
    wire = Wire(_account(config), config.delivery.request_timeout)
    login = Login(config.kafka, metrics, outside)
    source = KafkaSource(
        {**for_consumer(properties), **_group(config)},
        topics,
        metrics,
        make_consumer=login.consumer,
        excused=login.excused,
    )
    source.require(config.dead_letter.topic, stopping=signals.stopping)
    if signals.stopping():
        return Exit.OK
    dead_letters = KafkaDeadLetters(
        for_producer(properties),
        config.dead_letter.topic,
        connect_headers=config.dead_letter.connect_headers,
        group_id=config.kafka.group_id,
        metrics=metrics,
        make_producer=login.producer,
    )
    calls = Calls(wire)
    carrier, end_traces = traced(calls, wire.endpoint, wire.region, outside.wall)
    counted = CountedCalls(carrier)
    loop = Loop(source, counted, dead_letters, Router(loaded.pipelines), _settings(config), metrics, outside)
    facts = _facts(loaded, wire.endpoint, outside.wall())
    board = Board(facts, loop, counted.counts, dead_letters, metrics, outside, signals.stopping)
    watch = Watch(loop, source, metrics, outside, board.look)
    with _server(config, metrics, loop, Answers(board.view)) as server:
        log.info("started", port=server.port, endpoint=wire.endpoint, group=config.kafka.group_id, topics=topics)
        source.subscribe(loop)
        _spare_the_collector()
        timeout = config.delivery.shutdown_timeout
        try:
            while not signals.stopping() and loop.fatal is None:
                loop.step()
                watch.look()
                if login.outdated():
                    signals.begin_anew()
            seconds = max(LEAST, timeout)
            ends = outside.clock() + seconds
            with _in_time(seconds, loop, lambda: Exit.REFUSED if loop.fatal else Exit.OK):
                code = _stop(loop, timeout * (1 - RESERVE), signals)
                source.close()
                dead_letters.close(0)
                calls.close()
                end_traces(min(TRACES, ends - outside.clock() - GRACE))
        except Exception as error:
            ending = Exit.REFUSED if isinstance(error, Refused) else Exit.BUG
            loop.give_up()
            with _in_time(LEAST, loop, lambda: ending), suppress(RuntimeError):  # it may be closed already
                source.close()
            raise
    signals.ignore()
    log.info("stopped", exit_code=int(code))
    return code


def _spare_the_collector() -> None:
    """Records make no cycles; looking for some at every seven hundredth object is a fifth of the work, for nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _stop(loop: Loop, seconds: float, signals: Signals) -> Exit:
    if loop.fatal is None:
        log.info("stopping: delivering what is read", signal=signals.received)
        if not loop.drain(seconds) and loop.fatal is None:
            log.warning("not everything was delivered in time: what is left is read again at the next start")
    if loop.fatal is None:
        return Exit.OK
    log.error(
        "stopped by Amazon Personalize: nothing more is committed, nothing is lost",
        code=loop.fatal.code,
        what_to_do=loop.fatal.advice,
    )
    loop.give_up()
    return Exit.REFUSED


@contextmanager
def _in_time(seconds: float, loop: Loop, code: Callable[[], Exit]) -> Iterator[None]:
    """What runs in here ends after so many seconds, with the process if need be, and then with this exit code."""

    def end() -> None:
        log.warning(
            "time is up: the process ends in the middle of stopping; what is not committed is read again",
            after_seconds=seconds,
            unfinished_records=loop.offsets.open_records,
        )
        os._exit(code())

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    # The Kafka client has been seen to hang with the interpreter's lock in hand, where no thread of Python's ends
    # anything. This one is none; it writes where it hung, and its exit code is 1.
    faulthandler.dump_traceback_later(seconds + GRACE, exit=True)
    try:
        yield
    finally:
        timer.cancel()
        faulthandler.cancel_dump_traceback_later()


def _initialise(metrics: Metrics, loaded: Loaded) -> None:
    pipelines = loaded.config.pipelines
    names = [topic for pipeline in pipelines for topic in pipeline.topics if not topic.startswith("^")]
    metrics.initialise(names, [(pipeline.name, rule.name) for pipeline in pipelines for rule in pipeline.rules])
    metrics.config.info({"hash": loaded.hash})


def _group(config: Config) -> dict[str, str]:
    return {"group.id": config.kafka.group_id, "auto.offset.reset": config.kafka.auto_offset_reset}


def _account(config: Config) -> Account:
    personalize = config.personalize
    role = personalize.assume_role
    return Account(
        personalize.region,
        personalize.endpoint_url,
        None if role is None else Role(role.role_arn, role.external_id, role.session_name),
    )


def _configured_ids(config: Config) -> frozenset[str]:
    """Tracking ids that the file names; any other comes out of a record, and is data."""
    rules = [rule.put_events for pipeline in config.pipelines for rule in pipeline.rules]
    constants = [each.trackingId.const for each in rules if each is not None and isinstance(each.trackingId, Const)]
    return frozenset(map(str, constants)) | frozenset(filter(None, [config.personalize.tracking_id]))


def _settings(config: Config) -> Settings:
    delivery = config.delivery
    interval = float(config.kafka.librdkafka.get("max.poll.interval.ms", MAX_POLL_INTERVAL)) / 1000
    return Settings(
        limits=Limits(
            delivery.linger,
            delivery.requests_per_second,
            delivery.retry.initial,
            delivery.retry.maximum,
            delivery.stop_after_rejections,
            _configured_ids(config),
        ),
        max_in_flight=delivery.max_in_flight,
        bounds=Bounds(delivery.max_buffered_events, MAX_OPEN_BYTES, delivery.max_buffered_events),
        commit_interval=delivery.commit_interval,
        revoke_budget=min(10.0, interval / 5),
    )


def _facts(loaded: Loaded, endpoint: str, started: float) -> Facts:
    config = loaded.config
    return Facts(
        __version__,
        loaded.hash,
        config.kafka.group_id,
        tuple(topic for pipeline in config.pipelines for topic in pipeline.topics),
        endpoint,
        config.dead_letter.topic,
        started,
        config.delivery.requests_per_second,
        config.delivery.max_in_flight,
        config.delivery.max_buffered_events,
    )


@contextmanager
def _server(config: Config, metrics: Metrics, loop: Loop, home: Answers) -> Iterator[Server]:
    def alive() -> Health:
        silent = time.monotonic() - loop.ticked_at
        return Health(silent < STALLED, f"the loop turned {silent:.1f} s ago")

    def ready() -> Health:
        return Health(loop.joined, "in the consumer group" if loop.joined else "waiting to join the consumer group")

    try:
        server = Server(config.server.host, config.server.port, metrics.registry, alive, ready, home)
    except OSError as error:
        raise Unavailable(
            f"cannot listen on {config.server.host}:{config.server.port} ({error.strerror}): "
            "set server.port to a free one"
        ) from None
    try:
        yield server
    finally:
        server.close()
