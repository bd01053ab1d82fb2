"""The composition root and the life of the process: start, step until a signal, drain, close.

The only module that may import everything. It reads top to bottom; what can go wrong ends in an exit code here.
"""

import errno
import gc
import random
import socket
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

import structlog

from connector import logs
from connector.assembly import (
    account_of,
    beginnings_of,
    dead_letter_producer,
    facts_of,
    holding_of,
    kafka_source,
    loop_settings,
    operations_of,
    schema_registry,
    setup_of,
    topics_of,
)
from connector.aws.calls import EventsClient
from connector.aws.credentials import NotConfigured
from connector.aws.sender import SenderThread
from connector.config import Config, Loaded
from connector.core.mapping.transform import Router
from connector.ending import GRACE, Refusal, by_kafka, in_time, linger, refusal_of, reported, without_credentials
from connector.exits import Exit
from connector.holding import MEND
from connector.kafka.clients import ClientFactory
from connector.kafka.dead_letters import KafkaDeadLetters
from connector.kafka.source import KafkaSource
from connector.life import Life
from connector.loop import Loop
from connector.metrics import Metrics
from connector.ports import Environment, Refused, Unavailable
from connector.registry.schemas import Registry
from connector.server import Server
from connector.signals import RESTART, Signals, restarted
from connector.status import Answers, Board
from connector.tracing.setup import traced
from connector.watch import Watch

log = structlog.get_logger()

FLOODED = "stopped: nearly all records of a pipeline turned invalid for one cause"
NOT_YET = "not known yet"  # the endpoint, until AWS's configuration was looked at
RESERVE = 0.2  # of shutdown_timeout, for the last commit and leaving the group
TRACES = 2.0  # seconds for the last spans to leave, where there is as much
LEAST = 2.0  # seconds for those two, however short shutdown_timeout is
LISTENING: Final[Mapping[int, str]] = {
    errno.EADDRINUSE: "set server.port to a free one",
    errno.EADDRNOTAVAIL: "set server.host to an address of this machine",
    errno.EACCES: "set server.port to one above 1023",
    errno.EAFNOSUPPORT: 'this machine has no IPv6: set server.host to "*"',
    socket.EAI_NONAME: "set server.host to an address of this machine, or to a name that it knows",
}


def run(loaded: Loaded) -> Exit:
    """Run the connector until a signal, or until something is wrong for good."""
    config = loaded.config
    logs.configure(config.log.level, config.log.format)
    signals = Signals()
    signals.install()
    metrics = Metrics()
    _initialise(metrics, loaded)
    _warn(loaded)
    environment = Environment(time.monotonic, time.time, random.random)
    life = Life(facts_of(loaded, NOT_YET, environment.wall()), metrics, environment)
    try:
        with _server(config, metrics, life) as server:
            ended = _lived(loaded, metrics, signals, environment, life, server.port)
            if isinstance(ended, Refusal):
                linger(ended, config.server.linger_after_refusal, signals, environment.clock)
        if not isinstance(ended, Refusal) and signals.restart_wanted(ended):
            return restarted(signals)
    except Unavailable as error:
        log.error("cannot start", why=str(error))
        return Exit.UNAVAILABLE
    except Exception as error:  # noqa: BLE001  whatever it is, it ends here
        # Where it happened, without its message: that may quote a record.
        places = traceback.format_tb(error.__traceback__)
        log.error("a bug of the connector; nothing undelivered was committed", kind=type(error).__name__, places=places)
        return Exit.BUG
    signals.ignore()
    return reported(ended)


class Parts(NamedTuple):
    """What lives, and what is closed when it ends; ``shutdown_timeout`` is in seconds."""

    source: KafkaSource
    loop: Loop
    board: Board
    watch: Watch
    clients: ClientFactory
    dead_letters: KafkaDeadLetters
    registry: Registry | None
    calls: SenderThread
    end_traces: Callable[[float], None]
    clock: Callable[[], float]
    shutdown_timeout: float
    endpoint: str
    region: str


def _lived(
    loaded: Loaded, metrics: Metrics, signals: Signals, environment: Environment, life: Life, port: int
) -> Exit | Refusal:
    """Run the parts; the exit code, or the refusal that ended them."""
    try:
        parts = _parts(loaded, metrics, signals, environment)
        if parts is None:
            return Exit.OK
        life.runs(parts.loop, parts.board)
        kafka = loaded.config.kafka
        topics, setup = topics_of(loaded.config), setup_of(loaded, parts.region)
        log.info("started", port=port, endpoint=parts.endpoint, group=kafka.group_id, topics=topics, setup=setup)
        parts.source.subscribe(parts.loop)
        _spare_the_collector()
        return _live(parts, signals, life)
    except NotConfigured as error:
        refusal = without_credentials(error)
    except Refused as error:
        refusal = by_kafka(error)
    life.refused(refusal)
    return refusal


