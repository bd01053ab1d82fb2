"""What the loop needs of Kafka and AWS, as Protocols.

kafka/source.py, aws/sender.py and kafka/dead_letters.py implement these, and so do the fakes of the tests. Nothing here
knows Kafka's client, AWS, or threads.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from connector.core.records import Record, Rejection, TopicPartition
from connector.core.sending.lanes import Batch
from connector.core.sending.offsets import OpenRecord
from connector.core.sending.outcomes import Fatal, Outcome

Offsets = Mapping[TopicPartition, int]
Notes = Mapping[TopicPartition, str]  # text that goes with the offset of a partition, and comes back after a restart
NO_NOTES: Notes = {}


class Polled(NamedTuple):
    """What one poll brought: records in the order of their partitions, and ends of partitions that were reached.

    ``notes``: of partitions that were assigned, what went with the group's last commit, once that is known; "" where
    nothing did.
    """

    records: Sequence[Record] = ()
    ends: Mapping[TopicPartition, int] = {}
    notes: Mapping[TopicPartition, str] = {}


class CallResult(NamedTuple):
    """How a call ended and how long it took, in seconds."""

    batch: Batch
    outcome: Outcome
    seconds: float


class Reach(NamedTuple):
    """Whether Kafka answers.

    ``away_since``: when a broker last answered, on the clock; None while one answers. ``cut_off``:
    partitions whose own broker does not answer while another does. ``topics``: whether there is any topic to read.
    ``trouble``: why there may be no partitions yet, in words that may be shown, "" where nothing is known of that: what
    the client said last, or the patterns that match nothing. ``gone``: topics that were read and do not exist any more.
    """

    away_since: float | None = None
    cut_off: frozenset[TopicPartition] = frozenset()
    topics: bool = True
    trouble: str = ""
    gone: tuple[str, ...] = ()


class Source(Protocol):
    """Where records come from. Its poll calls the loop's ``on_assign``, ``on_revoke`` and ``on_lost``."""

    def poll(self, limit: int, timeout: float) -> Polled:
        """Wait up to ``timeout`` seconds for a first record, then take up to ``limit`` without waiting."""

    def pause(self, topic_partitions: Collection[TopicPartition]) -> None:
        """Bring no more records of these."""

    def resume(self, topic_partitions: Collection[TopicPartition]) -> None:
        """Bring records of these again."""

    def commit(self, offsets: Mapping[TopicPartition, int], notes: Notes = NO_NOTES) -> bool:
        """Start a commit, with these notes; False where the one before has not ended."""

    def committed(self) -> Mapping[TopicPartition, int]:
        """What the broker has acknowledged since the last call."""

    def commit_now(self, offsets: Offsets, notes: Notes = NO_NOTES) -> Offsets:
        """Commit and wait; returns what the broker acknowledged. Never raises."""

    def end_offsets(self, topic_partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The end of each partition as last heard of, without asking."""

    def reach(self) -> Reach:
        """Whether Kafka answers, as far as is known without asking."""


class Sender(Protocol):
    """What carries batches to the service and brings back how that ended."""

    def submit(self, batch: Batch) -> None:
        """Send a batch, elsewhere."""

    def wait(self, timeout: float) -> Sequence[CallResult]:
        """The results that are there; waits up to ``timeout`` seconds for a first one."""


class DeadLetters(Protocol):
    """Where invalid records go."""

    def put(self, opened: OpenRecord, rejection: Rejection) -> None:
        """Write a record, with what is wrong with it; repeated until the broker has it."""

    def acknowledged(self) -> Sequence[tuple[OpenRecord, Rejection]]:
        """Those that the broker has acknowledged since the last call."""

    def pending(self) -> Collection[OpenRecord]:
        """Those that the broker does not have yet."""


class SchemaReach(NamedTuple):
    """Whether the schema registry answers.

    ``away_since``: when it last answered, on the clock; None while it answers or is not needed. ``trouble``: why, in
    words that may be shown. ``awaited``: the schemas that records wait for, by their names for people.
    """

    away_since: float | None = None
    trouble: str = ""
    awaited: tuple[str, ...] = ()


class SchemaFetcher(Protocol):
    """What fetches schemas elsewhere, while the records that need them wait."""

    def answers(self) -> int:
        """How many fetches have ended for good since the start: more than before means that records may go on.

        A fetch counts once its decoder, or its refusal, is there to be had. Counted sooner, the records that wait would
        be tried in vain, and nothing would try them again.
        """

    def refused(self) -> Fatal | None:
        """Why the registry will not serve this client until somebody changes something; None while it does."""

    def reach(self) -> SchemaReach:
        """Whether the registry answers."""


class Environment(NamedTuple):
    """Time and chance, so that a test can hold both.

    ``clock`` gives seconds that never go back, ``wall`` Unix seconds, ``chance`` numbers in [0, 1). ``rest`` lets so
    many seconds pass.
    """

    clock: Callable[[], float]
    wall: Callable[[], float]
    chance: Callable[[], float]
    rest: Callable[[float], None] = time.sleep


class Refused(Exception):
    """Kafka will not serve this client until somebody changes something: exit, and say what.

    ``code`` is the broker's or the client's own, ``advice`` what to do.
    """

    def __init__(self, code: str, detail: str, advice: str) -> None:
        super().__init__(f"{code}: {detail}; {advice}")
        self.code = code
        self.detail = detail
        self.advice = advice


class Unavailable(Exception):
    """Something that is needed at the start is not there; it may be later, without a change of the file."""
