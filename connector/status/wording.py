"""Numbers with their units, times, and what each state means, in words."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from connector.status.model import Kind

NOTHING = "–"  # noqa: RUF001  a dash for what is not known
Tone = Literal["good", "calm", "warn", "bad"]


class Words(NamedTuple):
    """A state's name, what it means (and asks for), and how worried to be."""

    title: str
    meaning: str
    tone: Tone


STATES: Mapping[Kind, Words] = {
    Kind.REFUSED: Words(
        "Stopped by refusal",
        "Only a change of the setup can mend what was refused. Nothing more is read, sent or committed, and nothing is "
        "lost: after the change, a new start goes on where this one stopped.",
        "bad",
    ),
    Kind.STOPPING: Words(
        "Stopping", "What was read is delivered and committed as far as the time allows; then the process ends.", "warn"
    ),
    Kind.STALLED: Words(
        "Stalled",
        "The loop has not turned for a while. If that lasts for a minute, /livez fails and the orchestrator restarts.",
        "bad",
    ),
    Kind.CONNECTING: Words(
        "Starting", "Waiting for a broker to answer, and making sure that the topics are there.", "calm"
    ),
    Kind.KAFKA_AWAY: Words(
        "Waiting: Kafka does not answer",
        "No broker answers. Nothing is read and nothing is committed until one does; what was read before can still be "
        "delivered. Nothing is lost. The lag is what was known last.",
        "bad",
    ),
    Kind.NO_TOPICS: Words(
        "Waiting for topics",
        "No topic matches the patterns of the pipelines, or this principal may not describe any that does. The process "
        "joins the group when one appears.",
        "warn",
    ),
    Kind.TOPICS_GONE: Words(
        "Source topics are gone",
        "Topics that were read do not exist any more, or may not be described. What was not delivered of a deleted "
        "topic is lost. Create them again, or correct pipelines[].topics.",
        "warn",
    ),
    Kind.STARTING: Words(
        "Joining the group",
        "The consumer group has not handed out partitions yet. If it lasts, look at the log for errors of Kafka.",
        "calm",
    ),
    Kind.REJOINING: Words(
        "Rejoining the group",
        "The partitions were given up, and the group has not handed out any since. If it lasts, look at the log for "
        "errors of Kafka.",
        "warn",
    ),
    Kind.OUTAGE: Words(
        "Waiting: outage",
        "Amazon Personalize does not answer. One call at a time asks again; delivery goes on with the first success.",
        "bad",
    ),
    Kind.IN_DOUBT: Words(
        "Waiting: rejected events are held",
        "No call to this tracking id has succeeded yet, so it may be wrong. Check personalize.tracking_id and "
        "personalize.region. Nothing after these events is committed.",
        "bad",
    ),
    Kind.FAILING: Words(
        "Waiting for an accepted call",
        "No call was accepted for a while: calls wait for an answer, or fail and are sent again. Nothing is lost.",
        "warn",
    ),
    Kind.LETTERS_WAIT: Words(
        "Waiting: dead letters are not acknowledged",
        "Their records stay uncommitted until the dead-letter topic takes them. Check that it exists and is writable.",
        "warn",
    ),
    Kind.UNSETTLED: Words(
        "Unknown: outage or not",
        "The last calls failed, and nothing is left to send. Whether Amazon Personalize answers by now shows the next "
        "call.",
        "warn",
    ),
    Kind.CUT_OFF: Words(
        "Waiting: some brokers do not answer",
        "Nothing is read of their partitions until they answer or other brokers take over. The lag of these partitions "
        "is what was known last.",
        "warn",
    ),
    Kind.UNHEARD: Words(
        "Waiting for partitions",
        "Nothing was heard of some partitions since they were assigned. How many records wait there is unknown.",
        "warn",
    ),
    Kind.THROTTLED: Words(
        "Throttled",
        "Calls go slower than configured, until the service's quota has room. Nothing is lost; lag may grow.",
        "warn",
    ),
    Kind.PAUSED: Words(
        "Paused for backpressure",
        "More was read than can be delivered. Reading goes on when there is room.",
        "warn",
    ),
    Kind.UNASSIGNED: Words(
        "Idle: no partitions",
        "The group has given this member none: it has more members than partitions, or the topics do not exist yet.",
        "calm",
    ),
    Kind.DELIVERING: Words(
        "Delivering", "Records are read, and their events are delivered as they become due.", "good"
    ),
    Kind.IDLE: Words("Idle: caught up", "Everything that was read is done with, and there is nothing to read.", "good"),
}


def count(value: float | None) -> str:
    """A whole number; beyond a million in millions."""
    if value is None:
        return NOTHING
    return f"{value / 1e6:,.2f} M" if value >= 1e7 else f"{value:,.0f}"


def rate(value: float | None) -> str:
    """So many a second."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}/s" if value >= 100 or value == int(value) else f"{value:.1f}/s"


def duration(seconds: float | None) -> str:
    """A length of time in its two largest units."""
    if seconds is None:
        return NOTHING
    if 0 < seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s".replace(".0", "")
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    for large, unit, small, part in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= large:
            rest = whole % large // small
            return f"{whole // large} {unit}" + (f" {rest} {part}" if rest else "")
    raise AssertionError("a minute is the least that is left")


def ago(seconds: float) -> str:
    """How long since something was; the page is made once a second, so no finer than that."""
    return duration(float(max(1, math.floor(seconds))))


def share(part: float, whole: float) -> str:
    """A part in per cent; less than all is not a hundred."""
    if not whole:
        return NOTHING
    percent = 100 * part / whole
    if 99.5 <= percent < 100:
        return f"{min(percent, 99.9):.1f} %"
    return f"{percent:.0f} %" if percent >= 10 or percent == int(percent) else f"{percent:.1f} %"


def plural(number: int, one: str, many: str) -> str:
    """The number with its noun."""
    return f"{count(number)} {one if number == 1 else many}"


def machine_time(at: float) -> str:
    """Unix seconds in ISO 8601, UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def clock_time(at: float, now: float) -> str:
    """The time of day, with the date where that is not today's."""
    then, today = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(now, UTC)
    return then.strftime("%H:%M:%S UTC" if then.date() == today.date() else "%Y-%m-%d %H:%M:%S UTC")
