"""Numbers with their units, times, and what each state means, in words."""

import math
from collections.abc import Mapping, Sequence
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
        "A retry cannot help: change what the reason names, then restart. Nothing more is read, sent or committed, and "
        "nothing is lost: the next start continues where this one stopped.",
        "bad",
    ),
    Kind.STOPPING: Words(
        "Stopping", "What was read is delivered and committed as far as the time allows; then the process ends.", "warn"
    ),
    Kind.STALLED: Words(
        "Stalled",
        "The loop has not run for ten seconds. After a minute /livez fails, and the process is restarted.",
        "bad",
    ),
    Kind.CONNECTING: Words("Starting", "Waiting for a broker to answer, then checking that the topics exist.", "calm"),
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
        "The consumer group has not assigned partitions yet. If this lasts, look for Kafka errors in the log.",
        "calm",
    ),
    Kind.REJOINING: Words(
        "Rejoining the group",
        "The partitions were revoked, and the group has not assigned any since. If this lasts, look for Kafka errors "
        "in the log.",
        "warn",
    ),
    Kind.OUTAGE: Words(
        "Waiting: outage",
        "Amazon Personalize does not answer the calls that are named here. One call at a time probes it; delivery "
        "resumes with the first success. Calls that are not named go on.",
        "bad",
    ),
    Kind.REJECTIONS_HELD: Words(
        "Waiting: rejected events are held",
        "No call to this tracking id or dataset has succeeded yet, so it may be wrong. Check personalize.tracking_id "
        "or the dataset's ARN, and personalize.region. Nothing after these events is committed.",
        "bad",
    ),
    Kind.FAILING: Words(
        "Waiting for an accepted call",
        "No call was accepted for ten seconds: calls wait for a response, or fail and are retried. Nothing is lost.",
        "warn",
    ),
    Kind.PIPELINE_HELD: Words(
        "Held: nearly all records turned invalid",
        "The records of a pipeline became invalid for one cause, so nothing more of it is dead-lettered or committed. "
        "Other pipelines go on. Nothing is lost: mend its mapping, then restart.",
        "bad",
    ),
    Kind.REGISTRY_AWAY: Words(
        "Waiting: the schema registry does not answer",
        "Records whose schema is known are delivered. A record that needs an unknown schema waits, and its partition "
        "is paused until the registry answers. Nothing is lost or dead-lettered.",
        "warn",
    ),
    Kind.SCHEMA_AWAITED: Words(
        "Waiting for a schema",
        "The next record of some partitions needs a schema that is not fetched yet. They are paused until it is; the "
        "others go on. If this lasts, look for the schema registry in the log.",
        "warn",
    ),
    Kind.DATASET_BUSY: Words(
        "Waiting: a dataset is busy",
        "The service answers that the dataset is in use: it is being imported into, changed or deleted. One call at a "
        "time asks again, and delivery to it resumes by itself. Calls that are not named here go on.",
        "warn",
    ),
    Kind.LETTERS_WAIT: Words(
        "Waiting: dead letters are not acknowledged",
        "Their records stay uncommitted until the dead-letter topic takes them. Check that it exists and is writable.",
        "warn",
    ),
    Kind.OUTAGE_UNKNOWN: Words(
        "Unknown: outage or not",
        "The last calls failed, and nothing is left to send. The next call shows whether Amazon Personalize answers.",
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
        "No broker has reported the end of some partitions since they were assigned, so their lag is unknown.",
        "warn",
    ),
    Kind.THROTTLED: Words(
        "Throttled",
        "Calls go slower than configured, until the service's quota has room. Nothing is lost; lag may grow.",
        "warn",
    ),
    Kind.PAUSED: Words(
        "Paused for backpressure",
        "The buffer is full: records are read faster than they are delivered. Reading resumes when there is room.",
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


def schemas(names: Sequence[str]) -> str:
    """The schemas that are waited for: three by name, and how many more."""
    more = len(names) - 3
    return ", ".join(names[:3]) + (f" and {count(more)} more" if more > 0 else "")


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
