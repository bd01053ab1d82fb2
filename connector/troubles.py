"""Throttling, outages and doubts of each destination become log lines: one when it begins, one when it ends.

A destination is one operation's calls to one tracking id or dataset. Each has its own troubles, and every line names
both, so that a busy items dataset does not read as if clicks stood still.
"""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

import structlog

from connector.core.operations import Operation
from connector.core.sending.destination import Destination
from connector.logs import LogLimiter

log = structlog.get_logger()

OUTAGE: Final = "outage: Amazon Personalize does not answer; nothing is lost, one call at a time asks again"
BUSY: Final = "a dataset is busy and takes nothing; nothing is lost, one call at a time asks again"
HELD_EVENTS: Final = "rejected events are held: no call to this tracking id has succeeded yet, so it may be wrong"
HELD_ENTRIES: Final = "rejected entries are held: no call to this dataset has succeeded yet, so it may be wrong"

Key = tuple[Operation, str]  # the operation and the target


class Out(NamedTuple):
    """An outage: since when, when a call last failed, and whether nothing was left to send since then.

    ``busy``: the service answers, but the dataset is in use.
    """

    since: float
    failed_at: float
    unknown: bool = False
    busy: bool = False


class Troubles:
    """Remembers what it has said of each destination. ``limiter`` bounds what may repeat."""

    def __init__(self, limiter: LogLimiter) -> None:
        self._limiter = limiter
        self._throttled: dict[Key, float] = {}  # since when
        self._outages: dict[Key, Out] = {}

    def look(self, destinations: Collection[Destination], now: float) -> None:
        """Log what has begun and what has ended since the last look."""
        for destination in destinations:
            destination.limiter.advance(now)  # an idle destination's rate recovers too, though nothing asks for it
            self._note_throttling(destination, now)
            self._note_outage(destination, now)
            self._note_held(destination)
        there = {_key(destination) for destination in destinations}
        self._throttled = {key: since for key, since in self._throttled.items() if key in there}
        self._outages = {key: out for key, out in self._outages.items() if key in there}

    def _note_held(self, destination: Destination) -> None:
        held = 0 if destination.proven else destination.held_count
        if held and self._limiter.allow(("held", destination.operation.action, destination.target)):
            of = destination.operation
            log.warning(
                HELD_EVENTS if of.target == "trackingId" else HELD_ENTRIES,
                **_about(destination),
                events=held,
                what_to_do=f"check personalize.{of.setting} and personalize.region; nothing after these is committed",
            )

    def _note_outage(self, destination: Destination, now: float) -> None:
        before = self._outages.pop(_key(destination), None)
        if destination.breaker.since is None:
            if before is not None:
                _report_end(destination, before, now)
            return
        if before is None:
            said = BUSY if destination.busy else OUTAGE
            log.warning(said, **_about(destination), last_failure=destination.last_failure)
            before = Out(destination.breaker.since, destination.failed_at, busy=destination.busy)
        known = not before.unknown or destination.failed_at > before.failed_at
        if known and destination.outage_unknown:
            log.info(
                "outage: nothing is left to send, so whether it lasts is unknown until the next call",
                **_about(destination),
                after_seconds=round(now - before.since, 1),
            )
        unknown = destination.outage_unknown or not known
        self._outages[_key(destination)] = Out(before.since, destination.failed_at, unknown, before.busy)

    def _note_throttling(self, destination: Destination, now: float) -> None:
        throttled, since = destination.limiter.throttled, self._throttled.get(_key(destination))
        if throttled and since is None:
            self._throttled[_key(destination)] = now
            rate = round(destination.limiter.rate, 1)
            log.warning(
                "throttled: calls go slower until the quota has room", **_about(destination), calls_a_second=rate
            )
        elif not throttled and since is not None:
            del self._throttled[_key(destination)]
            log.info("throttling has ended", **_about(destination), after_seconds=round(now - since, 1))


def _key(destination: Destination) -> Key:
    return destination.operation, destination.target


def _about(destination: Destination) -> Mapping[str, str]:
    """Which calls a line is about: the operation as metrics name it, and the tracking id or the dataset."""
    of = destination.operation
    return {"operation": of.action, "tracking_id" if of.target == "trackingId" else "dataset": destination.name}


def _report_end(destination: Destination, out: Out, now: float) -> None:
    """Log how long it lasted, or between which bounds: while nothing is sent, an outage may end unseen."""
    most = round(now - out.since, 1)
    if not out.unknown:
        said = "the dataset takes entries again" if out.busy else "outage has ended"
        log.info(said, **_about(destination), after_seconds=most)
        return
    log.info(
        "outage has ended, at some time while nothing was sent",
        **_about(destination),
        at_least_seconds=round(out.failed_at - out.since, 1),
        at_most_seconds=most,
    )