def _parts(loaded: Loaded, metrics: Metrics, signals: Signals, environment: Environment) -> Parts | None:
    """Put the parts together, once Kafka has answered; None where a signal came first."""
    config = loaded.config
    sink = EventsClient(account_of(config), config.delivery.request_timeout)
    clients = ClientFactory(config.kafka, metrics, environment)
    source = kafka_source(config, metrics, clients)
    try:
        source.require(config.dead_letter.topic, stopping=signals.stopping)
    except Refused:
        # The client must not retry a refused login while the process lingers: that can lock the account.
        with in_time(LEAST, lambda: Exit.REFUSED):
            source.close()
        raise
    if signals.stopping():
        return None
    dead_letters = dead_letter_producer(config, metrics, clients)
    calls = SenderThread(sink)
    carrier, end_traces = traced(calls, sink.endpoint, sink.region, environment.wall)
    registry = schema_registry(config, metrics, environment)
    router = Router(loaded.pipelines(registry), config.dead_letter.topic)
    settings, holding = loop_settings(loaded), holding_of(config, router)
    beginnings = beginnings_of(config)
    loop = Loop(source, carrier, dead_letters, router, settings, metrics, environment, registry, holding, beginnings)
    if registry is not None:
        registry.start()
    facts = facts_of(loaded, sink.endpoint, environment.wall())
    board = Board(facts, loop, source, dead_letters, metrics, environment, signals.stopping)
    watch = Watch(loop, source, metrics, environment, board.look)
    timeout = config.delivery.shutdown_timeout
    own = (source, loop, board, watch, clients, dead_letters, registry, calls, end_traces)
    return Parts(*own, environment.clock, timeout, sink.endpoint, sink.region)


def _live(parts: Parts, signals: Signals, life: Life) -> Exit | Refusal:
    """Step until a signal or a refusal, then stop in good order."""
    loop = parts.loop
    try:
        while not signals.stopping() and loop.fatal is None and loop.holding.stopped is None:
            loop.step()
            parts.watch.look()
            if parts.clients.restart_due():
                signals.begin_restart()
        return _end(parts, signals, life)
    except Exception as error:
        refusal = by_kafka(error) if isinstance(error, Refused) else None
        if refusal is not None:
            life.refused(refusal)
        loop.give_up()
        with in_time(LEAST, lambda: Exit.BUG if refusal is None else reported(refusal), loop), suppress(Exception):
            _close(parts, LEAST)  # some of it may be closed already
        raise


def _end(parts: Parts, signals: Signals, life: Life) -> Exit | Refusal:
    """Deliver what is read, commit, leave the group and close, in the time that there is."""
    loop, seconds = parts.loop, max(LEAST, parts.shutdown_timeout)
    ends = parts.clock() + seconds
    with in_time(seconds, lambda: _cut_short(loop, signals), loop):
        refusal = _stop(loop, parts.shutdown_timeout * (1 - RESERVE), signals)
        if refusal is not None:
            life.refused(refusal)
        _close(parts, ends - parts.clock())
    if refusal is not None:
        return refusal
    flooded = loop.holding.stopped
    if flooded is None:
        return Exit.OK
    log.error(FLOODED, **flooded.told(), what_to_do=MEND)
    return Exit.FLOOD


def _close(parts: Parts, seconds: float) -> None:
    ends = parts.clock() + seconds
    parts.source.close()
    parts.dead_letters.close(0)
    parts.calls.close()
    if parts.registry is not None:
        parts.registry.close(0)  # it only reads, so nothing is waited for
    parts.watch.closed()
    parts.end_traces(min(TRACES, ends - parts.clock() - GRACE))


def _cut_short(loop: Loop, signals: Signals) -> Exit:
    """The exit code where the time is up."""
    refusal = refusal_of(loop)
    if refusal is not None:
        return reported(refusal)
    # A restart was wanted, not an end: exit non-zero so that the supervisor restarts the process.
    return Exit.UNAVAILABLE if signals.received == RESTART else Exit.OK


def _spare_the_collector() -> None:
    """Collect garbage rarely: records make no cycles, and the default thresholds cost a fifth of the CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _stop(loop: Loop, seconds: float, signals: Signals) -> Refusal | None:
    if loop.fatal is None:
        log.info("stopping: delivering what is read", signal=signals.received)
        if not loop.drain(seconds) and loop.fatal is None:
            log.warning("not everything was delivered in time: what is left is read again at the next start")
    refusal = refusal_of(loop)
    if refusal is not None:
        loop.give_up()
    return refusal


def _initialise(metrics: Metrics, loaded: Loaded) -> None:
    pipelines = loaded.config.pipelines
    names = [topic for topic in topics_of(loaded.config) if not topic.startswith("^")]
    rules = [(pipeline.name, rule.name) for pipeline in pipelines for rule in pipeline.rules]
    metrics.initialise(names, rules, operations_of(pipelines))
    metrics.config.info({"hash": loaded.hash})


def _warn(loaded: Loaded) -> None:
    """What is valid and probably not meant; notes are for whoever writes the file."""
    for each in loaded.warnings:
        if each.severity == "warning":
            where = f"{each.file}:{each.line}:{each.column}"
            log.warning("check the configuration", where=where, why=each.message, what_to_do=each.hint)


@contextmanager
def _server(config: Config, metrics: Metrics, life: Life) -> Iterator[Server]:
    where = config.server
    try:
        server = Server(where.host, where.port, metrics.registry, life.alive, life.ready, Answers(life.view))
    except OSError as error:
        host = f"[{where.host}]" if ":" in where.host else where.host
        raise Unavailable(_not_listening(f"{host}:{where.port}", error)) from None
    log.info("listening", port=server.port)
    try:
        yield server
    finally:
        server.close()


def _not_listening(where: str, error: OSError) -> str:
    """The system's message, and what to do where that is known."""
    said = f"cannot listen on {where} ({error.strerror})"
    advice = LISTENING.get(error.errno or 0)
    return said if advice is None else f"{said}: {advice}"
