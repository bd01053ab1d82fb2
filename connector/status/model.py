"""What the status page shows, as values that nobody changes once they are made.

That is why the loop's thread can hand them to the server's threads without a lock. Nothing here comes out of a record:
names are the configuration's, a message is one of ours, a place is topic, partition and offset.

Units: times in Unix seconds, durations in seconds, rates a second.
"""

from enum import StrEnum
from typing import NamedTuple

from connector.core.operations import PUT_EVENTS
from connector.core.records import Rejection, TopicPartition


class Facts(NamedTuple):
    """What does not change while the process runs. ``topics`` are names, or patterns that start with ^."""

    version: str
    config_hash: str
    group_id: str
    topics: tuple[str, ...]
    endpoint: str
    dead_letter_topic: str
    started: float
    ceiling: float  # PutEvents calls a second to each tracking id, as configured
    max_in_flight: int
    max_buffered_events: int
    rates: tuple[tuple[str, float], ...] = ()  # calls a second of each operation that rules use, as configured


class Kind(StrEnum):
    """What the process can be doing, the most serious first. Values are the JSON form's."""

    REFUSED = "refused"
    STOPPING = "stopping"
    STALLED = "stalled"
    CONNECTING = "connecting"
    KAFKA_AWAY = "kafka_away"
    NO_TOPICS = "no_topics"
    TOPICS_GONE = "topics_gone"
    STARTING = "starting"
    REJOINING = "rejoining"
    OUTAGE = "outage"
    REJECTIONS_HELD = "in_doubt"
    FAILING = "failing"
    PIPELINE_HELD = "pipeline_held"
    REGISTRY_AWAY = "schema_registry_away"
    SCHEMA_AWAITED = "schema_awaited"
    DATASET_BUSY = "dataset_busy"
    LETTERS_WAIT = "dead_letters_wait"
    OUTAGE_UNKNOWN = "outage_unknown"
    CUT_OFF = "partitions_cut_off"
    UNHEARD = "partitions_unheard"
    THROTTLED = "throttled"
    PAUSED = "paused"
    UNASSIGNED = "unassigned"
    DELIVERING = "delivering"
    IDLE = "idle"


class Condition(NamedTuple):
    """Something that holds, since when, and what makes it so; several can hold at once."""

    kind: Kind
    since: float
    detail: str = ""


class PartitionLag(NamedTuple):
    """How far behind one partition is; both numbers are None until its end was heard of.

    ``cut_off``: its broker does not answer, so these are the last known numbers. ``schema``: what it waits for, ""
    where it does not wait.
    """

    topic_partition: TopicPartition
    records: int | None
    seconds: float | None
    open_records: int
    paused: bool
    cut_off: bool = False
    schema: str = ""


class Registry(NamedTuple):
    """The schema registry, and what waits for it.

    ``away_since`` in Unix seconds, None while it answers; ``trouble``: why it does not. ``partitions`` and ``records``
    wait for ``schemas``, which are named for people.
    """

    away_since: float | None = None
    trouble: str = ""
    partitions: int = 0
    records: int = 0
    schemas: tuple[str, ...] = ()


class Lags(NamedTuple):
    """All partitions together, and the worst of them, the worst first.

    ``records`` and ``seconds`` are of those whose end is known, None where none is; ``unknown`` is how many are not.
    ``as_of``: these numbers were true then, and what they are now is not known; None where they are of this moment.
    """

    partitions: int = 0
    records: int | None = None
    seconds: float | None = None
    worst: tuple[PartitionLag, ...] = ()
    unknown: int = 0
    as_of: float | None = None


class Pacing(NamedTuple):
    """Calls of one operation to one tracking id or dataset.

    ``tracking_ids`` is more than one where those that come from records share a row; it counts datasets, too.
    ``calls`` a second of late, None before anything is known; ``limit`` is what is allowed now. ``operation`` is the
    one that metrics and rules name, such as ``put_items``.
    """

    name: str
    tracking_ids: int
    calls: float | None
    limit: float
    ceiling: float
    in_flight: int
    waiting: int
    held_count: int
    operation: str = PUT_EVENTS.action


class Point(NamedTuple):
    """One step of the history: rates over it, and latencies in it; None where there was no call or record."""

    at: float
    events: float
    calls: float
    call_median: float | None
    call_high: float | None
    freshness: float | None


class Letter(NamedTuple):
    """A dead letter that the broker has: where its record lies and what is wrong with it."""

    at: float
    topic_partition: TopicPartition
    offset: int
    rejection: Rejection


class Totals(NamedTuple):
    """Counts since the process began."""

    consumed: int = 0
    outcomes: tuple[tuple[str, int], ...] = ()  # records by what became of them
    delivered_events: int = 0
    rejected_events: int = 0
    calls: tuple[tuple[str, int], ...] = ()  # by status
    fill: tuple[int, ...] = ()  # calls that carried 1, 2, ... events


class View(NamedTuple):
    """Everything of one look. ``registry`` is None where no pipeline needs schemas.

    ``held``: of each pipeline that is held what is known of its flood, as pairs of a name and words.
    """

    facts: Facts
    at: float
    conditions: tuple[Condition, ...]
    lags: Lags
    pacing: tuple[Pacing, ...] = ()
    totals: Totals = Totals()
    history: tuple[Point, ...] = ()
    letters: tuple[Letter, ...] = ()
    letters_waiting: int = 0
    open_records: int = 0
    buffered_events: int = 0
    in_flight: int = 0
    registry: Registry | None = None
    held: tuple[tuple[tuple[str, str], ...], ...] = ()
